/** Live state of one image or snapshot. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import type { Target } from '../../core/journal/playbook.ts';
import type { ImageFacts } from './target.ts';

export const imageState = z.object({
  tags: z.record(z.string(), z.string()),
  /** Instances that run from it. */
  instances: z.array(z.string()),
});
export type ImageState = z.infer<typeof imageState>;

/** Returns the live tags; undefined when the image or snapshot does not exist any more. */
export async function tagsOf(aws: Aws, at: ImageFacts): Promise<Record<string, string> | undefined> {
  const { client, api } = await aws.ec2();
  try {
    const found =
      at.kind === 'image'
        ? (await client.send(new api.DescribeImagesCommand({ ImageIds: [at.id] }))).Images?.[0]
        : (await client.send(new api.DescribeSnapshotsCommand({ SnapshotIds: [at.id] }))).Snapshots?.[0];
    return found && Object.fromEntries((found.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
  } catch (error) {
    if (/^Invalid(AMIID|Snapshot)\.(NotFound|Unavailable)$/.test(awsErrorName(error) ?? '')) return undefined;
    throw error;
  }
}

/** Reads its tags and what runs from it. Throws ResourceNotFound when it is gone. */
export async function readImage(target: Target<ImageFacts>, aws: Aws): Promise<ImageState> {
  const at = target.facts;
  const tags = await tagsOf(aws, at);
  if (!tags) {
    throw new FirebreakError('ResourceNotFound', `the ${at.kind} does not exist any more`, {
      resource: target.display,
      next: 'See CloudTrail for who took it away, and look for copies in other Regions.',
    });
  }
  return { tags, instances: at.kind === 'image' ? await runningFrom(aws, at.id) : [] };
}

/** Returns the instances that were started from an image and are not terminated. */
async function runningFrom(aws: Aws, imageId: string): Promise<string[]> {
  const { client, api } = await aws.ec2();
  const ids: string[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new api.DescribeInstancesCommand({
        Filters: [
          { Name: 'image-id', Values: [imageId] },
          { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
        ],
        ...(token === undefined ? {} : { NextToken: token }),
      }),
    );
    token = page.NextToken;
    for (const { InstanceId } of (page.Reservations ?? []).flatMap(({ Instances }) => Instances ?? []))
      if (InstanceId) ids.push(InstanceId);
  } while (token !== undefined);
  return ids;
}

/** Images made of an instance carry what was on it: anyone who launches from one is infected again. */

import { isAccessDenied } from '../../core/errors.ts';
import type { StepContext } from '../../core/journal/playbook.ts';
import { allPages } from './aws-calls.ts';
import type { InstanceFacts } from './target.ts';

/** One line of remaining risk for the images made since the finding first saw the instance; none where there are none. */
export async function imagesMade({ aws, target }: StepContext<InstanceFacts>): Promise<readonly string[]> {
  const { firstSeen } = target.facts;
  if (!firstSeen) return [];
  const { client, api } = await aws.ec2();
  try {
    const images = await allPages(async (token) => {
      const page = await client.send(
        new api.DescribeImagesCommand({
          Owners: ['self'],
          Filters: [{ Name: 'source-instance-id', Values: [target.id] }],
          ...(token ? { NextToken: token } : {}),
        }),
      );
      return { items: page.Images, next: page.NextToken };
    });
    const made = images.filter(({ CreationDate }) => Date.parse(CreationDate ?? '') >= Date.parse(firstSeen));
    if (made.length === 0) return [];
    const ids = made.map(({ ImageId }) => ImageId ?? 'unknown').sort();
    return [
      `images made of it since ${firstSeen} carry what was on it: ${ids.join(', ')}; do not launch from them`,
    ];
  } catch (error) {
    if (!isAccessDenied(error)) throw error;
    return ['whether images were made of it may not be read'];
  }
}

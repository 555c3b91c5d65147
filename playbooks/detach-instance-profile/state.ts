/** Live state: the instance and the profile it gets its role from. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { allPages } from '../../core/aws/pages.ts';
import { FirebreakError } from '../../core/errors.ts';
import type { Target } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { describeInstance, isGone } from '../common/ec2/instance.ts';
import { roleOfProfile } from '../common/ec2/instance-role.ts';
import { replacementArn } from './settings.ts';

export const state = z.object({
  /** ARN of the instance profile; null where the instance has none. */
  profileArn: z.string().nullable(),
  /** Name of the role in the profile that policy.yml names; null where that profile or its role does not exist. */
  replacementRole: z.string().nullable().exactOptional(),
  tags: z.record(z.string(), z.string()),
});
export type State = z.infer<typeof state>;

/** Throws ResourceNotFound when the instance is gone. */
export async function read(target: Target, aws: Aws, settings: JsonObject = {}): Promise<State> {
  const there = aws.inRegion(target.region);
  const replacement = replacementArn(settings, target);
  const [instance, association, role] = await Promise.all([
    describeInstance(there, target.id),
    associationOf(there, target.id),
    replacement === null ? undefined : roleOfProfile(aws, replacement),
  ]);
  if (!instance || isGone(instance)) {
    throw new FirebreakError('ResourceNotFound', 'the instance does not exist any more', {
      resource: target.display,
      next: 'Revoke the sessions of its role; nothing gets new ones through this instance.',
    });
  }
  const tags = Object.fromEntries((instance.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
  return {
    profileArn: association?.arn ?? null,
    ...(replacement === null ? {} : { replacementRole: role?.roleName ?? null }),
    tags,
  };
}

/**
 * The association that hands out credentials, or is about to. One that is `disassociating` hands out no more
 * (EC2: IamInstanceProfileAssociation.State).
 */
export async function associationOf(
  aws: Aws,
  instanceId: string,
): Promise<{ readonly id: string; readonly arn: string } | undefined> {
  const { client, api } = await aws.ec2();
  const associations = await allPages(async (token) => {
    const page = await client.send(
      new api.DescribeIamInstanceProfileAssociationsCommand({
        Filters: [
          { Name: 'instance-id', Values: [instanceId] },
          { Name: 'state', Values: ['associating', 'associated'] },
        ],
        ...(token ? { NextToken: token } : {}),
      }),
    );
    return { items: page.IamInstanceProfileAssociations, next: page.NextToken };
  });
  const [found] = associations;
  const { AssociationId: id, IamInstanceProfile: profile } = found ?? {};
  return id && profile?.Arn ? { id, arn: profile.Arn } : undefined;
}

/** The instance profile of one instance. The value is its ARN, or null where there is none. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import type { StepContext } from '../../core/journal/playbook.ts';
import { roleOfProfile } from '../common/ec2/instance-role.ts';
import { onceVisible } from '../common/once-visible.ts';
import { cannotRestore, damaged, regionName, stepKind } from '../common/step-kind.ts';
import { replacementArn } from './settings.ts';
import { associationOf } from './state.ts';
import { facts } from './target.ts';

const args = z.object({
  instanceId: z.string(),
  region: regionName,
  /** ARN of the profile that takes its place; null: none does. */
  replacement: z.string().nullable(),
});

/**
 * Takes the profile away, or puts another in its place. Association ids change with every change, so they are read right
 * before. Returns false where the instance has none to replace.
 */
async function changeProfile(aws: Aws, instanceId: string, wanted: string | null): Promise<boolean> {
  const { client, api } = await aws.ec2();
  const live = await associationOf(aws, instanceId);
  if (!live) return wanted === null;
  await (wanted === null
    ? client.send(new api.DisassociateIamInstanceProfileCommand({ AssociationId: live.id }))
    : client.send(
        new api.ReplaceIamInstanceProfileAssociationCommand({
          AssociationId: live.id,
          IamInstanceProfile: { Arn: wanted },
        }),
      ));
  return true;
}

/** Gives an instance that has no profile this one. Only undo may. */
async function giveProfile(aws: Aws, instanceId: string, Arn: string): Promise<void> {
  const { client, api } = await aws.ec2();
  // The association that was taken away may be `disassociating` for some seconds more [M].
  await onceVisible(
    () =>
      client.send(
        new api.AssociateIamInstanceProfileCommand({ InstanceId: instanceId, IamInstanceProfile: { Arn } }),
      ),
    (error) => awsErrorName(error) === 'IncorrectState',
  );
}

const profile = stepKind(args, {
  value: z.string().nullable(),
  foreign({ instanceId, region }, { target }) {
    return instanceId === target.id && region === target.region
      ? undefined
      : `the instance is ${target.id} in ${target.region}, not ${instanceId} in ${region}`;
  },
  async read({ instanceId, region }, { aws }) {
    return { value: (await associationOf(aws.inRegion(region), instanceId))?.arn ?? null };
  },
  // An instance without a profile gives out no credentials: nothing takes the place of nothing.
  after: ({ replacement }, _context, before) => (before === null ? null : replacement),
  async apply({ instanceId, region, replacement }, { aws, target, settings = {} }) {
    if (replacement !== null && replacement !== replacementArn(settings, target))
      throw damaged(`policy.yml does not name ${replacement} as the replacement`, target.display);
    if (await changeProfile(aws.inRegion(region), instanceId, replacement)) return undefined;
    throw new FirebreakError('StepFailed', 'the instance profile was taken away meanwhile', {
      resource: instanceId,
      next: 'Nothing: an instance without a profile gives out no credentials.',
    });
  },
  async revert({ instanceId, region }, context, arn) {
    const { aws } = context;
    try {
      if (arn !== null) await mustBeOfTheSession(arn, context);
      const there = aws.inRegion(region);
      const changed = await changeProfile(there, instanceId, arn);
      if (!changed && arn !== null) await giveProfile(there, instanceId, arn);
      return 'reverted';
    } catch (error) {
      if (awsErrorName(error) === 'InvalidInstanceID.NotFound') return { kept: 'the instance is gone' };
      if (awsErrorName(error) !== 'InvalidParameterValue') throw error;
      throw cannotRestore(
        `EC2 does not take the instance profile ${arn}`,
        instanceId,
        'Create the profile again with its role, then press Undo again.',
        error,
      );
    }
  },
});

/**
 * The role of the profile is the one whose session the finding tells of: a record may name any profile, and with it a role
 * that the instance never had.
 */
async function mustBeOfTheSession(profileArn: string, { aws, target }: StepContext): Promise<void> {
  const role = await roleOfProfile(aws, profileArn);
  if (role !== undefined && role.roleId === facts.parse(target.facts).roleId) return;
  throw cannotRestore(
    role === undefined
      ? `the recorded instance profile ${profileArn} is gone or has no role`
      : `the recorded instance profile ${profileArn} does not have the role of the stolen session`,
    target.id,
    role === undefined
      ? 'Create the profile again with its role, then press Undo again.'
      : 'Compare it with CloudTrail (DisassociateIamInstanceProfile), then run aws ec2 associate-iam-instance-profile yourself.',
  );
}

export const KINDS = { profile };

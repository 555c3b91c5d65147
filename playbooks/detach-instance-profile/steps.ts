/** The instance profile of one instance. The value is its ARN, or null where there is none. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import { onceVisible } from '../common/once-visible.ts';
import { cannotRestore, stepKind } from '../common/step-kind.ts';
import { associationOf } from './state.ts';

const args = z.object({
  instanceId: z.string(),
  region: z.string(),
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
  async read({ instanceId, region }, { aws }) {
    return { value: (await associationOf(aws.inRegion(region), instanceId))?.arn ?? null };
  },
  // An instance without a profile gives out no credentials: nothing takes the place of nothing.
  after: ({ replacement }, _context, before) => (before === null ? null : replacement),
  async apply({ instanceId, region, replacement }, { aws }) {
    if (await changeProfile(aws.inRegion(region), instanceId, replacement)) return undefined;
    throw new FirebreakError('StepFailed', 'the instance profile was taken away meanwhile', {
      resource: instanceId,
      next: 'Nothing: an instance without a profile gives out no credentials.',
    });
  },
  async revert({ instanceId, region }, { aws }, before) {
    const arn = z.string().nullable().parse(before);
    try {
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

export const KINDS = { profile };

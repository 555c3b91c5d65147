/** The instance profile of one instance. The value is its ARN, or null where there is none. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName } from '../../core/errors.ts';
import { onceVisible } from '../common/once-visible.ts';
import { cannotRestore, stepKind } from '../common/step-kind.ts';
import { associationOf } from './state.ts';

const args = z.object({
  instanceId: z.string(),
  region: z.string(),
  /** ARN of the profile that takes its place; null: none does. */
  replacement: z.string().nullable(),
});

/** Association ids change with every change, so they are read right before. */
async function setProfile(aws: Aws, instanceId: string, wanted: string | null): Promise<void> {
  const { client, api } = await aws.ec2();
  const live = await associationOf(aws, instanceId);
  if (wanted === null) {
    if (live) await client.send(new api.DisassociateIamInstanceProfileCommand({ AssociationId: live.id }));
    return;
  }
  const IamInstanceProfile = { Arn: wanted };
  if (live) {
    await client.send(
      new api.ReplaceIamInstanceProfileAssociationCommand({ AssociationId: live.id, IamInstanceProfile }),
    );
    return;
  }
  // The association that was taken away may be `disassociating` for some seconds more [M].
  await onceVisible(
    () =>
      client.send(new api.AssociateIamInstanceProfileCommand({ InstanceId: instanceId, IamInstanceProfile })),
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
    await setProfile(aws.inRegion(region), instanceId, replacement);
    return undefined;
  },
  async revert({ instanceId, region }, { aws }, before) {
    const arn = z.string().nullable().parse(before);
    try {
      await setProfile(aws.inRegion(region), instanceId, arn);
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

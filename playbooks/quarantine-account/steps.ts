/** The step kind: the quarantine policy attached to the account. It is neither written nor deleted here. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import type { StepContext } from '../../core/journal/playbook.ts';
import { attachedTo, inManagement, policyNamed, setAttached } from '../common/organization/policies.ts';
import { exemptIn, QUARANTINE_POLICY } from '../common/organization/quarantine.ts';
import { cannotRestore, stepKind } from '../common/step-kind.ts';
import { managementOf } from './settings.ts';

/** Throws PolicyInvalid where policy.yml does not name the management account any more: records never say it. */
function there({ aws, settings = {} }: Pick<StepContext, 'aws' | 'settings'>): Aws {
  const management = managementOf(settings);
  if (management !== undefined) return inManagement(aws, management);
  throw new FirebreakError('PolicyInvalid', 'policy.yml does not name the management account', {
    resource: 'policy.yml: playbooks.quarantine-account.managementAccount',
    next: `Name it, or attach and detach ${QUARANTINE_POLICY} by hand in AWS Organizations.`,
  });
}

export const isQuarantined = async (context: Pick<StepContext, 'aws' | 'settings'>, account: string) =>
  (await attachedTo(there(context), account)).some(({ name }) => name === QUARANTINE_POLICY);

/** Returns the policy as it stands. Throws StepFailed where it is gone or is not the quarantine. */
export async function quarantinePolicy(context: Pick<StepContext, 'aws' | 'settings'>) {
  const found = await policyNamed(there(context), QUARANTINE_POLICY);
  if (found && exemptIn(found.content)) return found;
  throw new FirebreakError(
    'StepFailed',
    `${QUARANTINE_POLICY} is ${found ? 'not the policy that was deployed' : 'not there'}`,
    {
      resource: found?.arn ?? QUARANTINE_POLICY,
      next: 'Deploy deploy/generated/organization-policies.json again, and see CloudTrail for who changed it.',
    },
  );
}

const quarantine = stepKind(z.object({ account: z.string().regex(/^\d{12}$/) }), {
  value: z.boolean(),
  foreign: ({ account }, { target }) =>
    account === target.account ? undefined : `the account is ${target.account}, not ${account}`,
  read: async ({ account }, context) => ({ value: await isQuarantined(context, account) }),
  after: () => true,
  async apply({ account }, context) {
    const { id } = await quarantinePolicy(context);
    try {
      await setAttached(there(context), id, account, true);
      return undefined;
    } catch (error) {
      if (awsErrorName(error) !== 'ConstraintViolationException') throw error;
      throw new FirebreakError('StepFailed', 'no more policies can be attached to the account', {
        resource: account,
        next: `Detach one that the account can do without, or attach ${QUARANTINE_POLICY} to a unit that holds this account alone.`,
        cause: error,
      });
    }
  },
  async revert({ account }, context, before) {
    if (before) return { kept: `${QUARANTINE_POLICY} was attached before` };
    const found = await policyNamed(there(context), QUARANTINE_POLICY);
    // A policy that is attached cannot be deleted, so it was renamed.
    if (!found)
      throw cannotRestore(
        `${QUARANTINE_POLICY} has another name now`,
        account,
        'Detach it from the account by hand in AWS Organizations, or rename it and press Undo again.',
      );
    return (await setAttached(there(context), found.id, account, false)) ? 'reverted' : 'absent';
  },
});

export const KINDS = { 'account-policy': quarantine };

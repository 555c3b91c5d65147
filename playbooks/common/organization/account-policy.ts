/**
 * One service control policy that is deployed in advance, attached to the account of a target and detached again. It is
 * neither made, changed nor deleted here, and one of its name that says anything else is not attached.
 */
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { awsErrorName, FirebreakError } from '../../../core/errors.ts';
import type { Plan, Proof, StepContext, StepView, Target } from '../../../core/journal/playbook.ts';
import type { JsonObject } from '../../../core/json.ts';
import { protectedBy } from '../protected.ts';
import { cannotRestore, stepKind } from '../step-kind.ts';
import { attachedTo, inManagement, managementAccount, policyNamed, setAttached } from './policies.ts';

export interface AccountPolicy {
  /** No two policies of an organisation have the same. */
  readonly name: string;
  /** Whose settings in policy.yml name the management account. */
  readonly playbook: string;
  /** The template that makes it. */
  readonly template: string;
  /** The roles that the text exempts; undefined where it is not this policy. */
  exemptIn(text: string): readonly string[] | undefined;
}

/** The organisation's management account, in which deploy/generated/management-account.json is deployed. */
export const accountSettings = z.strictObject({ managementAccount });

/** Returns the management account; undefined where policy.yml does not name it. Throws PolicyInvalid. */
export function managementOf({ playbook }: AccountPolicy, settings: JsonObject = {}): string | undefined {
  const parsed = accountSettings.safeParse(settings);
  if (parsed.success) return parsed.data.managementAccount;
  throw new FirebreakError('PolicyInvalid', z.prettifyError(parsed.error), {
    resource: `policy.yml: playbooks.${playbook}`,
    next: 'Fix these settings in policy.yml.',
  });
}

export const accountState = z.object({
  /** Null: policy.yml does not name it, and nothing else was read. */
  management: z.string().nullable(),
  /** The account that Firebreak runs in. */
  hub: z.string(),
  name: z.string(),
  /** In Organizations. */
  arn: z.string(),
  policy: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('deployed'), arn: z.string(), exempt: z.array(z.string()) }),
    z.object({ kind: z.literal('missing') }),
    z.object({ kind: z.literal('another') }),
  ]),
  /** Names of the policies that are attached to the account itself. */
  attached: z.array(z.string()),
});
export type AccountState = z.infer<typeof accountState>;

/** Throws ResourceNotFound where the organisation does not have the account. */
export async function readAccount(
  policy: AccountPolicy,
  { account, display }: Target,
  aws: Aws,
  settings: JsonObject = {},
): Promise<AccountState> {
  const management = managementOf(policy, settings);
  const { account: hub } = aws.inAccount(undefined, aws.scope.region).scope;
  if (management === undefined)
    return {
      ...{ management: null, hub, name: '', arn: '' },
      ...{ policy: { kind: 'missing' }, attached: [] },
    };
  const there = inManagement(aws, management);
  const { client, api } = await there.organizations();
  try {
    const [{ Account }, found, attached] = await Promise.all([
      client.send(new api.DescribeAccountCommand({ AccountId: account })),
      policyNamed(there, policy.name),
      attachedTo(there, account),
    ]);
    const exempt = found && policy.exemptIn(found.content);
    return {
      ...{ management, hub, name: Account?.Name ?? '', arn: Account?.Arn ?? '' },
      policy: !found
        ? { kind: 'missing' }
        : exempt
          ? { kind: 'deployed', arn: found.arn, exempt: [...exempt] }
          : { kind: 'another' },
      attached: attached.map(({ name }) => name).sort(),
    };
  } catch (error) {
    if (!['AccountNotFoundException', 'TargetNotFoundException'].includes(awsErrorName(error) ?? ''))
      throw error;
    throw new FirebreakError(
      'ResourceNotFound',
      `the organisation of ${management} does not have the account`,
      {
        resource: display,
        next: `Check that playbooks.${policy.playbook}.managementAccount in policy.yml is the management account of its organization.`,
        cause: error,
      },
    );
  }
}

/** Of one sort, unless the quota was raised [M]. */
const MOST_POLICIES = 5;

/** Why the policy is not attached to the account; otherwise its ARN, what it exempts, and what an approver must know. */
export function judged(
  policy: AccountPolicy,
  live: AccountState,
  { account, display }: Target,
  protectedArns: readonly string[],
):
  | Extract<Plan, { kind: 'refused' }>
  | { readonly arn: string; readonly exempt: readonly string[]; readonly warnings: readonly string[] } {
  const refuse = (reason: string, alternative: string) => ({ kind: 'refused', reason, alternative }) as const;
  if (live.management === null)
    return refuse(
      'policy.yml does not name the management account',
      `Deploy deploy/generated/management-account.json there and set playbooks.${policy.playbook}.managementAccount.`,
    );
  if (account === live.management)
    return refuse(
      'it is the management account, which no service control policy binds',
      'Contain each identity in it; AWS Support can help where root is taken over.',
    );
  const pattern = protectedBy([account, display, live.arn], protectedArns);
  if (pattern !== undefined)
    return refuse(
      `the account is protected by policy.yml (protected: ${pattern})`,
      'Ask its owner; contain each identity in it.',
    );
  if (live.policy.kind !== 'deployed')
    return refuse(
      live.policy.kind === 'missing'
        ? `the organization has no policy ${policy.name}`
        : `${policy.name} is not the policy that was deployed: it may not let Firebreak back in`,
      `Deploy ${policy.template} in the management account, and see CloudTrail for who changed the policy.`,
    );
  const others = live.attached.filter((one) => one !== policy.name);
  return {
    arn: live.policy.arn,
    exempt: live.policy.exempt,
    warnings:
      others.length >= MOST_POLICIES
        ? [
            `${others.length} policies are attached already, and AWS takes ${MOST_POLICIES} unless the quota was raised`,
          ]
        : [],
  };
}

type Context = Pick<StepContext, 'aws' | 'settings'>;

/** Throws PolicyInvalid where policy.yml does not name the management account any more: records never say it. */
function there(policy: AccountPolicy, { aws, settings }: Context): Aws {
  const management = managementOf(policy, settings);
  if (management !== undefined) return inManagement(aws, management);
  throw new FirebreakError('PolicyInvalid', 'policy.yml does not name the management account', {
    resource: `policy.yml: playbooks.${policy.playbook}.managementAccount`,
    next: `Name it, or attach and detach ${policy.name} by hand in AWS Organizations.`,
  });
}

const isAttached = async (policy: AccountPolicy, context: Context, account: string) =>
  (await attachedTo(there(policy, context), account)).some(({ name }) => name === policy.name);

/** Returns the policy as it stands. Throws StepFailed where it is gone or is not the one that was deployed. */
async function deployedPolicy(policy: AccountPolicy, context: Context) {
  const found = await policyNamed(there(policy, context), policy.name);
  if (found && policy.exemptIn(found.content)) return found;
  throw new FirebreakError(
    'StepFailed',
    `${policy.name} is ${found ? 'not the policy that was deployed' : 'not there'}`,
    {
      resource: found?.arn ?? policy.name,
      next: `Deploy ${policy.template} again, and see CloudTrail for who changed it.`,
    },
  );
}

/** The proving read: the policy is attached, and says what was deployed. `denies`: what it does, in words. */
export async function proveAttached(
  policy: AccountPolicy,
  context: StepContext,
  steps: readonly Pick<StepView, 'status'>[],
  denies: (exempt: readonly string[]) => string,
): Promise<Proof> {
  const [attached, found] = await Promise.all([
    isAttached(policy, context, context.target.account),
    policyNamed(there(policy, context), policy.name),
  ]);
  const exempt = found && policy.exemptIn(found.content);
  const drifted = steps.some(({ status }) => status === 'drift');
  return {
    proven: steps.length > 0 && attached && exempt !== undefined,
    checks: [
      {
        id: 'attached',
        ok: attached,
        saw: `${policy.name} is ${attached ? 'attached to' : 'not attached to'} the account`,
      },
      {
        id: 'policy',
        ok: exempt !== undefined,
        saw: exempt ? denies(exempt) : `${policy.name} does not say what was deployed`,
      },
    ],
    residual: [],
    // A text that someone changed is not ours to write.
    next: attached || drifted ? 'final' : 'recontain',
  };
}

/** The step kind: the policy attached to the account of the target, or not. */
export const attachment = (policy: AccountPolicy) =>
  stepKind(z.object({ account: z.string().regex(/^\d{12}$/) }), {
    value: z.boolean(),
    foreign: ({ account }, { target }) =>
      account === target.account ? undefined : `the account is ${target.account}, not ${account}`,
    read: async ({ account }, context) => ({ value: await isAttached(policy, context, account) }),
    after: () => true,
    async apply({ account }, context) {
      const { id } = await deployedPolicy(policy, context);
      try {
        await setAttached(there(policy, context), id, account, true);
        return undefined;
      } catch (error) {
        if (awsErrorName(error) !== 'ConstraintViolationException') throw error;
        throw new FirebreakError('StepFailed', 'no more policies can be attached to the account', {
          resource: account,
          next: `Detach one that the account can do without, or attach ${policy.name} to a unit that holds this account alone.`,
          cause: error,
        });
      }
    },
    async revert({ account }, context, before) {
      if (before) return { kept: `${policy.name} was attached before` };
      const found = await policyNamed(there(policy, context), policy.name);
      // A policy that is attached cannot be deleted, so it was renamed.
      if (!found)
        throw cannotRestore(
          `${policy.name} has another name now`,
          account,
          'Detach it from the account by hand in AWS Organizations, or rename it and press Undo again.',
        );
      return (await setAttached(there(policy, context), found.id, account, false)) ? 'reverted' : 'absent';
    },
  });

/** A whole account is compromised: everyone in it is denied everything by a service control policy, Firebreak's roles excepted. */
import type { Finding } from '../../core/finding/finding.ts';
import {
  definePlaybook,
  type Plan,
  type PlanOptions,
  type Proof,
  type StepContext,
  type StepOf,
  type StepView,
  type StepViewOf,
  type Target,
  type TargetChoice,
  type UndoSafety,
} from '../../core/journal/playbook.ts';
import { READ_ORGANIZATION } from '../common/organization/policies.ts';
import { exemptIn, QUARANTINE_POLICY } from '../common/organization/quarantine.ts';
import { protectedBy } from '../common/protected.ts';
import { shortList } from '../common/short-list.ts';
import { type AccountState, accountOf, accountState, readAccount } from './account.ts';
import { managementOf, quarantineSettings } from './settings.ts';
import { isQuarantined, KINDS, quarantinePolicy } from './steps.ts';

const TEMPLATE = 'deploy/generated/management-account.json';
/** Of one sort, unless the quota was raised [M]. */
const MOST_POLICIES = 5;

/** Asked only where there is a way to do it. */
async function locate(
  finding: Finding,
  _aws: unknown,
  { settings = {} }: Partial<PlanOptions> = {},
): Promise<TargetChoice> {
  return managementOf(settings) === undefined
    ? {
        ok: false,
        reason:
          'policy.yml does not name the management account (playbooks.quarantine-account.managementAccount)',
      }
    : accountOf(finding);
}

const refuse = (reason: string, alternative: string): Plan<never> => ({
  kind: 'refused',
  reason,
  alternative,
});

function plan(
  live: AccountState,
  target: Target,
  { protectedArns }: PlanOptions,
): Plan<StepOf<typeof KINDS>> {
  const { account, display } = target;
  const { management, policy, attached, name } = live;
  if (management === null)
    return refuse(
      'policy.yml does not name the management account',
      `Deploy ${TEMPLATE} there and set playbooks.quarantine-account.managementAccount.`,
    );
  if (account === management)
    return refuse(
      'it is the management account, which no service control policy binds',
      'Contain each identity in it; AWS Support can help where root is taken over.',
    );
  if (account === live.hub)
    return refuse(
      'Firebreak runs in it, and would be cut off with it',
      'Contain each identity in it, or attach the policy by hand knowing that no finding is answered then.',
    );
  const pattern = protectedBy([account, display, live.arn], protectedArns);
  if (pattern !== undefined)
    return refuse(
      `the account is protected by policy.yml (protected: ${pattern})`,
      'Ask its owner; contain each identity in it.',
    );
  if (policy.kind === 'missing')
    return refuse(
      `the organization has no policy ${QUARANTINE_POLICY}`,
      'Deploy deploy/generated/organization-policies.json in the management account.',
    );
  if (policy.kind === 'another')
    return refuse(
      `${QUARANTINE_POLICY} is not the policy that was deployed: it may not let Firebreak back in`,
      'Deploy deploy/generated/organization-policies.json again, and see CloudTrail for who changed it.',
    );
  const others = attached.filter((one) => one !== QUARANTINE_POLICY);
  return {
    kind: 'plan',
    steps: [
      {
        id: 'quarantine',
        kind: 'account-policy',
        role: 'contain',
        describe: `Attach ${QUARANTINE_POLICY} to account ${account}: everyone in it is denied everything`,
        args: { account },
        before: attached.includes(QUARANTINE_POLICY),
        after: true,
      },
    ],
    blastRadius: {
      count: 1,
      unit: 'accounts',
      detail: [
        `${name} (${account}): applications, pipelines and people in it can call nothing of AWS any more`,
        `exempt: ${shortList(policy.exempt)}`,
      ],
    },
    warnings: [
      ...(others.length >= MOST_POLICIES
        ? [
            `${others.length} policies are attached already, and AWS takes ${MOST_POLICIES} unless the quota was raised`,
          ]
        : []),
    ],
    residual: [
      'service-linked roles go on, and so do principals of other accounts that resource policies of this account let in',
      'what runs in the account goes on running with its network: the policy ends its calls of AWS alone',
      'AWS enforces the policy within minutes, which no read of it shows',
      `sessions of the roles that the policy exempts: ${shortList(policy.exempt)}`,
    ],
    askBecause: ['everything in the account that calls AWS stops'],
    twoPeople: 'it cuts off a whole account',
    tags: {},
    arns: [display, live.arn, policy.arn],
  };
}

async function verify(context: StepContext, steps: readonly StepViewOf<typeof KINDS>[]): Promise<Proof> {
  const [attached, policy] = await Promise.all([
    isQuarantined(context, context.target.account),
    quarantinePolicy(context),
  ]);
  const exempt = exemptIn(policy.content) ?? [];
  const drifted = steps.some(({ status }) => status === 'drift');
  return {
    proven: steps.length > 0 && attached,
    checks: [
      {
        id: 'attached',
        ok: attached,
        saw: `${QUARANTINE_POLICY} is ${attached ? 'attached to' : 'not attached to'} the account`,
      },
      { id: 'policy', ok: true, saw: `it denies everything to all but ${shortList(exempt)}` },
    ],
    residual: [],
    next: attached || drifted ? 'final' : 'recontain',
  };
}

function undoSafety(steps: readonly StepView[]): UndoSafety {
  return steps.some(({ status }) => status === 'done')
    ? { safe: false, why: 'undo opens the account again to everyone who was in it, the attacker included' }
    : { safe: true, why: 'this incident did not attach the policy' };
}

const POLICY =
  'arn:${Partition}:organizations::${Account}:policy/*/service_control_policy/${QuarantinePolicy}';
const ACCOUNTS = 'arn:${Partition}:organizations::${Account}:account/*/*';

export const quarantineAccount = definePlaybook({
  id: 'quarantine-account',
  title: 'Quarantine an account',
  about: `
The service control policy \`${QUARANTINE_POLICY}\` of deploy/generated/organization-policies.json is attached to the account: everyone in
it is denied everything, root included, but Firebreak's two member roles and the break-glass role, so that Firebreak goes on
containing and undoing there. The policy itself is neither made, changed nor deleted, and a policy of that name that says anything else
is not attached.

**Asked where policy.yml wants it** (\`followUp: quarantine-account\`), **always by two people**: no policy lowers that, silence is not a yes,
and break-glass does not stand in for the second. Nothing is asked without \`playbooks.quarantine-account.managementAccount\`.

**Where**: in the management account, by the role of deploy/generated/management-account.json. It may attach and detach this one policy and
nothing else (docs/organizations.md).

**Refused**: the management account, which no service control policy binds; the account that Firebreak runs in; protected accounts.

**Proof**: the policy is attached, and says what was deployed. That it is enforced, AWS does not show: it takes minutes [M].

**Not contained**: service-linked roles; principals of other accounts that resource policies let in; connections of what runs in the account.

**Undo** detaches the policy, and asks a second person. One that was attached before stays.
`.trim(),
  handles: [],
  settings: quarantineSettings,
  reversible: { kind: 'fully' },
  permissions: {
    read: [READ_ORGANIZATION],
    write: [
      {
        in: 'management',
        actions: ['organizations:AttachPolicy'],
        resources: [POLICY, ACCOUNTS],
        why: 'attaches the quarantine',
        worst: 'cuts any member account off, but for the roles that the quarantine exempts',
      },
    ],
    undo: [
      {
        in: 'management',
        actions: ['organizations:DetachPolicy'],
        resources: [POLICY, ACCOUNTS],
        why: 'detaches the quarantine',
        worst: 'ends the quarantine of any account; no other policy can be detached',
      },
    ],
  },
  // AWS says nothing of how long it takes; minutes are reported.
  proofDelaySeconds: 60,
  state: accountState,
  targetOf: accountOf,
  locate,
  read: readAccount,
  plan,
  kinds: KINDS,
  verify,
  undoSafety,
});

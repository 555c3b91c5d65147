/** A whole account is compromised: everyone in it is denied everything by a service control policy, Firebreak's roles excepted. */

import { arn } from '../../core/aws/arn.ts';
import { iamHome } from '../../core/aws/regions.ts';
import type { Finding } from '../../core/finding/finding.ts';
import {
  definePlaybook,
  type Plan,
  type PlanOptions,
  type StepOf,
  type StepView,
  type Target,
  type TargetChoice,
  type UndoSafety,
} from '../../core/journal/playbook.ts';
import {
  type AccountPolicy,
  type AccountState,
  accountSettings,
  accountState,
  attachment,
  judged,
  managementOf,
  proveAttached,
  readAccount,
} from '../common/organization/account-policy.ts';
import { READ_ORGANIZATION } from '../common/organization/policies.ts';
import { exemptIn, QUARANTINE_POLICY } from '../common/organization/quarantine.ts';
import { shortList } from '../common/short-list.ts';

const QUARANTINE: AccountPolicy = {
  name: QUARANTINE_POLICY,
  playbook: 'quarantine-account',
  template: 'deploy/generated/organization-policies.json',
  exemptIn,
};
const KINDS = { 'account-policy': attachment(QUARANTINE) };

function accountOf(finding: Finding): TargetChoice {
  const { account } = finding;
  if (!/^\d{12}$/.test(account)) return { ok: false, reason: 'the finding does not name an account' };
  const scope = iamHome(finding);
  return {
    ok: true,
    target: {
      ...scope,
      ...{ kind: 'account', id: account, facts: {} },
      display: arn(scope, 'iam', 'root', { global: true }),
    },
  };
}

/** Asked only where there is a way to do it. */
async function locate(
  finding: Finding,
  _aws: unknown,
  { settings = {} }: Partial<PlanOptions> = {},
): Promise<TargetChoice> {
  return managementOf(QUARANTINE, settings) === undefined
    ? {
        ok: false,
        reason:
          'policy.yml does not name the management account (playbooks.quarantine-account.managementAccount)',
      }
    : accountOf(finding);
}

function plan(
  live: AccountState,
  target: Target,
  { protectedArns }: PlanOptions,
): Plan<StepOf<typeof KINDS>> {
  const { account, display } = target;
  if (account === live.hub && live.management !== null)
    return {
      kind: 'refused',
      reason: 'Firebreak runs in it, and would be cut off with it',
      alternative:
        'Contain each identity in it, or attach the policy by hand knowing that no finding is answered then.',
    };
  const found = judged(QUARANTINE, live, target, protectedArns);
  if ('kind' in found) return found;
  return {
    kind: 'plan',
    steps: [
      {
        id: 'quarantine',
        kind: 'account-policy',
        role: 'contain',
        describe: `Attach ${QUARANTINE_POLICY} to account ${account}: everyone in it is denied everything`,
        args: { account },
        before: live.attached.includes(QUARANTINE_POLICY),
        after: true,
      },
    ],
    blastRadius: {
      count: 1,
      unit: 'accounts',
      detail: [
        `${live.name} (${account}): applications, pipelines and people in it can call nothing of AWS any more`,
        `exempt: ${shortList(found.exempt)}`,
      ],
    },
    warnings: found.warnings,
    residual: [
      'service-linked roles go on, and so do principals of other accounts that resource policies of this account let in',
      'what runs in the account goes on running with its network: the policy ends its calls of AWS alone',
      'AWS enforces the policy within minutes, which no read of it shows',
      `sessions of the roles that the policy exempts: ${shortList(found.exempt)}`,
    ],
    askBecause: ['everything in the account that calls AWS stops'],
    twoPeople: 'it cuts off a whole account',
    tags: {},
    arns: [display, live.arn, found.arn],
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
  settings: accountSettings,
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
  read: (target, aws, settings) => readAccount(QUARANTINE, target, aws, settings),
  plan,
  kinds: KINDS,
  verify: (context, steps) =>
    proveAttached(
      QUARANTINE,
      context,
      steps,
      (exempt) => `it denies everything to all but ${shortList(exempt)}`,
    ),
  undoSafety,
});

/** The root user of a member account was used: it is denied everything by a service control policy. What it keeps is named. */
import { arn } from '../../core/aws/arn.ts';
import { awsCommand } from '../../core/aws/command-line.ts';
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
  proveAttached,
  readAccount,
} from '../common/organization/account-policy.ts';
import { DENIED_ROOT_POLICY, noRootIn } from '../common/organization/denied-root.ts';
import { READ_ORGANIZATION } from '../common/organization/policies.ts';

const NO_ROOT: AccountPolicy = {
  name: DENIED_ROOT_POLICY,
  playbook: 'deny-root',
  template: 'deploy/generated/management-account.json',
  exemptIn: noRootIn,
};
const KINDS = { 'root-policy': attachment(NO_ROOT) };

function rootOf(finding: Finding): TargetChoice {
  const { account, accessKey } = finding;
  if (accessKey?.userType !== 'Root') return { ok: false, reason: 'the principal is not a root user' };
  if (!/^\d{12}$/.test(account)) return { ok: false, reason: 'the finding does not name an account' };
  const scope = iamHome(finding);
  return {
    ok: true,
    target: {
      ...scope,
      ...{ kind: 'root-user', id: account, facts: {} },
      display: arn(scope, 'iam', 'root', { global: true }),
    },
  };
}

/** Deletes what root has, for good: Firebreak gives the command and does not run it. */
function byHand(target: Target): string {
  const task = arn({ ...target, account: 'aws' }, 'iam', 'policy/root-task/IAMDeleteRootUserCredentials', {
    global: true,
  });
  const command = awsCommand('sts assume-root', {
    ...{ region: target.region, 'target-principal': target.account },
    ...{ 'task-policy-arn': `arn=${task}`, 'duration-seconds': '900' },
  });
  return `keys, signing certificates, MFA devices and password of root stay: once two of you agree, delete what it should not have, for good, with the session of \`${command}\``;
}

function plan(
  live: AccountState,
  target: Target,
  { protectedArns }: PlanOptions,
): Plan<StepOf<typeof KINDS>> {
  const { account, display } = target;
  const found = judged(NO_ROOT, live, target, protectedArns);
  if ('kind' in found) return found;
  return {
    kind: 'plan',
    steps: [
      {
        id: 'deny-root',
        kind: 'root-policy',
        role: 'contain',
        describe: `Attach ${DENIED_ROOT_POLICY} to account ${account}: its root user is denied everything`,
        args: { account },
        before: live.attached.includes(DENIED_ROOT_POLICY),
        after: true,
      },
    ],
    blastRadius: {
      count: 1,
      unit: 'root users',
      detail: [`the root user of ${live.name} (${account}), with any credentials of its own`],
    },
    warnings: found.warnings,
    residual: [
      byHand(target),
      'what root made before, sessions among it, lives on',
      'the email address of the account and the ways to recover its password are not policies: AWS Support, with the owner of the account',
      'AWS enforces the policy within minutes, which no read of it shows',
    ],
    askBecause: ['root is the way in of last resort: someone of yours may be using it'],
    tags: {},
    arns: [display, live.arn, found.arn],
    identity: [
      { what: `root user of account ${account}`, by: ['deny-root'] },
      {
        what: 'password, access keys, certificates and MFA devices of root',
        by: ['deny-root'],
        left: 'they stay: what is deleted cannot be restored, so the card has the command for two of you',
      },
      { what: 'what root made before, sessions among it', by: [], left: 'it lives on' },
    ],
  };
}

function undoSafety(steps: readonly StepView[]): UndoSafety {
  return steps.some(({ status }) => status === 'done')
    ? { safe: false, why: 'undo lets root in again with every credential that it has' }
    : { safe: true, why: 'this incident did not attach the policy' };
}

const POLICY = 'arn:${Partition}:organizations::${Account}:policy/*/service_control_policy/${DeniedRoot}';
const ACCOUNTS = 'arn:${Partition}:organizations::${Account}:account/*/*';

export const denyRoot = definePlaybook({
  id: 'deny-root',
  title: 'Deny the root user of an account',
  about: `
IAM cannot contain root. Where \`playbooks.deny-root.managementAccount\` names the management account and its role is deployed
(deploy/generated/management-account.json, docs/organizations.md), the service control policy \`${DENIED_ROOT_POLICY}\` is attached to the
account: its root user is denied everything, whatever credentials it comes with. Sessions of \`sts:AssumeRoot\`, by which the management account
deletes what root has, go on. The policy itself is neither made, changed nor deleted.

The policy that comes with Firebreak notifies of root and does not ask. **Always asked** where yours says \`ask\` or \`auto\`: root may be in use
by its owner, and no answer is not a yes.

**Refused**: without the setting, with what to deploy; the management account, which no service control policy binds; protected accounts.

**Proof**: the policy is attached, and says what was deployed. That it is enforced, AWS does not show: it takes minutes [M].

**Not contained**: credentials of root stay, since what is deleted cannot be restored. The card has the command for a person. What root made before
lives on, and anyone who reads the mail of the account can ask for its password again.

**Undo** detaches the policy, and asks a second person. One that was attached before stays.
`.trim(),
  // A short-term session of root is one of sts:AssumeRoot, which the policy leaves alone.
  handles: ['Policy:IAMUser/RootCredentialUsage'],
  settings: accountSettings,
  reversible: { kind: 'fully' },
  permissions: {
    read: [READ_ORGANIZATION],
    write: [
      {
        in: 'management',
        actions: ['organizations:AttachPolicy'],
        resources: [POLICY, ACCOUNTS],
        why: 'attaches the deny of root',
        worst: 'denies the root user of any member account',
      },
    ],
    undo: [
      {
        in: 'management',
        actions: ['organizations:DetachPolicy'],
        resources: [POLICY, ACCOUNTS],
        why: 'detaches the deny of root',
        worst:
          'lets the root user of any account in again that was denied so; no other policy can be detached',
      },
    ],
  },
  // AWS says nothing of how long it takes; minutes are reported.
  proofDelaySeconds: 60,
  state: accountState,
  targetOf: rootOf,
  read: (target, aws, settings) => readAccount(NO_ROOT, target, aws, settings),
  plan,
  kinds: KINDS,
  verify: (context, steps) =>
    proveAttached(NO_ROOT, context, steps, () => 'it denies everything to root, but for sts:AssumeRoot'),
  undoSafety,
});

/** The root user of a member account was used: it is denied everything by a service control policy. What it keeps is named. */
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import { awsCommand } from '../../core/aws/command-line.ts';
import { iamHome } from '../../core/aws/regions.ts';
import type { Finding } from '../../core/finding/finding.ts';
import {
  definePlaybook,
  type IdentityPart,
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
  accountSettings,
  accountState,
  attachment,
  judged,
  proveAttached,
  readAccount,
} from '../common/organization/account-policy.ts';
import { DENIED_ROOT_POLICY, noRootIn } from '../common/organization/denied-root.ts';
import { READ_ORGANIZATION } from '../common/organization/policies.ts';
import { READ_ROOT, type RootCredentials, readRoot, rootCredentials, unread } from './credentials.ts';

const NO_ROOT: AccountPolicy = {
  name: DENIED_ROOT_POLICY,
  playbook: 'deny-root',
  template: 'deploy/generated/management-account.json',
  exemptIn: noRootIn,
};
const KINDS = { 'root-policy': attachment(NO_ROOT) };

/** The long-term key that was reported; null where another credential was used, and in targets of earlier releases. */
const facts = z.object({ accessKeyId: z.string().nullable().default(null) });
type Facts = z.infer<typeof facts>;

const state = accountState.extend({
  root: rootCredentials.default(unread('the record of an earlier release does not say')),
});
type State = z.infer<typeof state>;

function rootOf(finding: Finding): TargetChoice<Facts> {
  const { account, accessKey } = finding;
  if (accessKey?.userType !== 'Root') return { ok: false, reason: 'the principal is not a root user' };
  if (!/^\d{12}$/.test(account)) return { ok: false, reason: 'the finding does not name an account' };
  const scope = iamHome(finding);
  const { accessKeyId = '' } = accessKey;
  return {
    ok: true,
    target: {
      ...scope,
      ...{ kind: 'root-user', id: account },
      facts: { accessKeyId: /^AKIA[A-Z0-9]{12,124}$/.test(accessKeyId) ? accessKeyId : null },
      display: arn(scope, 'iam', 'root', { global: true }),
    },
  };
}

/** What deletes each in the session of `byHand`; of all but the reported key the ids are listed first. */
const DELETIONS: Readonly<
  Record<RootCredentials['has'][number], (key: string | null) => string | undefined>
> = {
  password: () => 'aws iam delete-login-profile',
  'access keys': (key) =>
    key === null
      ? 'aws iam list-access-keys, aws iam delete-access-key'
      : awsCommand('iam delete-access-key', { 'access-key-id': key }),
  'signing certificates': () => 'aws iam list-signing-certificates, aws iam delete-signing-certificate',
  'MFA devices': () => 'aws iam list-mfa-devices, aws iam deactivate-mfa-device',
};

const listed = ({ has, unread: unknown }: RootCredentials) => [...has, ...unknown.map(({ form }) => form)];

/** Deletes what root has, for good: Firebreak gives the commands and has no right to run them. */
function byHand(target: Target<Facts>, root: RootCredentials): string {
  const forms = listed(root);
  if (forms.length === 0)
    return 'root has no password, access key, signing certificate or MFA device now: find out in CloudTrail what was used, and who removed it';
  const task = arn({ ...target, account: 'aws' }, 'iam', 'policy/root-task/IAMDeleteRootUserCredentials', {
    global: true,
  });
  const command = awsCommand('sts assume-root', {
    ...{ region: target.region, 'target-principal': target.account },
    ...{ 'task-policy-arn': `arn=${task}`, 'duration-seconds': '900' },
  });
  const deletions = forms.map((form) => `${form}: \`${DELETIONS[form](target.facts.accessKeyId)}\``);
  return `${forms.join(', ')} of root stay: once two of you agree, delete what it should not have in the session of \`${command}\`, which cannot be undone (${deletions.join('; ')})`;
}

function identity(
  { account }: Target<Facts>,
  { has, unread: unknown }: RootCredentials,
): readonly IdentityPart[] {
  const stay = 'stay until two of you delete them by hand, which cannot be undone';
  return [
    { what: `root user of account ${account}`, by: ['deny-root'] },
    ...has.map((form) => ({ what: `${form} of root`, by: ['deny-root'], left: stay })),
    ...unknown.map(({ form, why }) => ({
      what: `${form} of root, if any`,
      by: ['deny-root'],
      left: `${stay}; ${why}`,
    })),
    { what: 'what root made before, sessions among it', by: [], left: 'it lives on' },
  ];
}

function plan(
  live: State,
  target: Target<Facts>,
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
      byHand(target, live.root),
      'what root made before, sessions among it, lives on',
      'the email address of the account and the ways to recover its password are not policies: AWS Support, with the owner of the account',
      'AWS enforces the policy within minutes, which no read of it shows',
    ],
    askBecause: ['root is the way in of last resort: someone of yours may be using it'],
    tags: {},
    arns: [display, live.arn, found.arn],
    identity: identity(target, live.root),
  };
}

function undoSafety(steps: readonly StepView[], live: State | undefined): UndoSafety {
  if (!steps.some(({ status }) => status === 'done'))
    return { safe: true, why: 'this incident did not attach the policy' };
  const forms = live ? listed(live.root) : [];
  const what = forms.length === 0 ? 'every credential that it has' : `its ${forms.join(', ')}`;
  return { safe: false, why: `undo lets root in again with ${what}: delete what it should not have before` };
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

**Not contained**: credentials of root stay. The card says which forms root has (\`iam:GetAccountSummary\`) and has the commands by which two people
delete them, in a session of \`sts:AssumeRoot\`. Firebreak has no right to that: what is deleted cannot be restored, while the policy denies
root whatever it comes with and can be undone; and GuardDuty reports such sessions as use of root. What root made before lives on, and
anyone who reads the mail of the account can ask for its password again.

**Undo** detaches the policy, and asks a second person. One that was attached before stays.
`.trim(),
  // A short-term session of root is one of sts:AssumeRoot, which the policy leaves alone.
  handles: ['Policy:IAMUser/RootCredentialUsage'],
  settings: accountSettings,
  reversible: { kind: 'fully' },
  permissions: {
    read: [READ_ORGANIZATION, READ_ROOT],
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
  facts,
  state,
  targetOf: rootOf,
  async read(target, aws, settings) {
    const [account, root] = await Promise.all([readAccount(NO_ROOT, target, aws, settings), readRoot(aws)]);
    return { ...account, root };
  },
  plan,
  kinds: KINDS,
  verify: (context, steps) =>
    proveAttached(NO_ROOT, context, steps, () => 'it denies everything to root, but for sts:AssumeRoot'),
  undoSafety,
});

/** The deny first, since it holds for every key and session of the user; then the keys and other credentials. Pure. */
import type { IdentityPart, Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { denyEverything, policySize, policyText } from '../common/iam/policy-documents.ts';
import { ROLES_ONWARD } from '../common/iam/roles-onward.ts';
import { signInCommands } from '../common/iam/sign-in-sessions.ts';
import { USER_INLINE_QUOTA } from '../common/iam/user-policies.ts';
import { protectedBy } from '../common/protected.ts';
import { type Credential, nameOf, unreadWords } from './credentials.ts';
import { keysToDisable, madeSince, type UserKey, type UserState } from './state.ts';
import { denyAllOf, type KINDS } from './steps.ts';
import type { UserFacts } from './target.ts';

type Step = StepOf<typeof KINDS>;

const refuse = (reason: string, alternative: string): Plan<never> => ({
  kind: 'refused',
  reason,
  alternative,
});

export function planDisable(live: UserState, target: Target<UserFacts>, options: PlanOptions): Plan<Step> {
  const { facts } = target;
  const { userName } = facts;
  if (facts.userId !== null && facts.userId !== live.userId) {
    return refuse(
      `${userName} was re-created since the finding: its id is ${live.userId}, not ${facts.userId}`,
      'See CloudTrail for who made it; the user that was seen is gone with its keys.',
    );
  }
  const names = [userName, `user${live.path}${userName}`, live.arn, target.display];
  const pattern = protectedBy(names, options.protectedArns);
  if (pattern !== undefined) {
    return refuse(
      `${userName} is protected by policy.yml (protected: ${pattern})`,
      'Ask the owner of this break-glass user; an SCP on aws:PrincipalArn holds it from outside.',
    );
  }
  const suspects = keysToDisable(live, facts);
  const others = live.keys.filter(({ id }) => !suspects.some((key) => key.id === id));
  // One that is Inactive already is a step as well: a second incident joins the first.
  const usable = live.credentials.found.filter(({ status }) => status !== 'Expired');
  const first = deny(live, target, options.caseId);
  return {
    kind: 'plan',
    steps: [
      first,
      ...suspects.map((key) => disable(userName, key, facts)),
      ...usable.map((credential) => disableCredential(userName, credential)),
    ],
    blastRadius: {
      count: 1,
      unit: 'users',
      detail: [
        ...live.keys.map(
          ({ id, status, lastService, lastRegion }) =>
            `${id} ${status}, last used for ${lastService ?? 'nothing known'}${lastRegion ? ` in ${lastRegion}` : ''}`,
        ),
        ...live.credentials.found.map((credential) => `${nameOf(credential)} ${credential.status}`),
      ],
    },
    warnings: warnings(live, facts, others),
    residual: [
      'roles that the keys assumed before live on until their sessions end: revoke them on those roles',
      ...live.credentials.unread.map(
        (unread) => `${unreadWords(unread)} could not be listed: the deny holds for them, and no longer`,
      ),
    ],
    askBecause: [],
    tags: live.tags,
    arns: [live.arn],
    identity: identity(live, first.id, suspects, usable),
    ...(typeof live.signIns === 'number' && live.signIns > 0 ? { followUps: ['end-sign-in-sessions'] } : {}),
  };
}

/** `deny`: the id of the step that denies the user everything, which holds for every credential. */
function identity(
  live: UserState,
  deny: string,
  suspects: readonly UserKey[],
  usable: readonly Credential[],
): readonly IdentityPart[] {
  const { keys, credentials, mfa } = live;
  return [
    ...keys.map((key) => ({
      what: `access key ${key.id}`,
      by: [deny, ...(suspects.includes(key) ? [stepOfKey(key)] : [])],
      ...(suspects.includes(key) ? {} : { left: `stays ${key.status}: neither reported nor new` }),
    })),
    ...(live.console ? [{ what: 'console password', by: [deny], left: 'the password itself stays' }] : []),
    ...mfa.map(({ serial }) => ({
      what: `MFA device ${serial}`,
      by: [deny],
      left: 'the device itself stays',
    })),
    ...credentials.found.map((one) =>
      usable.includes(one)
        ? { what: nameOf(one), by: [deny, stepOfCredential(one)] }
        : { what: nameOf(one), by: [deny], left: one.status },
    ),
    ...credentials.unread.map((one) => ({
      what: unreadWords(one),
      by: [deny],
      left: 'they could not be listed',
    })),
    { what: 'sessions of GetSessionToken and GetFederationToken', by: [deny] },
    ...(live.console
      ? [{ what: 'sessions of the console', by: [deny], left: 'they end after 12 hours at most' }]
      : []),
    ...signIns(live).map((left) => ({ what: 'sign-in sessions (aws login, MCP clients)', by: [deny], left })),
    ROLES_ONWARD,
  ];
}

/** What becomes of them once the deny is gone; nothing where there are none. */
export function signIns({ signIns: found, arn }: UserState): readonly string[] {
  const goOn = 'they go on once the deny is gone';
  if (found === 0) return [];
  return typeof found === 'number'
    ? [`${goOn} (${found}): whether to end them is asked next`]
    : [`${goOn}: ${signInCommands(arn)} (they could not be listed: ${found.unread})`];
}

function deny(live: UserState, target: Target, caseId: string): Step {
  const userName = live.arn.slice(live.arn.lastIndexOf('/') + 1);
  const policyName = `firebreak-${caseId}`;
  const others = live.inline.filter(({ name }) => name !== policyName);
  const size = others.reduce((sum, policy) => sum + policy.size, policySize(policyText(denyEverything())));
  const common = {
    role: 'contain' as const,
    describe: `Deny everything to user ${userName}, its sessions included`,
  };
  if (size <= USER_INLINE_QUOTA) {
    return {
      ...common,
      id: 'deny',
      kind: 'deny-policy',
      args: { userName, policyName },
      before: live.inline.some(({ name }) => name === policyName) ? 'there' : null,
      after: denyEverything(),
    };
  }
  // No room for an inline policy: the managed one of AWS says the same.
  const policyArn = denyAllOf(target);
  return {
    ...common,
    id: 'deny-attached',
    kind: 'deny-attached',
    args: { userName, policyArn },
    before: live.attached.includes(policyArn),
    after: true,
  };
}

const stepOfKey = ({ id }: Pick<UserKey, 'id'>): string => `key:${id}`;
const stepOfCredential = ({ id }: Pick<Credential, 'id'>): string => `credential:${id}`;

const disable = (userName: string, { id, status }: UserKey, facts: UserFacts): Step => ({
  id: stepOfKey({ id }),
  kind: 'key',
  role: 'contain',
  describe: `Set ${id} Inactive (${id === facts.accessKeyId ? 'the reported key' : 'made since the activity began'})`,
  args: { userName, keyId: id },
  before: status,
  after: 'Inactive',
});

const disableCredential = (userName: string, credential: Credential): Step => ({
  id: stepOfCredential(credential),
  kind: 'credential',
  role: 'contain',
  describe: `Set ${nameOf(credential)} Inactive`,
  args: { userName, form: credential.form, keyId: credential.id },
  before: credential.status,
  after: 'Inactive',
  together: 'credentials',
});

function warnings(live: UserState, facts: UserFacts, others: readonly UserKey[]): string[] {
  const fresh = live.mfa.filter(({ enabledAt }) => madeSince(enabledAt, facts));
  return [
    ...(live.console
      ? ['the user can sign in to the console; the deny holds there, the password stays']
      : []),
    ...fresh.map(({ serial }) => `the MFA device ${serial} was added since the activity began`),
    ...others
      .filter(({ status }) => status === 'Active')
      .map(({ id }) => `${id} stays Active; the deny holds for it`),
    ...(facts.accessKeyId !== null && !live.keys.some(({ id }) => id === facts.accessKeyId)
      ? [`the reported key ${facts.accessKeyId} is not a key of this user (any more)`]
      : []),
    ...live.attached
      .filter((policy) => policy.includes('AWSCompromisedKeyQuarantine'))
      .map((policy) => `AWS has attached ${policy.slice(policy.lastIndexOf('/') + 1)}; undo leaves it`),
    ...(live.groups.length > 0 ? [`groups: ${live.groups.join(', ')}`] : []),
  ];
}

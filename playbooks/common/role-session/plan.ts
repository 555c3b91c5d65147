/** From live state to one step: which deny, on whom it falls, what a person must know. Pure. */
import { arn } from '../../../core/aws/arn.ts';
import { DRILL_TAG } from '../../../core/incident/drill.ts';
import type {
  BlastRadius,
  IdentityPart,
  Plan,
  PlanOptions,
  StepOf,
  Target,
} from '../../../core/journal/playbook.ts';
import type { Json } from '../../../core/json.ts';
import { startedBy } from '../calling-service.ts';
import { PROPAGATION_SECONDS } from '../iam/deny-proof.ts';
import {
  denySession,
  INLINE_QUOTA,
  ownPolicyName,
  pinSession,
  policySize,
  policyText,
  revokeOlder,
} from '../iam/policy-documents.ts';
import { ROLES_ONWARD } from '../iam/roles-onward.ts';
import { shortList } from '../short-list.ts';
import type { DenyArgs, KINDS } from './policy-step.ts';
import { refusalFor } from './protected-role.ts';
import { isOfEveryRun, isOfOneRun } from './session-name.ts';
import { leverOf } from './settings.ts';
import type { RoleState } from './state.ts';
import type { SessionFacts } from './target.ts';

/** One id for every `lever`: while a hold is open its own stays, and a second finding adds no second deny. */
const STEP = 'deny-stolen-session';

/** The console's own policy; a person pressing the button again overwrites it, so it is left alone. */
const CONSOLE_POLICY = 'AWSRevokeOlderSessions';

export type DenyStep = StepOf<typeof KINDS>;

export function planRevocation(
  state: RoleState,
  target: Target<SessionFacts>,
  options: PlanOptions,
): Plan<DenyStep> {
  const { facts } = target;
  const refused = refusalFor(state.role, target, options.protectedArns) ?? mismatch(state, facts);
  if (refused) return { kind: 'refused', ...refused };
  const chosen = choose(state, target, facts, options);
  const full = overQuota(state, chosen);
  if (full) return { kind: 'refused', ...full };
  const { own } = state.instances ?? {};
  // The role is what is changed: an instance of a drill makes it none of the drill's.
  const { [DRILL_TAG]: _drill, ...tags } = own?.tags ?? {};
  return {
    kind: 'plan',
    steps: [stepFor(chosen)],
    blastRadius: chosen.blastRadius,
    warnings: [...chosen.warnings, ...warningsFor(state, facts)],
    residual: residualFor(state, facts, chosen.args),
    askBecause: [
      ...chosen.askBecause,
      ...callerAsks(facts),
      ...(facts.isolated ? sharedBy(state, facts) : []),
    ],
    tags: { ...tags, ...state.role.tags },
    arns: [state.role.arn, target.display, ...(own ? [instanceArn(target, facts, own.region)] : [])],
    identity: identity(state.role, facts, chosen.args.lever),
  };
}

/** The session, with what it renews itself by; others of the role, which are anyone's who may assume it; what it went on as. */
const identity = (
  role: RoleState['role'],
  { instanceId }: SessionFacts,
  lever: DenyArgs['lever'],
): readonly IdentityPart[] => [
  { what: `session ${instanceId} of role ${role.name}`, by: [STEP] },
  lever === 'role'
    ? { what: `other sessions of role ${role.name}`, by: [STEP], left: 'those issued later work' }
    : { what: `other sessions of role ${role.name}`, by: [], left: 'they are not those of the finding' },
  ROLES_ONWARD,
];

interface Chosen {
  readonly args: DenyArgs;
  readonly describe: string;
  /** The document as far as the plan knows it: the cut-off of `lever: role` is set when it is written. */
  readonly document: Json;
  readonly blastRadius: BlastRadius;
  readonly warnings: readonly string[];
  readonly askBecause: readonly string[];
}

function choose(state: RoleState, target: Target, facts: SessionFacts, options: PlanOptions): Chosen {
  // An isolated instance needs no credentials: the narrow deny leaves no other way open, and takes nothing from others.
  const setting = facts.isolated ? ({ lever: 'session' } as const) : leverOf(options.settings);
  const args = {
    roleName: state.role.name,
    roleArn: state.role.arn,
    policyName: ownPolicyName(options.caseId, target.id),
    userId: facts.userId,
    instanceId: facts.instanceId,
    remoteIp: facts.remoteIps[0] ?? null,
  };
  const asks = setting.problem === undefined ? [] : [setting.problem];
  switch (setting.lever) {
    case 'session':
      return isOfEveryRun(state, facts)
        ? earlierLever(state, facts, args, options.now, asks)
        : sessionLever(state, facts, args, [], asks);
    case 'name':
      return sessionLever(state, facts, args, [], asks);
    case 'pin':
      return pinLever(state, target, facts, args);
    case 'role':
      return roleLever(state, facts, args, options.now);
  }
}

type CommonArgs = Omit<Extract<DenyArgs, { lever: 'session' }>, 'lever'>;

/** What the name of the session stands for, where it is not that of the instance it came from. */
function namedByCaller({ named, role }: RoleState, instanceId: string): string | undefined {
  switch (named.by) {
    case 'caller':
      return named.region === null
        ? `there is no instance ${instanceId} in this account: the principal that assumed ${role.name} chose the session's name`
        : `instance ${instanceId} in ${named.region} bears the session's name but does not run with ${role.name}: the caller chose the name, the instance is left alone`;
    case 'unknown':
      return `whether instance ${instanceId} runs with ${role.name} or only bears the session's name is not known (${named.why})`;
    case 'instance':
    case 'other':
      return undefined;
  }
}

export const comesBack = ({ name, otherPrincipals }: RoleState['role']): string =>
  `anyone who may assume ${name} (${otherPrincipals.join(', ') || 'EC2 instances with its profile'}) can come back under another session name, or with a newer session: contain the caller as well`;

function sessionLever(
  state: RoleState,
  { instanceId, userId }: SessionFacts,
  common: CommonArgs,
  warnings: readonly string[],
  askBecause: readonly string[],
): Chosen {
  const { role } = state;
  const document = denySession(userId);
  const byCaller = namedByCaller(state, instanceId);
  const session = byCaller === undefined ? `session ${instanceId}` : `the caller's own session ${instanceId}`;
  return {
    args: { ...common, lever: 'session' },
    document,
    describe: `Deny everything to ${session} of role ${role.name} (inline policy ${common.policyName})`,
    blastRadius: {
      count: 1,
      unit: 'session',
      detail: [
        `${session} of role ${role.name}; every other session of the role keeps working`,
        ...(isOfOneRun(instanceId)
          ? []
          : [`every later session named ${instanceId} is denied as well, until undo`]),
      ],
    },
    warnings: [
      ...warnings,
      ...(state.named.by === 'instance'
        ? [
            `${instanceId} itself loses every permission of ${role.name} until undo: its software fails on AWS calls`,
          ]
        : []),
    ],
    askBecause,
  };
}

/** A name that every run has: what was issued so far is denied, and later runs go on. */
function earlierLever(
  { role }: RoleState,
  { instanceId: name }: SessionFacts,
  common: CommonArgs,
  now: Date,
  askBecause: readonly string[],
): Chosen {
  const marginSeconds = marginFor(role);
  return {
    args: { ...common, lever: 'earlier', marginSeconds },
    document: revokeOlder(new Date(now.getTime() + marginSeconds * 1000), common.userId),
    describe: `Deny everything to sessions ${name} of role ${role.name} that were issued before now (inline policy ${common.policyName})`,
    blastRadius: {
      count: 1,
      unit: 'session',
      detail: [
        `sessions ${name} of role ${role.name} that were issued before now: the runs in progress fail, later ones work`,
        `${name} is the name of every run: a deny by name alone would cut every later run too, until undo (lever: name)`,
      ],
    },
    warnings: [],
    askBecause,
  };
}

function pinLever(state: RoleState, target: Target, facts: SessionFacts, common: CommonArgs): Chosen {
  const own = state.instances?.own;
  const instead = (why: string) =>
    sessionLever(
      state,
      facts,
      common,
      [`not pinned to the instance's own egress: ${why}; the session is denied instead`],
      [],
    );
  if (!own) return instead(`${facts.instanceId} was not found with this role`);
  const { egress } = own;
  if (!egress.known) return instead(egress.why);
  const document = pinSession(instanceArn(target, facts, own.region), egress.cidrs);
  const atHome = facts.remoteIps.filter((ip) =>
    egress.cidrs.some((cidr) => cidr === `${ip}/32` || cidr === `${ip}/128`),
  );
  return {
    args: {
      ...common,
      lever: 'pin',
      instanceArn: instanceArn(target, facts, own.region),
      egress: egress.cidrs,
      vpcId: egress.vpcId,
    },
    document,
    describe: `Deny session ${facts.instanceId} of role ${state.role.name} everywhere but at ${egress.cidrs.join(', ')} and in ${egress.vpcId} (inline policy ${common.policyName})`,
    blastRadius: {
      count: 1,
      unit: 'session',
      detail: [
        `copies of session ${facts.instanceId} of role ${state.role.name}; the instance keeps working`,
        `${state.instances?.users.length ?? 0} instances use the role; the others are not touched`,
      ],
    },
    warnings: [
      'the instance loses its permissions when its public address changes (stop and start, another NAT gateway, a proxy)',
    ],
    askBecause: atHome.map(
      (ip) => `the calls came from ${ip}, an address of the instance itself: pinning would not stop them`,
    ),
  };
}

/**
 * Where a session could assume the role again while IAM spreads the deny, the cut-off lies after that time: one write then ends
 * where a second one a minute later would.
 */
const marginFor = ({ selfAssumable }: RoleState['role']): number => (selfAssumable ? PROPAGATION_SECONDS : 0);

function roleLever(state: RoleState, facts: SessionFacts, common: CommonArgs, now: Date): Chosen {
  const { role, instances } = state;
  const users = instances?.users ?? [];
  const count = Math.max(1, users.length);
  const others = role.otherPrincipals;
  const asks = [
    ...(instances ? [] : ['the instances that use the role were not counted']),
    ...(instances?.unread ?? []).map(
      ({ region, why }) => `instances in ${region} could not be counted (${why})`,
    ),
    ...(count > 1
      ? [
          `role ${role.name} is used by ${count} instances: revoking older sessions cuts all of them off, for hours where credentials are cached`,
        ]
      : []),
    ...(others.length > 0
      ? [`others may assume role ${role.name} and lose their sessions too: ${others.join(', ')}`]
      : []),
  ];
  const marginSeconds = marginFor(role);
  return {
    args: { ...common, lever: 'role', marginSeconds },
    document: revokeOlder(new Date(now.getTime() + marginSeconds * 1000)),
    describe: `Revoke every session of role ${role.name} issued before now (inline policy ${common.policyName})`,
    blastRadius: {
      count,
      unit: 'instances',
      detail: [
        `${users.length} instances use role ${role.name}: ${shortList(users.map(({ instanceId, region }) => `${instanceId} (${region})`))}`,
        ...(others.length > 0 ? [`may assume it as well: ${shortList(others)}`] : []),
      ],
    },
    warnings: [
      ...(state.named.by === 'instance'
        ? [
            `instance metadata hands out a new session after the cut-off: if the thief works on ${facts.instanceId}, isolate it first`,
          ]
        : [namedByCaller(state, facts.instanceId) ?? []].flat()),
      'healthy instances keep their cached, now denied credentials until these are renewed; restarting the service helps',
    ],
    askBecause: asks,
  };
}

function stepFor({ args, describe, document }: Chosen): DenyStep {
  const outline = { id: STEP, role: 'contain', describe, before: null, after: document } as const;
  return args.lever === 'role' || args.lever === 'earlier'
    ? { ...outline, kind: 'revoke-older-sessions', args }
    : { ...outline, kind: 'deny-session', args };
}

function mismatch({ role }: RoleState, { roleId }: SessionFacts): Refused | undefined {
  if (role.roleId === roleId) return undefined;
  return {
    reason: `role ${role.name} was re-created: the finding's session belongs to ${roleId}, the role of this name is now ${role.roleId}`,
    alternative:
      'The sessions of the old role have no policies any more. Find out who deleted and made the role again.',
  };
}

type Refused = { readonly reason: string; readonly alternative: string };

function overQuota({ inline, role }: RoleState, { args, document }: Chosen): Refused | undefined {
  const others = inline
    .filter(({ name }) => name !== args.policyName)
    .reduce((sum, { size }) => sum + size, 0);
  const total = others + policySize(policyText(document));
  if (total <= INLINE_QUOTA) return undefined;
  return {
    reason: `role ${role.name} has no room for another inline policy: ${total} of ${INLINE_QUOTA} characters`,
    alternative:
      'Attach a managed policy with the same deny, set a permissions boundary with an explicit deny (note the present one first), or use an SCP on aws:userid.',
  };
}

function warningsFor(
  { role, inline, attached, named }: RoleState,
  { instanceId, accessKeyId, isolated }: SessionFacts,
): string[] {
  const firebreaks = inline.filter(({ name }) => name.startsWith('firebreak-')).map(({ name }) => name);
  const admin = attached.some((name) =>
    /:policy\/(AdministratorAccess|IAMFullAccess|PowerUserAccess)$/.test(name),
  );
  return [
    ...(named.by === 'instance' && !isolated
      ? [`the credentials were taken from ${instanceId}: it may be compromised itself, so isolate it as well`]
      : []),
    `roles assumed and keys or users made with the session before the deny are not cut: look in CloudTrail for ${accessKeyId ?? 'its access key'}`,
    ...(admin
      ? [`role ${role.name} carries wide rights (${shortList(attached)}): take the whole account as in doubt`]
      : []),
    ...(inline.some(({ name }) => name === CONSOLE_POLICY)
      ? [
          `${CONSOLE_POLICY} is on the role already: someone revoked sessions in the console; it is left as it is`,
        ]
      : []),
    ...(firebreaks.length > 0 ? [`denies of Firebreak on the role already: ${shortList(firebreaks)}`] : []),
  ];
}

/** What the deny leaves open, as far as role and network tell it. */
function residualFor(state: RoleState, { instanceId, service }: SessionFacts, args: DenyArgs): string[] {
  const others = service === undefined ? [] : [startedBy(service)];
  // Sessions that assume the role again lie before the cut-off and its margin.
  if (args.lever === 'role') return others;
  const { role } = state;
  const byCaller = namedByCaller(state, instanceId);
  return [
    ...others,
    ...(args.lever === 'pin'
      ? [
          `the session still works for anyone who is on ${instanceId}, in ${args.vpcId} or behind ${args.egress.join(', ')}`,
        ]
      : []),
    ...(byCaller === undefined ? [] : [byCaller, comesBack(role)]),
    // Under a name of its own choice, which a deny by session does not know.
    ...(role.selfAssumable
      ? [
          `the trust policy lets sessions of ${role.name} assume it again under another name; such a session is not denied`,
        ]
      : []),
  ];
}

/** Why a role is not this instance's alone: its deny is then a person's decision. */
function sharedBy({ role, instances }: RoleState, { instanceId }: SessionFacts): string[] {
  const others = (instances?.users ?? []).filter((user) => user.instanceId !== instanceId);
  return [
    ...(others.length > 0 ? [`${others.length} other instances use role ${role.name}`] : []),
    ...(role.otherPrincipals.length > 0
      ? [`others may assume role ${role.name}: ${shortList(role.otherPrincipals)}`]
      : []),
    ...(instances?.unread ?? []).map(
      ({ region, why }) => `instances in ${region} could not be counted (${why})`,
    ),
  ];
}

const callerAsks = ({ remoteAccounts }: SessionFacts): string[] =>
  remoteAccounts
    .filter(({ affiliated }) => affiliated)
    .map(
      ({ account }) =>
        `the calls came from account ${account} of the same organisation: it may be own tooling`,
    );

const instanceArn = (target: Target, { instanceId }: SessionFacts, region: string): string =>
  arn({ ...target, region }, 'ec2', `instance/${instanceId}`);

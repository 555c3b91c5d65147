/** One statement in the permission set's inline policy, provisioned. Always asked: the permission set is everybody's. Pure. */

import type { IdentityPart, Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { parsedPolicy } from '../common/iam/policy-statements.ts';
import { ROLES_ONWARD } from '../common/iam/roles-onward.ts';
import { DENIED_USERS_POLICY } from '../common/organization/denied-users.ts';
import { protectedBy } from '../common/protected.ts';
import { shortList } from '../common/short-list.ts';
import { type Denied, denyStatement, outlived, sidOf } from './deny.ts';
import { statementOf } from './everywhere.ts';
import { settingsOf } from './settings.ts';
import type { SsoState } from './state.ts';
import type { KINDS } from './steps.ts';
import type { SsoFacts } from './target.ts';

export function planSso(
  { role, center, everywhere }: SsoState,
  target: Target<SsoFacts>,
  options: PlanOptions,
): Plan<StepOf<typeof KINDS>> {
  const { facts } = target;
  const { permissionSet, userName, roleId } = facts;
  const pattern = protectedBy(
    [role.name, role.arn, permissionSet, userName, target.display],
    options.protectedArns,
  );
  if (pattern !== undefined)
    return refused(`${permissionSet} is protected by policy.yml (protected: ${pattern})`, facts);
  if (role.roleId !== roleId) {
    return refused(
      `${role.name} was re-created since the finding (RoleId ${role.roleId}): its sessions of then have ended`,
      facts,
    );
  }
  if (!center.reachable) return refused(center.why, facts);
  if (center.policy !== null && !parsedPolicy(center.policy)) {
    return refused(
      `the inline policy of ${permissionSet} is no policy that a statement can be added to`,
      facts,
    );
  }
  const { lever } = settingsOf(options.settings);
  const denied = center.userId === null ? { sessionName: userName } : { userId: center.userId };
  // Seen active after an earlier cut-off: one more statement, with a later one.
  const number = 1 + (lever === 'sessions' ? outlived(center.policy, denied, facts.seenAt) : 0);
  const sid = sidOf(options.caseId, number);
  const issuedBefore = lever === 'sessions' ? options.now : undefined;
  const statement = denyStatement(sid, denied, issuedBefore);
  const { account, region, instanceArn, permissionSetArn, accounts } = center;
  const inAll = everywhereStep({ everywhere, denied, options, facts, issuedBefore });
  const what = lever === 'sessions' ? `every session of ${userName} from before now` : `the user ${userName}`;
  return {
    kind: 'plan',
    steps: [
      // Sooner than a permission set is provisioned.
      ...(inAll ? [inAll] : []),
      {
        id: `deny:${number}`,
        kind: 'deny-user',
        role: 'contain',
        describe: `Deny everything to ${what} in permission set ${permissionSet}, and provision it`,
        args: {
          place: { account, region, instanceArn, permissionSetArn },
          roleName: role.name,
          sid,
          denied,
          issuedBefore: issuedBefore?.toISOString() ?? null,
        },
        before: center.policy,
        after: statement,
      },
    ],
    blastRadius: {
      count: 1,
      unit: 'users',
      detail: [
        `permission set ${permissionSet} in ${counted(accounts.length)}: ${accounts.slice(0, 10).join(', ')}`,
        ...(inAll && everywhere.kind === 'deployed'
          ? [`every permission set of ${userName} in every account below ${shortList(everywhere.targets)}`]
          : []),
      ],
    },
    warnings: [
      'provisioning brings every change of this permission set that was not provisioned yet to its accounts as well',
      ...(center.userId === null
        ? [`the identity store knows no user ${userName}: the deny goes by the session's name (aws:userid)`]
        : []),
      ...(everywhere.kind === 'unusable' ? [`not denied in every account: ${everywhere.why}`] : []),
    ],
    residual: [
      ...(lever === 'sessions'
        ? [
            `anyone who holds the portal session or the password of ${userName} can come back: end the sessions and disable the user in IAM Identity Center`,
          ]
        : []),
      inAll
        ? `sessions of roles that this session assumed live on, and of ${userName} in the management account, which no service control policy binds`
        : `sessions of ${userName} in other permission sets, and of roles that this session assumed, live on`,
    ],
    askBecause: [
      `permission set ${permissionSet} is shared by everybody who is assigned to it, in ${counted(accounts.length)}`,
    ],
    tags: {},
    arns: [role.arn, permissionSetArn, ...(inAll && everywhere.kind === 'deployed' ? [everywhere.arn] : [])],
    identity: identity(facts, `deny:${number}`, inAll?.id, everywhere, lever),
  };
}

/** The sessions here, those everywhere else, and what the user makes new ones with. */
function identity(
  { permissionSet, userName }: SsoFacts,
  deny: string,
  inAll: string | undefined,
  everywhere: SsoState['everywhere'],
  lever: 'sessions' | 'user',
): readonly IdentityPart[] {
  const ways = inAll === undefined ? [deny] : [deny, inAll];
  const others = `${userName} in other permission sets and accounts`;
  const why =
    everywhere.kind === 'unusable'
      ? everywhere.why
      : 'policy.yml does not name the management account (playbooks.revoke-sso-sessions.managementAccount)';
  const portal = `end the sessions and disable the user in IAM Identity Center`;
  return [
    { what: `sessions of ${userName} in permission set ${permissionSet}`, by: ways },
    inAll === undefined
      ? { what: others, by: [], left: why }
      : { what: others, by: [inAll], left: 'the management account is out of its reach' },
    lever === 'user'
      ? { what: `portal session and password of ${userName}`, by: ways, left: `they stay: ${portal}` }
      : {
          what: `portal session and password of ${userName}`,
          by: [],
          left: `they make new sessions: ${portal}`,
        },
    ROLES_ONWARD,
  ];
}

/** One statement in the policy of the organisation; a user whom the store does not know has only a name, which is not denied everywhere. */
function everywhereStep({
  everywhere,
  denied,
  options,
  facts,
  issuedBefore,
}: {
  readonly everywhere: SsoState['everywhere'];
  readonly denied: Denied;
  readonly options: PlanOptions;
  readonly facts: SsoFacts;
  readonly issuedBefore: Date | undefined;
}): StepOf<typeof KINDS> | undefined {
  if (everywhere.kind !== 'deployed' || !('userId' in denied)) return undefined;
  const number = 1 + (issuedBefore ? outlived(everywhere.content, denied, facts.seenAt) : 0);
  const args = {
    ...{ sid: sidOf(options.caseId, number), denied },
    issuedBefore: issuedBefore?.toISOString() ?? null,
  };
  const what = issuedBefore
    ? `every session of ${facts.userName} from before now`
    : `the user ${facts.userName}`;
  return {
    id: `everywhere:${number}`,
    kind: 'deny-user-everywhere',
    role: 'contain',
    describe: `Deny everything to ${what} in every account (service control policy ${DENIED_USERS_POLICY})`,
    args,
    before: null,
    after: statementOf(args),
  };
}

const refused = (reason: string, { userName, permissionSet }: SsoFacts): Plan<never> => ({
  kind: 'refused',
  reason: `${reason}; a role of IAM Identity Center cannot be changed in IAM`,
  alternative: `In IAM Identity Center end the sessions of ${userName}, disable the user, or add the deny to permission set ${permissionSet} and provision it; or deny identitystore:userId by an SCP.`,
});

const counted = (accounts: number): string => `${accounts} account${accounts === 1 ? '' : 's'}`;

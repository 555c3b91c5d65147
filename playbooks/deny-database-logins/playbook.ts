/** Someone logged in to a database that takes tokens of IAM: deny it to the roles and users that may make them, each ticked. */
import { definePlaybook } from '../../core/journal/playbook.ts';
import { PROPAGATION_SECONDS } from '../common/iam/deny-proof.ts';
import { REMOVE_DENY, WRITE_DENY } from '../common/iam/role-permissions.ts';
import { REMOVE_USER_DENY, readPrincipal, WRITE_USER_DENY } from '../common/role-session/inline-deny.ts';
import { plan, state } from './plan.ts';
import { KINDS } from './steps.ts';
import { facts, locate } from './target.ts';
import { verify } from './verify.ts';

const ROLES = `arn:\${Partition}:iam::\${Account}:role/*`;
const USERS = `arn:\${Partition}:iam::\${Account}:user/*`;

export const denyDatabaseLogins = definePlaybook({
  id: 'deny-database-logins',
  title: 'Deny logins to an RDS database by tokens of IAM',
  about: `
Where a database takes tokens of IAM in place of a password, no password is there to rotate. After \`restrict-database\` this is asked: each role
and user that a policy lets log in as the user of the finding (\`rds-db:connect\`; inline, attached, by a group, behind a proxy of RDS as well) is
on the card with a tick. One inline policy, \`firebreak-<incident>-…\`, denies it \`rds-db:connect\` at this database for every database user, and
on a cluster with the Data API \`rds-data:*\`. Other databases, and all else it does, go on.

**Outage**: an application that logs in with such a token cannot connect until undo.

**Always asked**: GuardDuty does not say whose token was used. At most ten are on the card; others are named.

**Not contained**: connections that are open; administrators, whose policies allow every action; those who may call the Data API with a secret and
make no tokens, who are named. A Custom Detection Rule names who called: there that identity is contained whole.

**Refused**: protected and service-linked roles, roles of IAM Identity Center, an identity re-created since, one without room for
another inline policy; each is named, and the others are denied.

**Undo** removes the policies.
`.trim(),
  handles: [],
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      {
        // Neither has a resource level that could be named before.
        actions: [
          'iam:GetAccountAuthorizationDetails',
          'rds:DescribeDBClusters',
          'rds:DescribeDBInstances',
          'rds:DescribeDBProxies',
          'rds:DescribeDBProxyTargets',
        ],
        resources: ['*'],
        why: 'the database, the proxies that lead to it, and whom a policy lets log in',
      },
      {
        actions: ['iam:GetRole', 'iam:GetRolePolicy', 'iam:ListRolePolicies', 'iam:SimulatePrincipalPolicy'],
        resources: [ROLES],
        why: 'the role, the size of its policies, and whether the deny holds',
      },
      {
        actions: ['iam:GetUser', 'iam:GetUserPolicy', 'iam:ListUserPolicies', 'iam:SimulatePrincipalPolicy'],
        resources: [USERS],
        why: 'the user, the size of its policies, and whether the deny holds',
      },
    ],
    write: [WRITE_DENY, WRITE_USER_DENY],
    undo: [REMOVE_DENY, REMOVE_USER_DENY],
  },
  proofDelaySeconds: PROPAGATION_SECONDS,
  facts,
  state,
  targetOf: () => ({ ok: false, reason: 'who may log in with a token is looked up in IAM' }),
  locate: (finding, aws) => locate(finding, aws),
  async read({ facts: { principals } }, aws) {
    const found = await Promise.all(
      principals.map(async ({ principal, name }) => {
        const live = await readPrincipal(aws, { principal, name });
        return live ? [{ ...live, principal }] : [];
      }),
    );
    return { principals: found.flat() };
  },
  plan,
  kinds: KINDS,
  verify,
});

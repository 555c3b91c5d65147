/** Someone has a database user's password: change it, require TLS and end the user's sessions, each as a question of its own. */
import { definePlaybook } from '../../core/journal/playbook.ts';
import { databaseUserFacts, databaseUserOf } from '../common/rds/user-target.ts';
import { planEviction } from './plan.ts';
import { SESSION_SECRETS, settings } from './settings.ts';
import { evictionState, readEviction } from './state.ts';
import { KINDS } from './steps.ts';
import { proveEviction } from './verify.ts';

const rds = (resource: string) => `arn:\${Partition}:rds:\${Region}:\${Account}:${resource}`;
const secrets = (name: string) => `arn:\${Partition}:secretsmanager:\${Region}:\${Account}:secret:${name}`;
const GROUPS = [rds('cluster-pg:*'), rds('pg:*')];

export const evictDatabaseUser = definePlaybook({
  id: 'evict-database-user',
  title: 'Evict a user from an RDS database',
  about: `
Once the path to a database was closed, or could not be, this is asked next: up to three changes, each with a tick of its own.

- **The password is rotated**: that of the master user where RDS manages it in Secrets Manager, or a secret with a rotation function that
  \`playbooks.evict-database-user.rotate\` in policy.yml names for the user (\`app@orders = orders/app\`). Outage: what keeps the old password instead of reading the secret
  cannot log in any more. **It cannot be undone.** The name of a rotation function begins with \`SecretsManager\`, as Secrets Manager names
  those it makes; Firebreak may start no other, and never reads a secret.
- **TLS is required** (\`rds.force_ssl\`, \`require_secure_transport\`): where the engine takes it without a restart, in a parameter group of the
  database's own. A default group cannot be changed, and one that another database has as well is not. Outage: clients without TLS.
- **The user's sessions are ended** on the writer of an Aurora cluster that has the Data API, by a login that
  \`playbooks.evict-database-user.sessions\` names (\`orders = firebreak/orders\`): a secret called \`${SESSION_SECRETS}…\` of a database user that may end sessions and no more
  (\`pg_signal_backend\`; in MySQL PROCESS, and EXECUTE on \`mysql.rds_kill\`). A secret encrypted with a key of your own needs that key's policy to
  let the responder role decrypt. The statements are fixed, and the name of the user is a bound value. Outage: its open transactions are rolled
  back.

What is not possible is named with the reason; where none of the three is, nothing is asked. Readers and Multi-AZ DB clusters: password and TLS are
those of the whole cluster; the Data API sees the writer's sessions alone, and a Multi-AZ DB cluster has none.

**Always asked**, whatever policy says, and silence never contains: the user is usually an application's.

**Not contained**: users, grants and functions that the attacker made in the database. Sessions are counted when they are ended and not
afterwards; one that logs in later, with a password that was not rotated, is not seen.

**Undo** restores the parameter. The password stays rotated and sessions stay ended.
`.trim(),
  handles: [],
  settings,
  reversible: { kind: 'partly', lost: 'a rotated password and ended sessions do not come back' },
  permissions: {
    read: [
      {
        // A describe of one resource is authorised on it, and who else has a parameter group is in the list of all.
        actions: [
          'rds:DescribeDBClusterParameters',
          'rds:DescribeDBClusters',
          'rds:DescribeDBInstances',
          'rds:DescribeDBParameters',
        ],
        resources: ['*'],
        why: 'the database, its parameters, and which others have its parameter group',
      },
      {
        actions: ['secretsmanager:DescribeSecret'],
        resources: [secrets('*')],
        why: 'whether a secret is rotated and by what; not what is in it',
      },
    ],
    write: [
      {
        actions: ['rds:ModifyDBCluster', 'rds:ModifyDBInstance'],
        resources: [rds('cluster:*'), rds('db:*')],
        why: 'has RDS rotate the password of the master user',
        worst:
          'takes over or breaks any database: a new master password, public access, no backups. IAM has no condition on these parameters',
      },
      {
        actions: ['secretsmanager:RotateSecret'],
        resources: [secrets('*')],
        // With this key a request names a function of its own, which would get the secret.
        condition: { Null: { 'secretsmanager:RotationLambdaARN': 'true' } },
        why: 'rotates the password by the function that its owner set up',
        worst:
          'rotates any secret that has a rotation: what keeps an old value fails until it reads the new one',
      },
      {
        actions: ['lambda:InvokeFunction'],
        resources: ['arn:${Partition}:lambda:${Region}:${Account}:function:SecretsManager*'],
        why: 'Secrets Manager starts a rotation only for those who may start its function',
        worst:
          'starts rotation functions with any input; they act on secrets that have them as their function',
      },
      {
        actions: ['rds:ModifyDBClusterParameterGroup', 'rds:ModifyDBParameterGroup'],
        resources: GROUPS,
        why: 'requires TLS, and restores what was set before',
        worst:
          'changes any parameter of any group that is not a default one: databases slow down, log less or fail',
      },
      {
        actions: ['rds-data:ExecuteStatement'],
        resources: [rds('cluster:*')],
        why: 'counts and ends the sessions of the user',
        worst: 'runs any statement that the logins in secrets named firebreak/… may run',
      },
      {
        actions: ['secretsmanager:GetSecretValue'],
        resources: [secrets(`${SESSION_SECRETS}*`)],
        why: 'the Data API logs in with the secret only for those who may read it; Firebreak does not read it',
        worst: 'reads the secrets named firebreak/…: logins that may end sessions',
      },
    ],
    undo: [
      {
        actions: ['rds:ResetDBClusterParameterGroup', 'rds:ResetDBParameterGroup'],
        resources: GROUPS,
        why: "gives the parameter back to the engine's default where it was that before",
        worst: 'resets any parameter of any group that is not a default one',
      },
    ],
  },
  proofDelaySeconds: 30,
  facts: databaseUserFacts,
  state: evictionState,
  targetOf: databaseUserOf,
  async locate(finding, aws, options) {
    const choice = databaseUserOf(finding);
    if (!choice.ok) return choice;
    const { rotation, tls, sessions } = await readEviction(choice.target, aws, options?.settings);
    const none = [rotation, tls, sessions].flatMap((one) => ('why' in one ? [one.why] : []));
    return none.length < 3 ? choice : { ok: false, reason: none.join('; ') };
  },
  read: (target, aws, given) => readEviction(target, aws, given),
  plan: planEviction,
  kinds: KINDS,
  verify: proveEviction,
});

/**
 * Sessions of one user, counted and ended through the Data API of RDS. The statements are fixed: the user's name, which the
 * attacker may have chosen, goes along as a value and never becomes part of one.
 */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsReason } from '../common/iam/aws-reason.ts';
import type { DescribedDatabase } from '../common/rds/database.ts';
import { labelsOf } from './secret.ts';
import type { Settings } from './settings.ts';

export const login = z.object({
  /** ARN of the secret by which Firebreak logs in. */
  secret: z.string(),
});
export const noLogin = z.object({ why: z.string() });

/** Logins of RDS itself, by which it keeps the database running. */
const OF_RDS = [
  'rdsadmin',
  'rdsproxyadmin',
  'rdsrepladmin',
  'rdswriteforwarduser',
  'event_scheduler',
  'system user',
];

/**
 * A user that the secret names needs `pg_signal_backend` in PostgreSQL; PROCESS and EXECUTE on `mysql.rds_kill` in MySQL.
 * Both take the values as bound ones through the Data API [M-LAB].
 */
const STATEMENTS = {
  'aurora-postgresql': {
    database: 'postgres',
    list: 'SELECT pid FROM pg_stat_activity WHERE usename = :name AND pid <> pg_backend_pid()',
    end: 'SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = :name AND pid <> pg_backend_pid()',
  },
  'aurora-mysql': {
    database: 'mysql',
    list: 'SELECT id FROM information_schema.processlist WHERE user = :name AND id <> CONNECTION_ID()',
    endOne: 'CALL mysql.rds_kill(:id)',
  },
} as const;
type Engine = keyof typeof STATEMENTS;
const engineOf = (engine: string): Engine | undefined =>
  engine === 'aurora-postgresql' || engine === 'aurora-mysql' ? engine : undefined;

/** In one pass; what is open after it is ended by the next one. */
const MOST_ENDED = 100;

/** The login by which the user's sessions can be ended, or why they cannot. */
export async function loginOf(
  aws: Aws,
  user: string,
  { engine, dataApi }: Pick<DescribedDatabase, 'engine' | 'dataApi'>,
  database: string,
  { sessions }: Settings,
): Promise<z.infer<typeof login> | z.infer<typeof noLogin>> {
  if (OF_RDS.includes(user)) return { why: `${user} is a login of RDS itself: its sessions are not ended` };
  const by = 'end them in the database';
  if (!dataApi || engineOf(engine) === undefined)
    return {
      why: `the Data API of RDS does not answer for it (Aurora alone has one, where it is switched on): ${by}`,
    };
  const name = sessions.find((one) => one.database === database)?.secret;
  if (name === undefined)
    return { why: `policy.yml does not name a secret for it (evict-database-user: sessions): ${by}` };
  try {
    return { secret: (await labelsOf(aws, name)).arn };
  } catch (error) {
    return { why: `the secret ${name} could not be looked at (${awsReason(error)}): ${by}` };
  }
}

interface Where {
  /** ARN of the cluster. */
  readonly cluster: string;
  readonly engine: string;
  readonly secret: string;
}

type Value = { readonly stringValue: string } | { readonly longValue: number };

async function execute(
  aws: Aws,
  { cluster, secret }: Where,
  { database, sql }: { readonly database: string; readonly sql: string },
  [name, value]: readonly [name: string, value: Value],
): Promise<readonly number[]> {
  const { client, api } = await aws.rdsData();
  const parameters = [{ name, value: { ...value } }];
  const { records = [] } = await client.send(
    new api.ExecuteStatementCommand({ resourceArn: cluster, secretArn: secret, database, sql, parameters }),
  );
  return records.flatMap(([id]) => id?.longValue ?? []);
}

/** The user's sessions, by the engine's ids: those on the writer, where the Data API runs a statement [M]. */
export async function sessionsOf(aws: Aws, where: Where, user: string): Promise<readonly number[]> {
  const engine = engineOf(where.engine);
  if (engine === undefined) return [];
  const { database, list } = STATEMENTS[engine];
  return execute(aws, where, { database, sql: list }, ['name', { stringValue: user }]);
}

/** Ends those that are open now, and returns how many there were. */
export async function endSessions(aws: Aws, where: Where, user: string): Promise<number> {
  const engine = engineOf(where.engine);
  if (engine === undefined) return 0;
  const { database, ...statement } = STATEMENTS[engine];
  if ('end' in statement)
    return (await execute(aws, where, { database, sql: statement.end }, ['name', { stringValue: user }]))
      .length;
  const open = (await sessionsOf(aws, where, user)).slice(0, MOST_ENDED);
  for (const id of open)
    await execute(aws, where, { database, sql: statement.endOne }, ['id', { longValue: id }]);
  return open.length;
}

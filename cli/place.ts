/** Where a command works: the sandbox as the last demo or run left it, or the user's own account (`--live`). */
import { userInfo } from 'node:os';
import type { Door } from '../core/approval/door.ts';
import { parseArn, type Scope } from '../core/aws/arn.ts';
import { type Aws, awsFor } from '../core/aws/client.ts';
import { FirebreakError } from '../core/errors.ts';
import type { Policy } from '../core/policy/policy.ts';
import { partitionKey } from '../core/table/partitions.ts';
import { openTable, type Table } from '../core/table/table.ts';
import type { Runtime } from '../pipeline/runtime.ts';
import { regionOf } from './region.ts';
import { readStage } from './settings.ts';

export interface Place {
  readonly scope: Scope;
  readonly aws: Aws;
  readonly table: Table;
  /** Who acts: the caller's ARN, or the local user in the sandbox. */
  readonly who: string;
  /** The caller as IAM knows them, or an approver of the sandbox. */
  door(): Promise<Door>;
  /** Where a first list goes when no bucket is named: in the sandbox only. */
  readonly bucket?: string;
  /** What the handlers work with, for what a command shares with them. Throws where nothing is deployed. */
  runtime(): Promise<Runtime>;
  close(): Promise<void>;
}

export interface PlaceOptions {
  readonly policy: Policy;
  readonly live: boolean;
  readonly stage: string;
  readonly region: string | undefined;
}

export const openPlace = (options: PlaceOptions): Promise<Place> =>
  options.live ? livePlace(options) : sandboxPlace(options);

/** The incidents alone, for what only reads them: a sandbox is not started. */
export const openRecords = async (
  options: Omit<PlaceOptions, 'policy'>,
): Promise<Pick<Place, 'table' | 'close'>> =>
  options.live ? deployed(options) : (await import('../sandbox/saved.ts')).openRecords();

const LISTS_BUCKET = 'firebreak-sandbox-lists';
const EMPTY_BUCKET = { block: null, policy: null, website: false, Tags: {}, versions: [] };

async function sandboxPlace({ policy }: PlaceOptions): Promise<Place> {
  const { openHome } = await import('../sandbox/saved.ts');
  const home = await openHome({ policy });
  const { sandbox, first } = home;
  const { buckets } = sandbox.twin.state.s3;
  buckets[LISTS_BUCKET] ??= { ...EMPTY_BUCKET, Name: LISTS_BUCKET, Region: sandbox.twin.scope.region };
  first.s3.buckets[LISTS_BUCKET] ??= structuredClone(buckets[LISTS_BUCKET]);
  return {
    scope: sandbox.twin.scope,
    aws: awsFor(sandbox.twin.scope),
    bucket: LISTS_BUCKET,
    table: sandbox.runtime.table,
    who: `cli:${userInfo().username}`,
    door: async () => ({ kind: 'slack', user: 'U0BOB' }),
    runtime: async () => sandbox.runtime,
    async close() {
      // What a person changed on purpose is not what `undo` of an incident is measured by.
      const { state } = sandbox.twin;
      first.s3.objects = structuredClone(state.s3.objects);
      for (const [name, region] of Object.entries(state.regions)) {
        const before = first.regions[name];
        if (before) before.guardduty = structuredClone(region.guardduty);
      }
      await home.close();
    },
  };
}

async function livePlace({ policy, ...options }: PlaceOptions): Promise<Place> {
  const place = await deployed(options);
  const { aws, table, scope } = place;
  return {
    ...place,
    async runtime() {
      const [{ makeRuntime }, { readEnvironment }] = await Promise.all([
        import('../pipeline/runtime.ts'),
        import('../pipeline/environment.ts'),
      ]);
      // What is deployed knows its own topic, state machines and names; secrets are only named there.
      const { client: functions, api } = await aws.lambda();
      const { Environment } = await functions.send(
        new api.GetFunctionConfigurationCommand({ FunctionName: `firebreak-${options.stage}-undo` }),
      );
      const env = readEnvironment({ AWS_REGION: scope.region, ...Environment?.Variables });
      return makeRuntime({ env, table, policy, now: () => new Date() });
    },
  };
}

/** The user's own credentials and the table of the deployed stage. */
async function deployed({
  stage,
  region: given,
}: Pick<PlaceOptions, 'stage' | 'region'>): Promise<Omit<Place, 'runtime'>> {
  const region = await regionOf(given, stage);
  const [sts, { DynamoDBClient }] = await Promise.all([
    import('../core/aws/services/sts.ts'),
    import('@aws-sdk/client-dynamodb'),
  ]);
  const client = new sts.Client({ region });
  const identity = await client.send(new sts.GetCallerIdentityCommand({}));
  const { Account: account = '', Arn = '', UserId = '' } = identity;
  client.destroy();
  const scope: Scope = { partition: parseArn(Arn)?.partition ?? 'aws', account, region };
  const dynamo = new DynamoDBClient({ region, maxAttempts: 8 });
  const aws = awsFor(scope);
  const table = openTable(`firebreak-${stage}`, dynamo);
  await mustBeDeployed(table, scope, stage);
  return {
    scope,
    aws,
    table,
    who: Arn,
    door: async () => ({ kind: 'aws', principal: await principalOf(aws, Arn), userId: UserId }),
    close: async () => dynamo.destroy(),
  };
}

/** One read of the table, so that a stack that is not there is said once and not by each thing that misses a part of it. */
async function mustBeDeployed(table: Table, { account, region }: Scope, stage: string): Promise<void> {
  try {
    await table.get({ pk: partitionKey('killSwitch'), sk: 'KILL-SWITCH' });
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (!(cause instanceof Error) || cause.name !== 'ResourceNotFoundException') throw error;
    const known = (await readStage(stage))?.region;
    const elsewhere =
      known === undefined || known === region
        ? ''
        : `firebreak.json has this stage in ${known} (--region ${known}). To deploy here: `;
    throw new FirebreakError(
      'NotFound',
      `firebreak-${stage} is not deployed in ${region}, account ${account}`,
      {
        next: `${elsewhere}npx firebreak init --stage ${stage} --region ${region}`,
        cause: error,
      },
    );
  }
}

/** The ARN as IAM's `aws:PrincipalArn` has it: of a session its role, whose path STS does not give. */
async function principalOf(aws: Aws, caller: string): Promise<string> {
  const [, RoleName] = /:assumed-role\/([^/]+)\//.exec(caller) ?? [];
  if (RoleName === undefined) return caller;
  const { client, api } = await aws.iam();
  const { Role } = await client.send(new api.GetRoleCommand({ RoleName }));
  return Role?.Arn ?? caller;
}

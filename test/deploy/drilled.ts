/**
 * The deployed stack with its packaged functions at work: each in a process of its own, started by moto's Step Functions. An
 * operator and a member account are there; what moto lacks of the calls is answered here.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as iam from '@aws-sdk/client-iam';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { z } from 'zod';
import { type Functions, openPackage, type Package, startFunctions } from '../../bench/packaged.ts';
import { type Field, machinesOf } from '../../cli/drill/engine.ts';
import { awsFor } from '../../core/aws/client.ts';
import { MEMBER_ROLES } from '../../core/policy/protected.ts';
import { startIn } from '../../core/table/mode.ts';
import { openTable } from '../../core/table/table.ts';
import { type HttpEndpoint, postTo, startHttpEndpoint } from '../../sandbox/http-endpoint.ts';
import { SECRETS, slackOf } from './slack.ts';
import { DEPLOYMENT, deployStack, NAME, runMachines } from './stack.ts';

export const MEMBER = '444455556666';
/** Of the operator in the member account. */
export const OPERATOR_ROLE = 'OrganizationAccountAccessRole';

/** Every call of moto's that the drills make and moto does not have, with what is true of the account: there is nothing of it. */
const LACKING: readonly (readonly [operation: RegExp, answer: object])[] = [
  [/CloudTrail_20131101\.LookupEvents$/, { Events: [] }],
  [/^GET \/2019-09-30\/functions\/[^/]+\/provisioned-concurrency/, { ProvisionedConcurrencyConfigs: [] }],
];

export interface DrilledStack {
  /** The pipeline's account, in the operator's hands. */
  readonly field: Field;
  /** Functions that were called. */
  readonly used: () => readonly string[];
  /** Whether moto judges every call by the policies of who makes it. */
  enforceIam(on: boolean): Promise<void>;
  /** Runs the command as the operator. */
  firebreak(...args: readonly string[]): Promise<{ readonly status: number | null; readonly said: string }>;
  stop(): Promise<void>;
}

interface User {
  readonly userId: string;
  readonly key: string;
  readonly secret: string;
}
const credentialsOf = ({ key: accessKeyId, secret: secretAccessKey }: User) => ({
  accessKeyId,
  secretAccessKey,
});
const environmentOf = ({ key, secret }: User) => ({
  AWS_ACCESS_KEY_ID: key,
  AWS_SECRET_ACCESS_KEY: secret,
});
const REGION = { region: DEPLOYMENT.region };
const ALL = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
});

export async function openDrilled(): Promise<DrilledStack> {
  const stack = await deployStack(SECRETS, 'drill');
  const { moto, lambda } = stack;
  const url = `http://127.0.0.1:${lambda.port}`;
  const [operator, pipeline] = [await makeUser('operator'), await makeUser('functions')];
  await makeMember();
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-drilled-'));
  let functions: Functions | undefined;
  const invoke = (name: string, event: unknown): Promise<unknown> => {
    const handler = functions?.handlers[name.replace(`${NAME}-`, '').replace(/:.*$/, '')];
    if (!handler) throw new Error(`${name} is not a function of the stack`);
    return handler(event);
  };
  lambda.connect(moto.url, invoke, (operation, body) => answerFor(operation, body, moto.url, operator));
  const packed = await withLiveSettings(await openPackage('.', folder, stack.folder));
  const endpoint: HttpEndpoint = await startHttpEndpoint((event) => invoke(`${NAME}-slack`, event) as never);
  const slack = await slackOf((request) => postTo(endpoint.url, request));
  functions = startFunctions(packed, {
    ...{ PATH: process.env['PATH'] ?? '', ...REGION_ENV, ...environmentOf(pipeline) },
    ...{ AWS_ENDPOINT_URL: url, SLACK_API_URL: slack.url },
    ...{ POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' },
  });
  await runMachines(stack);
  await tasksRunOn(moto.url);
  const as = credentialsOf(operator);
  const dynamo = new DynamoDBClient({ ...REGION, credentials: as });
  const table = openTable(NAME, dynamo);
  await startIn(table, 'enforce', 'test', new Date());
  const aws = awsFor(DEPLOYMENT, { name: 'drill', as });
  const principal = `arn:aws:iam::${DEPLOYMENT.account}:user/operator`;
  const { respond, undo } = machinesOf(aws, DEPLOYMENT.stage);
  return {
    field: {
      ...{ aws, pipeline: aws, table, caller: principal, fast: false, now: () => new Date() },
      door: { kind: 'aws', principal, userId: operator.userId },
      machines: { respond: respond.replace(/:live$/, ''), undo },
      asked: () => undefined,
    },
    used: () => [...(functions?.used().keys() ?? [])],
    async enforceIam(on) {
      const answer = await fetch(`${moto.url}/moto-api/reset-auth`, {
        ...{ method: 'POST', body: on ? '0' : '1000000' },
      });
      if (!answer.ok) throw new Error(`moto does not enforce IAM: ${answer.status}`);
    },
    firebreak: (...args) =>
      run(folder, [resolve('bin/firebreak.js'), ...args], {
        ...{ PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1', AWS_ENDPOINT_URL: url },
        ...{ ...REGION_ENV, ...environmentOf(operator) },
      }),
    async stop() {
      functions?.stop();
      dynamo.destroy();
      await slack.close();
      await endpoint.close();
      await stack.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const REGION_ENV = { AWS_REGION: DEPLOYMENT.region };

/** A task of moto's goes on to its next state whenever it is described. */
async function tasksRunOn(moto: string): Promise<void> {
  const body = JSON.stringify({
    model_name: 'ecs::task',
    transition: { progression: 'manual', times: 100_000 },
  });
  const answer = await fetch(`${moto}/moto-api/state-manager/set-transition`, { method: 'POST', body });
  if (!answer.ok) throw new Error(`moto does not take ${body}: ${answer.status}`);
}

/** As Lambda holds them: what CloudFormation filled in. */
async function withLiveSettings(packed: Package): Promise<Package> {
  const client = new LambdaClient(REGION);
  const functions = await Promise.all(
    packed.functions.map(async (one) => {
      const FunctionName = `${NAME}-${one.name}`;
      const { Environment } = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
      return { ...one, environment: { ...one.environment, ...Environment?.Variables } };
    }),
  );
  client.destroy();
  return { ...packed, functions };
}

const started = z.object({ stateMachineArn: z.string(), name: z.string(), input: z.string() });

/** moto starts no machine by its alias: it is started by its name, by who started it. */
async function answerFor(
  operation: string,
  body: string,
  endpoint: string,
  by: User,
): Promise<object | undefined> {
  const lacking = LACKING.find(([pattern]) => pattern.test(operation));
  if (lacking) return lacking[1];
  if (operation !== 'AWSStepFunctions.StartExecution') return undefined;
  const start = started.parse(JSON.parse(body));
  if (!start.stateMachineArn.endsWith(':live')) return undefined;
  const client = new SFNClient({ ...REGION, endpoint, credentials: credentialsOf(by) });
  const stateMachineArn = start.stateMachineArn.replace(/:live$/, '');
  const { executionArn, startDate } = await client.send(
    new StartExecutionCommand({ ...start, stateMachineArn }),
  );
  client.destroy();
  return { executionArn, startDate: (startDate?.getTime() ?? 0) / 1000 };
}

async function makeUser(UserName: string): Promise<User> {
  const client = new iam.IAMClient(REGION);
  const { User } = await client.send(new iam.CreateUserCommand({ UserName }));
  await client.send(new iam.PutUserPolicyCommand({ UserName, PolicyName: 'all', PolicyDocument: ALL }));
  const { AccessKey } = await client.send(new iam.CreateAccessKeyCommand({ UserName }));
  client.destroy();
  return {
    userId: User?.UserId ?? '',
    ...{ key: AccessKey?.AccessKeyId ?? '', secret: AccessKey?.SecretAccessKey ?? '' },
  };
}

/** A member account, with the roles that the template of member accounts makes and that of the operator. */
async function makeMember(): Promise<void> {
  const sts = new STSClient(REGION);
  const { Credentials: given } = await sts.send(
    new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${MEMBER}:role/setup`, RoleSessionName: 'setup' }),
  );
  sts.destroy();
  const credentials = {
    ...{ accessKeyId: given?.AccessKeyId ?? '', secretAccessKey: given?.SecretAccessKey ?? '' },
    sessionToken: given?.SessionToken ?? '',
  };
  const client = new iam.IAMClient({ ...REGION, credentials });
  for (const RoleName of [OPERATOR_ROLE, ...Object.values(MEMBER_ROLES)]) {
    const AssumeRolePolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          ...{ Effect: 'Allow', Action: 'sts:AssumeRole' },
          Principal: { AWS: `arn:aws:iam::${DEPLOYMENT.account}:root` },
        },
      ],
    });
    await client.send(new iam.CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
    await client.send(new iam.PutRolePolicyCommand({ RoleName, PolicyName: 'all', PolicyDocument: ALL }));
  }
  client.destroy();
}

/** In a folder of its own: what a developer's own drills made is theirs to clean. */
function run(
  cwd: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readonly status: number | null; readonly said: string }> {
  return new Promise((ended, reject) => {
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
    child.once('error', reject);
    child.once('close', (status) => ended({ status, said }));
  });
}

/** The packaged stack, deployed by the Serverless Framework into moto on loopback. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { CreateStateMachineCommand, DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { z } from 'zod';
import { type MotoServer, startMoto } from '../../bench/moto-server.ts';
import { type LambdaEndpoint, lambdaEndpoint } from './lambda-endpoint.ts';

export const DEPLOYMENT = { partition: 'aws', region: 'us-east-1', account: '123456789012', stage: 'test' };
export const NAME = `firebreak-${DEPLOYMENT.stage}`;

const template = z.object({
  Resources: z.record(
    z.string(),
    z.looseObject({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
});
type Template = z.infer<typeof template>;

export interface DeployedStack {
  readonly moto: MotoServer;
  readonly lambda: LambdaEndpoint;
  /** As packaged and uploaded. */
  readonly template: Template;
  /** The folder that was packaged. */
  readonly folder: string;
  stop(): Promise<void>;
}

/** A package made before is deployed as it is: `serverless package --stage test --package DIRECTORY`. */
const given = process.env['FIREBREAK_PACKAGE'];
const STAGE = ['--stage', DEPLOYMENT.stage, '--region', DEPLOYMENT.region];

/** `purpose` keeps what two tests package at once apart. Throws with the Serverless Framework's own output when it does not deploy. */
export async function deployStack(
  secrets: Readonly<Record<string, string>>,
  purpose: string,
): Promise<DeployedStack> {
  const folder = given ?? `.firebreak/package-${purpose}`;
  const lambda = await lambdaEndpoint();
  const moto = await startMoto({ MOTO_PORT: String(lambda.port) });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: moto.url,
    AWS_ACCESS_KEY_ID: 'moto',
    AWS_SECRET_ACCESS_KEY: 'moto',
    AWS_REGION: DEPLOYMENT.region,
  });
  const ssm = new SSMClient({ region: DEPLOYMENT.region });
  for (const [name, Value] of Object.entries(secrets)) {
    await ssm.send(
      new PutParameterCommand({
        Name: `/firebreak/${DEPLOYMENT.stage}/slack/${name}`,
        Value,
        Type: 'String',
      }),
    );
  }
  ssm.destroy();
  // moto forgets the outputs of a stack that a change set made.
  const options = [
    ...STAGE,
    '--package',
    folder,
    '--param',
    'deployment-method=direct',
    '--allow-placeholder',
  ];
  if (given === undefined) await run(['package', ...options]);
  await run(['deploy', ...options]);
  const text = await readFile(`${folder}/cloudformation-template-update-stack.json`, 'utf8');
  return {
    moto,
    lambda,
    template: template.parse(JSON.parse(text)),
    folder,
    async stop() {
      delete process.env['AWS_ENDPOINT_URL'];
      delete process.env['AWS_ENDPOINT_URL_LAMBDA'];
      await moto.stop();
      await lambda.close();
    },
  };
}

/**
 * moto keeps the machines of a template apart from those it runs: the definition that was deployed is restored to it. From then on
 * Lambda is asked at the endpoint, which must be connected by then.
 */
export async function runMachines({ moto, lambda }: DeployedStack): Promise<void> {
  const client = new SFNClient({ region: DEPLOYMENT.region });
  const { region, account } = DEPLOYMENT;
  const machines = await Promise.all(
    ['respond', 'undo'].map((name) =>
      client.send(
        new DescribeStateMachineCommand({
          stateMachineArn: `arn:aws:states:${region}:${account}:stateMachine:${NAME}-${name}`,
        }),
      ),
    ),
  );
  await moto.configure({ stepfunctions: { execute_state_machine: true } });
  for (const { name, definition, roleArn } of machines)
    await client.send(new CreateStateMachineCommand({ name, definition, roleArn }));
  client.destroy();
  process.env['AWS_ENDPOINT_URL_LAMBDA'] = `http://127.0.0.1:${lambda.port}`;
}

async function run(args: readonly string[]): Promise<void> {
  const output: string[] = [];
  const child = spawn(process.execPath, ['node_modules/.bin/serverless', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: process.env,
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => output.push(data.toString()));
  }
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve));
  if (code !== 0) throw new Error(`serverless ${args.join(' ')} failed:\n${output.join('').slice(-4000)}`);
}

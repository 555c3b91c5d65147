/** Every row of docs/state-machines.md, played in the interpreter of the sandbox and in moto's. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MotoServer, startMoto } from '../../bench/moto-server.ts';
import { ASL_FEATURES, type AslFeature, type End } from '../../deploy/asl-features.ts';
import { readDefinition } from '../../sandbox/asl.ts';
import { checkedDefinition, runDefinition } from '../../sandbox/execution.ts';

const SCOPE = { partition: 'aws', account: '123456789012', region: 'us-east-1' };
const text = ({ states }: AslFeature): string => JSON.stringify({ StartAt: 'Own', States: states });

let moto: MotoServer;
let client: SFNClient;
beforeAll(async () => {
  moto = await startMoto();
  await moto.configure({ stepfunctions: { execute_state_machine: true } });
  client = new SFNClient({
    region: SCOPE.region,
    endpoint: moto.url,
    credentials: { accessKeyId: 'moto', secretAccessKey: 'moto' },
  });
});
afterAll(async () => {
  client.destroy();
  await moto.stop();
});

async function inSandbox(feature: AslFeature): Promise<End> {
  const { ended } = runDefinition({
    definition: checkedDefinition(readDefinition(text(feature), { scope: SCOPE, service: 'x', stage: 'x' })),
    input: feature.input,
    arn: 'arn:aws:states:us-east-1:123456789012:execution:played:played',
    machine: { Id: 'arn:aws:states:us-east-1:123456789012:stateMachine:played', Name: 'played' },
    longestPauseMs: 1,
    retriesAsWritten: false,
    task: () => Promise.reject(new Error('no row has a task')),
    note: () => undefined,
  });
  const found = await ended;
  return found.status === 'SUCCEEDED' ? { output: found.output } : { error: found.error };
}

/** moto gives a text as it is, without the quotes of JSON. */
function outputOf(given = 'null'): unknown {
  try {
    return JSON.parse(given);
  } catch {
    return given;
  }
}

async function inMoto(feature: AslFeature, index: number): Promise<End> {
  const { stateMachineArn } = await client.send(
    new CreateStateMachineCommand({
      name: `played-${index}`,
      definition: text(feature),
      roleArn: 'arn:aws:iam::123456789012:role/played',
    }),
  );
  const { executionArn } = await client.send(
    new StartExecutionCommand({ stateMachineArn, name: 'played', input: JSON.stringify(feature.input) }),
  );
  for (;;) {
    const { status, output, error } = await client.send(new DescribeExecutionCommand({ executionArn }));
    if (status === 'SUCCEEDED') return { output: outputOf(output) };
    if (status !== 'RUNNING') return { error: error ?? '' };
    await sleep(100);
  }
}

describe.each(ASL_FEATURES.map((feature, index) => ({ feature, index, name: feature.feature })))(
  '$name',
  ({ feature, index }) => {
    it('in the sandbox', async () => {
      expect(await inSandbox(feature)).toEqual(feature.sandbox ?? feature.aws);
    });
    it('in moto', async () => {
      expect(await inMoto(feature, index)).toEqual(feature.moto ?? feature.aws);
    });
    it('says why a difference does not matter', () => {
      expect(feature.note !== undefined).toBe(feature.sandbox !== undefined || feature.moto !== undefined);
    });
  },
);

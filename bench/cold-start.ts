/** One finding against a package whose functions have not run, and the next one once they have. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { startIn } from '../core/table/mode.ts';
import { openTable } from '../core/table/table.ts';
import { TABLE_DEFINITION } from '../core/table/table-definition.ts';
import { openStateMachines } from '../sandbox/state-machine.ts';
import { makeVictim, OWN } from './account.ts';
import { type Package, startFunctions, type Used } from './packaged.ts';
import { detailOf, openWire } from './wire.ts';

export interface Measured {
  /** Milliseconds from the event to the first containing call. */
  readonly coldMs: number;
  readonly warmMs: number;
  /** Calls before it, cold. */
  readonly calls: number;
  /** What each function's processes took until then, cold. */
  readonly used: ReadonlyMap<string, Used>;
}

interface Course {
  readonly playbook: string;
  /** `IAM:PutRolePolicy` */
  readonly contains: string;
  readonly moto: string;
  readonly latencyMs: number;
}

const TABLE = 'firebreak-bench';
const STAGE = 'prod';
/** Longer than any function may run. */
const MOST_MS = 120_000;
let serial = 0;

/** Throws where the call is never made. */
export async function measure(
  packed: Package,
  { playbook, contains, moto, latencyMs }: Course,
): Promise<Measured> {
  const wire = await openWire(moto, latencyMs);
  await makeTable(wire.url);
  const functions = startFunctions(packed, environmentOf(wire.url));
  wire.onInvoke((name, event) => {
    functions.invokeLater(name.replace(/^.*firebreak-[^-]+-/, ''), event);
  });
  const machines = await openStateMachines(['respond'], {
    ...{
      scope: OWN,
      directory: packed.statemachines,
      service: 'firebreak',
      stage: STAGE,
      longestPauseMs: 25,
    },
    functions: functions.handlers,
  });
  const [service = '', operation] = contains.split(':');
  const wanted = `${service.toLowerCase()}:${operation}`;
  async function once(): Promise<{ readonly ms: number; readonly calls: number }> {
    serial += 1;
    const finding = (await makeVictim(moto, serial)).findings[playbook];
    if (!finding) throw new Error(`no finding for ${playbook}`);
    wire.hold(detailOf(finding));
    const before = wire.calls.length;
    const began = performance.now();
    const contained = new Promise<{ ms: number; calls: number }>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${playbook} never made ${contains}`)), MOST_MS);
      wire.onCall((name) => {
        if (name !== wanted) return;
        clearTimeout(late);
        resolve({ ms: performance.now() - began, calls: wire.calls.length - before - 1 });
      });
    });
    const execution = machines.start(
      'respond',
      { channel: 'guardduty', detail: detailOf(finding) },
      randomUUID(),
    );
    const failed = execution.ended.then((end) => {
      if (end.status === 'FAILED') throw new Error(`${end.error}: ${end.cause}`);
      return contained;
    });
    return Promise.race([contained, failed]);
  }
  try {
    const cold = await once();
    const used = functions.used();
    // The rest of the first containment must not take the second one's time.
    while (machines.history.every(({ state }) => state !== 'WaitForProof')) await sleep(20);
    machines.stopAll();
    const warm = await once();
    machines.stopAll();
    return { coldMs: cold.ms, warmMs: warm.ms, calls: cold.calls, used };
  } finally {
    functions.stop();
    await wire.close();
  }
}

/** What CloudFormation fills in. */
const environmentOf = (endpoint: string): Readonly<Record<string, string>> => ({
  PATH: process.env['PATH'] ?? '',
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: OWN.region,
  AWS_ACCESS_KEY_ID: 'moto',
  AWS_SECRET_ACCESS_KEY: 'moto',
  POWERTOOLS_LOG_LEVEL: 'SILENT',
  TABLE_NAME: TABLE,
  OWN_ACCOUNT: OWN.account,
  OWN_PARTITION: OWN.partition,
  PAGE_TOPIC_ARN: `arn:${OWN.partition}:sns:${OWN.region}:${OWN.account}:page`,
  RESPOND_STATE_MACHINE_ARN: `arn:${OWN.partition}:states:${OWN.region}:${OWN.account}:stateMachine:firebreak-${STAGE}-respond:live`,
  UNDO_STATE_MACHINE_ARN: `arn:${OWN.partition}:states:${OWN.region}:${OWN.account}:stateMachine:firebreak-${STAGE}-undo:live`,
  SLACK_CHANNEL: 'C0INCIDENTS',
  SLACK_TEAM_ID: 'T0FIREBREAK',
  SLACK_APP_ID: 'A0FIREBREAK',
  SLACK_API_URL: `${endpoint}/slack`,
});

async function makeTable(endpoint: string): Promise<void> {
  const client = new DynamoDBClient({
    ...{ region: OWN.region, endpoint, credentials: { accessKeyId: 'moto', secretAccessKey: 'moto' } },
  });
  await client.send(
    new CreateTableCommand({ TableName: TABLE, BillingMode: 'PAY_PER_REQUEST', ...TABLE_DEFINITION }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName: TABLE });
  // The shipped policy starts in observe mode, in which nothing is contained.
  await startIn(openTable(TABLE, client), 'enforce', 'bench', new Date());
  client.destroy();
}

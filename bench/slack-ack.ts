/**
 * How long Slack waits for its answer, cold: the packaged endpoint in a fresh Node process, from the first import to the
 * answer, and again warm. The table is DynamoDB's protocol on loopback; Systems Manager, Step Functions, Lambda and Slack
 * answer at once, so that what is left is ours. Reads the archive of `npm run package`; medians of fresh processes.
 *
 * Slack gives three seconds. A Lambda of 1024 MB has a bit more than half of a processor [M]: count with twice these.
 */
import { spawn } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openApproval } from '../core/approval/approval.ts';
import { awsFor } from '../core/aws/client.ts';
import { parseFinding } from '../core/finding/finding.ts';
import { incidentStore } from '../core/incident/store.ts';
import { serveDatabase } from '../sandbox/database.ts';
import { SANDBOX_SCOPE } from '../sandbox/scope.ts';
import { createTwin } from '../sandbox/twin/twin.ts';
import { addressFinding } from '../sandbox/worlds.ts';
import { ACTIONS } from '../slack/actions.ts';
import { unzip } from './zip.ts';

const ARCHIVE = '.serverless/slack.zip';
const RUNS = 9;
const SECRET = 'bench';
const CARD = { channel: 'C0BENCH', ts: '1.000001' };
const TEAM = 'T0BENCH';
const APP = 'A0BENCH';
const TABLE = 'firebreak-bench';

if (!existsSync(ARCHIVE)) {
  console.error('There is nothing to measure: run `npm run package` first.');
  process.exit(1);
}

interface Asked {
  readonly incidentId: string;
  readonly decisionId: string;
}
interface Times {
  readonly cold: number;
  readonly warm: number;
}

const database = await serveDatabase(SANDBOX_SCOPE, TABLE);
const incidents = incidentStore(database.table);
const work = await mkdtemp(join(tmpdir(), 'firebreak-ack-'));
const calls: string[] = [];
const services = createServer((request, response) => {
  void (async () => {
    for await (const _ of request); // the body is not looked at
    const name = String(request.headers['x-amz-target'] ?? request.url);
    calls.push(name);
    response.setHeader(
      'content-type',
      name.includes('/api/') ? 'application/json' : 'application/x-amz-json-1.1',
    );
    if (name.includes('invocations')) response.writeHead(202);
    response.end(JSON.stringify(answerOf(name)));
  })();
});
services.listen(0, '127.0.0.1');
await once(services, 'listening');
const url = `http://127.0.0.1:${(services.address() as AddressInfo).port}`;

const REQUESTS: readonly { what: string; request: (asked: Asked) => { path: string; form: object } }[] = [
  { what: 'Approve', request: ({ decisionId }) => pressed(ACTIONS.approve, decisionId) },
  { what: 'Deny (opens the modal)', request: ({ decisionId }) => pressed(ACTIONS.deny, decisionId) },
  { what: 'Details (opens the modal)', request: ({ incidentId }) => pressed(ACTIONS.details, incidentId) },
  { what: '/firebreak status', request: () => typed('status') },
  { what: 'a forged click', request: ({ decisionId }) => pressed(ACTIONS.approve, decisionId) },
];

try {
  await unzip(ARCHIVE, work);
  console.log(`Node ${process.version}, median of ${RUNS} fresh processes, milliseconds until the answer`);
  console.log(`${'request'.padEnd(28)}${'cold'.padStart(8)}${'warm'.padStart(8)}`);
  for (const { what, request } of REQUESTS) {
    const times: Times[] = [];
    for (let run = 0; run < RUNS; run++) {
      const events = [await ask(), await ask()].map((asked) =>
        eventOf(request(asked), what.includes('forged') ? 'another secret' : SECRET),
      );
      times.push(await measure(events, what.includes('forged') ? 401 : 200));
    }
    console.log(
      `${what.padEnd(28)}${median(times.map(({ cold }) => cold)).padStart(8)}${median(times.map(({ warm }) => warm)).padStart(8)}`,
    );
  }
  const resumed = calls.filter((name) => name.endsWith('SendTaskSuccess')).length;
  if (resumed !== RUNS * 2)
    throw new Error(`the workflow was resumed ${resumed} times, not ${RUNS * 2}: nothing was measured`);
} finally {
  services.closeAllConnections();
  services.close();
  await database.close();
  await rm(work, { recursive: true, force: true });
}

/** An incident whose card asks. */
async function ask(): Promise<Asked> {
  const event = addressFinding(createTwin(SANDBOX_SCOPE), 'i-0123456789abcdef0', { seed: randomUUID() });
  const now = new Date();
  const { incident } = await incidents.claim(parseFinding(event), 'bench', now);
  const view = await openApproval(
    { table: database.table, incidents, aws: awsFor(SANDBOX_SCOPE) },
    {
      incidentId: incident.id,
      purpose: 'contain',
      needed: 1,
      timeoutSeconds: 1800,
      taskToken: 'A'.repeat(400),
      at: now,
    },
  );
  await incidents.change(incident.id, now, () => ({ slack: CARD, status: 'awaiting-approval' }));
  return { incidentId: incident.id, decisionId: view.id };
}

function pressed(action_id: string, value: string) {
  const payload = JSON.stringify({
    type: 'block_actions',
    api_app_id: APP,
    team: { id: TEAM },
    user: { id: 'U0BOB' },
    trigger_id: '1.2.3',
    channel: { id: CARD.channel },
    message: { ts: CARD.ts },
    actions: [{ action_id, value }],
  });
  return { path: '/slack/interactivity', form: { payload } };
}

function typed(text: string) {
  const form = {
    command: '/firebreak',
    text,
    api_app_id: APP,
    team_id: TEAM,
    user_id: 'U0BOB',
    channel_id: CARD.channel,
    trigger_id: '1.2.3',
  };
  return { path: '/slack/command', form };
}

function eventOf({ path, form }: { path: string; form: object }, secret: string): object {
  const body = new URLSearchParams(Object.entries(form)).toString();
  const timestamp = String(Math.floor(Date.now() / 1000));
  const mac = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex');
  return {
    version: '2.0',
    rawPath: path,
    headers: { 'x-slack-request-timestamp': timestamp, 'x-slack-signature': `v0=${mac}` },
    body: Buffer.from(body).toString('base64'),
    isBase64Encoded: true,
  };
}

/** One fresh process: the first event cold, the second warm. */
async function measure(events: readonly object[], status: number): Promise<Times> {
  const { hostname, port } = (await database.client.config.endpoint?.()) ?? { hostname: '', port: 0 };
  const file = join(work, 'events.json');
  await writeFile(file, JSON.stringify(events));
  const script = `
    import { readFileSync } from 'node:fs';
    const events = JSON.parse(readFileSync(${JSON.stringify(file)}, 'utf8'));
    const context = { functionName: 'slack', memoryLimitInMB: '1024', awsRequestId: 'bench', invokedFunctionArn: 'bench', getRemainingTimeInMillis: () => 10000 };
    let start = performance.now();
    const { handler } = await import(${JSON.stringify(pathToFileURL(join(work, 'functions', 'slack.mjs')).href)});
    const times = [];
    for (const event of events) {
      const { statusCode } = await handler(event, context);
      if (statusCode !== ${status}) throw new Error('answered ' + statusCode);
      times.push(performance.now() - start);
      start = performance.now();
    }
    console.log('TIMES ' + JSON.stringify(times));
    process.exit(0);`;
  const child = spawn(process.execPath, ['--enable-source-maps', '--input-type=module', '--eval', script], {
    cwd: work,
    env: {
      ...environment(),
      AWS_ENDPOINT_URL: url,
      AWS_ENDPOINT_URL_DYNAMODB: `http://${hostname}:${port}`,
      SLACK_API_URL: `${url}/api/`,
    },
  });
  let said = '';
  let wrong = '';
  child.stdout.on('data', (part) => {
    said += String(part);
  });
  child.stderr.on('data', (part) => {
    wrong += String(part);
  });
  const [code] = (await once(child, 'close')) as [number];
  const line = /^TIMES (.*)$/m.exec(said)?.[1];
  if (code !== 0 || line === undefined) throw new Error(`the endpoint failed: ${wrong}${said}`);
  const [cold = Number.NaN, warm = Number.NaN] = JSON.parse(line) as number[];
  return { cold, warm };
}

function environment(): Record<string, string> {
  const { account, partition, region } = SANDBOX_SCOPE;
  const named = (service: string, name: string) => `arn:${partition}:${service}:${region}:${account}:${name}`;
  return {
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: 'BENCH',
    AWS_SECRET_ACCESS_KEY: 'BENCH',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    TABLE_NAME: TABLE,
    STAGE: 'bench',
    POLICY_FILE: 'policy.json',
    OWN_ACCOUNT: account,
    OWN_PARTITION: partition,
    PAGE_TOPIC_ARN: named('sns', 'page'),
    RESPOND_STATE_MACHINE_ARN: named('states', 'stateMachine:respond'),
    UNDO_STATE_MACHINE_ARN: named('states', 'stateMachine:undo'),
    SLACK_WORK_FUNCTION: 'slack-work',
    CONTAIN_FUNCTION: 'contain',
    SLACK_BOT_TOKEN_PARAMETER: 'token',
    SLACK_SIGNING_SECRET_PARAMETER: 'secret',
    SLACK_CHANNEL: CARD.channel,
    SLACK_TEAM_ID: TEAM,
    SLACK_APP_ID: APP,
  };
}

function answerOf(name: string): object {
  if (name.endsWith('GetParameters')) {
    return {
      Parameters: [
        { Name: 'token', Value: 'xoxb-bench' },
        { Name: 'secret', Value: SECRET },
      ],
    };
  }
  if (name.includes('/api/')) return { ok: true, view: { id: 'V1' } };
  return {};
}

function median(values: readonly number[]): string {
  return (values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN).toFixed(0);
}

/**
 * Firebreak on one machine: the ASL files, the handlers and the table protocol as deployed; AWS and Slack are twins.
 */
import './quiet.ts';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Door, doorKey, recordUndo } from '../core/approval/door.ts';
import { acting } from '../core/aws/acting.ts';
import { arn } from '../core/aws/arn.ts';
import type { AwsCallRecord } from '../core/aws/call-log.ts';
import { type AwsCall, configureAws } from '../core/aws/client.ts';
import { type Finding, parseFinding } from '../core/finding/finding.ts';
import { isScanEvent } from '../core/finding/scan.ts';
import type { Incident } from '../core/incident/incident.ts';
import { isJsonObject, type JsonObject, own } from '../core/json.ts';
import type { Policy } from '../core/policy/policy.ts';
import { EXECUTION_INPUT_BYTES } from '../core/table/intake.ts';
import { startIn } from '../core/table/mode.ts';
import { handler as assess } from '../functions/assess.ts';
import { handler as classify } from '../functions/classify.ts';
import { handler as containTask } from '../functions/contain.ts';
import { handler as investigate } from '../functions/investigate.ts';
import { handler as pager } from '../functions/pager.ts';
import { handler as redrive } from '../functions/redrive.ts';
import { handler as report } from '../functions/report.ts';
import { handler as requestApproval } from '../functions/request-approval.ts';
import { handler as scans } from '../functions/scans.ts';
import { handler as slack } from '../functions/slack-endpoint.ts';
import { handler as slackWork } from '../functions/slack-worker.ts';
import { handler as sweep } from '../functions/sweep.ts';
import { handler as undo } from '../functions/undo.ts';
import { handler as verify } from '../functions/verify.ts';
import { readEnvironment } from '../pipeline/environment.ts';
import { makeRuntime, type Runtime, useRuntime } from '../pipeline/runtime.ts';
import { awsError } from './aws-error.ts';
import { type Background, openBackground } from './background.ts';
import type { Capacity } from './capacity.ts';
import { type OwnDatabase, openDatabase } from './database.ts';
import type { Attributes } from './dynamodb/values.ts';
import type { Execution, ExecutionEnd } from './execution.ts';
import type { ExecutionSummary } from './execution-history.ts';
import { postTo, startHttpEndpoint } from './http-endpoint.ts';
import type { LambdaHandler } from './lambdas.ts';
import { SANDBOX_SCOPE, SANDBOX_TABLE } from './scope.ts';
import { OPEN, type Seams, seamed, seamTable } from './seams.ts';
import { SLACK_GROUPS, SLACK_USERS } from './slack-people.ts';
import { type SlackTwin, startSlackTwin } from './slack-twin.ts';
import { openStateMachines, type StateMachines, type StateMachinesOptions } from './state-machine.ts';
import { holdFinding } from './twin/guardduty.ts';
import type { TwinState } from './twin/state.ts';
import { type AccountTwin, createTwin } from './twin/twin.ts';
import { openUndelivered, type Undelivered } from './undelivered.ts';

const STAGE = 'sandbox';
const WRITERS = new Set(['contain', 'undo', 'sweep']);
const TEAM = 'T0FIREBREAK';
const APP = 'A0FIREBREAK';
const CHANNEL = 'C0INCIDENTS';
const WORKER = 'firebreak-sandbox-slack-work';
const CONTAIN = 'firebreak-sandbox-contain';
/** What is invoked with `InvocationType: Event`. */
const LATER: Readonly<Record<string, { readonly name: string; readonly handler: unknown }>> = {
  [WORKER]: { name: 'slack-work', handler: slackWork },
  [`${CONTAIN}:warm`]: { name: 'contain', handler: containTask },
};

export interface SandboxOptions {
  readonly policy: Policy;
  /** What is in the table. */
  readonly items?: readonly Attributes[] | undefined;
  /** Seconds until an approval ends here, whatever the policy says. */
  readonly approvalTimeoutSeconds?: () => number | undefined;
  readonly now?: () => Date;
  /** One twin answers for every account, for findings from anywhere. */
  readonly anyAccount?: boolean;
  /** Member accounts that have the responder roles. */
  readonly members?: readonly string[];
  /** The account as an earlier process left it. */
  readonly state?: TwinState | undefined;
  /** A state of a workflow begins with this input. */
  readonly onEnter?: (state: string, input: unknown) => void;
  /** Lambda's limits on the functions that executions call. */
  readonly capacity?: Capacity;
  /** Waits and retry pauses of the workflows take at most this long here. */
  readonly longestPauseMs?: number;
  /** What stands around every invocation and every call. */
  readonly seams?: Seams;
  /** Opens the table; in this process without it. */
  readonly open?: typeof openDatabase;
}

export interface Sandbox {
  readonly twin: AccountTwin;
  readonly slack: SlackTwin;
  /** Where the deployed API Gateway would take Slack's requests. */
  readonly endpoint: string;
  /** Settles when the Slack worker and the pager have done what they were handed. */
  idle(): Promise<void>;
  readonly machines: StateMachines;
  readonly runtime: Runtime;
  readonly database: OwnDatabase;
  /** Finished AWS calls, the table's own not among them. */
  readonly awsCalls: readonly AwsCallRecord[];
  readonly invocations: readonly string[];
  /** As EventBridge does: starts the workflow, or hands what is too large to the dead-letter queue and redrive. */
  deliver(event: unknown): Promise<Execution>;
  /** Settles when nothing goes on: every execution has ended or waits for a person, and no function runs. */
  rest(): Promise<void>;
  /** As the queue of malware scans does: hands their results to the function that counts them. */
  count(events: readonly unknown[]): Promise<void>;
  /** `target`: the index of the one target to revert; all of the incident without it. */
  undo(incidentId: string, by: string, target?: number): Promise<Execution>;
  sweep(): Promise<unknown>;
  incidents(): Promise<readonly Incident[]>;
  /** Drops the records of what was called so far, which grow with every finding. */
  forget(): void;
  /** Called when a workflow took a step or a message changed. */
  onChange(listener: () => void): void;
  close(): Promise<void>;
}

export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const now = options.now ?? (() => new Date());
  const secrets = { botToken: `xoxb-sandbox-${randomUUID()}`, signingSecret: randomUUID() };
  const twin = openTwin(options, secrets);
  const database = await (options.open ?? openDatabase)(SANDBOX_SCOPE, SANDBOX_TABLE, options.items);
  const seams = options.seams ?? OPEN;
  seamTable(seams, database.client, SANDBOX_SCOPE);
  const background = openBackground(SANDBOX_SCOPE, STAGE, seams);
  const endpoint = await startHttpEndpoint((event) => background.invoke('slack', slack, event));
  const slackTwin = await openSlack(secrets, now, endpoint.url);
  const invocations: string[] = [];
  const listeners: (() => void)[] = [];
  const changed = () => {
    for (const listener of listeners) listener();
  };
  slackTwin.onChange(changed);
  const undelivered = openUndelivered(background);
  const machines = await openMachines(options, {
    onInvoke: (name) => invocations.push(name),
    onEvent: changed,
    onEnd: (execution) => handOn(undelivered, execution),
  });
  const awsCalls: AwsCallRecord[] = [];
  answerAws({ twin, machines, background, awsCalls, seams });
  const env = environmentOf(machines, slackTwin.url);
  const runtime = makeRuntime({ env, table: database.table, policy: options.policy, now });
  useRuntime(runtime);
  // A sandbox shows what Firebreak does; a saved one keeps what a person switched.
  await startIn(database.table, 'enforce', 'sandbox', now());
  return {
    ...{ twin, slack: slackTwin, machines, runtime, database, awsCalls, invocations },
    endpoint: endpoint.url,
    idle: background.idle,
    deliver: (event) => deliver(machines, background, twin, event),
    rest: () => atRest(machines, background, options.longestPauseMs ?? LONGEST_PAUSE_MS),
    count: (events) => countScanned(background, events),
    undo: (incidentId, user, target) => undoAs(runtime, machines, user, { incidentId, target }),
    async sweep() {
      await undelivered.deliverAgain();
      return background.invoke('sweep', sweep, {});
    },
    onChange: (listener) => {
      listeners.push(listener);
    },
    incidents: () => incidentsOf(runtime),
    forget() {
      for (const records of [awsCalls, twin.calls, invocations]) records.length = 0;
      machines.forget();
    },
    async close() {
      undelivered.close();
      await comeToRest(machines, background);
      useRuntime(undefined);
      configureAws({});
      await slackTwin.close();
      await endpoint.close();
      await database.close();
    },
  };
}

interface Secrets {
  readonly botToken: string;
  readonly signingSecret: string;
}

function openTwin({ anyAccount, members, state }: SandboxOptions, secrets: Secrets): AccountTwin {
  const twin = createTwin(SANDBOX_SCOPE, { anyAccount: anyAccount === true, members: members ?? [] });
  if (state) twin.state = structuredClone(state);
  twin.state.parameters = {
    '/firebreak/sandbox/slack/bot-token': secrets.botToken,
    '/firebreak/sandbox/slack/signing-secret': secrets.signingSecret,
  };
  return twin;
}

const openSlack = (secrets: Secrets, now: () => Date, endpoint: string): Promise<SlackTwin> =>
  startSlackTwin({
    ...secrets,
    teamId: TEAM,
    appId: APP,
    channel: CHANNEL,
    now,
    users: SLACK_USERS,
    groups: SLACK_GROUPS,
    deliver: (request) => postTo(endpoint, request),
  });

/** Waits and retry pauses of the workflows take at most this long here, unless stated otherwise. */
const LONGEST_PAUSE_MS = 25;

const openMachines = (
  {
    approvalTimeoutSeconds,
    onEnter,
    capacity,
    longestPauseMs = LONGEST_PAUSE_MS,
    seams = OPEN,
  }: SandboxOptions,
  watching: Pick<StateMachinesOptions, 'onInvoke' | 'onEvent' | 'onEnd'>,
): Promise<StateMachines> =>
  openStateMachines(['respond', 'undo'], {
    scope: SANDBOX_SCOPE,
    directory: new URL('../statemachines', import.meta.url).pathname,
    service: 'firebreak',
    stage: STAGE,
    functions: seamed(seams, {
      enrich: assess,
      classify,
      'request-approval': requestApproval,
      contain: containTask,
      verify,
      investigate,
      report,
      undo,
    } as unknown as Record<string, LambdaHandler>),
    ...{ longestPauseMs, approvalTimeoutSeconds, onEnter, capacity, ...watching },
  });

interface Services {
  readonly twin: AccountTwin;
  readonly machines: StateMachines;
  readonly background: Background;
  readonly awsCalls: AwsCallRecord[];
  readonly seams: Seams;
}

/** From here on every AWS call of this process is answered by the twin and the sandbox's services. */
function answerAws({ twin, machines, background, awsCalls, seams }: Services): void {
  /** `InvocationType: Event`: answered at once, done after. */
  function invokeLater(input: unknown): object {
    const { FunctionName, Qualifier, InvocationType, Payload } = input as Record<string, unknown>;
    const invoked = Qualifier === undefined ? String(FunctionName) : `${FunctionName}:${Qualifier}`;
    const later = LATER[invoked];
    if (!later || InvocationType !== 'Event')
      throw awsError('ResourceNotFoundException', `Function not found: ${invoked}`, 404);
    const event = JSON.parse(Buffer.from(Payload as Uint8Array).toString());
    background.later(later.name, later.handler, event, invoked);
    return { StatusCode: 202 };
  }
  /** SNS takes it, and invokes the functions that are subscribed. */
  async function publish(call: AwsCall): Promise<object> {
    const {
      Subject,
      Message,
      MessageAttributes = {},
    } = call.input as {
      readonly Subject?: string;
      readonly Message?: string;
      readonly MessageAttributes?: Readonly<Record<string, { DataType: string; StringValue: string }>>;
    };
    const answered = await twin.answer(call);
    // As SNS hands attributes to a function.
    const attributes = Object.entries(MessageAttributes).map(([name, { DataType, StringValue }]) => [
      name,
      { Type: DataType, Value: StringValue },
    ]);
    const Sns = { Subject, Message, MessageAttributes: Object.fromEntries(attributes) };
    background.later('pager', pager, { Records: [{ Sns }] });
    return answered;
  }
  async function answer(call: AwsCall): Promise<object> {
    if (call.service === 'SFN') return machines.answer(call.operation, call.input);
    if (call.service === 'Lambda' && call.operation === 'Invoke' && isOwnFunction(call.input))
      return invokeLater(call.input);
    if (call.service === 'SNS' && call.operation === 'Publish') return publish(call);
    return twin.answer(call);
  }
  configureAws({
    ownAccount: SANDBOX_SCOPE.account,
    // On AWS each function has its own RESPONDER_ROLE (serverless.yml).
    responderRole: () =>
      WRITERS.has(acting().function?.name ?? '') ? 'firebreak-responder' : 'firebreak-reader',
    responderExternalId: `firebreak-${STAGE}`,
    retryBaseMs: 5,
    record: (record) => {
      awsCalls.push(record);
    },
    answer: withRequestId((call) => seams.call(call, () => answer(call))),
  });
}

/** Others are in the account. */
const isOwnFunction = (input: unknown): boolean =>
  !String((input as { FunctionName?: unknown }).FunctionName).startsWith('firebreak-drill-');

/** The environment variables that serverless.yml gives the functions. */
const environmentOf = (machines: StateMachines, slackUrl: string) =>
  readEnvironment({
    TABLE_NAME: SANDBOX_TABLE,
    STAGE,
    AWS_REGION: SANDBOX_SCOPE.region,
    OWN_ACCOUNT: SANDBOX_SCOPE.account,
    OWN_PARTITION: SANDBOX_SCOPE.partition,
    PAGE_TOPIC_ARN: arn(SANDBOX_SCOPE, 'sns', 'firebreak-sandbox-page'),
    RESPOND_STATE_MACHINE_ARN: `${machines.arnOf('respond')}:live`,
    UNDO_STATE_MACHINE_ARN: `${machines.arnOf('undo')}:live`,
    SLACK_WORK_FUNCTION: WORKER,
    CONTAIN_FUNCTION: CONTAIN,
    SLACK_BOT_TOKEN_PARAMETER: '/firebreak/sandbox/slack/bot-token',
    SLACK_SIGNING_SECRET_PARAMETER: '/firebreak/sandbox/slack/signing-secret',
    SLACK_CHANNEL: CHANNEL,
    SLACK_TEAM_ID: TEAM,
    SLACK_APP_ID: APP,
    SLACK_API_URL: slackUrl,
    EVIDENCE_BUCKET: 'firebreak-sandbox-evidencebucket-1a2b3c',
  });

/** As the rule of GuardDuty's events hands one on; what is no such event goes as it is, for the workflow to refuse. */
function asHandedOn(event: unknown): unknown {
  if (isScanEvent(event)) return { channel: 'scan', event };
  const members = z.looseObject({ source: z.literal('aws.guardduty').optional() }).safeParse(event);
  if (!members.success) return event;
  const detail = members.data['detail'] ?? members.data['Detail'] ?? event;
  return { channel: 'guardduty', detail };
}

/** GuardDuty holds the finding before it sends the event. */
function holdDelivered(twin: AccountTwin, input: unknown): void {
  const found = z.looseObject({ detail: z.custom<JsonObject>(isJsonObject) }).safeParse(input);
  if (found.success) holdFinding(twin.state, found.data.detail);
  const scan = z.looseObject({ channel: z.literal('scan'), event: z.unknown() }).safeParse(input);
  if (scan.success) tagScanned(twin, parseFinding(scan.data.event));
}

/** GuardDuty tags what it scanned, as a protection plan has it do. */
function tagScanned({ state }: AccountTwin, { scanned, scan }: Finding): void {
  if (scanned?.kind !== 'object' || scan !== 'threats') return;
  const { bucket, key, versionId } = scanned.object;
  const version = own(state.s3.buckets, bucket)?.versions.find(
    (one) => one.Key === key && (versionId === null ? one.IsLatest : one.VersionId === versionId),
  );
  if (version) version.Tags['GuardDutyMalwareScanStatus'] = 'THREATS_FOUND';
}

/** As the rule of executions that ended without success. */
function handOn(undelivered: Undelivered, { arn: execution, machineArn, status }: ExecutionSummary): void {
  if (/-(respond|undo)$/.test(machineArn) && status !== 'SUCCEEDED')
    undelivered.put({ channel: 'ended', execution });
}

async function deliver(
  machines: StateMachines,
  background: Background,
  twin: AccountTwin,
  event: unknown,
): Promise<Execution> {
  if (isScanEvent(event) && parseFinding(event).scan !== 'threats')
    return startedBy(machines, 'a scan without threats', () => countScanned(background, [event]));
  const input = asHandedOn(event);
  holdDelivered(twin, input);
  const text = JSON.stringify(input);
  if (Buffer.byteLength(text) <= EXECUTION_INPUT_BYTES) return machines.start('respond', input);
  return startedBy(machines, 'redrive', () => handOver(background, 'redrive', redrive, [text]));
}

const countScanned = (background: Background, events: readonly unknown[]): Promise<void> =>
  handOver(
    background,
    'scans',
    scans,
    events.map((event) => JSON.stringify(event)),
  );

/** As SQS does. */
async function handOver(
  background: Background,
  name: string,
  handler: LambdaHandler,
  bodies: readonly string[],
): Promise<void> {
  const Records = bodies.map((body) => ({ messageId: randomUUID(), body }));
  const { batchItemFailures } = await background.invoke<{ batchItemFailures: unknown[] }>(name, handler, {
    Records,
  });
  if (batchItemFailures.length > 0)
    throw new Error(`${name} did not take ${batchItemFailures.length} messages`);
}

async function startedBy(
  machines: StateMachines,
  what: string,
  work: () => Promise<void>,
): Promise<Execution> {
  const before = new Set(machines.running());
  await work();
  const started = machines.running().find((execution) => !before.has(execution));
  if (!started) throw new Error(`${what} started no execution`);
  return started;
}

/** As the Slack endpoint starts one, whatever the incident's status. */
async function undoAs(
  { table, now }: Runtime,
  machines: StateMachines,
  user: string,
  request: { readonly incidentId: string; readonly target: number | undefined },
): Promise<Execution> {
  const door: Door = { kind: 'slack', user };
  const name = `undo-${request.incidentId}-${randomUUID()}`;
  await recordUndo(table, door, name, request, now());
  return machines.start(
    'undo',
    { channel: 'undo', requestedBy: user, door: doorKey(door), ...request },
    name,
  );
}

/** The incidents of the last month. */
async function incidentsOf({ incidents, now }: Runtime): Promise<readonly Incident[]> {
  const from = new Date(now().getTime() - 31 * 86_400_000).toISOString();
  const { items } = await incidents.list({ from, to: now().toISOString(), limit: 1000 });
  return Promise.all(items.map(({ id }) => incidents.get(id)));
}

/** Nothing happens for longer than a workflow pauses, and what has not ended waits for a person. */
async function atRest(machines: StateMachines, background: Background, pauseMs: number): Promise<void> {
  for (let seen = -1; ; ) {
    await machines.idle();
    await background.idle();
    const waiting = machines.running().every(({ arn: execution }) => machines.waits(execution));
    if (waiting && machines.history.length === seen) return;
    seen = machines.history.length;
    await new Promise((resolve) => setTimeout(resolve, 2 * pauseMs));
  }
}

/** What waits for a person would wait for ever; what works is let finish, and may then come to wait. */
async function comeToRest(machines: StateMachines, background: Background): Promise<void> {
  while (machines.running().length > 0) {
    machines.stopWaiting();
    const ends: Promise<ExecutionEnd>[] = machines.running().map(({ ended }) => ended);
    await Promise.race([Promise.all(ends), new Promise((resolve) => setTimeout(resolve, 20))]);
  }
  await machines.idle();
  await background.idle();
}

/** AWS gives every answer an id, errors as well. */
function withRequestId(answer: (call: AwsCall) => Promise<object>): (call: AwsCall) => Promise<object> {
  return async (call) => {
    const requestId = randomUUID();
    try {
      const answered = await answer(call);
      return { ...answered, $metadata: { httpStatusCode: 200, requestId } };
    } catch (error) {
      if (error instanceof Error && '$metadata' in error) {
        Object.assign(error, { $metadata: { ...(error.$metadata as object), requestId } });
      }
      throw error;
    }
  };
}

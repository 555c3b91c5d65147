/** One account with one finding in the sandbox, on a clock of its own: contained, swept and undone under faults. */
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import { vi } from 'vitest';
import type { Incident } from '../../core/incident/incident.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import type { Execution } from '../../sandbox/execution.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { accountOf } from '../../sandbox/saved.ts';
import { ACTIONS } from '../../slack/actions.ts';
import { canonical } from '../canonical-account.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { type Invocations, openInvocations } from './invocations.ts';
import { delivery, type Scenario } from './scenarios.ts';

/** How long the sweep is given, in minutes: one a minute, the lease's time among them, and then some hours later. */
const MINUTES = [...Array<number>(7).fill(1), 5, 30, 60];
const START = Date.parse('2026-11-24T03:00:00Z');
/** Clicks before the clock goes on: an incident and its follow-up may both ask, and one click may fail. */
const MOST_CLICKS = 5;
/** Much longer than any response takes here. */
const REST_WITHIN_MS = 60_000;
/** What a call takes, so that two never happen at the same moment. */
const CALL_MS = 20;

export interface Stage {
  readonly sandbox: Sandbox;
  readonly invocations: Invocations;
  /** The account before the finding. */
  readonly before: unknown;
  /** The account as it is now, ids and times of what was made since named by what they stand for. */
  account(): unknown;
  /** The finding arrives: again, a minute newer, each time. Returns when the workflow rests. */
  deliver(severity?: number): Promise<void>;
  /** Only starts the delivery. */
  send(severity?: number): Promise<Execution>;
  /** When GuardDuty last updated the finding, as the newest delivery has it. */
  newest(): string;
  /** Alice asks for the undo of every incident that has something in place. */
  undo(): Promise<void>;
  /** Pages that came since an undo was last asked for. */
  pagesOfUndo(): readonly string[];
  /** Everything has ended or waits for an answer that is not taken: Bob approves what is asked. */
  rest(): Promise<void>;
  /** The sweep runs on its schedule, once at least, until `enough` or its time is over. */
  sweep(enough: () => Promise<boolean>): Promise<void>;
  incidents(): Promise<readonly Incident[]>;
  close(): Promise<void>;
}

/** What is severe is contained automatically, and what follows it; a plan that asks is approved by Bob. */
async function policy({ followUp, settings }: Scenario) {
  const text = await policyWithoutFollowUps();
  const follows = followUp ? `    followUp: [{ playbook: ${followUp}, decide: auto }]\n` : '';
  const rules = `rules:
  - name: archived
    match: { archived: true }
    decide: record
  - name: everything
    match: { type: "*" }
    decide: { low: notify, medium: notify, high: auto, critical: auto }
${follows}`;
  const head = text.slice(0, text.indexOf('\nrules:\n') + 1);
  return parsePolicy((settings === undefined ? head : withSettings(head, settings)) + rules);
}

/** In the place of what policy.yml says of the same playbook. */
function withSettings(head: string, settings: string): string {
  const [, id = ''] = /^ {2}([\w-]+):/.exec(settings) ?? [];
  const own = new RegExp(`\\n {2}${id}:\\n(?: {4}.*\\n)*`);
  return head.replace(own, '\n').replace('\nplaybooks:\n', `$&${settings}`);
}

export async function openStage(scenario: Scenario): Promise<Stage> {
  vi.useFakeTimers({ toFake: ['Date'], now: START });
  const wait = (ms: number) => vi.setSystemTime(Date.now() + ms);
  const realPauses = hurryPauses();
  const invocations = openInvocations();
  const { seams } = invocations;
  const sandbox = await startSandbox({
    policy: await policy(scenario),
    longestPauseMs: 1,
    seams: {
      ...seams,
      call(call, answer) {
        wait(CALL_MS);
        return seams.call(call, answer);
      },
    },
    onEnter: (state, input) => wait(1000 * waitOf(state, input)),
  });
  const event = scenario.open(sandbox.twin);
  const born = sandbox.twin.state.serial;
  const account = () =>
    timeless(canonical(withoutLost(structuredClone(accountOf(sandbox.twin.state)), scenario), born));
  let deliveries = 0;
  let pagesBefore = 0;
  /** Seconds apart: an update of the time to come is no update. */
  const updated = () => new Date(START + deliveries * 1000);
  const stage: Stage = {
    ...{ sandbox, invocations, before: account(), account },
    send(severity = 8) {
      deliveries += 1;
      return sandbox.deliver(delivery(event, updated(), deliveries, severity));
    },
    newest: () => updated().toISOString(),
    async deliver(severity) {
      await stage.send(severity);
      await stage.rest();
    },
    pagesOfUndo: () =>
      sandbox.twin.state.pages.slice(pagesBefore).map(({ subject, message }) => `${subject} ${message}`),
    async undo() {
      pagesBefore = sandbox.twin.state.pages.length;
      for (const { id } of await stage.incidents()) {
        await sandbox.undo(id, 'U0ALICE');
        await stage.rest();
      }
    },
    async rest() {
      // A click that failed is made again, and once more when the sweep has run.
      for (let clicks = 0; clicks < MOST_CLICKS; clicks++) {
        await atRest(sandbox, invocations);
        if (!(await approveOne(sandbox))) return;
      }
    },
    async sweep(enough) {
      for (const minutes of MINUTES) {
        wait(minutes * 60_000);
        // Its failure is an alarm; what it did not do shows in what is left.
        await sandbox.sweep().catch(() => undefined);
        await stage.rest();
        if (await enough()) return;
      }
    },
    incidents: () => sandbox.incidents(),
    async close() {
      invocations.calm();
      // What does not come to rest must not keep the next trial from beginning.
      sandbox.machines.stopAll();
      invocations.dieAll();
      await sandbox.close();
      realPauses();
      vi.useRealTimers();
    },
  };
  return stage;
}

/** Pauses of the functions pass on the stage's clock, a thousand times as fast. Returns what makes them real again. */
function hurryPauses(): () => void {
  const sleep = timers.setTimeout;
  const replace = (next: typeof sleep) => {
    timers.setTimeout = next;
    syncBuiltinESMExports();
  };
  replace(async (ms = 0, value, options) => {
    const end = Date.now() + ms;
    const answer = await sleep(ms / 1000, value, options);
    // Others may have waited longer meanwhile.
    if (end > Date.now()) vi.setSystemTime(end);
    return answer;
  });
  return () => replace(sleep);
}

/** An execution goes on and on, or waits for what does not come. */
export class Restless extends Error {}

/** Every execution has ended or waits for a person, and no function runs. */
async function atRest({ machines, idle }: Sandbox, { quiet }: Invocations): Promise<void> {
  const waits = ({ arn }: Execution) => {
    const last = machines.history.findLast(({ execution }) => execution === arn);
    return last?.state === 'RequestApproval' && /^State(Entered|Retried)$/.test(last.type) && quiet();
  };
  const until = performance.now() + REST_WITHIN_MS;
  while (!machines.running().every(waits)) {
    if (performance.now() > until) {
      const last = machines
        .running()
        .map(({ arn }) => machines.history.findLast((one) => one.execution === arn));
      throw new Restless(`no rest within ${REST_WITHIN_MS / 1000} s: ${JSON.stringify(last)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  await idle();
}

/** Seconds that a state of a workflow waits on AWS. */
function waitOf(state: string, input: unknown): number {
  if (state === 'WaitForHistory') return 1200;
  // A dead holder's lease ends by the clock alone.
  if (state === 'WaitForTurn') return 15;
  if (state !== 'WaitForProof') return 0;
  type Waiting = { readonly waitSeconds?: number };
  const { verify, settled, waitSeconds } = input as Waiting & { verify?: Waiting; settled?: Waiting };
  return verify?.waitSeconds ?? settled?.waitSeconds ?? waitSeconds ?? 0;
}

/** What the playbook says does not come back is left out. */
const withoutLost = (account: unknown, { loses }: Scenario): unknown => {
  const lost = new Set<string>(loses);
  return loses
    ? JSON.parse(JSON.stringify(account, (key, value: unknown) => (lost.has(key) ? [] : value)))
    : account;
};

/** Times differ from run to run and say nothing about an account; what AWS is about to finish is finished. */
const timeless = (account: unknown): unknown =>
  JSON.parse(
    JSON.stringify(account)
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'time')
      .replaceAll('"ACTIVATING"', '"ACTIVE"'),
  );

/** Clicks Approve on one card that asks: as Bob, and as Alice where Bob has and two people are needed. Returns false where none asks. */
async function approveOne(sandbox: Sandbox): Promise<boolean> {
  for (const { approval, slack } of await sandbox.incidents()) {
    if (!approval || approval.outcome !== undefined || !slack) continue;
    const userId = approval.approvedBy.includes('U0BOB') ? 'U0ALICE' : 'U0BOB';
    const click = { ts: slack.ts, actionId: ACTIONS.approve, value: approval.id, userId };
    const message = sandbox.slack.messages.find(({ ts }) => ts === slack.ts);
    if (!JSON.stringify(message?.blocks ?? '').includes(approval.id)) continue;
    await sandbox.slack.click(click);
    await sandbox.idle();
    return true;
  }
  return false;
}

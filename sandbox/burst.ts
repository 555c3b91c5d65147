/** A burst: findings by the hundred at one moment, few of them grave, on an account with little room for functions. */
import { isContained, isRunning } from '../core/incident/status.ts';
import type { JsonObject } from '../core/json.ts';
import { type Policy, parsePolicy } from '../core/policy/policy.ts';
import { withoutFollowUps } from './policy-text.ts';
import type { Sandbox } from './sandbox.ts';
import { credentialFinding, credentialWorld, findingOn } from './worlds.ts';

/** What the functions take on AWS, in seconds, warm: rounded up from the rounds of calls in docs/performance.md. */
export const SECONDS: Readonly<Record<string, number>> = {
  // Classify takes one: it and Enrich are one function.
  enrich: 2,
  'request-approval': 1,
  contain: 5,
  verify: 2,
  investigate: 3,
  report: 2,
};

export interface Burst {
  /** What is contained automatically, and in which order it should be. */
  readonly grave: number;
  /** What is notified. */
  readonly slight: number;
}

/** Returns the policy under which every grave finding of a burst is contained automatically, and nothing follows that asks. */
export const burstPolicy = (text: string): Policy =>
  parsePolicy(
    withoutFollowUps(text)
      .replace(/perAccountPerHour: \d+/, 'perAccountPerHour: 10000')
      .replace(/perKindPerHour: \d+/, 'perKindPerHour: 10000'),
  );

/** Returns the events of a burst, the grave ones last: the first to come must not win. */
export function burstOf(sandbox: Sandbox, { grave, slight }: Burst): readonly JsonObject[] {
  const { twin } = sandbox;
  const { stolen, siblings } = credentialWorld(twin, grave);
  const recon = Array.from({ length: slight }, (_, index) =>
    findingOn(twin, {
      seed: `slight ${index}`,
      severity: 2,
      type: 'Recon:IAMUser/MaliciousIPCaller',
      resource: {
        resourceType: 'AccessKey',
        accessKeyDetails: {
          accessKeyId: `AKIAFIREBREAK${index}`,
          principalId: `AIDAFIREBREAK${index}`,
          userType: 'IAMUser',
          userName: `scanner-${index}`,
        },
      },
    }),
  );
  const thefts = [stolen, ...siblings].map((session, index) =>
    credentialFinding(twin, session, { seed: `grave ${index}` }),
  );
  return [...recon, ...thefts];
}

export interface BurstOutcome {
  /** Findings whose execution failed, that have no incident, or whose incident no one is asked about and is not over. */
  readonly lost: readonly string[];
  /** Invocations that Lambda had no room for. */
  readonly throttled: number;
  /** Seconds of AWS from the burst until each grave finding was contained, ascending. */
  readonly contained: readonly number[];
  /** Seconds of AWS until each of the others was reported, ascending. */
  readonly reported: readonly number[];
}

/** Delivers all events at once, and waits until every execution has ended. */
export async function runBurst(
  sandbox: Sandbox,
  events: readonly JsonObject[],
  secondMs: number,
): Promise<BurstOutcome> {
  const { machines } = sandbox;
  const began = Date.now();
  const executions = await Promise.all(events.map((event) => sandbox.deliver(event)));
  const ends = await Promise.all(executions.map(({ ended }) => ended));
  const lost = ends.flatMap((end) => (end.status === 'FAILED' ? [`${end.error}: ${end.cause}`] : []));
  const incidents = await sandbox.incidents();
  for (const { id, status } of incidents) if (isRunning(status)) lost.push(`${id} is ${status}`);
  const without = events.length - incidents.length;
  if (without !== 0) lost.push(`${without} without an incident`);
  const inPlace = new Set(
    incidents.flatMap(({ status, execution }) => (isContained(status) ? [execution] : [])),
  );
  const at = new Map<string, { contained?: number; reported?: number }>();
  for (const { execution, type, state, at: when } of machines.history) {
    const seen = at.get(execution) ?? {};
    const seconds = (Date.parse(when) - began) / secondMs;
    const left = type === 'MapStateExited' || (type === 'StateExited' && state === 'Contain');
    // What Contain could not contain counts as reported.
    if (left && inPlace.has(execution)) seen.contained ??= seconds;
    if (type === 'StateExited' && state === 'Report') seen.reported ??= seconds;
    at.set(execution, seen);
  }
  const all = [...at.values()];
  const ascending = (seconds: readonly (number | undefined)[]) =>
    seconds.filter((each) => each !== undefined).sort((a, b) => a - b);
  return {
    lost,
    throttled: machines.history.filter(({ error }) => error === 'Lambda.TooManyRequestsException').length,
    contained: ascending(all.map(({ contained }) => contained)),
    reported: ascending(
      all.map(({ contained, reported }) => (contained === undefined ? reported : undefined)),
    ),
  };
}

/**
 * Calls that CloudTrail's event history does not keep: older than 90 days, about data, of any Region. Where the deployment names a
 * store of events, it is asked with Firebreak's own role, in its own account: no role is needed where the logs are kept.
 * docs/call-history.md says which store to choose.
 */
import { performance } from 'node:perf_hooks';
import { awsErrorName, isAwsError } from '../../errors.ts';
import { acting } from '../acting.ts';
import { parseArn } from '../arn.ts';
import { type Aws, awsConfiguration, pause } from '../client.ts';
import { lakeQueries } from './lake.ts';
import type { Queries } from './queries.ts';
import { type EventQuestion, MOST_EVENTS, statementOf } from './statement.ts';
import { trailQueries } from './trail.ts';

/** What a store answered, newest first; `why` it did not. Records are untrusted text of known form. */
export type Stored =
  | { readonly store: string; readonly records: readonly unknown[]; readonly more: boolean }
  | { readonly store: string; readonly why: string };

/** Of a function's time that is left, half at most. */
const LONGEST_MS = 20_000;
const SHORTEST_MS = 2_000;
const PAUSES = { first: 500, longest: 3_000 } as const;

/** Returns the events of the deployment's store; undefined where it names none. Throws for what is no answer of AWS. */
export async function storedEvents(aws: Aws, question: EventQuestion): Promise<Stored | undefined> {
  const queries = queriesOf(aws);
  if (!queries) return undefined;
  const { store } = queries;
  const { left } = acting();
  const limit = left === undefined ? LONGEST_MS : Math.min(LONGEST_MS, left() / 2);
  if (limit < SHORTEST_MS) return { store, why: 'no time was left for it' };
  try {
    const id = await queries.start(statementOf(question, queries.dialect));
    const state = await ended(queries, id, limit);
    if (state !== 'ended') return { store, why: state };
    const records: unknown[] = [];
    let token: string | undefined;
    do {
      const { records: found, next } = await queries.page(id, token);
      records.push(...found);
      token = next;
    } while (token !== undefined && records.length < MOST_EVENTS);
    return { store, records, more: records.length >= MOST_EVENTS };
  } catch (error) {
    // Others can use up its queries on purpose: what the event history shows is looked at all the same.
    if (!isAwsError(error)) throw error;
    return { store, why: `it answered ${awsErrorName(error)}` };
  }
}

function queriesOf(aws: Aws): Queries | undefined {
  const { events } = awsConfiguration();
  if (!events) return undefined;
  const arn = events.kind === 'lake' ? events.arn : events.table;
  const own = aws.inAccount(undefined, parseArn(arn)?.region ?? aws.scope.region);
  return events.kind === 'lake'
    ? lakeQueries(own, events.arn)
    : trailQueries(own, events.table, events.workgroup);
}

/** Why the query did not end; one that takes too long is cancelled, since it costs what it reads. */
async function ended(queries: Queries, id: string, limit: number): Promise<string> {
  const start = performance.now();
  let step: number = PAUSES.first;
  for (let waited = 0; Math.max(waited, performance.now() - start) < limit; ) {
    await pause(step);
    waited += step;
    const state = await queries.state(id);
    if (state === 'ended') return state;
    if (state !== 'running') return `its query ended as ${state.failed}`;
    step = Math.min(step * 1.5, PAUSES.longest);
  }
  await queries.cancel(id);
  return `its query took more than ${Math.round(limit / 1000)} s`;
}

/** What an earlier containment or undo of a resource left in the journal keeps no later one from containing and undoing it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { type Database, openDatabase } from '../../sandbox/database.ts';
import { undoToEnd } from '../../test/playbooks/undo-to-end.ts';
import { awsFor } from '../aws/client.ts';
import type { Json } from '../json.ts';
import { contain, holdOf, journalOf } from './journal.ts';
import { definePlaybook, type PlannedStep, type Target } from './playbook.ts';
import { undo } from './undo.ts';

const scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
let database: Database;
beforeAll(async () => {
  database = await openDatabase(scope, 'earlier-containment-test');
});
afterAll(() => database.close());

const denied = Object.assign(new Error('AccessDenied'), {
  ...{ name: 'AccessDenied', $fault: 'client', $metadata: { httpStatusCode: 403 } },
});
const WEEKS = 21 * 86_400_000;

let serial = 0;
/** Two values, a and b, that are `open` before. */
function world() {
  const live = new Map<string, Json>([
    ['a', 'open'],
    ['b', 'open'],
  ]);
  /** Keys that are refused, by what is refused of them. */
  const refused = { read: new Set<string>(), write: new Set<string>() };
  const clock = { at: Date.parse('2026-11-01T08:00:00Z') };
  const set = (key: string, value: Json) => {
    if (refused.write.has(key)) throw denied;
    live.set(key, value);
  };
  const playbook = definePlaybook({
    id: 'toy',
    title: 'toy',
    about: '',
    handles: [],
    reversible: { kind: 'fully' },
    permissions: { read: [], write: [] },
    proofDelaySeconds: 0,
    state: z.object({}),
    targetOf: () => ({ ok: false, reason: 'toy' }),
    read: async () => ({}),
    plan: () => ({ kind: 'refused', reason: 'toy', alternative: '' }),
    verify: async () => ({ proven: true, checks: [], residual: [], next: 'final' }),
    kinds: {
      close: {
        args: z.object({ key: z.string() }),
        async read({ key }) {
          if (refused.read.has(String(key))) throw denied;
          return { value: live.get(String(key)) ?? null };
        },
        after: () => 'closed',
        async apply({ key }) {
          set(String(key), 'closed');
          return undefined;
        },
        async revert({ key }, _context, before) {
          set(String(key), before);
          return 'reverted';
        },
      },
    },
  });
  serial += 1;
  const target: Target = { ...scope, kind: 'toy', id: `r-${serial}`, display: `r-${serial}`, facts: {} };
  const run = (incidentId: string) => ({
    ...{ table: database.table, aws: awsFor(scope), playbook, target, incidentId },
    now: () => new Date(clock.at),
  });
  return {
    ...{ live, refused, clock },
    contain: (incidentId: string, keys = ['a', 'b']) => contain(run(incidentId), plan(keys)),
    undo: (incidentId: string) => undoToEnd(run(incidentId)),
    revert: (incidentId: string) => undo(run(incidentId)),
    journal: () => journalOf(database.table, target, 'toy'),
    hold: () => holdOf(database.table, target, 'toy'),
    state: () => Object.fromEntries(live),
  };
}

const plan = (keys: readonly string[]): PlannedStep[] =>
  keys.map((key) => ({
    ...{ id: key, kind: 'close', role: 'contain', describe: key, args: { key } },
    ...{ before: null, after: null },
  }));
const CLOSED = { a: 'closed', b: 'closed' };

it('captures what is there now where an undo of weeks ago ended with drift', async () => {
  const at = world();
  await at.contain('fb-1');
  at.live.set('a', 'edited');
  expect(await at.undo('fb-1')).toMatchObject({ kind: 'partial' });
  at.clock.at += WEEKS;
  const { steps } = await at.contain('fb-2');
  expect(steps.map(({ id, status, before }) => [id, status, before])).toEqual([
    ['a', 'done', 'edited'],
    ['b', 'done', 'open'],
  ]);
  expect(at.state()).toEqual(CLOSED);
  expect(await at.undo('fb-1')).toEqual({ kind: 'nothing' });
  expect(await at.undo('fb-2')).toMatchObject({ kind: 'undone' });
  expect(at.state()).toEqual({ a: 'edited', b: 'open' });
});

it('keeps what was before, not what an earlier undo could not revert', async () => {
  const at = world();
  await at.contain('fb-1');
  at.refused.write.add('b');
  expect(await at.undo('fb-1')).toMatchObject({ kind: 'partial' });
  expect(at.state()).toEqual({ a: 'open', b: 'closed' });
  at.refused.write.clear();
  at.clock.at += WEEKS;
  // The new plan has no use for b, which is in place.
  await at.contain('fb-2', ['a']);
  expect(at.state()).toEqual(CLOSED);
  expect(await at.undo('fb-2')).toMatchObject({ kind: 'undone' });
  expect(at.state()).toEqual({ a: 'open', b: 'open' });
});

it('contains a resource whose undo was reverting when it stopped', async () => {
  const at = world();
  await at.contain('fb-1');
  expect(await at.revert('fb-1')).toMatchObject({ kind: 'reverted' });
  const { steps } = await at.contain('fb-2');
  expect(steps.map(({ status }) => status)).toEqual(['done', 'done']);
  expect(at.state()).toEqual(CLOSED);
  expect(await at.undo('fb-1')).toEqual({ kind: 'held', by: ['fb-2'] });
  expect(await at.undo('fb-2')).toMatchObject({ kind: 'undone' });
  expect(at.state()).toEqual({ a: 'open', b: 'open' });
});

it('releases the hold although a step was refused on its first read: nothing of it is in place', async () => {
  const at = world();
  at.refused.read.add('a');
  const { steps } = await at.contain('fb-1');
  expect(steps.map(({ status }) => status)).toEqual(['failed', 'done']);
  expect(await at.undo('fb-1')).toMatchObject({ kind: 'undone' });
  expect(await at.hold()).toMatchObject({ state: 'released', incidents: [] });
  expect(at.state()).toEqual({ a: 'open', b: 'open' });
});

it('captures for a second incident what people changed since the first contained it', async () => {
  const at = world();
  await at.contain('fb-1');
  at.live.set('a', 'edited');
  at.clock.at += WEEKS;
  const { steps } = await at.contain('fb-2');
  expect(steps.map(({ status, before }) => [status, before])).toEqual([
    ['done', 'edited'],
    ['done', 'open'],
  ]);
  expect(at.state()).toEqual(CLOSED);
  expect(await at.undo('fb-1')).toMatchObject({ kind: 'held' });
  expect(await at.undo('fb-2')).toMatchObject({ kind: 'undone' });
  expect(at.state()).toEqual({ a: 'edited', b: 'open' });
});

it('still leaves to a person what was changed while its own incident contains it', async () => {
  const at = world();
  await at.contain('fb-1');
  at.live.set('a', 'edited');
  at.clock.at += WEEKS;
  expect((await at.contain('fb-1')).steps.map(({ status }) => status)).toEqual(['drift', 'done']);
  expect(at.state()).toEqual({ a: 'edited', b: 'closed' });
});

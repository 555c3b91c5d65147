/** An invocation that still runs when another one of its incident has taken over: it changes nothing more. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { type Database, openDatabase } from '../../sandbox/database.ts';
import { undoToEnd } from '../../test/playbooks/undo-to-end.ts';
import { awsFor } from '../aws/client.ts';
import type { Table } from '../table/table.ts';
import { contain, type JournalRun, journalOf } from './journal.ts';
import { definePlaybook, type PlannedStep, resourceKey, type Target } from './playbook.ts';
import { undo } from './undo.ts';

const scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
let database: Database;
beforeAll(async () => {
  database = await openDatabase(scope, 'fenced-test');
});
afterAll(() => database.close());

const INCIDENT = 'fb-000000000001';
const KEYS = ['a', 'b', 'c'];
const plan: readonly PlannedStep[] = KEYS.map((key) => ({
  ...{ id: key, kind: 'switch', role: 'contain', describe: key, args: { key }, before: 'on', after: 'off' },
}));

/** A place in the code at which the first to come waits until it is let go. */
function gate() {
  let open = () => {};
  let come = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    come = resolve;
  });
  let isFirst = true;
  return {
    reached,
    open: () => open(),
    async pass(): Promise<void> {
      if (!isFirst) return;
      isFirst = false;
      come();
      await opened;
    },
  };
}

let serial = 0;
/** Three switches; `at` is asked before each read and each write. */
function world(at: (what: 'read' | 'off' | 'on', key: string, by: string) => Promise<void> | undefined) {
  const values = new Map(KEYS.map((key) => [key, 'on']));
  const writes: string[] = [];
  const write = async (what: 'off' | 'on', key: string, by: string) => {
    await at(what, key, by);
    writes.push(`${by} ${key} ${what}`);
    values.set(key, what);
  };
  const playbookOf = (by: string) =>
    definePlaybook({
      ...{ id: 'toy', title: 'toy', about: '', handles: [], reversible: { kind: 'fully' } },
      ...{ permissions: { read: [], write: [] }, proofDelaySeconds: 0, state: z.object({}) },
      targetOf: () => ({ ok: false, reason: 'toy' }),
      read: async () => ({}),
      plan: () => ({ kind: 'refused', reason: 'toy', alternative: '' }),
      verify: async () => ({ proven: true, checks: [], residual: [], next: 'final' }),
      kinds: {
        switch: {
          args: z.object({ key: z.string() }),
          read: async ({ key }) => {
            const value = values.get(String(key)) ?? null;
            await at('read', String(key), by);
            return { value };
          },
          after: () => 'off',
          apply: async ({ key }) => {
            await write('off', String(key), by);
            return undefined;
          },
          revert: async ({ key }) => {
            await write('on', String(key), by);
            return 'reverted';
          },
        },
      },
    });
  const target: Target = { ...scope, kind: 'toy', id: `f-${++serial}`, display: 'toy', facts: {} };
  const run = (by: string, incidentId = INCIDENT, table: Table = database.table): JournalRun => ({
    ...{ table, aws: awsFor(scope), now: () => new Date(), playbook: playbookOf(by), target, incidentId },
  });
  const journal = async () => (await journalOf(database.table, target, 'toy')).map(({ status }) => status);
  return { values, writes, run, journal };
}

it('stops at its next step, before the new one has come that far', async () => {
  const [old, late] = [gate(), gate()];
  const { writes, run, journal } = world((what, key, by) =>
    what === 'read' && key === 'b' ? (by === 'old' ? old : late).pass() : undefined,
  );
  const first = contain(run('old'), plan);
  await old.reached;
  const second = contain(run('new'), plan);
  await late.reached;
  old.open();
  await expect(first).rejects.toMatchObject({ code: 'Superseded' });
  late.open();
  await second;
  expect(writes).toEqual(['old a off', 'new b off', 'new c off']);
  expect(await journal()).toEqual(['done', 'done', 'done']);
});

it('leaves the lease with the new one, so that no other incident begins', async () => {
  const [old, late] = [gate(), gate()];
  const { writes, run } = world((what, key, by) => {
    if (what === 'read' && key === 'b' && by === 'old') return old.pass();
    return what === 'off' && key === 'b' ? late.pass() : undefined;
  });
  const first = contain(run('old'), plan);
  await old.reached;
  const second = contain(run('new'), plan);
  await late.reached;
  old.open();
  await expect(first).rejects.toThrow();
  await expect(contain(run('other', 'fb-000000000002'), plan)).rejects.toMatchObject({
    code: 'ResourceBusy',
  });
  await expect(undo(run('undo'))).rejects.toMatchObject({ code: 'ResourceBusy' });
  late.open();
  await second;
  expect(writes).toEqual(['old a off', 'new b off', 'new c off']);
});

it('does not write its plan over what the new one did since', async () => {
  const old = gate();
  const { table } = database;
  const slow: Table = {
    ...table,
    async put(item, condition) {
      if (item.sk.startsWith('STEP#')) await old.pass();
      return table.put(item, condition);
    },
  };
  const { values, run, journal } = world(() => undefined);
  const first = contain(run('old', INCIDENT, slow), plan);
  await old.reached;
  await contain(run('new'), plan);
  old.open();
  await expect(first).rejects.toThrow();
  expect(await journal()).toEqual(['done', 'done', 'done']);
  await undoToEnd(run('undo'));
  expect([...values.values()]).toEqual(['on', 'on', 'on']);
});

it('holds the lease as an earlier release wrote it, and the same incident goes on at once', async () => {
  const { run, journal } = world(() => undefined);
  const mine = run('new');
  const pk = `LEASE#${resourceKey(mine.target)}`;
  const until = Math.floor(Date.now() / 1000) + 300;
  await database.table.put({ pk, sk: 'LEASE', owner: INCIDENT, until });
  await expect(contain(run('other', 'fb-000000000002'), plan)).rejects.toMatchObject({
    code: 'ResourceBusy',
  });
  await contain(mine, plan);
  expect(await journal()).toEqual(['done', 'done', 'done']);
});

it('of an undo stops as well', async () => {
  const [old, late] = [gate(), gate()];
  const { writes, run } = world((what, key, by) =>
    what === 'read' && key === 'b' && by.startsWith('undo') ? (by === 'undo' ? old : late).pass() : undefined,
  );
  await contain(run('contain'), plan);
  writes.length = 0;
  const first = undo(run('undo'));
  await old.reached;
  const second = undo(run('undo again'));
  await late.reached;
  old.open();
  await expect(first).rejects.toMatchObject({ code: 'Superseded' });
  late.open();
  await second;
  expect(writes).toEqual(['undo c on', 'undo again b on', 'undo again a on']);
});

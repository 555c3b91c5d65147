/** An invocation that still runs when another one of its incident has taken over: it changes nothing more. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { type Database, openDatabase } from '../../sandbox/database.ts';
import { undoToEnd } from '../../test/playbooks/undo-to-end.ts';
import { unrecorded } from '../../test/unrecorded.ts';
import { awsFor, configureAws } from '../aws/client.ts';
import { TableUnavailable } from '../errors.ts';
import type { Table } from '../table/table.ts';
import { contain, type JournalRun, journalOf } from './journal.ts';
import {
  definePlaybook,
  type PlannedStep,
  type Playbook,
  resourceKey,
  type StepContext,
  type StepKind,
  type Target,
} from './playbook.ts';
import { undo } from './undo.ts';

const scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
let database: Database;
beforeAll(async () => {
  database = await openDatabase(scope, 'fenced-test');
});
afterAll(() => database.close());
afterEach(() => configureAws({}));

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

const toy = (kind: Pick<StepKind, 'read' | 'apply' | 'revert'>): Playbook =>
  definePlaybook({
    ...{ id: 'toy', title: 'toy', about: '', handles: [], reversible: { kind: 'fully' } },
    ...{ permissions: { read: [], write: [] }, proofDelaySeconds: 0, state: z.object({}) },
    targetOf: () => ({ ok: false, reason: 'toy' }),
    read: async () => ({}),
    plan: () => ({ kind: 'refused', reason: 'toy', alternative: '' }),
    verify: async () => ({ proven: true, checks: [], residual: [], next: 'final' }),
    kinds: { switch: { args: z.object({ key: z.string() }), after: () => 'off', ...kind } },
  });

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
    toy({
      read: async ({ key }) => {
        const value = values.get(String(key)) ?? null;
        await at('read', String(key), by);
        return { value };
      },
      apply: async ({ key }) => {
        await write('off', String(key), by);
        return undefined;
      },
      revert: async ({ key }) => {
        await write('on', String(key), by);
        return 'reverted';
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

/** A step of several calls; `at` is asked before each of them. */
function several(at: (call: string) => Promise<void> | undefined) {
  const calls: string[] = [];
  const made = new Set<string>();
  const change = async ({ aws }: StepContext, name: string) => {
    const { client, api } = await aws.ec2();
    const tag = { Resources: [name], Tags: [] };
    await unrecorded(() => client.send(new api.DescribeVpcsCommand({ VpcIds: [name] })));
    await unrecorded(() => client.send(new api.CreateTagsCommand(tag)));
    await unrecorded(() => client.send(new api.DeleteTagsCommand(tag)));
  };
  const playbookOf = (by: string) =>
    toy({
      read: async ({ key }) => ({ value: made.has(String(key)) ? 'off' : 'on' }),
      apply: async ({ key }, context) => {
        await change(context, `${by} ${String(key)}`);
        made.add(String(key));
        return undefined;
      },
      revert: async ({ key }, context) => {
        await change(context, `${by} ${String(key)}`);
        made.delete(String(key));
        return 'reverted';
      },
    });
  configureAws({
    retryBaseMs: 1,
    answer: async ({ operation, input }) => {
      const [name] = Object.values(input as Record<string, readonly string[]>)[0] ?? [];
      const call = `${name} ${operation}`;
      await at(call);
      if (operation !== 'DescribeVpcs') calls.push(call);
      return {};
    },
  });
  const { run: plain } = world(() => undefined);
  const run = (by: string, table?: Table): JournalRun => ({
    ...{ ...plain(by, INCIDENT, table), playbook: playbookOf(by) },
  });
  return { calls, run };
}

const preparing = plan.map((step) => ({ ...step, role: 'prepare' as const, together: 'groups' }));

it('makes no further call of the steps that it has begun together', async () => {
  const old = gate();
  const { calls, run } = several((call) => (call === 'old a CreateTags' ? old.pass() : undefined));
  const first = contain(run('old'), preparing);
  await old.reached;
  // The others of the batch have gone as far as they could.
  await contain(run('new'), preparing);
  const before = calls.length;
  old.open();
  await expect(first).rejects.toMatchObject({ code: 'Superseded' });
  // The one that was on its way.
  expect(calls.slice(before)).toEqual(['old a CreateTags']);
});

it('makes no further call of the step that it undoes', async () => {
  const old = gate();
  const { calls, run } = several((call) => (call === 'undo c CreateTags' ? old.pass() : undefined));
  await contain(run('contain'), preparing);
  const first = undo(run('undo'));
  await old.reached;
  await undo(run('undo again'));
  const before = calls.length;
  old.open();
  await expect(first).rejects.toMatchObject({ code: 'Superseded' });
  expect(calls.slice(before)).toEqual(['undo c CreateTags']);
});

it('goes on where the table does not say who holds the lease', async () => {
  const { table } = database;
  let isLost = false;
  const lost: Table = {
    ...table,
    get: async (key) => {
      if (isLost && key.sk === 'LEASE') throw new TableUnavailable('throttled');
      return table.get(key);
    },
  };
  const { calls, run } = several((call) => {
    isLost ||= call === 'old a CreateTags';
    return undefined;
  });
  await contain(run('old', lost), preparing.slice(0, 1));
  expect(calls).toEqual(['old a CreateTags', 'old a DeleteTags']);
});

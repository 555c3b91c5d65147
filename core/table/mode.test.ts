import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../sandbox/database.ts';
import { askEnforce, modeInForce, modeState, startIn, switchToObserve } from './mode.ts';

const scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
const NOW = new Date('2026-11-30T08:00:00.000Z');
const later = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);
let database: Database;
beforeAll(async () => {
  database = await openDatabase(scope, 'mode-test');
});
afterAll(() => database.close());

let names = 0;
/** The same table with a record of its own for each test. */
let table: Database['table'];
beforeEach(() => {
  const own = `MODE-${++names}`;
  const { table: shared } = database;
  table = {
    ...shared,
    get: (key) => shared.get({ ...key, pk: own }),
    put: (item, condition) => shared.put({ ...item, pk: own }, condition),
  };
});

describe('a stack whose mode no one switched', () => {
  it.each(['observe', 'enforce'] as const)('runs in the mode of its policy: %s', async (startsIn) => {
    expect(await modeState(table, startsIn)).toEqual({ mode: startsIn, changes: [] });
  });
  it('stays in the mode of its policy while a first person waits for a second', async () => {
    await askEnforce(table, 'observe', 'U0ALICE', NOW);
    expect(await modeInForce(table, 'observe')).toBe('observe');
    expect(await modeInForce(table, 'enforce')).toBe('enforce');
  });
});

describe('to enforce', () => {
  it('takes two people, and one person twice is one', async () => {
    expect(await askEnforce(table, 'observe', 'U0ALICE', NOW)).toMatchObject({ kind: 'asked', again: false });
    expect(await askEnforce(table, 'observe', 'U0ALICE', later(1))).toMatchObject({
      kind: 'asked',
      again: true,
      until: later(15).toISOString(),
    });
    expect(await askEnforce(table, 'observe', 'U0BOB', later(2))).toEqual({
      kind: 'enforce',
      first: 'U0ALICE',
    });
    expect(await modeState(table, 'observe')).toEqual({
      mode: 'enforce',
      changes: [{ mode: 'enforce', by: 'U0ALICE and U0BOB', at: later(2).toISOString() }],
    });
    expect(await askEnforce(table, 'observe', 'U0BOB', later(3))).toEqual({ kind: 'already' });
  });

  it('the first word is good for a quarter of an hour', async () => {
    await askEnforce(table, 'observe', 'U0ALICE', NOW);
    expect(await askEnforce(table, 'observe', 'U0BOB', later(15))).toMatchObject({ kind: 'asked' });
    expect(await modeInForce(table, 'observe')).toBe('observe');
  });

  it('two first words at once: one is kept, the other one is asked to try again', async () => {
    const both = await Promise.allSettled([
      askEnforce(table, 'observe', 'U0ALICE', NOW),
      askEnforce(table, 'observe', 'U0BOB', NOW),
    ]);
    const lost = both.filter(({ status }) => status === 'rejected');
    expect(lost.length).toBeLessThan(2);
    for (const each of lost) expect(each).toMatchObject({ reason: { code: 'Conflict' } });
  });
});

describe('to observe', () => {
  it('takes one person, whatever policy.yml says, and forgets who asked for enforce', async () => {
    expect(await switchToObserve(table, 'enforce', 'U0BOB', NOW)).toBe(true);
    expect(await modeInForce(table, 'enforce')).toBe('observe');
    expect(await switchToObserve(table, 'enforce', 'U0BOB', NOW)).toBe(false);
    await askEnforce(table, 'enforce', 'U0ALICE', NOW);
    expect(await switchToObserve(table, 'enforce', 'U0BOB', later(1))).toBe(true);
    expect(await askEnforce(table, 'enforce', 'U0BOB', later(2))).toMatchObject({ kind: 'asked' });
  });
});

it('a sandbox starts in a mode once, and keeps what a person switched', async () => {
  await startIn(table, 'enforce', 'sandbox', NOW);
  await switchToObserve(table, 'observe', 'U0BOB', NOW);
  await startIn(table, 'enforce', 'sandbox', NOW);
  expect((await modeState(table, 'observe')).changes.map(({ mode, by }) => `${mode} ${by}`)).toEqual([
    'enforce sandbox',
    'observe U0BOB',
  ]);
});

it('a damaged record is an error, never enforce', async () => {
  await table.put({ pk: 'MODE', sk: 'MODE', version: 1, changes: 'enforce' });
  await expect(modeInForce(table, 'enforce')).rejects.toMatchObject({ code: 'InputInvalid' });
});

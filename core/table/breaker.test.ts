import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../sandbox/database.ts';
import { askKillSwitchOff, countAuto, killSwitch, setKillSwitch } from './breaker.ts';

const scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
const NOW = new Date('2026-11-30T08:00:00.000Z');
let database: Database;
beforeAll(async () => {
  database = await openDatabase(scope, 'breaker-test');
});
afterAll(() => database.close());

it('a kill switch that an earlier release set is on, and two people switch it off', async () => {
  const { table } = database;
  expect(await killSwitch(table)).toBe(false);
  const earlier = { on: true, by: 'U0ALICE', at: '2026-11-01T08:00:00.000Z' };
  await table.put({ pk: 'CONFIG', sk: 'KILL-SWITCH', ...earlier });
  expect(await killSwitch(table)).toBe(true);
  expect(await askKillSwitchOff(table, 'U0ALICE', NOW)).toMatchObject({ kind: 'asked', again: false });
  expect(await killSwitch(table)).toBe(true);
  expect(await askKillSwitchOff(table, 'U0ALICE', NOW)).toMatchObject({ kind: 'asked', again: true });
  expect(await askKillSwitchOff(table, 'U0BOB', NOW)).toEqual({ kind: 'off', first: 'U0ALICE' });
  expect(await killSwitch(table)).toBe(false);
  await setKillSwitch(table, true, 'U0BOB', NOW);
  expect(await killSwitch(table)).toBe(true);
});

it('a damaged kill switch is an error, never off', async () => {
  await database.table.put({ pk: 'KILL-SWITCH', sk: 'KILL-SWITCH', on: 'yes' });
  await expect(killSwitch(database.table)).rejects.toMatchObject({ code: 'InputInvalid' });
});

it('a decision that is tried again is counted once, and not refused by its own count', async () => {
  const limits = { perAccountPerHour: 2, perKindPerHour: 1 };
  const count = (decision: string, resource: string) =>
    countAuto(
      database.table,
      {
        ...{ decision, account: 'again', playbook: resource },
        ...{ principals: [`user of ${resource}`], resources: [resource] },
      },
      limits,
      NOW,
    );
  for (let attempt = 0; attempt < 3; attempt++) expect(await count('fb-1', 'one')).toBeUndefined();
  // What is refused is not counted, whenever it is tried.
  for (let attempt = 0; attempt < 3; attempt++)
    expect(await count('fb-2', 'one')).toBe('resource one has had 1 automatic containments this hour');
  expect(await count('fb-3', 'three')).toBeUndefined();
  expect(await count('fb-4', 'four')).toBe('account again has had 2 automatic containments this hour');
  expect(await count('fb-1', 'one')).toBeUndefined();
});

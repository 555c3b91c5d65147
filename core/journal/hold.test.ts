import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../sandbox/database.ts';
import { enterHold, type Hold, holdKey, readHold, readSteps } from './hold.ts';
import type { PlannedStep, Target } from './playbook.ts';

const scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
let database: Database;
beforeAll(async () => {
  database = await openDatabase(scope, 'hold-test');
});
afterAll(() => database.close());

const planned: PlannedStep = {
  id: 'eni:eni-1',
  kind: 'interface-groups',
  role: 'contain',
  describe: 'Move eni-1 to firebreak-quarantine',
  args: { eni: 'eni-1' },
  before: null,
  after: null,
};
const STEP = 'STEP#000001#0000';
const entering = (early: Hold | undefined) => ({
  left: { inPlace: async () => [], changed: async () => new Set<string>() },
  early,
  clear: Promise.resolve(),
  begin: async () => undefined,
});

let serial = 0;
/** A hold with one step, and a way to damage an attribute of either record; `undefined` takes it away. */
async function held() {
  const target: Target = { ...scope, kind: 'ec2-instance', id: `i-${++serial}`, display: 'i', facts: {} };
  const key = holdKey(target, 'isolate-instance');
  const { table } = database;
  const { hold, stored } = await enterHold(table, key, 'fb-000000000001', [planned], entering(undefined));
  await stored;
  const change = async (sk: string, attributes: Record<string, unknown>) => {
    const item = await table.get({ pk: key, sk });
    if (!item) throw new Error(`no ${sk}`);
    await table.put({ ...item, ...attributes });
  };
  return { key, hold, table, change };
}

it('a record as every release wrote it reads back, without what later releases added', async () => {
  const { key, hold, table, change } = await held();
  expect(await readHold(table, key)).toEqual(hold);
  await change(STEP, { together: undefined, note: undefined, retry: undefined });
  expect(await readSteps(table, hold)).toEqual([
    {
      ...{ id: 'eni:eni-1', number: 0, kind: 'interface-groups', role: 'contain', status: 'planned' },
      ...{ describe: 'Move eni-1 to firebreak-quarantine', args: { eni: 'eni-1' }, needs: [] },
    },
  ]);
  await change(STEP, { before: 'null', after: '["sg-1"]', output: '"sg-1"', status: 'done', later: 1 });
  expect(await readSteps(table, hold)).toMatchObject([{ before: null, after: ['sg-1'], output: 'sg-1' }]);
});

describe('a damaged record is named, and not acted on', () => {
  it.each<[string, Record<string, unknown>]>([
    ['no state', { state: undefined }],
    ['a state of no release', { state: 'open' }],
    ['an epoch that is text', { epoch: '1' }],
    ['incidents that are one text', { incidents: 'fb-000000000001' }],
    ['no case', { caseId: undefined }],
    ['no version', { version: undefined }],
  ])('the hold: %s', async (_what, damage) => {
    const { key, hold, table, change } = await held();
    await change('HOLD', damage);
    const error = { code: 'InputInvalid', resource: `${key} HOLD` };
    await expect(readHold(table, key)).rejects.toMatchObject(error);
    const entered = enterHold(table, key, 'fb-000000000002', [planned], entering(hold));
    await expect(entered).rejects.toMatchObject(error);
  });

  it.each<[string, Record<string, unknown>]>([
    ['no kind', { kind: undefined }],
    ['a status of no release', { status: 'finished' }],
    ['a role of no release', { role: 'attack' }],
    ['arguments that are not JSON', { args: '{' }],
    ['arguments that are not an object', { args: '[]' }],
    ['arguments that are not text', { args: { eni: 'eni-2' } }],
    ['a prior value that is not JSON', { before: 'sg-1' }],
    ['needs that are not texts', { needs: [1] }],
    ['a number below zero', { number: -1 }],
    ['a retry that is text', { retry: 'no' }],
  ])('a step: %s', async (_what, damage) => {
    const { key, hold, table, change } = await held();
    await change(STEP, damage);
    const error = { code: 'InputInvalid', resource: `${key} ${STEP}` };
    await expect(readSteps(table, hold)).rejects.toMatchObject(error);
    const entered = enterHold(table, key, 'fb-000000000001', [planned], entering(hold));
    await expect(entered).rejects.toMatchObject(error);
  });
});

describe('a hold that was read before the lease was taken', () => {
  it('is not opened over another incident that opened it meanwhile', async () => {
    const { key, table } = await held();
    const { stored } = await enterHold(table, key, 'fb-000000000002', [planned], entering(undefined));
    await expect(stored).rejects.toMatchObject({ code: 'ResourceBusy' });
    expect(await readHold(table, key)).toMatchObject({ incidents: ['fb-000000000001'], version: 1 });
  });

  it('is left to a later attempt of the same incident', async () => {
    const { key, table } = await held();
    const { stored } = await enterHold(table, key, 'fb-000000000001', [planned], entering(undefined));
    await expect(stored).rejects.toMatchObject({ code: 'Superseded' });
  });

  it('is not opened where nothing may be written', async () => {
    const key = `${(await held()).key}#other`;
    const given = { ...entering(undefined), clear: Promise.reject(new Error('switched off')) };
    const { stored } = await enterHold(database.table, key, 'fb-000000000001', [planned], given);
    await expect(stored).rejects.toThrow('switched off');
    expect(await readHold(database.table, key)).toBeUndefined();
  });
});

/** `firebreak drill` in the sandbox: each containment seen from outside, undone exactly, and nothing left whatever went wrong. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DRILLS } from '../../cli/drill/drills.ts';
import { EVERY_DRILL, type Field, kitFor, type Outcome, playOne, removeAll } from '../../cli/drill/engine.ts';
import { type Ledger, openDrills, openLedger } from '../../cli/drill/ledger.ts';
import { isGood, linesOf, redacted, reportOf } from '../../cli/drill/report.ts';
import { drillSandbox } from '../../cli/drill/sandbox.ts';
import type { Drill } from '../../cli/drill/scene.ts';
import { acting } from '../../core/aws/acting.ts';
import { watchAws } from '../../core/aws/client.ts';
import { addressLists, detectorOf, editable } from '../../core/lists/address-lists.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { setKillSwitch } from '../../core/table/breaker.ts';
import { drillPolicy } from '../../deploy/drill.ts';
import { actionNames, prefixOf } from '../../deploy/iam/actions.ts';
import { newBucket } from '../../sandbox/twin/s3.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { callsAsOperator } from '../unrecorded.ts';

callsAsOperator();

let opened: Awaited<ReturnType<typeof drillSandbox>>;
let field: Field;
let folder: string;
beforeEach(async () => {
  opened = await drillSandbox(parsePolicy(await policyWithoutFollowUps()));
  ({ field } = opened);
  folder = await mkdtemp(join(tmpdir(), 'firebreak-drill-test-'));
});
afterEach(async () => {
  await opened.close();
  await rm(folder, { recursive: true, force: true });
});

const ledgerOf = (drill: string): Promise<Ledger> =>
  openLedger(folder, {
    drill,
    account: '111122223333',
    region: 'eu-west-1',
    startedAt: '2026-11-30T00:00:00Z',
  });
const byId = (id: string): Drill => {
  const found = DRILLS.find(({ playbook }) => playbook === id);
  if (!found) throw new Error(`no drill of ${id}`);
  return found;
};
/** What is in the account but for the events of the workflow. */
const account = () => {
  const { roles, users, s3, regions } = opened.sandbox.twin.state;
  return structuredClone({ roles, users, buckets: s3.buckets, regions });
};

describe('each drill', () => {
  it.each(DRILLS.map(({ playbook }) => playbook))(
    '%s: contained, undone exactly, and removed',
    async (playbook) => {
      const before = account();
      const ledger = await ledgerOf('0a1b2c3d4e5f');
      const outcome = await playOne(field, ledger, byId(playbook));
      expect(outcome).toMatchObject({ contained: true, undone: 'exactly', removed: true, notes: [] });
      expect(account()).toEqual(before);
      expect(ledger.record.made.length).toBeGreaterThan(0);
      expect(outcome.facts.map(({ id }) => id).sort()).toEqual(
        [...(byId(playbook).command ? [] : EVERY_DRILL), ...byId(playbook).settles].sort(),
      );
    },
  );
});

it('has its report in docs, with every action that it calls in the policy of its operator', async () => {
  const called = new Set<string>();
  const stop = watchAws((call) => {
    if (acting().function !== undefined || call.accessKeyId !== undefined) return;
    for (const action of actionNames(call)) called.add(`${prefixOf(call.service)}:${action}`);
  });
  const outcomes: Outcome[] = [];
  for (const [index, one] of DRILLS.entries())
    outcomes.push(await playOne(field, await ledgerOf(`0a1b2c3d4e${index + 10}`), one));
  stop();
  const drill = DRILLS.map((_, index) => `0a1b2c3d4e${index + 10}`).join(' ');
  const report = redacted(reportOf({ ...AT, drill, outcomes }));
  await expect(`${JSON.stringify(report, null, 2)}\n`).toMatchFileSnapshot('../../docs/drill-report.json');
  const granted = new Set(drillPolicy.Statement.flatMap(({ Action }) => Action));
  expect([...called].filter((action) => !granted.has(action)).sort()).toEqual([]);
});

describe('a drill that does not go well', () => {
  it('says that the probe still passed where the pipeline calls it contained', async () => {
    const real = byId('revoke-role-sessions');
    const sham: Drill = {
      ...real,
      play: async (kit) => ({ ...(await real.play(kit)), holds: async () => false }),
    };
    const outcome = await playOne({ ...field, now: fastClock() }, await ledgerOf('0a1b2c3d4e5f'), sham);
    expect(outcome).toMatchObject({ contained: false, secondsToHold: null, removed: true });
    expect(outcome.notes.join()).toContain('seen from outside');
    const report = reportOf({ ...AT, outcomes: [outcome] });
    expect(isGood(report)).toBe(false);
    expect([...linesOf(report)].join('\n')).toContain('no (residual)');
  });

  it('says that a tracked connection lives on where the interfaces are not moved through the open group', async () => {
    await opened.close();
    const text = (await policyWithoutFollowUps()).replace('transit: true', 'transit: false');
    opened = await drillSandbox(parsePolicy(text));
    const slow = { ...opened.field, now: fastClock() };
    const outcome = await playOne(slow, await ledgerOf('0a1b2c3d4e5f'), byId('isolate-instance'));
    expect(outcome).toMatchObject({ contained: false, removed: true });
    expect(outcome.notes.join()).toContain('seen from outside');
  });

  it('undoes and compares where a fact cannot be looked at, and says so', async () => {
    opened.sandbox.twin.failNext('SimulatePrincipalPolicy', 'AccessDenied', 9);
    const outcome = await playOne(field, await ledgerOf('0a1b2c3d4e5f'), byId('revoke-role-sessions'));
    expect(outcome).toMatchObject({ contained: true, undone: 'exactly', removed: true });
    expect(outcome.notes.join()).toContain('a fact could not be looked at');
    expect(outcome.facts.map(({ id }) => id)).toContain('caller-identity');
  });

  it('says that the undo was not exact', async () => {
    const real = byId('revoke-role-sessions');
    let reads = 0;
    const changed: Drill = {
      ...real,
      play: async (kit) => ({ ...(await real.play(kit)), state: async () => ({ reads: reads++ }) }),
    };
    const outcome = await playOne(field, await ledgerOf('0a1b2c3d4e5f'), changed);
    expect(outcome).toMatchObject({ contained: true, undone: 'not exactly' });
    expect(isGood(reportOf({ ...AT, outcomes: [outcome] }))).toBe(false);
  });

  it('asks a person where the kill switch is on, as for any finding', async () => {
    await setKillSwitch(opened.sandbox.runtime.table, true, 'U0ALICE', new Date());
    const asked: string[] = [];
    const outcome = await playOne(
      { ...field, asked: ({ id }) => asked.push(id) },
      await ledgerOf('0a1b2c3d4e5f'),
      byId('block-public-bucket'),
    );
    // Every question of this sandbox is answered with yes.
    expect(outcome).toMatchObject({ contained: true, removed: true });
    const [incident] = await opened.sandbox.incidents();
    expect(incident?.decision?.kind).toBe('ask');
  });

  it.each([
    ['PutRolePolicy', 'revoke-role-sessions'],
    ['PutObject', 'revoke-role-sessions'],
    ['CreateAccessKey', 'disable-user-keys'],
    ['PutBucketPolicy', 'block-public-bucket'],
    ['CreateFunction', 'throttle-function'],
    ['CreateFilter', 'suppress'],
    ['CreateThreatEntitySet', 'lists'],
    ['RunTask', 'stop-task'],
    ['CreateRouteTable', 'stop-task'],
    ['CreateDBInstance', 'restrict-database'],
  ])('leaves nothing where %s fails in %s', async (operation, playbook) => {
    const before = account();
    opened.sandbox.twin.failNext(operation, 'LimitExceededException', 9);
    const outcome = await playOne(field, await ledgerOf('0a1b2c3d4e5f'), byId(playbook));
    expect(outcome).toMatchObject({ status: 'failed', contained: false, removed: true });
    expect(account()).toEqual(before);
  });
});

describe('a drill in a detector in use', () => {
  it('leaves its filters and lists alone, and removes its own where the command fails to', async () => {
    const { twin } = opened.sandbox;
    const { guardduty } = twin.region();
    twin.state.s3.objects['own/list.txt'] = { body: 'evil.example.net\n', tags: {} } as never;
    guardduty.filters.push({
      ...{ Name: 'firebreak-drill-of-someone', Action: 'ARCHIVE', Description: 'theirs' },
      FindingCriteria: { Criterion: { type: { Equals: ['Recon:EC2/Portscan'] } } },
    });
    guardduty.threatEntitySets?.push({
      ...{ id: 'theirs', Name: 'firebreak-drill-theirs', Format: 'TXT', Location: 's3://own/list.txt' },
      ...{ Status: 'ACTIVE', loaded: ['evil.example.net'] },
    });
    const before = structuredClone(guardduty);
    for (const [operation, playbook] of [
      ['DeleteFilter', 'suppress'],
      ['DeleteThreatEntitySet', 'lists'],
    ] as const) {
      twin.failNext(operation, 'BadRequestException', 1);
      const outcome = await playOne(field, await ledgerOf('0a1b2c3d4e5f'), byId(playbook));
      expect(outcome).toMatchObject({ contained: true, undone: 'not undone', removed: true });
      expect(guardduty).toEqual(before);
    }
    await removeAll(field, undefined, []);
    expect(guardduty).toEqual(before);
  });

  it('is not taken for the list that a command changes', async () => {
    await byId('lists')
      .play(kitFor(field, await ledgerOf('0a1b2c3d4e5f')))
      .then(async (scene) => 'apply' in scene && scene.apply());
    const detector = await detectorOf(field.aws);
    const found = await addressLists(field.aws, detector, 'threat');
    expect(found.map(({ status }) => status)).toEqual(['ACTIVE']);
    expect(editable(found, 'threat', { add: ['bad.example'], remove: [] })).toBeUndefined();
  });
});

describe('drill --clean', () => {
  const made = async (id: string, playbook: string) => {
    const ledger = await ledgerOf(id);
    await byId(playbook).play(kitFor(field, ledger));
    return ledger;
  };

  it.each(['quarantine-object', 'stop-task', 'restrict-database'])(
    'finds what a killed drill of %s made by its ledger, which is written before, and by the tag',
    async (playbook) => {
      const before = account();
      await made('0a1b2c3d4e5f', playbook);
      expect(account()).not.toEqual(before);
      const [left] = await openDrills(folder);
      await removeAll(field, undefined, left?.made ?? []);
      expect(account()).toEqual(before);
      await made('0a1b2c3d4e60', playbook);
      await removeAll(field, undefined, []);
      expect(account()).toEqual(before);
    },
  );

  it('finds it by the tag where the ledger is lost, and leaves what carries none', async () => {
    const { state } = opened.sandbox.twin;
    await made('0a1b2c3d4e5f', 'disable-user-keys');
    const name = 'firebreak-drill-of-someone';
    state.s3.buckets[name] = newBucket(name);
    await removeAll(field, undefined, []);
    expect(Object.keys(state.users)).toEqual([]);
    expect(Object.keys(state.s3.buckets)).toEqual([name]);
  });

  it('leaves no ledger of a drill that removed all', async () => {
    const ledger = await ledgerOf('0a1b2c3d4e5f');
    await ledger.close();
    expect(await readdir(folder)).toEqual([]);
  });
});

it('leaves account ids and the ids of principals out of a report on request', async () => {
  const outcome = await playOne(field, await ledgerOf('0a1b2c3d4e5f'), byId('revoke-role-sessions'));
  const report = reportOf({
    ...AT,
    outcomes: [{ ...outcome, notes: ['arn:aws:iam::111122223333:role/x AROA1234567890ABCDEF:i-0a'] }],
  });
  const text = JSON.stringify(redacted(report));
  expect(text).not.toMatch(/111122223333|AROA1/);
  expect(JSON.parse(text).outcomes[0].playbook).toBe('revoke-role-sessions');
});

const AT = {
  ...{ drill: '0a1b2c3d4e5f', where: 'sandbox' as const, account: '111122223333', region: 'eu-west-1' },
  startedAt: '2026-11-30T00:00:00Z',
};

/** Ten times as fast, so that a wait that is in vain is short. */
function fastClock(): () => Date {
  const started = Date.now();
  return () => new Date(started + (Date.now() - started) * 10);
}

/** Floods of scan results: clean objects cost no execution and no write of their own, what was not scanned one card, and nothing is lost. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { actingAs } from '../../core/aws/acting.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { scansOf } from '../../core/table/scan-counts.ts';
import { handler as scans } from '../../functions/scans.ts';
import { QUARANTINE_TAG } from '../../playbooks/common/quarantine-tag.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { newBucket } from '../../sandbox/twin/s3.ts';
import { fitting, handedOn } from '../adversary/event-bus.ts';
import { backupScan, objectScan } from '../scan-events.ts';

let sandbox: Sandbox;
let clock: number;
let entered: Set<string>;
beforeEach(async () => {
  clock = Date.parse('2026-11-30T12:00:00Z');
  entered = new Set();
  sandbox = await startSandbox({
    policy: await loadPolicy('policy.yml'),
    now: () => new Date(clock),
    onEnter: (state) => entered.add(state),
  });
});
afterEach(() => sandbox.close());

const of = (status: string, objectKey: string, bucketName = 'uploads', time = '2026-11-30T10:00:00Z') => ({
  ...objectScan(status, { bucketName, objectKey, eTag: 'e', versionId: objectKey }),
  time,
});
const handed = (bodies: readonly string[]) =>
  actingAs({ function: { ...sandbox.twin.scope, name: 'scans', stage: 'sandbox' } }, () =>
    scans({ Records: bodies.map((body, index) => ({ messageId: `m-${index}`, body })) }, {
      functionName: 'scans',
    } as never),
  );
const counts = async (place = 'uploads', kind = 'S3Object') =>
  Object.fromEntries(
    await scansOf(sandbox.database.table, {
      ...{ account: '111122223333', region: 'eu-west-1', kind, place, day: '2026-11-30' },
    }),
  );
const settled = async () => {
  while (sandbox.machines.running().length > 0)
    await Promise.all(sandbox.machines.running().map(({ ended }) => ended));
};

describe('a flood of clean objects', () => {
  it('starts nothing, shows no card, and costs one write a batch', async () => {
    const body = (index: number) => JSON.stringify(of('NO_THREATS_FOUND', `k-${index}`));
    const { update } = sandbox.runtime.table;
    let writes = 0;
    Object.assign(sandbox.runtime.table, {
      update: (...given: Parameters<typeof update>) => {
        writes += 1;
        return update(...given);
      },
    });
    for (let batch = 0; batch < 10; batch++)
      await handed(Array.from({ length: 4000 }, (_, index) => body(batch * 4000 + index)));
    expect(await counts()).toEqual({ NO_THREATS_FOUND: 40_000 });
    expect(writes).toBe(10);
    expect(sandbox.invocations.filter((name) => name === 'enrich')).toEqual([]);
    expect(await sandbox.incidents()).toEqual([]);
    expect(sandbox.slack.messages).toEqual([]);
  }, 120_000);
});

describe('objects that were not scanned', () => {
  it('have one card for the bucket, result and day, which says how many there are by powers of ten', async () => {
    const denied = (from: number, to: number) =>
      sandbox.count(
        Array.from({ length: to - from }, (_, index) => {
          const time = new Date(Date.parse('2026-11-30T10:00:00Z') + (from + index) * 1000).toISOString();
          return of('ACCESS_DENIED', `k-${from + index}`, 'uploads', time);
        }),
      );
    for (const [from, to] of [
      [0, 1],
      [1, 4],
      [4, 150],
      [150, 160],
    ] as const) {
      await denied(from, to);
      await settled();
    }
    const [incident, ...others] = await sandbox.incidents();
    expect(others).toEqual([]);
    expect(incident).toMatchObject({
      ...{ type: 'MalwareScan:S3Object/AccessDenied', status: 'notified', count: 150, label: 'medium' },
    });
    expect(sandbox.slack.messages.filter(({ thread_ts: thread }) => thread === undefined)).toHaveLength(1);
    expect(await counts()).toEqual({ ACCESS_DENIED: 160 });
    // Another bucket, another result, another day: a card each.
    await sandbox.count([of('ACCESS_DENIED', 'k', 'second'), of('UNSUPPORTED', 'k'), of('FAILED', 'k')]);
    await sandbox.count([of('ACCESS_DENIED', 'k', 'uploads', '2026-12-01T00:00:01Z')]);
    await settled();
    expect((await sandbox.incidents()).map(({ status }) => status)).toEqual(Array(5).fill('notified'));
  });

  it('are notified again by a second delivery of a batch that was not counted', async () => {
    const { update } = sandbox.runtime.table;
    Object.assign(sandbox.runtime.table, { update: () => Promise.reject(new Error('the table is away')) });
    const bodies = [JSON.stringify(of('FAILED', 'k'))];
    await expect(handed(bodies)).rejects.toThrow('the table is away');
    Object.assign(sandbox.runtime.table, { update });
    await handed(bodies);
    await settled();
    expect(await counts()).toEqual({ FAILED: 1 });
    expect(await sandbox.incidents()).toHaveLength(1);
  });

  it('of a vault are distinguished from those of a bucket of the same name', async () => {
    await sandbox.count([backupScan('FAILED'), of('FAILED', 'k', 'nightly'), backupScan('CANCELED')]);
    await settled();
    expect(await counts('nightly', 'RecoveryPoint')).toEqual({ FAILED: 1, CANCELED: 1 });
    expect(await counts('nightly')).toEqual({ FAILED: 1 });
    expect(await sandbox.incidents()).toHaveLength(3);
  });
});

describe('a flood of infected objects', () => {
  it('is tagged to the last one after what is graver, and its cards share messages', async () => {
    const versions = Array.from({ length: 40 }, (_, index) => ({
      ...{ Key: `k-${index}`, VersionId: `k-${index}`, ETag: '"e"', IsLatest: true, Tags: {} },
    }));
    sandbox.twin.state.s3.buckets['uploads'] = newBucket('uploads', { versions });
    sandbox.slack.faults.push({ status: 429, retryAfterSeconds: 30 });
    const ends = await Promise.all(
      versions.map(async ({ Key }) => (await sandbox.deliver(of('THREATS_FOUND', Key))).ended),
    );
    expect(ends.every(({ status }) => status === 'SUCCEEDED')).toBe(true);
    expect(versions.every(({ Tags }) => Object.hasOwn(Tags, QUARANTINE_TAG))).toBe(true);
    expect([entered.has('EnrichLater'), entered.has('Enrich')]).toEqual([true, false]);
    expect(sandbox.slack.messages).toEqual([]);
    sandbox.slack.faults.length = 0;
    clock += 60_000;
    expect(await sandbox.sweep()).toMatchObject({ posted: 40 });
    const shared = sandbox.slack.messages.filter(({ text }) => text.includes('findings without a card'));
    expect(shared.map(({ text }) => text.match(/contained, residual risk/g)?.length)).toEqual([10]);
  });
});

it('hands back a message that it cannot read, and counts the others', async () => {
  const good = JSON.stringify(of('NO_THREATS_FOUND', 'k'));
  const bad = JSON.stringify({ ...of('NO_THREATS_FOUND', 'k'), detail: {} });
  const { batchItemFailures } = await handed([good, bad, '{', good]);
  expect(batchItemFailures).toEqual([{ itemIdentifier: 'm-1' }, { itemIdentifier: 'm-2' }]);
  expect(await counts()).toEqual({ NO_THREATS_FOUND: 2 });
});

describe('the rules of the stack', () => {
  const threats = of('THREATS_FOUND', 'k');
  it.each([
    ['a clean object', of('NO_THREATS_FOUND', 'k'), ['ScansRule']],
    ['an object that could not be read', of('ACCESS_DENIED', 'k'), ['ScansRule']],
    ['an infected object', threats, ['ThreatsRule', 'ScansRule']],
    ['an infected recovery point', backupScan('COMPLETED', 'THREATS_FOUND'), ['ThreatsRule', 'ScansRule']],
    ['a failed backup scan', backupScan('FAILED'), ['ScansRule']],
    ['a backup scan under way', backupScan('RUNNING'), []],
    ['what another source calls so', { ...threats, source: 'my.app' }, []],
  ])('take %s', async (_name, event, wanted) => {
    expect(await fitting(event)).toEqual(wanted);
  });

  it('hand on what the workflow reads', async () => {
    const { source, account, region, time, detail } = threats;
    expect(await handedOn('ThreatsRule', threats)).toEqual({
      channel: 'scan',
      event: { source, 'detail-type': threats['detail-type'], account, region, time, detail },
    });
  });
});

/** Whom an attacker shared copies of data with loses access, and undo shares them again. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { act, type Caller } from '../../sandbox/attacker.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import {
  callOf,
  forgetTheOwner,
  LONG_AGO,
  OWNER,
  readsItsExamples,
  recorded,
  SEEN,
  THIEF,
  targetIn,
  thiefFound,
} from '../../test/playbooks/reversed.ts';
import { reverseSharingChanges, sharingChanges } from './playbook.ts';

const SNAPSHOT = 'snap-0000000000000a001';
const IMAGE = 'ami-0000000000000a001';
const PARTNER = '222233334444';

const calls = fc.record({
  of: fc.constantFrom('snapshot' as const, 'image' as const, 'orders' as const, 'ledger' as const),
  adds: fc.boolean(),
  to: fc.constantFrom('all', PARTNER, '444455556666'),
});
type Shared = typeof calls extends fc.Arbitrary<infer A> ? A : never;

/** The call as EC2 and RDS take it, and as CloudTrail writes it. */
function share(twin: AccountTwin, by: Caller, { of, adds, to }: Shared, at: Date): void {
  if (of === 'orders' || of === 'ledger') {
    const kind = of === 'orders' ? 'DBSnapshot' : 'DBClusterSnapshot';
    const values = { [adds ? 'ValuesToAdd' : 'ValuesToRemove']: [to] };
    const input = { [`${kind}Identifier`]: of, AttributeName: 'restore', ...values };
    act(twin, by, { ...{ service: 'RDS', operation: `Modify${kind}Attribute` }, input, at });
    return;
  }
  const image = of === 'image';
  const one = image ? { ImageId: IMAGE } : { SnapshotId: SNAPSHOT };
  const groups = image ? 'UserGroups' : 'GroupNames';
  const input: JsonObject = {
    ...one,
    Attribute: image ? 'launchPermission' : 'createVolumePermission',
    OperationType: adds ? 'add' : 'remove',
    ...(to === 'all' ? { [groups]: ['all'] } : { UserIds: [to] }),
  };
  const items = { items: [to === 'all' ? { group: 'all' } : { userId: to }] };
  const request = {
    ...(image ? { imageId: IMAGE } : { snapshotId: SNAPSHOT }),
    [image ? 'launchPermission' : 'createVolumePermission']: { [adds ? 'add' : 'remove']: items },
  };
  const operation = image ? 'ModifyImageAttribute' : 'ModifySnapshotAttribute';
  act(twin, by, { ...{ service: 'EC2', operation, input, at }, record: { request } });
}

let opened: AccountTwin | undefined;
const accounts: Accounts<readonly Shared[]> = {
  worlds: fc
    .array(calls, { maxLength: 5 })
    // One that leaves something to reverse in every order.
    .map((world) => [
      ...world.filter(({ to }) => to !== 'all'),
      { of: 'snapshot' as const, adds: true, to: 'all' },
    ]),
  runs: 8,
  open(twin, world) {
    opened = twin;
    const region = twin.region(twin.scope.region);
    region.snapshots.push({ SnapshotId: SNAPSHOT, VolumeId: 'vol-0000000000000a001', Tags: {} });
    region.images = [
      { ImageId: IMAGE, SourceInstanceId: 'i-0000000000000a001', CreationDate: '2026-01-01', Tags: {} },
    ];
    region.rds.snapshots.push({ id: 'orders', of: 'orders' }, { id: 'ledger', of: 'ledger' });
    for (const of of ['snapshot', 'image', 'orders', 'ledger'] as const)
      share(twin, OWNER, { of, adds: true, to: PARTNER }, LONG_AGO);
    world.forEach((one, index) => {
      share(twin, THIEF, one, new Date(SEEN + (index + 1) * 60_000));
    });
    return thiefFound(twin);
  },
  target: (finding) => targetIn(sharingChanges, opened, finding, finding.region),
};
playbookProperties(reverseSharingChanges, accounts);

const database = sceneDatabase('reverse-sharing-changes-test');

it('takes access from whom the principal gave it, and leaves the partner of the owner', async () => {
  const here = scene(database(), reverseSharingChanges, accounts, [
    { of: 'image', adds: true, to: '444455556666' },
    { of: 'orders', adds: true, to: 'all' },
    { of: 'ledger', adds: false, to: '444455556666' },
  ]);
  const before = here.account();
  const plan = await here.plan();
  expect(plan).toMatchObject({ warnings: expect.arrayContaining([expect.stringMatching(/90 days/)]) });
  await here.contain();
  const { images = [], rds } = here.twin.region(here.twin.scope.region);
  expect(images[0]?.sharedWith).toEqual([PARTNER]);
  expect(rds.snapshots.map(({ sharedWith }) => sharedWith)).toEqual([[PARTNER], [PARTNER]]);
  expect(await here.prove()).toMatchObject({ proven: true });
  await here.undo();
  expect(here.account()).toEqual(before);
});

it.each(['orders', 'ledger', 'image', 'snapshot'] as const)(
  'leaves it to a person to share %s again with whom the principal removed',
  async (of) => {
    const here = scene(database(), reverseSharingChanges, accounts, [{ of, adds: false, to: PARTNER }]);
    expect(await here.plan()).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('is for a person to restore'),
    });
  },
);

it('knows from AWS Config whom it was shared with, where CloudTrail does not show it', async () => {
  const known: Accounts<readonly Shared[]> = {
    ...accounts,
    open(twin, world) {
      const finding = accounts.open(twin, world);
      forgetTheOwner(twin, twin.scope.region);
      const restore = [{ attributeName: 'restore', attributeValues: [PARTNER] }];
      for (const [kind, id] of [
        ['DBSnapshot', 'orders'],
        ['DBClusterSnapshot', 'ledger'],
      ] as const)
        recorded(twin, twin.scope.region, {
          ...{ type: `AWS::RDS::${kind}`, id: `${id}-unique`, name: id },
          supplementary: { [`${kind}Attributes`]: restore },
        });
      return finding;
    },
  };
  const here = scene(database(), reverseSharingChanges, known, [
    { of: 'orders', adds: true, to: PARTNER },
    { of: 'ledger', adds: true, to: 'all' },
  ]);
  const before = here.account();
  const plan = await here.plan();
  // The partner had it before.
  expect(plan).toMatchObject({
    steps: [{ describe: expect.stringMatching(/ledger with everyone no longer .*from AWS Config/) }],
  });
  await here.contain();
  const { rds } = here.twin.region(here.twin.scope.region);
  expect(rds.snapshots.map(({ sharedWith }) => sharedWith)).toEqual([[PARTNER], [PARTNER]]);
  await here.undo();
  expect(here.account()).toEqual(before);
});

it('never guesses that something was shared', () => {
  const [inverse] = sharingChanges.inverses.filter(({ id }) => id === 'reversed-snapshot-share');
  const removed = {
    eventName: 'ModifySnapshotAttribute',
    requestParameters: {
      snapshotId: SNAPSHOT,
      createVolumePermission: { remove: { items: [{ userId: PARTNER }] } },
    },
  };
  const scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
  const [effect] = inverse?.effects(callOf(removed, 'ec2.amazonaws.com'), scope) ?? [];
  expect(effect).toMatchObject({ left: false });
  expect(effect?.before ?? effect?.guess).toBeUndefined();
});

it('reads the example of each answer, and each is about another kind', () =>
  readsItsExamples(sharingChanges));

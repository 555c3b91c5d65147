/** What an attacker began to delete is saved while that can be done; undo deletes nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arn } from '../../core/aws/arn.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Caller } from '../../sandbox/attacker.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import {
  attempt,
  callOf,
  LONG_AGO,
  OWNER,
  readsItsExamples,
  recorded,
  SEEN,
  THIEF,
  targetIn,
  thiefFound,
} from '../../test/playbooks/reversed.ts';
import { deletionChanges, reverseDeletionChanges } from './playbook.ts';

const KEY = '00000000-0000-4000-8000-00000000000a';
const OLD = '00000000-0000-4000-8000-00000000000b';
const OFF = '00000000-0000-4000-8000-00000000000c';
const SHARED = `mrk-${'0'.repeat(31)}d`;
const SECRET = 'orders/database-a1B2c3';
const IMAGE = 'ami-0000000000000a001';
const SNAPSHOT = 'snap-0000000000000a001';
const VOLUME = 'vol-0000000000000a001';

const kms = (operation: string, KeyId: string) => ({
  ...{ service: 'KMS', operation },
  input: { KeyId, ...(operation === 'ScheduleKeyDeletion' ? { PendingWindowInDays: 7 } : {}) },
});
const ec2 = (operation: string, input: JsonObject) => ({ service: 'EC2', operation, input });

/** What the attacker does, by a name for it; some of it KMS refuses after the others. */
const ATTACKS = {
  'delete key': kms('ScheduleKeyDeletion', KEY),
  'delete multi-Region key': kms('ScheduleKeyDeletion', SHARED),
  'delete old key': kms('ScheduleKeyDeletion', OLD),
  'disable key': kms('DisableKey', KEY),
  'disable old key': kms('DisableKey', OLD),
  'enable key': kms('EnableKey', OFF),
  'delete secret': { service: 'SecretsManager', operation: 'DeleteSecret', input: { SecretId: SECRET } },
  'deregister image': ec2('DeregisterImage', { ImageId: IMAGE }),
  'delete snapshot': ec2('DeleteSnapshot', { SnapshotId: SNAPSHOT }),
  'delete volume': ec2('DeleteVolume', { VolumeId: VOLUME }),
} as const;
type Attack = keyof typeof ATTACKS;
/** Where nothing shows what it was, a key that was disabled is named alone. */
const ALL = (Object.keys(ATTACKS) as Attack[]).filter((attack) => attack !== 'disable old key');
/** Undo would have to delete something: it leaves what was saved. */
const STAYS = ALL.filter((attack) => !['disable key', 'enable key'].includes(attack));

interface Asked {
  readonly service: string;
  readonly operation: string;
  readonly input: JsonObject;
}

/** Makes the call; what AWS refuses leaves no change. */
function acts(twin: AccountTwin, caller: Caller, call: Asked, at: Date): void {
  const id = call.input['KeyId'];
  const response = { keyId: arn(twin.scope, 'kms', `key/${id}`) };
  // KMS records the ARN of the key for every call that changes one, whatever it answers.
  attempt(twin, caller, { ...call, at, ...(id === undefined ? {} : { record: { response } }) });
}

interface World {
  readonly attacks: readonly Attack[];
  readonly bin?: boolean;
}

function open(twin: AccountTwin, { attacks, bin = true }: World): unknown {
  const region = twin.region(twin.scope.region);
  region.kmsKeys = { [KEY]: 'Enabled', [SHARED]: 'Enabled', [OLD]: 'Enabled', [OFF]: 'Enabled' };
  region.secrets = { [SECRET]: false };
  region.images = [
    { ImageId: IMAGE, SourceInstanceId: 'i-0000000000000a001', CreationDate: '2026-01-01', Tags: {} },
  ];
  region.snapshots.push({ SnapshotId: SNAPSHOT, VolumeId: VOLUME, Tags: {} });
  region.volumes = [{ VolumeId: VOLUME }];
  if (bin) region.recycleBin = {};
  for (const id of [KEY, SHARED]) acts(twin, OWNER, kms('EnableKey', id), LONG_AGO);
  acts(twin, OWNER, kms('DisableKey', OFF), LONG_AGO);
  attacks.forEach((attack, index) => {
    acts(twin, THIEF, ATTACKS[attack], new Date(SEEN + 60_000 * (index + 1)));
  });
  return thiefFound(twin);
}

/** Without what undo does not make again: what was being deleted, and is not any longer. */
const withoutDeletions = (account: unknown): unknown =>
  JSON.parse(
    JSON.stringify(account, (name, value) => {
      if (name === 'kmsKeys' && typeof value === 'object' && value !== null && KEY in value)
        return Object.fromEntries(
          Object.entries(value).map(([id, state]) => [id, saved.has(id) ? 'saved' : state]),
        );
      if (['recycleBin', 'images', 'snapshots', 'volumes', 'secrets'].includes(name)) return undefined;
      return value;
    }),
  );
/** Keys of the world under test that were pending deletion: undo leaves them as the reversal did. */
let saved: ReadonlySet<string> = new Set();

let opened: AccountTwin | undefined;
const accounts: Accounts<World> = {
  worlds: fc
    .array(fc.constantFrom(...ALL), { maxLength: 5 })
    // Some that leave something to reverse in every order.
    .map((attacks): World => ({ attacks: ['enable key', 'delete secret', 'delete volume', ...attacks] })),
  runs: 8,
  without: withoutDeletions,
  open(twin, world) {
    opened = twin;
    const found = open(twin, world);
    const { kmsKeys: keys = {} } = twin.region(twin.scope.region);
    saved = new Set(Object.keys(keys).filter((id) => keys[id] === 'PendingDeletion'));
    return found;
  },
  target: (finding: Finding) => targetIn(deletionChanges, opened, finding, finding.region),
};
playbookProperties(reverseDeletionChanges, accounts);

const database = sceneDatabase('reverse-deletion-changes-test');
const at = (...attacks: Attack[]) =>
  scene(database(), reverseDeletionChanges, { ...accounts, without: (account) => account }, { attacks });

describe('what an attacker began to delete', () => {
  it.each(ALL)('%s: is saved, proven, and undo deletes nothing', async (attack) => {
    const here = at(attack);
    const before = here.account();
    const { steps } = await here.contain();
    expect(steps.map(({ status }) => status)).toEqual(['done']);
    expect(await here.prove()).toMatchObject({ proven: true });
    const after = here.account();
    expect(after).not.toEqual(before);
    await here.undo();
    expect(here.account()).toEqual(STAYS.includes(attack) ? after : before);
  });

  it('is what it was: a key that was enabled works again, one of which nothing is known stays disabled', async () => {
    const here = at('delete key', 'delete old key', 'enable key', 'delete multi-Region key');
    const plan = await here.plan();
    expect(plan.kind === 'plan' && plan.warnings.join()).toContain(`Leave key ${OLD} disabled`);
    await here.contain();
    expect(here.twin.region(here.twin.scope.region).kmsKeys).toEqual({
      ...{ [KEY]: 'Enabled', [SHARED]: 'Enabled', [OLD]: 'Disabled', [OFF]: 'Disabled' },
    });
  });

  it.each(['delete old key', 'disable old key'] as const)(
    '%s: works again where AWS Config recorded that it did',
    async (attack) => {
      const here = scene(
        database(),
        reverseDeletionChanges,
        {
          ...accounts,
          open(twin, world) {
            const finding = accounts.open(twin, world);
            recorded(twin, twin.scope.region, {
              ...{ type: 'AWS::KMS::Key', id: OLD, configuration: { keyId: OLD, keyState: 'Enabled' } },
            });
            return finding;
          },
        },
        { attacks: [attack] },
      );
      await here.contain();
      expect(here.twin.region(here.twin.scope.region).kmsKeys?.[OLD]).toBe('Enabled');
      expect(await here.prove()).toMatchObject({ proven: true });
    },
  );

  it('is kept by undo, with the command for it', async () => {
    const here = at(...STAYS);
    await here.contain();
    await here.undo();
    const notes = (await here.journal()).map(({ status, note }) => `${status} ${note}`).join('\n');
    expect(notes).toContain(
      `kept Firebreak does not schedule the deletion of key ${KEY}: aws kms schedule-key-deletion`,
    );
    expect(notes).toContain('kept Firebreak does not delete a secret: aws secretsmanager delete-secret');
    expect(notes).toContain(
      `kept Firebreak deletes no image: aws ec2 deregister-image --region=eu-west-1 --image-id=${IMAGE}`,
    );
    expect(here.writes.filter(({ operation }) => /Delete|Schedule|Deregister/.test(operation))).toEqual([]);
  });

  it('is gone without a retention rule, which is said', async () => {
    const here = scene(database(), reverseDeletionChanges, accounts, {
      attacks: ['deregister image', 'delete secret'],
      bin: false,
    });
    expect(await here.plan()).toMatchObject({
      residual: expect.arrayContaining([
        expect.stringMatching(new RegExp(`${IMAGE} was changed .* is gone now`)),
      ]),
    });
  });
});

it('schedules no deletion again that an attacker cancelled', async () => {
  const here = scene(
    database(),
    reverseDeletionChanges,
    {
      ...accounts,
      open(twin, world) {
        const found = accounts.open(twin, world);
        const later = new Date(SEEN + 3_600_000);
        acts(twin, OWNER, kms('ScheduleKeyDeletion', OLD), LONG_AGO);
        acts(twin, THIEF, kms('CancelKeyDeletion', OLD), later);
        return found;
      },
    },
    { attacks: ['delete secret'] },
  );
  const plan = await here.plan();
  expect(plan.kind === 'plan' && plan.steps).toHaveLength(1);
  expect(plan.kind === 'plan' && plan.residual.join()).toMatch(/the deletion of key .* was cancelled/);
});

it('leaves to people what is gone at once', () => {
  const account = { partition: 'aws', account: '111122223333' };
  const [forced] = deletionChanges.byHand.filter(({ id }) => id === 'deleted-secret');
  const call = callOf(
    { eventName: 'DeleteSecret', requestParameters: { secretId: 'x', forceDeleteWithoutRecovery: true } },
    'secretsmanager.amazonaws.com',
  );
  expect(forced?.next(call, { ...account, region: 'us-east-1' })?.what).toContain('and is gone');
  const hostile = callOf(
    { eventName: 'ScheduleKeyDeletion', requestParameters: { keyId: `alias/x:key/${KEY}; rm -rf` } },
    'kms.amazonaws.com',
  );
  expect(deletionChanges.answers(hostile, account)).toBe(false);
});

it.each([
  [
    { 'x-amz-delete-marker': 'true', 'x-amz-version-id': '3HL4kqtJlcpXroDTDmJ' },
    'orders/it\'s "$(id)".csv',
    true,
  ],
  [{ 'x-amz-delete-marker': 'true', 'x-amz-version-id': '3HL4kqtJlcpXroDTDmJ' }, undefined, false],
  [{ 'x-amz-version-id': '3HL4kqtJlcpXroDTDmJ' }, 'orders/1.csv', false],
])(
  'names the delete marker of an object where the record has it: %j %s',
  (responseElements, key, isNamed) => {
    const example = {
      ...{ eventName: 'DeleteObject', responseElements },
      requestParameters: { bucketName: 'orders', ...(key === undefined ? {} : { key }) },
    };
    const scope = { partition: 'aws', account: '111122223333', region: 'us-east-1' };
    const answer = deletionChanges.byHand.find(({ id }) => id === 'deleted-objects');
    const next = answer?.next(callOf(example, 's3.amazonaws.com'), scope)?.next;
    expect(next).toContain(
      isNamed
        ? String.raw`aws s3api delete-object --region=us-east-1 --bucket=orders --key='orders/it'\''s "$(id)".csv' --version-id=3HL4kqtJlcpXroDTDmJ`
        : 'aws s3api list-object-versions --region=us-east-1 --bucket=orders',
    );
  },
);

it('reads the example of each answer, and each is about another kind', () =>
  readsItsExamples(deletionChanges));

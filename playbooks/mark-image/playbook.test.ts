/** Malware Protection: images and snapshots are marked, test files are told, a scanned host joins its isolation. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import { resourceKey } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { addressWorld, findingOn } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { choosePlaybook } from '../index.ts';
import { isolateInstance } from '../isolate-instance/playbook.ts';
import { markImage } from './playbook.ts';

const IMAGE = 'ami-0123456789abcdef0';
const SNAPSHOT = 'snap-0123456789abcdef0';
interface World {
  readonly snapshot: boolean;
  readonly tags: Record<string, string>;
}
const finding = (twin: AccountTwin, resource: JsonObject, type = 'Execution:EC2/MaliciousFile!AMI') =>
  findingOn(twin, { seed: type, type, resource });
const accounts: Accounts<World> = {
  worlds: fc.record({
    snapshot: fc.boolean(),
    tags: fc.dictionary(fc.constantFrom('team', 'firebreak-quarantine', 'Name'), fc.string({ maxLength: 8 })),
  }),
  open(twin, { snapshot, tags }) {
    const region = twin.region();
    region.images = [
      {
        ImageId: IMAGE,
        SourceInstanceId: 'i-0123456789abcdef0',
        CreationDate: '2026-11-24T07:00:00.000Z',
        Tags: tags,
      },
    ];
    region.snapshots = [{ SnapshotId: SNAPSHOT, VolumeId: 'vol-1', Tags: tags }];
    return snapshot
      ? finding(
          twin,
          { ebsSnapshotDetails: { snapshotArn: `arn:aws:ec2:eu-west-1::snapshot/${SNAPSHOT}` } },
          'Execution:EC2/MaliciousFile!Snapshot',
        )
      : finding(twin, { ec2ImageDetails: { imageArn: `arn:aws:ec2:eu-west-1::image/${IMAGE}` } });
  },
};
playbookProperties(markImage, { ...accounts, runs: 15 });

const database = sceneDatabase('malware-test');

describe('a malicious image or snapshot', () => {
  const open = (world: Partial<World> = {}) =>
    scene(database(), markImage, accounts, { snapshot: false, tags: { team: 'web' }, ...world });

  it.each([false, true])(
    'is tagged beside its own tags and nothing is taken away (snapshot: %s)',
    async (snapshot) => {
      const at = open({ snapshot });
      await at.contain();
      const { images = [], snapshots } = at.twin.region();
      const [tagged] = snapshot ? snapshots : images;
      expect(tagged?.Tags).toEqual({ team: 'web', 'firebreak-quarantine': 'fb-aaaaaaaaaaaa' });
      expect(await at.prove()).toMatchObject({ proven: true });
      await at.undo();
      const [after] = snapshot ? at.twin.region().snapshots : (at.twin.region().images ?? []);
      expect(after?.Tags).toEqual({ team: 'web' });
    },
  );

  it('a tag that somebody else set meanwhile is drift and stays', async () => {
    const at = open();
    await at.contain();
    const [image] = at.twin.region().images ?? [];
    if (image) image.Tags['firebreak-quarantine'] = 'theirs';
    expect((await at.undo()).kind).toBe('partial');
    expect(at.twin.region().images?.[0]?.Tags['firebreak-quarantine']).toBe('theirs');
  });

  it('names what runs from it, and is refused when protected', async () => {
    const at = open();
    const { instanceId } = addressWorld(at.twin);
    for (const instance of at.twin.region().instances)
      instance.ImageId = instance.InstanceId === instanceId ? IMAGE : 'ami-other';
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.residual.join()).toContain(`1 instances run from it: ${instanceId}`);
    expect(await at.plan('fb-aaaaaaaaaaaa', true, ['ami-*'])).toMatchObject({ kind: 'refused' });
  });

  it('says that it is gone', async () => {
    const at = open();
    at.twin.region().images = [];
    await expect(at.plan()).rejects.toMatchObject({ code: 'ResourceNotFound' });
  });

  it.each([
    ['another service', { ec2ImageDetails: { imageArn: 'arn:aws:s3:::image/ami-0123456789abcdef0' } }],
    ['a path', { ec2ImageDetails: { imageArn: 'arn:aws:ec2:eu-west-1::image/ami-0123456789abcdef0/../x' } }],
    [
      'a recovery point',
      {
        recoveryPointDetails: { recoveryPointArn: 'arn:aws:backup:eu-west-1:111122223333:recovery-point:x' },
      },
    ],
    ['nothing', {}],
  ])('is not guessed from %s', (_name, resource) => {
    expect(markImage.targetOf(parseFinding(finding(createTwin(SCOPE), resource))).ok).toBe(false);
  });
});

const scanned = (
  twin: AccountTwin,
  scan: JsonObject,
  resource: JsonObject,
  type = 'Execution:EC2/MaliciousFile',
) => {
  const event = finding(twin, resource, type) as { detail: { service: object } };
  return parseFinding({
    ...event,
    detail: { ...event.detail, service: { ...event.detail.service, ...scan } },
  });
};
const volumes = (names: readonly string[], more: JsonObject = {}): JsonObject => ({
  ebsVolumeScanDetails: {
    scanDetections: {
      threatDetectedByName: { threatNames: names.map((name) => ({ name, severity: 'HIGH' })), ...more },
    },
  },
});
const EICAR = 'EICAR-Test-File (not a virus)';

describe('the test file', () => {
  const INSTANCE = { instanceDetails: { instanceId: 'i-0123456789abcdef0' } };
  it.each([
    ['alone on a volume', volumes([EICAR], { uniqueThreatNameCount: 1, shortened: false }), 'notify'],
    ['alone in an object or image', { malwareScanDetails: { threats: [{ name: EICAR }] } }, 'notify'],
    ['beside another threat', volumes([EICAR, 'Trojan.Linux.Miner']), 'ask'],
    ['in a list that is cut short', volumes([EICAR], { shortened: true }), 'ask'],
    ['in a list that names one of two', volumes([EICAR], { uniqueThreatNameCount: 2 }), 'ask'],
    ['beside a threat without a name', { malwareScanDetails: { threats: [{ name: EICAR }, {}] } }, 'ask'],
    ['nowhere', {}, 'ask'],
  ])('%s is decided %s', async (_name, scan, kind) => {
    const policy = await loadPolicy('policy.yml');
    const given = scanned(createTwin(SCOPE), scan as JsonObject, INSTANCE);
    const choice = choosePlaybook(given);
    expect(policy.decide(given, { now: new Date(0), playbook: choice }).kind).toBe(kind);
  });
});

describe('a scanned host', () => {
  it('is the same target as in the finding that started the scan, so that the two join', () => {
    const twin = createTwin(SCOPE);
    const instance = { instanceDetails: { instanceId: 'i-0123456789abcdef0' } };
    const keys = [
      'Backdoor:EC2/C&CActivity.B',
      'Execution:EC2/MaliciousFile',
      'Execution:EC2/SuspiciousFile',
    ].map((type) => {
      const choice = choosePlaybook(parseFinding(finding(twin, instance, type)));
      if ('none' in choice) throw new Error(choice.none);
      return choice.parts.map(({ playbook, target }) => `${playbook.id} ${resourceKey(target)}`).join();
    });
    expect(new Set(keys).size).toBe(1);
  });

  it('names images made of it since it was first seen, and no older ones', async () => {
    const hosts: Accounts<null> = {
      worlds: fc.constant(null),
      open: (twin) =>
        finding(
          twin,
          { instanceDetails: { instanceId: addressWorld(twin).instanceId } },
          'Execution:EC2/MaliciousFile',
        ),
    };
    const at = scene(database(), isolateInstance, hosts, null);
    const seen = Date.parse(String(at.target.facts['firstSeen']));
    const image = (ImageId: string, hours: number, SourceInstanceId = at.target.id) => ({
      ImageId,
      SourceInstanceId,
      CreationDate: new Date(seen + hours * 3_600_000).toISOString(),
      Tags: {},
    });
    at.twin.region().images = [image('ami-old', -1), image('ami-new', 1), image('ami-other', 1, 'i-other')];
    await at.contain();
    const { residual } = await at.prove();
    expect(residual).toEqual([expect.stringContaining('carry what was on it: ami-new;')]);
    at.twin.failNext('DescribeImages', 'UnauthorizedOperation', 20);
    expect((await at.prove()).residual).toEqual(['whether images were made of it may not be read']);
  });
});

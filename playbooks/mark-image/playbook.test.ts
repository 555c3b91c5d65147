/** Malware Protection found something in an image or a snapshot: it is tagged, and nothing else changes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { addressWorld, findingOn } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
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

const database = sceneDatabase('mark-image-test');

describe('a malicious image or snapshot', () => {
  const open = (world: Partial<World> = {}) =>
    scene(database(), markImage, accounts, { snapshot: false, tags: { team: 'web' }, ...world });

  it.each([false, true])(
    'is tagged next to its own tags and nothing is taken away (snapshot: %s)',
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

  it('a tag that someone else set meanwhile is drift and stays', async () => {
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

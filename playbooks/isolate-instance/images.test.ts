/** Images made of an infected instance: named as remaining risk, never changed. */
import { expect, it } from 'vitest';
import { addressFinding, addressWorld } from '../../sandbox/worlds.ts';
import { scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import { isolateInstance } from './playbook.ts';

const database = sceneDatabase('isolate-instance-images');

it('names images made of it since it was first seen, and no older ones', async () => {
  const at = scene(
    database(),
    isolateInstance,
    {
      worlds: undefined as never,
      open: (twin) => addressFinding(twin, addressWorld(twin).instanceId, { seed: 'images' }),
    },
    undefined,
  );
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

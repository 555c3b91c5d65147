/** The account's public access block: all four switches on, and exactly what was there after undo. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TwinS3 } from '../../sandbox/twin/s3.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { publicAccessBlocks } from '../../test/playbooks/bucket-world.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import { blockPublicAccount } from './playbook.ts';

interface World {
  readonly block: TwinS3['accountBlock'];
}
const accounts: Accounts<World> = {
  worlds: fc.record({ block: publicAccessBlocks }),
  open(twin, world) {
    twin.state.s3.accountBlock = world.block;
    return findingOn(twin, {
      seed: 'account',
      type: 'Policy:S3/AccountBlockPublicAccessDisabled',
      resource: { resourceType: 'AccessKey' },
    });
  },
};
playbookProperties(blockPublicAccount, accounts);

const database = sceneDatabase('block-public-account-test');

describe('an account whose public access block was switched off', () => {
  const open = (block: World['block'] = null) => scene(database(), blockPublicAccount, accounts, { block });

  it('always asks, and names every bucket of the account', async () => {
    expect(await open().plan()).toMatchObject({
      kind: 'plan',
      askBecause: [expect.stringContaining('public on purpose')],
      blastRadius: { unit: 'accounts', detail: ['every bucket of account 111122223333'] },
    });
  });

  it('is not proven once one switch is off again, and undo leaves that switch to the person who set it', async () => {
    const at = open();
    await at.contain();
    expect(await at.prove()).toMatchObject({ proven: true, next: 'final' });
    const { s3 } = at.twin.state;
    if (!s3.accountBlock) throw new Error('no block is set');
    s3.accountBlock.BlockPublicPolicy = false;
    const edited = structuredClone(s3.accountBlock);
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    expect((await at.undo()).kind).toBe('partial');
    expect(s3.accountBlock).toEqual(edited);
  });

  it('has no configuration again after undo where none was set', async () => {
    const at = open();
    await at.contain();
    await at.undo();
    expect(at.twin.state.s3.accountBlock).toBeNull();
    expect(at.twin.calls.map(({ operation }) => operation)).toContain('DeletePublicAccessBlock');
  });
});

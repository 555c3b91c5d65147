import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import type { TwinTrail } from '../../sandbox/twin/cloudtrail.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { NARROW, type TrailWorld, trailAccounts, trailsIn, WHOLE } from '../../test/playbooks/trail-world.ts';
import { restoreLogging } from '../restore-logging/playbook.ts';
import { restoreEventSelectors } from './playbook.ts';

const narrowed: Accounts<TrailWorld> = {
  ...trailAccounts,
  worlds: fc.record({
    home: fc.constant('us-east-1'),
    trail: fc.record({ logging: fc.constant(true), selectors: fc.constant(NARROW) }),
    others: fc.constant([]),
    named: fc.constant(true),
    baseline: fc.constant(false),
  }),
  target: (given) => restoreLogging.targetOf(given),
  runs: 5,
};
playbookProperties(restoreEventSelectors, narrowed);

const database = sceneDatabase('restore-event-selectors-test');

describe('restore-event-selectors', () => {
  const locate = async (trail: Partial<TwinTrail>, baseline: boolean) => {
    const at = scene<TrailWorld>(database(), restoreEventSelectors, narrowed, {
      home: 'us-east-1',
      trail,
      others: [],
      named: true,
      baseline,
    });
    return restoreEventSelectors.locate?.(at.finding, awsFor(SCOPE));
  };

  it('is asked about a trail that logs too little, and about no other', async () => {
    expect(await locate({ logging: true, selectors: NARROW }, false)).toMatchObject({ ok: true });
    expect(await locate({ logging: true, selectors: WHOLE }, false)).toMatchObject({ ok: false });
    expect(await locate({ logging: true, selectors: NARROW }, true)).toMatchObject({ ok: true });
  });

  it('asks, adds what the trail lacks and takes nothing away', async () => {
    const at = scene<TrailWorld>(database(), restoreEventSelectors, narrowed, {
      home: 'us-east-1',
      trail: { selectors: NARROW, logging: true },
      others: [],
      named: true,
      baseline: false,
    });
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.askBecause.join()).toContain('records no management events');
    await at.contain();
    expect(trailsIn(at.twin)[0]?.selectors).toEqual({
      EventSelectors: [{ ...NARROW.EventSelectors[0], ReadWriteType: 'All', IncludeManagementEvents: true }],
    });
    await at.undo();
    expect(trailsIn(at.twin)[0]?.selectors).toEqual(NARROW);
  });
});

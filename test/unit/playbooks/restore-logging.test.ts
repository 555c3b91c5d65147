import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../../core/finding.ts';
import { restoreLogging } from '../../../playbooks/restore-logging.ts';
import type { TwinTrail } from '../../../sandbox/twin/cloudtrail.ts';
import { type AccountTwin, createTwin } from '../../../sandbox/twin/twin.ts';
import { findingOn } from '../../../sandbox/worlds.ts';
import { type Accounts, playbookProperties, SCOPE, scene, sceneDatabase } from './properties.ts';

interface World {
  readonly home: string;
  readonly trail: Partial<TwinTrail>;
  readonly others: readonly boolean[];
  readonly named: boolean;
}
const arnOf = (home: string, name: string) => `arn:aws:cloudtrail:${home}:111122223333:trail/${name}`;
const finding = (twin: AccountTwin, affected: object | undefined) =>
  findingOn(twin, {
    seed: 'trail',
    type: 'Stealth:IAMUser/CloudTrailLoggingDisabled',
    resource: { resourceType: 'AccessKey' },
    action: {
      actionType: 'AWS_API_CALL',
      awsApiCallAction: { api: 'StopLogging', ...(affected ? { affectedResources: { ...affected } } : {}) },
    },
  });
const accounts: Accounts<World> = {
  worlds: fc.record({
    home: fc.constantFrom('eu-west-1', 'us-east-1', 'ap-southeast-2'),
    trail: fc.record({ logging: fc.boolean() }),
    others: fc.array(fc.boolean(), { maxLength: 3 }),
    named: fc.boolean(),
  }),
  open(twin, { home, trail, others, named }) {
    const put = (Name: string, more: Partial<TwinTrail>) =>
      twin.region(home).cloudtrail.trails.push({
        TrailARN: arnOf(home, Name),
        Name,
        HomeRegion: home,
        IsOrganizationTrail: false,
        logging: false,
        deliveryError: null,
        ...more,
      });
    put('audit', trail);
    for (const [index, logging] of others.entries()) put(`other-${index}`, { logging });
    return finding(twin, named ? { 'AWS::CloudTrail::Trail': arnOf(home, 'audit') } : undefined);
  },
};
playbookProperties(restoreLogging, accounts);

const database = sceneDatabase('restore-logging-test');
const open = (world: Partial<World> = {}) =>
  scene(database(), restoreLogging, accounts, {
    home: 'us-east-1',
    trail: {},
    others: [],
    named: true,
    ...world,
  });
const trails = (at: ReturnType<typeof open>) =>
  Object.values(at.twin.state.regions).flatMap(({ cloudtrail }) => cloudtrail.trails);

describe('a silenced trail', () => {
  it('is started in its home Region, and only that one', async () => {
    const at = open({ others: [false] });
    await at.contain();
    expect(trails(at).map(({ logging }) => logging)).toEqual([true, false]);
    const proof = await at.prove();
    expect(proof).toMatchObject({ proven: true });
    expect(proof.residual.join()).toContain('look again in 15 minutes');
    expect(await at.undoSafety()).toMatchObject({ safe: false });
  });

  it('asks when several are off and none is named', async () => {
    const plan = await open({ others: [false, true], named: false }).plan();
    expect(plan).toMatchObject({ kind: 'plan', blastRadius: { count: 2 } });
    expect(plan.kind === 'plan' && plan.askBecause.join()).toContain('2 trails are off');
  });

  it('is not restored while it cannot deliver, or when it is stopped again', async () => {
    const at = open({ trail: { deliveryError: 'AccessDenied' } });
    await at.contain();
    expect(await at.prove()).toMatchObject({ proven: false, next: 'wait' });
    const [trail] = trails(at);
    if (trail) trail.logging = false;
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
  });

  it('of the organisation is refused from a member, a deleted one is said to be gone', async () => {
    const organisation = open({
      trail: { IsOrganizationTrail: true, TrailARN: 'arn:aws:cloudtrail:us-east-1:999999999999:trail/org' },
      named: false,
    });
    expect(await organisation.plan()).toMatchObject({
      kind: 'refused',
      alternative: expect.stringContaining('management'),
    });
    const deleted = open();
    deleted.twin.region('us-east-1').cloudtrail.trails = [];
    await expect(deleted.plan()).rejects.toMatchObject({ code: 'ResourceNotFound' });
    expect(organisation.changes() + deleted.changes()).toBe(0);
  });

  it.each([
    ['of another account', 'arn:aws:cloudtrail:us-east-1:999999999999:trail/audit'],
    ['that is no trail', 'arn:aws:s3:::audit'],
    ['of another shape', 7],
  ])('%s in the finding is not taken as target', (_name, value) => {
    const choice = restoreLogging.targetOf(
      parseFinding(finding(createTwin(SCOPE), { 'AWS::CloudTrail::Trail': value })),
    );
    expect(choice).toMatchObject({ ok: true, target: { id: '111122223333', facts: { trail: null } } });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { TwinTrail } from '../../sandbox/twin/cloudtrail.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { restoreEventSelectors } from '../restore-event-selectors/playbook.ts';
import { restoreLogging } from './playbook.ts';

interface World {
  readonly home: string;
  readonly trail: Partial<TwinTrail>;
  readonly others: readonly boolean[];
  readonly named: boolean;
  /** CloudTrail remembers what the trail recorded before. */
  readonly baseline: boolean;
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
const NARROW = {
  EventSelectors: [
    {
      ReadWriteType: 'ReadOnly',
      IncludeManagementEvents: false,
      DataResources: [{ Type: 'AWS::S3::Object', Values: [] }],
      ExcludeManagementEventSources: [],
    },
  ],
};
const WHOLE = {
  AdvancedEventSelectors: [
    { Name: 'all', FieldSelectors: [{ Field: 'eventCategory', Equals: ['Management'] }] },
  ],
};
const before = '2026-11-01T09:00:00Z';
/** What CloudTrail remembers of a PutEventSelectors call. */
const putSelectors = (trailName: string, request: object, eventTime: string, principalId: string) => ({
  event: {
    eventName: 'PutEventSelectors',
    eventTime,
    userIdentity: { principalId },
    requestParameters: { trailName, ...request },
  },
});
const remembered = (name: string) =>
  putSelectors(
    name,
    {
      advancedEventSelectors: [
        { name: 'all', fieldSelectors: [{ field: 'eventCategory', equals: ['Management'] }] },
      ],
    },
    before,
    'AIDAEXAMPLE000000001',
  );

const accounts: Accounts<World> = {
  worlds: fc.record({
    home: fc.constantFrom('eu-west-1', 'us-east-1', 'ap-southeast-2'),
    trail: fc.record({ logging: fc.boolean(), selectors: fc.constantFrom(NARROW, WHOLE) }),
    others: fc.array(fc.boolean(), { maxLength: 3 }),
    named: fc.boolean(),
    baseline: fc.boolean(),
  }),
  open(twin, { home, trail, others, named, baseline }) {
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
    const { history } = twin.region(home).cloudtrail;
    if (baseline) history.push(remembered('audit'));
    for (const [index, logging] of others.entries()) put(`other-${index}`, { logging });
    return finding(twin, named ? { 'AWS::CloudTrail::Trail': arnOf(home, 'audit') } : undefined);
  },
};
playbookProperties(restoreLogging, accounts);

const narrowed: Accounts<World> = {
  ...accounts,
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

describe('restore-event-selectors', () => {
  const locate = async (trail: Partial<TwinTrail>, baseline: boolean) => {
    const at = scene<World>(sceneOf(), restoreEventSelectors, narrowed, {
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
    const at = scene<World>(sceneOf(), restoreEventSelectors, narrowed, {
      home: 'us-east-1',
      trail: { selectors: NARROW, logging: true },
      others: [],
      named: true,
      baseline: false,
    });
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.askBecause.join()).toContain('records no management events');
    await at.contain();
    expect(trails(at)[0]?.selectors).toEqual({
      EventSelectors: [{ ...NARROW.EventSelectors[0], ReadWriteType: 'All', IncludeManagementEvents: true }],
    });
    await at.undo();
    expect(trails(at)[0]?.selectors).toEqual(NARROW);
  });
});

const sceneOf = sceneDatabase('restore-event-selectors-test');
const database = sceneDatabase('restore-logging-test');
const open = (world: Partial<World> = {}) =>
  scene(database(), restoreLogging, accounts, {
    home: 'us-east-1',
    trail: {},
    others: [],
    named: true,
    baseline: false,
    ...world,
  });
const trails = (at: ReturnType<typeof open>) =>
  Object.values(at.twin.state.regions).flatMap(({ cloudtrail }) => cloudtrail.trails);

describe('a silenced trail', () => {
  it('is started in its home Region, and only that one', async () => {
    const at = open({ others: [false] });
    await at.contain();
    expect(trails(at).map(({ logging }) => logging)).toEqual([true, false]);
    expect(await at.prove()).toMatchObject({ proven: true, residual: [] });
    const [trail] = trails(at);
    if (trail) trail.quiet = true;
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

  it('records again what it recorded before, by itself, and is narrow again after undo', async () => {
    const at = open({ trail: { selectors: NARROW }, baseline: true });
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.askBecause).toEqual([]);
    expect(plan.kind === 'plan' && plan.steps.map(({ kind }) => kind)).toEqual([
      'logging',
      'event-selectors',
    ]);
    await at.contain();
    expect(trails(at)[0]).toMatchObject({ logging: true, selectors: WHOLE });
    expect(await at.prove()).toMatchObject({ proven: true });
    const [trail] = trails(at);
    if (trail) trail.selectors = NARROW;
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    if (trail) trail.selectors = WHOLE;
    await at.undo();
    expect(trails(at)[0]).toMatchObject({ logging: false, selectors: NARROW });
  });

  it('takes no call of the attacker for a baseline', async () => {
    const at = open({ trail: { selectors: NARROW } });
    const { history } = at.twin.region('us-east-1').cloudtrail;
    history.push(putSelectors('audit', {}, '2027-01-01T00:00:00Z', 'AIDAEXAMPLE000000001'));
    history.push({
      ...remembered('audit'),
      event: { ...remembered('audit').event, errorCode: 'AccessDenied' },
    });
    history.push(remembered('another'));
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.steps.map(({ kind }) => kind)).toEqual(['logging']);
    expect(plan.kind === 'plan' && plan.residual.join()).toMatch(/records no management events.*not known/);
  });

  it('records what policy.yml says, whatever CloudTrail remembers', async () => {
    const at = scene<World>(
      database(),
      restoreLogging,
      { ...accounts, settings: { eventSelectors: 'management' } },
      { home: 'us-east-1', trail: { selectors: NARROW }, others: [], named: true, baseline: true },
    );
    await at.contain();
    expect(trails(at)[0]?.selectors).toMatchObject({
      EventSelectors: [{ ReadWriteType: 'All', IncludeManagementEvents: true }],
    });
    await expect(
      scene<World>(
        database(),
        restoreLogging,
        { ...accounts, settings: { eventSelectors: 'all of them' } },
        { home: 'us-east-1', trail: {}, others: [], named: true, baseline: true },
      ).plan(),
    ).rejects.toMatchObject({ code: 'PolicyInvalid' });
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

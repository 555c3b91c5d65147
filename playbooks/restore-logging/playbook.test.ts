import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import { createTwin } from '../../sandbox/twin/twin.ts';
import { playbookProperties, SCOPE, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import {
  aboutTrail,
  NARROW,
  putSelectors,
  remembered,
  type TrailWorld,
  trailAccounts,
  trailsIn,
  WHOLE,
} from '../../test/playbooks/trail-world.ts';
import { restoreLogging } from './playbook.ts';

playbookProperties(restoreLogging, trailAccounts);

/** What WHOLE and NARROW record together. */
const WHOLE_AND_OBJECTS = {
  AdvancedEventSelectors: [
    ...WHOLE.AdvancedEventSelectors,
    {
      FieldSelectors: [
        { Field: 'eventCategory', Equals: ['Data'] },
        { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
        { Field: 'readOnly', Equals: ['true'] },
      ],
    },
  ],
};

const database = sceneDatabase('restore-logging-test');
const open = (world: Partial<TrailWorld> = {}) =>
  scene(database(), restoreLogging, trailAccounts, {
    home: 'us-east-1',
    trail: {},
    others: [],
    named: true,
    baseline: false,
    ...world,
  });

describe('a silenced trail', () => {
  it('is started in its home Region, and only that one', async () => {
    const at = open({ others: [false] });
    await at.contain();
    expect(trailsIn(at.twin).map(({ logging }) => logging)).toEqual([true, false]);
    expect(await at.prove()).toMatchObject({ proven: true, residual: [] });
    const [trail] = trailsIn(at.twin);
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
    const [trail] = trailsIn(at.twin);
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

  it('records again what it recorded before, automatically, and is narrow again after undo', async () => {
    const at = open({ trail: { selectors: NARROW }, baseline: true });
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.askBecause).toEqual([]);
    expect(plan.kind === 'plan' && plan.steps.map(({ kind }) => kind)).toEqual([
      'logging',
      'event-selectors',
    ]);
    await at.contain();
    expect(trailsIn(at.twin)[0]).toMatchObject({ logging: true, selectors: WHOLE_AND_OBJECTS });
    expect(await at.prove()).toMatchObject({ proven: true });
    const [trail] = trailsIn(at.twin);
    if (trail) trail.selectors = NARROW;
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    if (trail) trail.selectors = WHOLE_AND_OBJECTS;
    await at.undo();
    expect(trailsIn(at.twin)[0]).toMatchObject({ logging: false, selectors: NARROW });
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
    const at = scene<TrailWorld>(
      database(),
      restoreLogging,
      { ...trailAccounts, settings: { eventSelectors: 'management' } },
      { home: 'us-east-1', trail: { selectors: NARROW }, others: [], named: true, baseline: true },
    );
    await at.contain();
    expect(trailsIn(at.twin)[0]?.selectors).toMatchObject({
      AdvancedEventSelectors: [
        { FieldSelectors: WHOLE.AdvancedEventSelectors[0]?.FieldSelectors },
        WHOLE_AND_OBJECTS.AdvancedEventSelectors[1],
      ],
    });
    await expect(
      scene<TrailWorld>(
        database(),
        restoreLogging,
        { ...trailAccounts, settings: { eventSelectors: 'all of them' } },
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
      parseFinding(aboutTrail(createTwin(SCOPE), { 'AWS::CloudTrail::Trail': value })),
    );
    expect(choice).toMatchObject({ ok: true, target: { id: '111122223333', facts: { trail: null } } });
  });
});

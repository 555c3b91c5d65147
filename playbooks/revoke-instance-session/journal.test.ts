import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import { contain, contextFor, journalOf } from '../../core/journal/journal.ts';
import { inPlace, type Target } from '../../core/journal/playbook.ts';
import { awsError } from '../../sandbox/aws-error.ts';
import { type Database, openDatabase } from '../../sandbox/database.ts';
import {
  evaluate,
  INSTANCE,
  instance,
  Killed,
  NAT,
  openWorld,
  ROLE_ID,
  shareRole,
  stolen,
  THIEF,
  targetOf,
  trust,
  type World,
  writesOf,
} from '../../test/playbooks/role-world.ts';
import { undoToEnd } from '../../test/playbooks/undo-to-end.ts';
import { revokeInstanceSession as playbook } from './playbook.ts';

let database: Database;
beforeAll(async () => {
  database = await openDatabase(
    { partition: 'aws', account: '111122223333', region: 'us-east-1' },
    'revoke-test',
  );
});
afterAll(() => database.close());
afterEach(() => configureAws({}));

const START = Date.parse('2026-11-24T08:00:00.000Z');
const CASE = 'fb-0123456789ab';
let serial = 0;
/** Name of the deny of the incident opened last. */
let ownPolicy = '';

/** One incident on a target of its own, so that tests share nothing in the table. */
function incident(world: World, lever: 'session' | 'pin' | 'role' = 'session') {
  serial += 1;
  const target: Target = { ...targetOf(stolen()), id: `test-${serial}` };
  ownPolicy = `firebreak-${CASE}-${createHash('sha256').update(target.id).digest('hex').slice(0, 8)}`;
  const clock = { at: START };
  const run = (incidentId = CASE) => ({
    table: database.table,
    aws: awsFor(target),
    now: () => new Date(clock.at),
    playbook,
    target,
    incidentId,
  });
  const settings = { lever };
  const steps = async () => {
    const state = await playbook.read(target, awsFor(target), settings);
    const plan = playbook.plan(state, target, {
      caseId: CASE,
      now: new Date(clock.at),
      settings,
      protectedArns: [],
      approved: true,
    });
    if (plan.kind !== 'plan') throw new Error(plan.reason);
    return plan.steps;
  };
  return {
    clock,
    contain: async (incidentId = CASE) => contain(run(incidentId), await steps()),
    undo: (incidentId = CASE) => undoToEnd(run(incidentId)),
    async prove() {
      const records = await journalOf(database.table, target, playbook.id);
      return playbook.verify(contextFor(run(), CASE, records), records);
    },
    policy: () => JSON.parse(world.inline.get(ownPolicy) ?? 'null'),
  };
}

const session = (id: string) => ({ 'aws:userid': `${ROLE_ID}:${id}` });
const decisionFor = (world: World, keys: Record<string, string>) => evaluate(world.inline, keys).decision;
const quiet = (world: World) => world.inline.set('app-rights', JSON.stringify({ Statement: [] }));

describe.each(['session', 'pin', 'role'] as const)('lever: %s', (lever) => {
  it('contains, proves it, writes nothing on a second run, and undo restores what was', async () => {
    const world = openWorld();
    world.inline.set('AWSRevokeOlderSessions', '{"Statement":[]}');
    const before = new Map(world.inline);
    const it = incident(world, lever);
    const first = await it.contain();
    expect(first.steps.map(({ status }) => status)).toEqual(['done']);
    // The instance still has the role, and gets sessions that are younger than the cut-off.
    const residual = lever === 'role' ? [expect.stringContaining('goes on getting new credentials')] : [];
    expect(await it.prove()).toMatchObject({ proven: true, next: 'final', residual });
    it.clock.at += 3_600_000;
    await it.contain();
    await it.contain('fb-second');
    expect(writesOf(world)).toEqual(['PutRolePolicy']);
    expect((await it.undo()).kind).toBe('held');
    expect((await it.undo('fb-second')).kind).toBe('undone');
    expect(world.inline).toEqual(before);
    expect((await it.undo('fb-second')).kind).toBe('nothing');
    expect(writesOf(world)).toEqual(['PutRolePolicy', 'DeleteRolePolicy']);
  });

  it('comes to the same end when the handler dies after the write, or after the removal', async () => {
    const world = openWorld();
    const before = new Map(world.inline);
    const it = incident(world, lever);
    world.dieAfter = 'PutRolePolicy';
    await expect(it.contain()).rejects.toThrow(Killed);
    const written = it.policy();
    it.clock.at += 20_000;
    expect((await it.contain()).steps.every(({ status }) => inPlace(status))).toBe(true);
    expect(it.policy()).toEqual(written);
    expect(writesOf(world)).toEqual(['PutRolePolicy']);
    world.dieAfter = 'DeleteRolePolicy';
    await expect(it.undo()).rejects.toThrow(Killed);
    await it.undo();
    expect(world.inline).toEqual(before);
  });

  it('leaves a policy alone that someone rewrote, on contain and on undo', async () => {
    const world = openWorld();
    const it = incident(world, lever);
    await it.contain();
    world.inline.set(ownPolicy, '{"Version":"2012-10-17","Statement":[]}');
    expect(await it.prove()).toMatchObject({ proven: false, next: 'recontain' });
    expect((await it.contain()).steps[0]?.status).toBe('drift');
    expect(await it.prove()).toMatchObject({ proven: false, next: 'final' });
    expect((await it.undo()).kind).toBe('partial');
    expect(it.policy()).toEqual({ Version: '2012-10-17', Statement: [] });
  });

  it('waits for a deny that is not seen yet, and writes again one that was taken away', async () => {
    const world = openWorld();
    const it = incident(world, lever);
    await it.contain();
    world.inline.delete(ownPolicy);
    expect(await it.prove()).toMatchObject({ proven: false, next: 'wait' });
    it.clock.at += 61_000;
    expect(await it.prove()).toMatchObject({ proven: false, next: 'recontain' });
    await it.contain();
    expect(await it.prove()).toMatchObject({ proven: true });
    expect(writesOf(world)).toEqual(['PutRolePolicy', 'PutRolePolicy']);
  });
});

describe('who is denied', () => {
  it('session: the stolen session, also renewed; 39 siblings are not', async () => {
    const world = openWorld();
    quiet(world);
    shareRole(world, 40);
    const ids = [...world.instances.values()].flat().map((entry) => String(entry.InstanceId));
    expect(decisionFor(world, session(INSTANCE))).toBe('allowed');
    const it = incident(world);
    await it.contain();
    expect(decisionFor(world, session(INSTANCE))).toBe('explicitDeny');
    const siblings = ids.filter((id) => id !== INSTANCE);
    expect(siblings).toHaveLength(39);
    expect(siblings.map((id) => decisionFor(world, session(id)))).toEqual(siblings.map(() => 'allowed'));
    const { checks } = await it.prove();
    expect(checks.find(({ id }) => id === 'blast-radius')?.saw).toContain('39 other instances');
    expect(checks.find(({ id }) => id === 'sibling')?.ok).toBe(true);
  });

  it('pin: the thief, not the owner through NAT, through an endpoint or through a service, nor a sibling', async () => {
    const world = openWorld();
    const it = incident(world, 'pin');
    await it.contain();
    const mine = (id = INSTANCE) => ({
      'ec2:SourceInstanceArn': `arn:aws:ec2:eu-west-1:111122223333:instance/${id}`,
      'aws:Ec2InstanceSourceVpc': 'vpc-1',
      'aws:ViaAWSService': 'false',
    });
    expect(decisionFor(world, { ...mine(), 'aws:SourceIp': THIEF })).toBe('explicitDeny');
    expect(decisionFor(world, { ...mine(), 'aws:SourceVpc': 'vpc-thief' })).toBe('explicitDeny');
    expect(decisionFor(world, { ...mine(), 'aws:SourceIp': NAT })).toBe('allowed');
    expect(decisionFor(world, { ...mine(), 'aws:SourceVpc': 'vpc-1' })).toBe('allowed');
    expect(decisionFor(world, { ...mine(), 'aws:ViaAWSService': 'true' })).toBe('allowed');
    expect(decisionFor(world, { ...mine('i-0000000000000beef'), 'aws:SourceIp': THIEF })).toBe('allowed');
    expect((await it.prove()).checks.map(({ id }) => id)).toContain('owner');
  });

  it('role: tokens from before the write, not later ones, not a long-term key', async () => {
    const world = openWorld();
    const it = incident(world, 'role');
    await it.contain();
    const issued = (at: number) => ({ 'aws:TokenIssueTime': new Date(at).toISOString() });
    expect(decisionFor(world, issued(START - 1))).toBe('explicitDeny');
    expect(decisionFor(world, issued(START + 1))).toBe('allowed');
    expect(decisionFor(world, {})).toBe('allowed');
  });
});

describe('the cut-off of lever: role', () => {
  const cutOff = (it: ReturnType<typeof incident>) =>
    it.policy().Statement[0].Condition.DateLessThan['aws:TokenIssueTime'];

  it('is the time of the write: one that failed and comes later moves forward', async () => {
    const world = openWorld();
    const it = incident(world, 'role');
    world.faults.set('PutRolePolicy', awsError('ServiceFailureException', 'try later', 500));
    expect((await it.contain()).steps[0]?.status).toBe('failed');
    world.faults.clear();
    it.clock.at += 300_000;
    const { steps } = await it.contain();
    expect(steps[0]).toMatchObject({ status: 'done', output: '2026-11-24T08:05:00.000Z' });
    expect(cutOff(it)).toBe('2026-11-24T08:05:00.000Z');
    expect((await it.prove()).proven).toBe(true);
    expect((await it.undo()).kind).toBe('undone');
  });

  it('covers the time IAM takes where a session could assume the role again meanwhile', async () => {
    const world = openWorld({ trust: trust({ AWS: '*' }) });
    const it = incident(world, 'role');
    await it.contain();
    expect(cutOff(it)).toBe('2026-11-24T08:01:00.000Z');
  });

  it('that someone moved forward still counts as ours; moved back it does not', async () => {
    const world = openWorld();
    const it = incident(world, 'role');
    await it.contain();
    const text = world.inline.get(ownPolicy) ?? '';
    world.inline.set(ownPolicy, text.replace('08:00:00.000Z', '09:00:00.000Z'));
    expect((await it.prove()).proven).toBe(true);
    world.inline.set(ownPolicy, text.replace('08:00:00.000Z', '07:00:00.000Z'));
    expect((await it.prove()).proven).toBe(false);
  });
});

describe('proof', () => {
  it('is none when IAM would still let the thief in, or denies a sibling because of us', async () => {
    const world = openWorld();
    const it = incident(world);
    await it.contain();
    world.simulate = () => ({ decision: 'allowed' });
    expect(await it.prove()).toMatchObject({ proven: false, next: 'wait' });
    world.simulate = () => ({ decision: 'explicitDeny', by: ownPolicy });
    expect(await it.prove()).toMatchObject({ proven: false });
    // A deny of someone else on the whole role is not ours to judge.
    world.simulate = (keys) => ({
      decision: 'explicitDeny',
      by: keys['aws:userid'] === `${ROLE_ID}:${INSTANCE}` ? ownPolicy : 'other',
    });
    expect(await it.prove()).toMatchObject({ proven: true });
  });

  it.each([
    ['AccessDenied', 403],
    ['NotImplemented', 501],
  ])('says so when nothing could be simulated (%s)', async (name, status) => {
    const world = openWorld();
    const it = incident(world);
    await it.contain();
    world.faults.set('SimulatePrincipalPolicy', awsError(name, 'no', status));
    const proof = await it.prove();
    expect(proof.proven).toBe(true);
    expect(proof.residual.join()).toContain(`not simulated (${name}, HTTP ${status})`);
    expect(proof.checks.map(({ id }) => id)).toEqual(['document', 'blast-radius']);
  });

  it('counts as far as it may read, and says where it may not', async () => {
    const world = openWorld();
    world.instances.set('eu-west-1', [instance(INSTANCE), instance('i-0000000000000beef')]);
    const it = incident(world);
    await it.contain();
    world.faults.set('DescribeInstances us-east-1', awsError('UnauthorizedOperation', 'SCP', 403));
    const saw = (await it.prove()).checks.find(({ id }) => id === 'blast-radius')?.saw;
    expect(saw).toContain('1 other instances');
    expect(saw).toContain('not counted: us-east-1 (UnauthorizedOperation)');
    world.faults.set('DescribeRegions', awsError('InternalError', 'later', 500));
    const proof = await it.prove();
    expect(proof.proven).toBe(true);
    expect(proof.checks.find(({ id }) => id === 'blast-radius')?.saw).toContain('not counted: every Region');
    expect(proof.residual.join()).toContain('which clusters know role/app is not known');
  });
});

describe('what IAM refuses', () => {
  it.each([
    ['UnmodifiableEntityException', 'SCP'],
    ['LimitExceededException', 'managed policy'],
    ['NoSuchEntityException', 'deleted'],
  ])('%s fails the step for good and names what does work', async (name, words) => {
    const world = openWorld();
    const it = incident(world);
    world.faults.set('PutRolePolicy', awsError(name, 'no', 400));
    const [step] = (await it.contain()).steps;
    expect(step).toMatchObject({ status: 'failed', retry: false });
    expect(step?.note).toContain(words);
    const tried = writesOf(world).length;
    await it.contain();
    expect(writesOf(world)).toHaveLength(tried);
  });

  it('throttling is tried again', async () => {
    const world = openWorld();
    const it = incident(world);
    const throttled = Object.assign(awsError('Throttling', 'slow down', 400), {
      $retryable: { throttling: true },
    });
    world.faults.set('PutRolePolicy', throttled);
    expect((await it.contain()).steps[0]?.status).toBe('failed');
    expect(writesOf(world)).toHaveLength(8);
    world.faults.clear();
    expect((await it.contain()).steps[0]?.status).toBe('done');
  });
});

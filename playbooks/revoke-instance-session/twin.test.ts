/** Scenarios 4, 5 and 9 on the account twin: who can still call, before and after, and what undo leaves. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import { contain, contextFor, journalOf } from '../../core/journal/journal.ts';
import type { Plan } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { guardedArns } from '../../core/policy/protected.ts';
import { utcMinute } from '../../core/words.ts';
import { type Database, openDatabase } from '../../sandbox/database.ts';
import { createTwin, type Session } from '../../sandbox/twin/twin.ts';
import { credentialFinding, credentialWorld, ROLE, THIEF_IP } from '../../sandbox/worlds.ts';
import { undoToEnd } from '../../test/playbooks/undo-to-end.ts';
import { revokeInstanceSession as playbook } from './playbook.ts';

const scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
let database: Database;
beforeAll(async () => {
  database = await openDatabase(scope, 'revoke-twin-test');
});
afterAll(() => database.close());
afterEach(() => configureAws({}));

let serial = 0;

/** A role shared by `count` instances, and the finding that one session of it was stolen. */
function scene(count: number, settings: JsonObject = {}) {
  serial += 1;
  const caseId = `fb-${String(serial).padStart(12, '0')}`;
  const twin = createTwin(scope);
  // A call that took effect and of which the handler never heard: thrown outside the SDK's retry.
  let dieAfter: string | undefined;
  configureAws({
    answer: twin.answer,
    retryBaseMs: 1,
    record: ({ operation, error }) => {
      if (operation !== dieAfter || error !== undefined) return;
      dieAfter = undefined;
      throw new Error(`killed after ${operation}`);
    },
  });
  const world = credentialWorld(twin, count);
  const role = twin.state.roles[ROLE];
  if (!role) throw new Error('the world has no role');
  const choice = playbook.targetOf(parseFinding(credentialFinding(twin, world.stolen, { seed: caseId })));
  if (!choice.ok) throw new Error(choice.reason);
  // Every scene is an account of its own; the table is shared.
  const target = { ...choice.target, id: `${choice.target.id}/${serial}` };
  const clock = { at: Date.now() };
  const now = () => new Date(clock.at);
  const run = { table: database.table, aws: awsFor(target), now, playbook, target, incidentId: caseId };
  const plan = async (protectedArns: readonly string[] = []): Promise<Plan> => {
    const state = await playbook.read(target, run.aws, settings);
    return playbook.plan(state, target, { caseId, now: now(), settings, protectedArns, approved: false });
  };
  const allowed = (
    session: Session,
    from: { sourceIp?: string; sourceVpc?: string } = { sourceIp: THIEF_IP },
  ) => twin.request(session, { action: 's3:GetObject', resource: 'arn:aws:s3:::data/x', ...from }).decision;
  return {
    ...world,
    twin,
    role,
    clock,
    plan,
    allowed,
    snapshot: () => structuredClone(twin.state),
    die: (operation: string) => {
      dieAfter = operation;
    },
    changes: () => twin.calls.filter(({ change }) => change).map(({ operation }) => operation),
    async contain() {
      const made = await plan();
      if (made.kind !== 'plan') throw new Error(made.reason);
      return contain(run, made.steps);
    },
    async prove() {
      const steps = await journalOf(database.table, target, playbook.id);
      return playbook.verify(contextFor(run, caseId, steps), steps);
    },
    undo: () => undoToEnd(run),
    /** The same incident with another session of the role as its target. */
    incidentOn(session: Session) {
      const found = playbook.targetOf(parseFinding(credentialFinding(twin, session, { seed: caseId })));
      if (!found.ok) throw new Error(found.reason);
      const theirs = { ...run, target: { ...found.target, id: `${found.target.id}/${serial}` } };
      return {
        async contain() {
          const state = await playbook.read(theirs.target, run.aws, settings);
          const options = { caseId, now: now(), settings, protectedArns: [], approved: false };
          const made = playbook.plan(state, theirs.target, options);
          if (made.kind !== 'plan') throw new Error(made.reason);
          return contain(theirs, made.steps);
        },
        undo: () => undoToEnd(theirs),
      };
    },
    async undoSafety() {
      const steps = await journalOf(database.table, target, playbook.id);
      return playbook.undoSafety?.(steps, await playbook.read(target, run.aws), now());
    },
  };
}

describe('a role of forty instances', () => {
  it('session: the thief is refused, thirty-nine siblings never are, undo gives an equal account', async () => {
    const at = scene(40);
    at.role.inline['AWSRevokeOlderSessions'] = JSON.stringify({ Version: '2012-10-17', Statement: [] });
    const before = at.snapshot();
    const siblings = () => new Set(at.siblings.map((session) => at.allowed(session)));
    expect(at.siblings).toHaveLength(39);
    expect(at.allowed(at.stolen)).toBe('allowed');
    expect(siblings()).toEqual(new Set(['allowed']));

    await at.contain();
    expect(at.allowed(at.stolen)).toBe('explicitDeny');
    // Credentials that instance metadata hands out later are the same session.
    expect(at.allowed({ ...at.stolen, issuedAt: new Date(Date.now() + 3_600_000) })).toBe('explicitDeny');
    expect(siblings()).toEqual(new Set(['allowed']));
    expect(JSON.stringify(at.role.inline)).not.toContain('TokenIssueTime');
    const proof = await at.prove();
    expect(proof).toMatchObject({ proven: true, residual: [], next: 'final' });
    expect(proof.checks.find(({ id }) => id === 'blast-radius')?.saw).toContain('39 other instances');

    await at.contain();
    expect(at.changes()).toEqual(['PutRolePolicy']);
    expect((await at.undo()).kind).toBe('undone');
    expect(at.snapshot()).toEqual(before);
    expect(at.allowed(at.stolen)).toBe('allowed');
    expect(at.changes()).toEqual(['PutRolePolicy', 'DeleteRolePolicy']);
  });

  it('two stolen sessions of one role in one incident: neither deny takes the place of the other', async () => {
    const at = scene(3);
    const [second] = at.siblings;
    if (!second) throw new Error('no sibling');
    const before = at.snapshot();
    const other = at.incidentOn(second);
    await at.contain();
    await other.contain();
    expect(at.allowed(at.stolen)).toBe('explicitDeny');
    expect(at.allowed(second)).toBe('explicitDeny');
    expect(await at.prove()).toMatchObject({ proven: true });
    await at.undo();
    expect(at.allowed(second)).toBe('explicitDeny');
    await other.undo();
    expect(at.snapshot()).toEqual(before);
  });

  it('pin: the owner keeps working through its NAT gateway and through an endpoint of its VPC', async () => {
    const at = scene(40, { lever: 'pin' });
    const before = at.snapshot();
    const region = at.twin.region();
    const nat = region.natGateways[0]?.PublicIp ?? '';
    const vpc = region.instances[0]?.VpcId ?? '';
    await at.contain();
    expect(at.allowed(at.stolen)).toBe('explicitDeny');
    expect(at.allowed(at.stolen, { sourceVpc: 'vpc-thief' })).toBe('explicitDeny');
    expect(at.allowed(at.stolen, { sourceIp: nat })).toBe('allowed');
    expect(at.allowed(at.stolen, { sourceVpc: vpc })).toBe('allowed');
    expect(new Set(at.siblings.map((session) => at.allowed(session)))).toEqual(new Set(['allowed']));
    expect(await at.prove()).toMatchObject({ proven: true });
    await at.undo();
    expect(at.snapshot()).toEqual(before);
  });

  it('role: is planned with the number and asks; once run it ends older sessions of all', async () => {
    const at = scene(40, { lever: 'role' });
    const plan = await at.plan();
    expect(plan).toMatchObject({ kind: 'plan', blastRadius: { count: 40, unit: 'instances' } });
    expect(plan.kind === 'plan' && plan.askBecause.join()).toContain('40 instances');
    expect(at.changes()).toEqual([]);
    await at.contain();
    const [sibling] = at.siblings;
    if (!sibling) throw new Error('no sibling');
    expect(at.allowed(at.stolen)).toBe('explicitDeny');
    expect(at.allowed(sibling)).toBe('explicitDeny');
    expect(at.allowed({ ...sibling, issuedAt: new Date(at.clock.at + 1000) })).toBe('allowed');
    expect(await at.prove()).toMatchObject({ proven: true });
  });
});

describe('early undo', () => {
  it('is not safe, says when it is, and removes only our own policy', async () => {
    const at = scene(1, { lever: 'role' });
    at.role.MaxSessionDuration = 12 * 3600;
    at.role.inline['AWSRevokeOlderSessions'] = JSON.stringify({ Version: '2012-10-17', Statement: [] });
    const since = at.clock.at;
    await at.contain();
    at.clock.at += 20 * 60_000;
    const safeAt = new Date(since + 12 * 3_600_000).toISOString();
    const safety = await at.undoSafety();
    expect(safety).toMatchObject({ safe: false, safeAt });
    expect(safety?.why).toContain(utcMinute(safeAt));
    expect(Object.keys(at.role.inline)).toHaveLength(3);
    await at.undo();
    expect(Object.keys(at.role.inline).sort()).toEqual(['AWSRevokeOlderSessions', 'app-data']);
  });
});

describe('roles that are not changed', () => {
  it.each([
    ['service-linked', '/aws-service-role/ecs.amazonaws.com/', []],
    ['Identity Center', '/aws-reserved/sso.amazonaws.com/', []],
    ['one of its own', '/firebreak/', guardedArns(scope.account)],
    ['protected', '/service/', ['arn:aws:iam::*:role/service/web-app']],
  ])('%s: refused without a write', async (_name, path, protectedArns) => {
    const at = scene(2);
    at.role.Path = path;
    at.role.Arn = `arn:aws:iam::${scope.account}:role${path}${at.role.RoleName}`;
    expect(await at.plan(protectedArns)).toMatchObject({
      kind: 'refused',
      alternative: expect.stringMatching(/\w/),
    });
    expect(at.changes()).toEqual([]);
  });
});

describe.each(['session', 'pin', 'role'])('lever: %s, with a handler that dies', (lever) => {
  it.each([['PutRolePolicy'], ['GetRolePolicy']])(
    'after %s: resumed to one policy, undone to what was',
    async (operation) => {
      const at = scene(3, { lever });
      const before = at.snapshot();
      at.die(operation);
      await expect(at.contain()).rejects.toThrow('killed');
      at.clock.at += 30_000;
      await at.contain();
      expect(at.allowed(at.stolen)).toBe('explicitDeny');
      expect(Object.keys(at.role.inline)).toHaveLength(2);
      expect(at.changes()).toEqual(['PutRolePolicy']);
      at.die('DeleteRolePolicy');
      await expect(at.undo()).rejects.toThrow('killed');
      await at.undo();
      expect(at.snapshot()).toEqual(before);
    },
  );

  it('throttling is waited out, a denied write is not repeated', async () => {
    const at = scene(3, { lever });
    at.twin.failNext('PutRolePolicy', 'Throttling', 3);
    expect((await at.contain()).steps.map(({ status }) => status)).toEqual(['done']);
    const denied = scene(3, { lever });
    denied.twin.failNext('PutRolePolicy', 'AccessDenied', 99);
    expect((await denied.contain()).steps).toMatchObject([{ status: 'failed', retry: false }]);
    await denied.contain();
    expect(denied.changes()).toEqual(['PutRolePolicy']);
    expect(await denied.prove()).toMatchObject({ proven: false });
  });
});

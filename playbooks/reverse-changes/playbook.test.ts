import { afterEach, describe, expect, it } from 'vitest';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import { type Finding, parseFinding } from '../../core/finding/finding.ts';
import type { Expansion } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { type Caller, remember } from '../../sandbox/attacker.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { INHERITED } from '../../test/hostile.ts';
import { attackedAccount } from '../../test/playbooks/changed-world.ts';
import { SCOPE } from '../../test/playbooks/properties.ts';
import { SEEN, THIEF } from '../../test/playbooks/reversed.ts';
import { unrecorded } from '../../test/unrecorded.ts';
import { reverseChanges } from './playbook.ts';

afterEach(() => configureAws({}));

function open(attacks: Parameters<typeof attackedAccount>[1] = []) {
  const twin = createTwin(SCOPE);
  configureAws({ answer: (call) => twin.answer(call), retryBaseMs: 1 });
  return { twin, finding: parseFinding(attackedAccount(twin, attacks)) };
}

const located = async (finding: Finding): Promise<Expansion> =>
  (await unrecorded(async () => reverseChanges.locate?.(finding, awsFor(SCOPE)))) ?? {
    ok: false,
    reason: 'none',
  };
const targets = (found: Expansion) =>
  found.ok ? found.parts.map(({ playbook, target }) => [playbook.id, target.id]) : found.reason;
const left = (found: Expansion): string =>
  found.ok ? [...found.unhandled, ...(found.residual ?? [])].join('\n') : found.reason;

interface Assumed {
  readonly roleArn?: string;
  readonly session?: string;
  readonly roleId?: string;
  readonly by?: Caller;
  readonly minutes?: number;
  readonly request?: JsonObject;
  readonly more?: JsonObject;
}
const sessionOf = (roleId: string, session: string): Caller => ({
  ...{ type: 'AssumedRole', principalId: `${roleId}:${session}` },
  accessKeyId: `ASIA${session.replace(/\W/g, '').toUpperCase()}0000000000000000`.slice(0, 20),
});

/** Assumes a role, as CloudTrail has it. Returns who calls with the session. */
function assumes(
  twin: AccountTwin,
  { roleArn = 'arn:aws:iam::111122223333:role/service/app', session = 'one', ...rest }: Assumed,
): Caller {
  const { roleId = 'AROAAPP000000001', by = THIEF, minutes = 1, more } = rest;
  const made = sessionOf(roleId, session);
  remember(twin, by, {
    ...{ service: 'STS', name: 'AssumeRole', region: 'eu-west-1', more },
    at: new Date(SEEN + minutes * 60_000),
    request: { roleArn, roleSessionName: session, ...rest.request },
    response: {
      credentials: { accessKeyId: made.accessKeyId ?? '', expiration: 'Nov 24, 2026, 8:00:00 AM' },
      assumedRoleUser: {
        assumedRoleId: made.principalId,
        arn: `arn:aws:sts::111122223333:assumed-role/app/${session}`,
      },
    },
  });
  return made;
}

describe('roles that the principal went on as', () => {
  it('are revoked each on its own, the changes next to them', async () => {
    const { twin, finding } = open(['trust']);
    assumes(twin, {});
    expect(targets(await located(finding))).toEqual([
      ['revoke-role-sessions', 'app/AROAAPP000000001/one'],
      ['reverse-iam-changes', expect.any(String)],
    ]);
  });

  it('are found through every role that a session assumed in turn, with what it changed', async () => {
    const { twin, finding } = open();
    const first = assumes(twin, {});
    const second = assumes(twin, {
      ...{ by: first, session: 'two', roleId: 'AROAOTHER000000001', minutes: 2 },
      roleArn: 'arn:aws:iam::111122223333:role/service/other',
    });
    remember(twin, second, {
      ...{ service: 'IAM', name: 'CreateUser', region: 'us-east-1', at: new Date(SEEN + 180_000) },
      request: { userName: 'mallory' },
      response: { user: { userName: 'mallory', userId: 'AIDAMALLORY00000001' } },
    });
    expect(targets(await located(finding))).toEqual([
      ['revoke-role-sessions', 'app/AROAAPP000000001/one'],
      ['revoke-role-sessions', 'other/AROAOTHER000000001/two'],
      ['reverse-iam-changes', expect.any(String)],
    ]);
  });

  it('are one target however often the session was assumed', async () => {
    const { twin, finding } = open();
    assumes(twin, {});
    assumes(twin, { minutes: 2 });
    expect(targets(await located(finding))).toHaveLength(1);
  });

  it('are the newest where there are more than a card holds; the others are named with what shows them', async () => {
    const { twin, finding } = open();
    for (let count = 0; count < 12; count++)
      assumes(twin, { session: `session-${String.fromCharCode(97 + count)}`, minutes: count + 1 });
    const found = await located(finding);
    expect(targets(found)).toHaveLength(10);
    expect(JSON.stringify(targets(found))).toContain('session-l');
    expect(left(found)).toMatch(/session-a of role .*service\/app.*aws cloudtrail lookup-events/);
    expect(left(found)).toMatch(/session-b of role/);
  });
});

describe('what is not revoked', () => {
  it('a role of another account is named for its owner', async () => {
    const { twin, finding } = open();
    assumes(twin, { roleArn: 'arn:aws:iam::444455556666:role/firebreak-responder' });
    const found = await located(finding);
    expect(found.ok).toBe(false);
    expect(left(found)).toMatch(/444455556666.*another account.*aws cloudtrail lookup-events/);
  });

  it('a protected role: its part is there, and refuses', async () => {
    const { twin, finding } = open();
    assumes(twin, {});
    const found = await located(finding);
    const [part] = found.ok ? found.parts : [];
    if (!part) throw new Error('no part');
    const state = await part.playbook.read(part.target, awsFor(SCOPE));
    const options = { caseId: 'fb-aaaaaaaaaaaa', now: new Date(SEEN), settings: {}, approved: true };
    const plan = (protectedArns: readonly string[]) =>
      part.playbook.plan(state, part.target, { ...options, protectedArns });
    expect(plan(['role/service/app'])).toMatchObject({ kind: 'refused' });
    expect(plan([])).toMatchObject({ kind: 'plan', steps: [{ kind: 'deny-session' }] });
  });

  it('a call that was refused', async () => {
    const { twin, finding } = open();
    assumes(twin, { more: { errorCode: 'AccessDenied' } });
    expect(targets(await located(finding))).toMatch(/no change/);
  });

  it('the session of another principal under the same name', async () => {
    const { twin, finding } = open();
    assumes(twin, {
      by: { principalId: 'AIDABOB000000001', userName: 'ops', accessKeyId: 'AKIABOB0000000000001' },
    });
    expect(targets(await located(finding))).toMatch(/no change/);
  });

  it.each([...INHERITED, '../admin', '*', '', 'a b', 'x'.repeat(200), '${aws:userid}'])(
    'a session under a name that STS does not take: %j',
    async (name) => {
      const { twin, finding } = open();
      const hostile = { assumedRoleUser: { assumedRoleId: `AROAAPP000000001:${name}` } };
      assumes(twin, { more: { responseElements: hostile } });
      const found = await located(finding);
      // A name that every object has is a name like any other.
      if (/^[\w+=,.@-]{2,64}$/.test(name))
        expect(targets(found)).toEqual([['revoke-role-sessions', `app/AROAAPP000000001/${name}`]]);
      else {
        expect(found.ok).toBe(false);
        expect(left(found)).toMatch(/AssumeRole .* cannot be read/);
      }
    },
  );

  it.each(['arn:aws:iam::111122223333:role/', 'arn:aws:iam::111122223333:user/app', '*', '', 7])(
    'what %j names, which is not a role',
    async (roleArn) => {
      const { twin, finding } = open();
      assumes(twin, { request: { roleArn } });
      const found = await located(finding);
      expect(found.ok).toBe(false);
      expect(left(found)).toMatch(/AssumeRole .* cannot be read/);
    },
  );
});

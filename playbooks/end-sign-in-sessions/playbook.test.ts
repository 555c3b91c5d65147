/** Sign-in sessions of a user are ended for good, and only once someone has said so. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { TwinUser } from '../../sandbox/twin/iam-users.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { signInCommands } from '../common/iam/sign-in-sessions.ts';
import { disableUserKeys } from '../disable-user-keys/playbook.ts';
import { endSignInSessions } from './playbook.ts';

type Session = NonNullable<TwinUser['signIns']>[number];
const NAME = 'deployer';
const session = (number: number, more: Partial<Session> = {}): Session => ({
  ...{ id: `s-${number}`, clientId: 'arn:aws:signin:::devtools/same-device' },
  ...{ issuedAt: 1_795_000_000, expiresAt: 1_795_040_000 },
  ...more,
});
const many = (count: number) => Array.from({ length: count }, (_, index) => session(index));

const finding = (twin: AccountTwin, details: object = {}) =>
  findingOn(twin, {
    ...{ seed: 'sign-in', type: 'UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom' },
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: {
        ...{ userType: 'IAMUser', userName: NAME, principalId: 'AIDASIGNIN0000000001' },
        ...details,
      },
    },
  });

interface World {
  readonly sessions: readonly Session[];
  readonly id?: string;
}
const accounts: Accounts<World> = {
  worlds: fc.record({
    sessions: fc.constantFrom(many(1), many(4), many(13), [session(0, { revoked: true }), session(1)]),
  }),
  open(twin, { sessions, id = 'AIDASIGNIN0000000001' }) {
    twin.state.users[NAME] = {
      ...{ UserName: NAME, Path: '/ci/', UserId: id, Tags: [], inline: {}, attached: {} },
      ...{ keys: [], groups: [], console: true, mfa: [] },
      signIns: structuredClone([...sessions]),
    };
    return finding(twin);
  },
  // Ended sessions do not come back.
  without: (account) => JSON.parse(JSON.stringify(account).replaceAll(',"revoked":true', '')),
};
playbookProperties(endSignInSessions, accounts);

const database = sceneDatabase('end-sign-in-sessions-test');
const open = (sessions: readonly Session[] = many(1), id?: string) =>
  scene<World>(database(), endSignInSessions, accounts, { sessions, ...(id === undefined ? {} : { id }) });
const sessionsOf = (at: ReturnType<typeof open>) => at.twin.state.users[NAME]?.signIns ?? [];
const ended = (at: ReturnType<typeof open>) => sessionsOf(at).map(({ revoked }) => revoked === true);

describe('the sessions', () => {
  it('are ended five at a time, however many there are, always asked; undo says that none comes back', async () => {
    const at = open(many(13));
    const plan = await at.plan();
    expect(plan).toMatchObject({ askBecause: [expect.stringContaining('cannot be restored')] });
    await at.contain();
    expect(ended(at)).toEqual(Array(13).fill(true));
    expect(at.writes.map(({ input }) => (input as { sessionArns: string[] }).sessionArns.length)).toEqual([
      5, 5, 3,
    ]);
    expect(await at.prove()).toMatchObject({ proven: true });
    await at.undo();
    expect(ended(at)).toEqual(Array(13).fill(true));
  });

  it('one that was opened meanwhile is found and ended too', async () => {
    const at = open(many(1));
    await at.contain();
    sessionsOf(at).push(session(7));
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    await at.contain();
    expect(await at.prove()).toMatchObject({ proven: true });
  });

  it('that were ended before are left as they are', async () => {
    const at = open([session(0, { revoked: true })]);
    await at.contain();
    expect(at.changes()).toBe(0);
    expect(await at.prove()).toMatchObject({ proven: true });
  });

  it('of another user are not ended, whatever the record says', async () => {
    const at = open();
    const context = {
      ...{ target: at.target, aws: awsFor(SCOPE), caseId: 'fb-aaaaaaaaaaaa', outputs: {} },
      now: () => new Date(0),
    };
    await expect(
      endSignInSessions.kinds['sign-in-sessions']?.apply({ userName: 'admin' }, context, 'open', 'ended'),
    ).rejects.toThrow(/the user is/);
    expect(ended(at)).toEqual([false]);
  });
});

describe('refused or no target, without a change', () => {
  it.each<[string, readonly Session[], string | undefined, readonly string[], RegExp]>([
    ['re-created', many(1), 'AIDAANOTHER000000001', [], /re-created/],
    ['protected', many(1), undefined, [`user/ci/${NAME}`], /protected/],
  ])('%s', async (_what, sessions, id, protectedArns, reason) => {
    const at = open(sessions, id);
    expect(await at.plan('fb-aaaaaaaaaaaa', true, protectedArns)).toMatchObject({
      kind: 'refused',
      reason: expect.stringMatching(reason),
    });
    expect(at.changes()).toBe(0);
  });

  it.each([
    [{ userType: 'AssumedRole', principalId: 'AROAX:y' }],
    [{ userType: 'Root', userName: 'root' }],
    [{ userName: 'a/../b' }],
  ])('%j', (details) => {
    expect(endSignInSessions.targetOf(parseFinding(finding(createTwin(SCOPE), details)))).toMatchObject({
      ok: false,
      reason: expect.stringContaining('does not name an IAM user'),
    });
  });
});

describe('disable-user-keys of the same user', () => {
  const denied = (sessions: readonly Session[]) =>
    scene<World>(database(), disableUserKeys, accounts, { sessions });

  it('asks about them next, and says before an undo that they go on', async () => {
    const at = denied(many(2));
    expect(await at.plan()).toMatchObject({ kind: 'plan', followUps: ['end-sign-in-sessions'] });
    await at.contain();
    expect(await at.undoSafety()).toMatchObject({
      residual: [expect.stringContaining('go on once the deny is gone (2)')],
    });
    expect(at.twin.state.users[NAME]?.signIns).toEqual(many(2));
  });

  it('asks nothing more where there are none', async () => {
    const at = denied([session(0, { revoked: true })]);
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.followUps).toBeUndefined();
    await at.contain();
    expect(await at.undoSafety()).not.toHaveProperty('residual');
  });

  it.each(['AccessDeniedException', 'InternalServerException'])(
    'contains where AWS answers %s, with the command for a person',
    async (error) => {
      const at = denied(many(1));
      at.twin.failNext('ListSessions', error, 200);
      const plan = await at.plan();
      expect(plan.kind === 'plan' && plan.followUps).toBeUndefined();
      await at.contain();
      const { residual = [] } = (await at.undoSafety()) ?? {};
      expect(residual.join()).toContain(
        // A path has no place in it: AWS's pattern of the parameter has none.
        `aws signin list-sessions --principal-arn=arn:aws:iam::${SCOPE.account}:user/${NAME} --status=ACTIVE`,
      );
    },
  );

  it('has a command where AWS Sign-In takes the ARN alone', () => {
    expect(signInCommands('arn:aws:iam::111122223333:user/a/b')).toContain('user/b');
    expect(signInCommands('arn:aws-us-gov:iam::111122223333:user/b')).not.toContain('signin');
  });
});

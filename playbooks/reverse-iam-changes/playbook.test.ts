/** What an attacker changed in IAM goes back to the value before, and undo restores it letter for letter. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import { act, type Caller } from '../../sandbox/attacker.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import { type Call, changingCall, suspectOf } from '../common/changes/call.ts';
import { iamChanges, reverseIamChanges } from './playbook.ts';

const THIEF: Caller = {
  accessKeyId: 'AKIAEXAMPLE000000666',
  principalId: 'AIDAEXAMPLE000000666',
  userName: 'ops',
};
const OWNER: Caller = {
  accessKeyId: 'AKIAEXAMPLE000000001',
  principalId: 'AIDAEXAMPLE000000001',
  userName: 'ann',
};
const SEEN = Date.parse('2026-11-24T07:00:00Z');
const LONG_AGO = new Date('2026-10-02T09:00:00Z');

const document = (Action: string): string =>
  `{ "Version": "2012-10-17",\n "Statement": [{ "Effect": "Allow", "Action": "${Action}", "Resource": "*" }] }`;
const trust = (AWS: string): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS }, Action: 'sts:AssumeRole' }],
  });

const user = (UserName: string, Path = '/') => ({
  ...{
    UserName,
    Path,
    UserId: `AIDA${UserName.toUpperCase()}0000000001`,
    Tags: [],
    inline: {},
    attached: {},
  },
  ...{ keys: [], groups: [], console: false, mfa: [] },
});

/** Names are the attacker's to choose: some that every object has are among them. */
const policies = fc.constantFrom('extra', 'constructor', 'toString', 'app');
const acts = fc.oneof(
  fc.record({ do: fc.constant('key' as const), to: fc.constantFrom('eve', 'bob') }),
  fc.record({
    do: fc.constant('put' as const),
    to: fc.constantFrom('eve', 'app', 'admins'),
    policy: policies,
    action: fc.constantFrom('*', 's3:*'),
  }),
  fc.record({ do: fc.constant('delete' as const), to: fc.constantFrom('eve', 'app', 'admins') }),
  fc.record({
    do: fc.constant('trust' as const),
    whom: fc.constantFrom('arn:aws:iam::444455556666:root', '*'),
  }),
);
type World = readonly (typeof acts extends fc.Arbitrary<infer A> ? A : never)[];

const OF: Readonly<Record<string, 'User' | 'Role' | 'Group'>> = {
  eve: 'User',
  bob: 'User',
  app: 'Role',
  admins: 'Group',
};

function open(twin: AccountTwin, world: World): unknown {
  twin.state.users['eve'] = user('eve', '/staff/');
  twin.state.users['bob'] = user('bob');
  twin.state.userGroups = { admins: { GroupName: 'admins', Path: '/', inline: {}, attached: {} } };
  twin.state.roles['app'] = {
    ...{
      RoleName: 'app',
      Path: '/service/',
      RoleId: 'AROAAPP0000000000001',
      MaxSessionDuration: 3600,
      Tags: [],
    },
    ...{ Arn: 'arn:aws:iam::111122223333:role/service/app', AssumeRolePolicyDocument: '{}' },
    ...{ inline: {}, attached: {}, profiles: [] },
  };
  const owner = (operation: string, input: Record<string, string>) =>
    act(twin, OWNER, { service: 'IAM', operation, input, at: LONG_AGO });
  for (const name of ['eve', 'app', 'admins'])
    owner(`Put${OF[name]}Policy`, {
      [`${OF[name]}Name`]: name,
      PolicyName: 'app',
      PolicyDocument: document('s3:GetObject'),
    });
  owner('UpdateAssumeRolePolicy', {
    RoleName: 'app',
    PolicyDocument: trust('arn:aws:iam::111122223333:root'),
  });
  let at = SEEN;
  const thief = (operation: string, input: Record<string, string>) => {
    at += 60_000;
    try {
      act(twin, THIEF, { service: 'IAM', operation, input, at: new Date(at) });
    } catch {
      // AWS refuses it: a third key, a policy that is gone.
    }
  };
  for (const one of world) {
    if (one.do === 'key') thief('CreateAccessKey', { UserName: one.to });
    if (one.do === 'put')
      thief(`Put${OF[one.to]}Policy`, {
        [`${OF[one.to]}Name`]: one.to,
        PolicyName: one.policy,
        PolicyDocument: document(one.action),
      });
    if (one.do === 'delete')
      thief(`Delete${OF[one.to]}Policy`, { [`${OF[one.to]}Name`]: one.to, PolicyName: 'app' });
    if (one.do === 'trust')
      thief('UpdateAssumeRolePolicy', { RoleName: 'app', PolicyDocument: trust(one.whom) });
  }
  return findingOn(twin, {
    ...{ seed: 'changes', type: 'Persistence:IAMUser/AnomalousBehavior', updatedAt: new Date(SEEN) },
    resource: { resourceType: 'AccessKey', accessKeyDetails: { userType: 'IAMUser', ...THIEF } },
  });
}

/** What `reverse-changes` finds in CloudTrail, without asking for it. */
const targetIn =
  (twin: () => AccountTwin | undefined) =>
  (finding: Finding): TargetChoice => {
    const suspect = suspectOf(finding);
    const history = twin()?.region('us-east-1').cloudtrail.history ?? [];
    const calls = history
      .flatMap(({ event }) => changingCall(event, finding.account) ?? [])
      .filter(({ accessKeyId }) => accessKeyId === THIEF.accessKeyId)
      .reverse();
    const target = suspect && iamChanges.targetOf(finding, suspect, calls);
    return target ? { ok: true, target } : { ok: false, reason: 'nothing was changed' };
  };

let opened: AccountTwin | undefined;
const accounts: Accounts<World> = {
  worlds: fc
    .array(acts, { minLength: 1, maxLength: 6 })
    // One that leaves something to reverse in every order.
    .map((world) => [{ do: 'key' as const, to: 'bob' }, ...world]),
  runs: 8,
  open(twin, world) {
    opened = twin;
    return open(twin, world);
  },
  target: (finding) => targetIn(() => opened)(finding),
};
playbookProperties(reverseIamChanges, accounts);

const database = sceneDatabase('reverse-iam-changes-test');
const at = (...world: World) => scene(database(), reverseIamChanges, accounts, world);

describe('what was there before', () => {
  it('is restored where CloudTrail shows it, and the first change of several counts', async () => {
    const here = at(
      { do: 'put', to: 'app', policy: 'app', action: 's3:*' },
      { do: 'put', to: 'app', policy: 'app', action: '*' },
      { do: 'trust', whom: '*' },
      { do: 'key', to: 'eve' },
    );
    const before = here.account();
    await here.contain();
    const role = here.twin.state.roles['app'];
    expect(role?.inline['app']).toBe(document('s3:GetObject'));
    expect(role?.AssumeRolePolicyDocument).toBe(trust('arn:aws:iam::111122223333:root'));
    expect(here.twin.state.users['eve']?.keys.map(({ Status }) => Status)).toEqual(['Inactive']);
    expect(await here.prove()).toMatchObject({ proven: true });
    expect(await here.undoSafety()).toMatchObject({ safe: false });
    await here.undo();
    expect(here.account()).toEqual(before);
  });
});

it('reads the example of each answer, and each is about another kind', () => {
  const { inverses, byHand } = iamChanges;
  for (const { example, calls, effects, resource } of inverses) {
    const call = callOf(example, calls.source);
    const [effect] = effects(call, { partition: 'aws', account: '111122223333', region: 'us-east-1' });
    expect(calls.names, example.eventName).toContain(example.eventName);
    expect(effect && resource.safeParse(effect.resource).success, example.eventName).toBe(true);
  }
  for (const { example, calls, next } of byHand)
    expect(
      next(callOf(example, calls.source), { partition: 'aws', account: '1', region: 'x' })?.next,
    ).toBeTruthy();
  const ids = [...inverses, ...byHand].map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)]);
});

function callOf(example: (typeof iamChanges.inverses)[number]['example'], eventSource: string): Call {
  const call = changingCall(
    {
      ...example,
      ...{ eventSource, eventID: '00000000-0000-4000-8000-000000000000', eventTime: '2026-11-24T07:00:00Z' },
      ...{ awsRegion: 'us-east-1', userIdentity: {} },
    },
    '111122223333',
  );
  if (!call) throw new Error(`no call: ${example.eventName}`);
  return call;
}

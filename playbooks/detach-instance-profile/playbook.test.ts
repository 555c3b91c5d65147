import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { TwinInstance } from '../../sandbox/twin/state.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { KNOWN_PLAYBOOKS } from '../known.ts';
import { detachInstanceProfile } from './playbook.ts';

const ID = 'i-0123456789abcdef0';
const WEB = 'arn:aws:iam::111122223333:instance-profile/web/app';
const FORENSIC = 'arn:aws:iam::111122223333:instance-profile/firebreak-replacement-forensic';

interface World {
  readonly profileArn: string | null;
  readonly region?: string;
}

function open(twin: AccountTwin, { profileArn, region = SCOPE.region }: World): unknown {
  const instance: TwinInstance = {
    InstanceId: ID,
    State: 'running',
    VpcId: 'vpc-1',
    SubnetId: 'subnet-1',
    ImageId: 'ami-1',
    spot: false,
    profileArn,
    DisableApiTermination: false,
    InstanceInitiatedShutdownBehavior: 'stop',
    Volumes: [],
    Tags: { team: 'web' },
  };
  twin.region(region).instances.push(instance);
  twin.state.roles['app'] = {
    RoleName: 'app',
    Path: '/',
    RoleId: 'AROAEXAMPLE000000001',
    Arn: 'arn:aws:iam::111122223333:role/app',
    MaxSessionDuration: 3600,
    AssumeRolePolicyDocument: '{}',
    Tags: [],
    inline: {},
    attached: {},
    profiles: ['web/app'],
  };
  return finding(twin);
}
const finding = (twin: AccountTwin, principalId = `AROAEXAMPLE000000001:${ID}`) =>
  findingOn(twin, {
    seed: 'stolen',
    type: 'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS',
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: {
        accessKeyId: 'ASIAEXAMPLE000000001',
        principalId,
        userType: 'AssumedRole',
        userName: 'app',
      },
    },
  });

const accounts: Accounts<World> = {
  worlds: fc.record({ profileArn: fc.constantFrom(WEB, null) }),
  open,
  target: ({ partition, account, region }) => ({
    ok: true,
    target: {
      partition,
      account,
      region,
      kind: 'ec2-instance',
      id: ID,
      display: `instance/${ID}`,
      facts: { roleId: 'AROAEXAMPLE000000001' },
    },
  }),
};

describe('detached', () => {
  playbookProperties(detachInstanceProfile, accounts);
});
describe('replaced', () => {
  playbookProperties(detachInstanceProfile, {
    ...accounts,
    settings: { replacement: 'firebreak-replacement-forensic' },
  });
});

function never(): never {
  throw new Error('the account has no role');
}

const database = sceneDatabase('detach-instance-profile-test');
const sceneOf = (world: World, settings = {}) =>
  scene(database(), detachInstanceProfile, { ...accounts, settings }, world);
const profileOf = (twin: AccountTwin) => twin.region().instances[0]?.profileArn;

it('takes the profile away, proves it, and gives exactly it back', async () => {
  const play = sceneOf({ profileArn: WEB });
  await play.contain();
  expect(profileOf(play.twin)).toBeNull();
  expect(await play.prove()).toMatchObject({ proven: true, next: 'final' });
  await play.undo();
  expect(profileOf(play.twin)).toBe(WEB);
});

it('puts the profile that policy.yml names in its place', async () => {
  const play = sceneOf({ profileArn: WEB }, { replacement: 'firebreak-replacement-forensic' });
  const plan = await play.plan();
  expect(plan).toMatchObject({
    residual: [expect.any(String), expect.stringContaining('rights of firebreak-replacement-forensic')],
  });
  await play.contain();
  expect(profileOf(play.twin)).toBe(FORENSIC);
  await play.undo();
  expect(profileOf(play.twin)).toBe(WEB);
});

it('gives an instance that had no profile none, before and after', async () => {
  const play = sceneOf({ profileArn: null }, { replacement: 'firebreak-replacement-forensic' });
  await play.contain();
  expect(profileOf(play.twin)).toBeNull();
  expect(play.changes()).toBe(0);
});

it.each([
  ['of another role', FORENSIC],
  ['that does not exist', 'arn:aws:iam::111122223333:instance-profile/gone'],
])('does not restore a recorded profile %s', async (_what, before) => {
  const play = sceneOf({ profileArn: WEB });
  play.twin.state.roles['admin'] = {
    ...structuredClone(play.twin.state.roles['app'] ?? never()),
    RoleId: 'AROAEXAMPLE000000002',
    profiles: ['forensic'],
  };
  await play.contain();
  const [step] = await play.journal();
  if (step) await play.rewrite(step, { before });
  expect((await play.undo()).kind).toBe('partial');
  expect(profileOf(play.twin)).toBeNull();
});

it('leaves a profile that another operator set meanwhile to a person', async () => {
  const play = sceneOf({ profileArn: WEB });
  await play.contain();
  const [instance] = play.twin.region().instances;
  if (instance) instance.profileArn = FORENSIC;
  expect(await play.prove()).toMatchObject({ proven: false, next: 'recontain' });
  await play.undo();
  expect(profileOf(play.twin)).toBe(FORENSIC);
  const [step] = await play.journal();
  expect(step?.status).toBe('drift');
});

it.each([
  ['protected', {}, [`arn:aws:ec2:*:*:instance/${ID}`, ID]],
  ['no profile', { replacement: 'a b' }, []],
  ['replacment', { replacment: 'forensic' }, []],
])('refuses what is %s', async (_what, settings, protectedArns) => {
  const plan = await sceneOf({ profileArn: WEB }, settings).plan('fb-aaaaaaaaaaaa', true, protectedArns);
  expect(plan).toMatchObject({ kind: 'refused', alternative: expect.stringMatching(/./) });
});

describe('a replacement whose role is', () => {
  const planned = async (role: string) => {
    const play = sceneOf({ profileArn: WEB }, { replacement: 'forensic' });
    play.twin.state.roles[role] = {
      RoleName: role,
      Path: '/',
      RoleId: 'AROAEXAMPLE000000009',
      Arn: `arn:aws:iam::111122223333:role/${role}`,
      inline: {},
      attached: {},
      profiles: ['forensic'],
      MaxSessionDuration: 3600,
      AssumeRolePolicyDocument: '{}',
      Tags: [],
    };
    return play.plan();
  };
  it('named as Firebreak may pass it takes the place of the profile', async () => {
    expect(await planned('firebreak-replacement-forensic')).toMatchObject({ kind: 'plan' });
  });
  it('another is refused before anything changes', async () => {
    expect(await planned('forensic')).toMatchObject({
      kind: 'refused',
      alternative: expect.stringContaining('firebreak-replacement-…'),
    });
  });
  it('is a setting that policy.yml may have', () => {
    const settings = KNOWN_PLAYBOOKS.get('detach-instance-profile');
    expect(settings?.safeParse({ replacement: 'forensic' }).success).toBe(true);
  });
});

describe('locate', () => {
  const locate = async (world: World, principalId?: string) => {
    const { twin } = sceneOf({ profileArn: null });
    for (const region of Object.keys(twin.state.regions)) twin.region(region).instances.length = 0;
    open(twin, world);
    return detachInstanceProfile.locate?.(parseFinding(finding(twin, principalId)), awsFor(SCOPE));
  };
  it('finds the instance of the session in another Region', async () => {
    expect(await locate({ profileArn: WEB, region: 'us-east-1' })).toMatchObject({
      ok: true,
      target: { kind: 'ec2-instance', id: ID, region: 'us-east-1' },
    });
  });
  it.each([
    ['AROAEXAMPLE000000001:someone'],
    ['AROAEXAMPLE000000001:i-ffffffffffffffff0'],
    ['AIDAEXAMPLE0000000001'],
  ])('names none for %s', async (principalId) => {
    expect(await locate({ profileArn: WEB }, principalId)).toMatchObject({ ok: false });
  });
});

it('is never a target of the finding alone', () => {
  const twin = createTwin(SCOPE);
  expect(detachInstanceProfile.targetOf(parseFinding(finding(twin))).ok).toBe(false);
});

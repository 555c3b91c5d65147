import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { TwinUser } from '../../sandbox/twin/iam-users.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  NOW,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { choosePlaybook } from '../index.ts';
import { disableUserKeys } from './playbook.ts';

const KEY = 'AKIAREPORTED00000001';
const SECOND = 'AKIAOTHER00000000002';
const credentials = (): Required<Pick<TwinUser, 'serviceKeys' | 'certificates' | 'sshKeys'>> => ({
  serviceKeys: [
    {
      ...{ id: 'ACCACODECOMMIT0000001', service: 'codecommit.amazonaws.com', Status: 'Active' },
      CreateDate: '2020-01-01T00:00:00.000Z',
    },
    {
      ...{ id: 'ACCABEDROCK0000000001', service: 'bedrock.amazonaws.com', Status: 'Inactive' },
      CreateDate: '2020-01-01T00:00:00.000Z',
    },
  ],
  certificates: [
    { id: 'CERTIFICATE0000000000001', Status: 'Active', UploadDate: '2020-01-01T00:00:00.000Z' },
  ],
  sshKeys: [{ id: 'APKASSHKEY0000000001', Status: 'Active', UploadDate: '2020-01-01T00:00:00.000Z' }],
});
const ALLOW = JSON.stringify({ Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] });
/** Leaves no room for an inline deny. */
const BIG = JSON.stringify({
  Statement: [{ Sid: 'x'.repeat(1900), Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }],
});
const minutes = (count: number) => new Date(NOW + count * 60_000).toISOString();
const key = (AccessKeyId: string, Status = 'Active', CreateDate = '2020-01-01T00:00:00.000Z') => ({
  AccessKeyId,
  Status,
  CreateDate,
  lastService: 's3',
});

const finding = (twin: AccountTwin, accessKeyDetails: object = {}) =>
  findingOn(twin, {
    seed: 'user',
    type: 'UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom',
    updatedAt: new Date(NOW),
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: {
        accessKeyId: KEY,
        principalId: 'AIDAUSER00000000001',
        userType: 'IAMUser',
        userName: 'deployer',
        ...accessKeyDetails,
      },
    },
  });
const accounts: Accounts<Partial<TwinUser>> = {
  worlds: fc.record({
    keys: fc.constantFrom(
      [key(KEY)],
      [key(KEY, 'Inactive')],
      [key(KEY), key(SECOND)],
      [key(SECOND, 'Active', minutes(1))],
      [key(KEY), key(SECOND, 'Active', minutes(1))],
      [],
    ),
    // Long policies leave no room for an inline deny.
    inline: fc.constantFrom({ own: ALLOW }, {}, { own: ALLOW, big: BIG }),
    console: fc.boolean(),
    groups: fc.array(fc.constantFrom('admins', 'devs'), { maxLength: 2 }),
    attached: fc.constantFrom({}, { 'arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3': ALLOW }),
    serviceKeys: fc.constantFrom([], credentials().serviceKeys),
    certificates: fc.constantFrom([], credentials().certificates),
    sshKeys: fc.constantFrom([], credentials().sshKeys),
  }),
  open(twin, world) {
    twin.state.users['deployer'] = {
      UserName: 'deployer',
      Path: '/ci/',
      UserId: 'AIDAUSER00000000001',
      Tags: [],
      inline: { own: ALLOW },
      attached: {},
      keys: [key(KEY)],
      groups: [],
      console: false,
      mfa: [],
      ...world,
    };
    return finding(twin);
  },
};
playbookProperties(disableUserKeys, accounts);

const database = sceneDatabase('disable-user-keys-test');
const open = (world: Partial<TwinUser> = {}) => scene(database(), disableUserKeys, accounts, world);
const user = (at: ReturnType<typeof open>) => {
  const found = at.twin.state.users['deployer'];
  if (!found) throw new Error('the user is gone');
  return found;
};
const call = { action: 's3:GetObject', resource: '*' };

describe('the stolen key', () => {
  it.each([
    ['the user', 'user/ci/deployer', true],
    ['a role of its name', 'role/deployer', false],
  ])('signs in to a cluster that knows %s, which no policy denies', async (_who, resource, knows) => {
    const at = open();
    at.twin.region('us-west-2').eks.clusters.push({
      name: 'prod',
      mode: 'API',
      entries: [
        {
          principalArn: `arn:aws:iam::${SCOPE.account}:${resource}`,
          type: 'STANDARD',
          groups: [],
          policies: {},
        },
      ],
    });
    await at.contain();
    const { residual } = await at.prove();
    if (knows) expect(residual.join()).toMatch(/cluster prod in us-west-2 let .*user\/deployer/);
    else expect(residual).toEqual([]);
  });

  it('and every other way in of the user are refused; undo needs a second person', async () => {
    const at = open({ keys: [key(KEY), key(SECOND)] });
    expect(at.twin.requestByKey(KEY, call).decision).toBe('allowed');
    await at.contain();
    for (const id of [KEY, SECOND]) expect(at.twin.requestByKey(id, call).decision).not.toBe('allowed');
    expect(user(at).keys.map(({ Status }) => Status)).toEqual(['Inactive', 'Active']);
    expect(await at.prove()).toMatchObject({ proven: true });
    expect(await at.undoSafety()).toMatchObject({ safe: false, why: expect.stringContaining(KEY) });
    await at.undo();
    expect(at.twin.requestByKey(KEY, call).decision).toBe('allowed');
  });

  it('a key the attacker made while IAM was still settling is found and contained too', async () => {
    const at = open();
    await at.contain();
    user(at).keys.push(key(SECOND, 'Active', minutes(1)));
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    await at.contain();
    expect(user(at).keys.map(({ Status }) => Status)).toEqual(['Inactive', 'Inactive']);
    expect(await at.prove()).toMatchObject({ proven: true });
    await at.undo();
    expect(user(at).keys.map(({ Status }) => Status)).toEqual(['Active', 'Active']);
  });

  it('uses AWSDenyAll where no inline policy fits, and leaves what AWS attached', async () => {
    const quarantine = 'arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3';
    const at = open({
      inline: { own: ALLOW, big: BIG },
      attached: { [quarantine]: ALLOW },
    });
    await at.contain();
    expect(Object.keys(user(at).attached)).toContain('arn:aws:iam::aws:policy/AWSDenyAll');
    expect(await at.prove()).toMatchObject({ proven: true });
    await at.undo();
    expect(Object.keys(user(at).attached)).toEqual([quarantine]);
  });

  it('is not proven when the deny is taken away or a key switched on again', async () => {
    const at = open();
    await at.contain();
    user(at).inline = { own: ALLOW };
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    await at.contain();
    const [first] = user(at).keys;
    if (first) first.Status = 'Active';
    expect(await at.prove()).toMatchObject({ proven: false });
  });

  it('deny written, key denied: distinguished, and not proven', async () => {
    const at = open();
    at.twin.failNext('UpdateAccessKey', 'AccessDenied');
    const { steps } = await at.contain();
    expect(steps.map(({ id, status }) => [id, status])).toEqual([
      ['deny', 'done'],
      [`key:${KEY}`, 'failed'],
    ]);
    expect(await at.prove()).toMatchObject({ proven: false });
  });
});

describe('what lets the user in besides its keys', () => {
  const statuses = (at: ReturnType<typeof open>) => {
    const { serviceKeys = [], certificates = [], sshKeys = [] } = user(at);
    return [...serviceKeys, ...certificates, ...sshKeys].map(({ Status }) => Status);
  };
  it('is set Inactive for every service, and undo restores exactly what was Active', async () => {
    const at = open(credentials());
    const before = statuses(at);
    expect(before).toEqual(['Active', 'Inactive', 'Active', 'Active']);
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.steps.map(({ describe }) => describe)).toEqual(
      expect.arrayContaining([
        'Set codecommit.amazonaws.com credential ACCACODECOMMIT0000001 Inactive',
        'Set signing certificate CERTIFICATE0000000000001 Inactive',
        'Set SSH public key APKASSHKEY0000000001 Inactive',
      ]),
    );
    await at.contain();
    expect(statuses(at)).toEqual(['Inactive', 'Inactive', 'Inactive', 'Inactive']);
    expect(await at.prove()).toMatchObject({ proven: true });
    expect(await at.undoSafety()).toMatchObject({ why: expect.stringContaining('APKASSHKEY0000000001') });
    await at.undo();
    expect(statuses(at)).toEqual(before);
  });

  it('and was made while IAM was still settling is found and contained too', async () => {
    const at = open(credentials());
    await at.contain();
    user(at).sshKeys?.push({ id: 'APKANEW0000000000001', Status: 'Active', UploadDate: minutes(1) });
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    await at.contain();
    expect(statuses(at)).toEqual(Array(5).fill('Inactive'));
    expect(await at.prove()).toMatchObject({ proven: true });
  });

  it('is not proven when one works again', async () => {
    const at = open(credentials());
    await at.contain();
    const [certificate] = user(at).certificates ?? [];
    if (certificate) certificate.Status = 'Active';
    expect(await at.prove()).toMatchObject({
      proven: false,
      checks: expect.arrayContaining([
        expect.objectContaining({ id: 'credentials', saw: expect.stringContaining('CERTIFICATE') }),
      ]),
    });
  });

  it('keeps no deny from being written where it may not be listed, and is named as remaining risk', async () => {
    const at = open(credentials());
    at.twin.failNext('ListSSHPublicKeys', 'AccessDenied');
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.steps.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['deny', 'credential:CERTIFICATE0000000000001']),
    );
    expect(plan.kind === 'plan' && plan.residual.join()).toMatch(/SSH public keys \(AccessDenied/);
  });

  it('is not proven where what was set Inactive is not listed any more', async () => {
    const at = open(credentials());
    await at.contain();
    at.twin.failNext('ListSigningCertificates', 'AccessDenied');
    expect(await at.prove()).toMatchObject({ proven: false });
    expect(await at.prove()).toMatchObject({ proven: true });
  });

  it('a certificate of someone else is never switched, whatever the record says', async () => {
    const at = open(credentials());
    const context = {
      ...{ target: at.target, aws: awsFor(SCOPE), caseId: 'fb-aaaaaaaaaaaa', outputs: {} },
      now: () => new Date(NOW),
    };
    const args = { userName: 'admin', form: 'certificate', keyId: 'CERTIFICATE0000000000001' };
    await expect(
      disableUserKeys.kinds['credential']?.apply(args, context, 'Active', 'Inactive'),
    ).rejects.toThrow(/the user is/);
    expect(at.changes()).toBe(0);
  });
});

describe('refused without a write', () => {
  it.each([
    ['a user re-created', { UserId: 'AIDAANOTHER000000001' }, []],
    ['protected', {}, ['*deploy*']],
  ])('%s', async (_name, world, protectedArns) => {
    const at = open(world);
    expect(await at.plan('fb-aaaaaaaaaaaa', true, protectedArns)).toMatchObject({ kind: 'refused' });
    expect(at.changes()).toBe(0);
  });

  it.each([
    ['root', { userType: 'Root', userName: 'root' }, 'AssumedRoot'],
    ['an assumed role', { userType: 'AssumedRole', principalId: 'AROAX:y' }, 'not an IAM user'],
    ['a name that is none', { userName: 'a/../b' }, 'does not name an IAM user'],
    ['no name', { userName: '' }, 'does not name an IAM user'],
  ])('%s', (_name, details, reason) => {
    const choice = disableUserKeys.targetOf(parseFinding(finding(createTwin(SCOPE), details)));
    expect(choice).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
  });

  it('a temporary key of the user: the deny alone, no key is guessed', async () => {
    const choice = disableUserKeys.targetOf(
      parseFinding(finding(createTwin(SCOPE), { accessKeyId: 'ASIATEMPORARY0000001' })),
    );
    expect(choice).toMatchObject({ ok: true, target: { facts: { accessKeyId: null } } });
  });

  it('S3 findings go to the principal, never to the bucket', () => {
    const twin = createTwin(SCOPE);
    const event = findingOn(twin, {
      seed: 's3',
      type: 'Exfiltration:S3/AnomalousBehavior',
      resource: {
        resourceType: 'S3Bucket',
        s3BucketDetails: [{ name: 'customer-data' }],
        accessKeyDetails: {
          accessKeyId: KEY,
          principalId: 'AIDAUSER00000000001',
          userType: 'IAMUser',
          userName: 'deployer',
        },
      },
    });
    expect(choosePlaybook(parseFinding(event))).toMatchObject({
      id: 'contain-bucket-principal',
      parts: [{ playbook: { id: 'disable-user-keys' } }],
    });
  });
});

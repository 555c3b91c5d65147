import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import { type Plan, type PlanOptions, resourceKey, type Target } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { guardedArns } from '../../core/policy/protected.ts';
import { awsError } from '../../sandbox/aws-error.ts';
import { anyCharacter } from '../../test/any-character.ts';
import {
  ACCOUNT,
  INSTANCE,
  instance,
  NAT,
  openWorld,
  ROLE_ID,
  services,
  shareRole,
  stolen,
  THIEF,
  targetOf,
  trust,
  writesOf,
} from '../../test/playbooks/role-world.ts';
import { revokeInstanceSession as playbook } from './playbook.ts';

afterEach(() => configureAws({}));

const NOW = new Date('2026-11-24T08:00:00.000Z');
const options = (change: Partial<PlanOptions> = {}): PlanOptions => ({
  caseId: 'fb-0123456789ab',
  now: NOW,
  settings: {},
  protectedArns: [],
  approved: false,
  ...change,
});

/** Reads the world and plans with the same settings, as the workflow does. */
async function planned(change: Partial<PlanOptions> = {}, target: Target = targetOf()): Promise<Plan> {
  const given = options(change);
  const state = await playbook.read(target, awsFor(target), given.settings);
  // State is stored as JSON between the two.
  return playbook.plan(JSON.parse(JSON.stringify(state)) as JsonObject, target, given);
}
async function plannedWell(change: Partial<PlanOptions> = {}, target?: Target) {
  const plan = await planned(change, target);
  if (plan.kind !== 'plan') throw new Error(plan.reason);
  const [step] = plan.steps;
  if (!step || plan.steps.length !== 1) throw new Error('expected one step');
  return { plan, step };
}
async function refused(change: Partial<PlanOptions> = {}, target?: Target) {
  const plan = await planned(change, target);
  if (plan.kind !== 'refused') throw new Error('expected a refusal');
  expect(plan.alternative).not.toBe('');
  return plan;
}

describe('target', () => {
  it('is the session that the principal id names', () => {
    const target = targetOf();
    expect(target.display).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/app/${INSTANCE}`);
    expect(target.id).toBe(`app/${ROLE_ID}/${INSTANCE}`);
    expect(target.facts).toMatchObject({
      userId: `${ROLE_ID}:${INSTANCE}`,
      remoteIps: [THIEF],
      findingRegion: 'eu-west-1',
    });
  });

  it('is one lock whatever Region the thief called, another for another instance', () => {
    const key = (finding = stolen()) => resourceKey(targetOf(finding));
    expect(key(stolen({ region: 'ap-southeast-2' }))).toBe(key());
    expect(key(stolen({ principalId: `${ROLE_ID}:i-0000000000000beef` }))).not.toBe(key());
  });

  it('keeps to the partition of the finding', async () => {
    const target = targetOf(stolen({ partition: 'aws-us-gov', region: 'us-gov-east-1' }));
    expect(target.display).toMatch(/^arn:aws-us-gov:sts::/);
    expect(target.region).toBe('us-gov-west-1');
  });

  it.each([
    ['a user', 'AIDAEXAMPLEUSER00001', 'app'],
    ['a session of a person', `${ROLE_ID}:alice`, 'app'],
    ['a sample', 'GeneratedFindingPrincipalId', 'GeneratedFindingUserName'],
    ['an instance id with a tail', `${ROLE_ID}:${INSTANCE}"}`, 'app'],
    ['a line break', `${ROLE_ID}:${INSTANCE}\n`, 'app'],
    ['a role name with a slash', `${ROLE_ID}:${INSTANCE}`, '../admin'],
    ['a role name with a star', `${ROLE_ID}:${INSTANCE}`, '*'],
    ['Slack markup', `${ROLE_ID}:${INSTANCE}`, '<!channel>'],
  ])('is none for %s', (_name, principalId, userName) => {
    expect(playbook.targetOf(stolen({ principalId, userName })).ok).toBe(false);
  });

  it('never builds an ARN out of anything but checked names', () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.string({ unit: anyCharacter }),
      fc.constantFrom('/', '*', ':', '"', '${aws:x}', '\n'),
    );
    const around = (text: string) =>
      fc.tuple(hostile, hostile).map(([before, after]) => `${before}${text}${after}`);
    fc.assert(
      fc.property(around('app'), around(INSTANCE), (userName, session) => {
        const choice = playbook.targetOf(stolen({ userName, principalId: `${ROLE_ID}:${session}` }));
        if (!choice.ok) return;
        expect(choice.target.display).toMatch(/^arn:aws:sts::\d{12}:assumed-role\/[\w+=,.@-]+\/i-[0-9a-f]+$/);
        expect(choice.target.facts).toMatchObject({
          userId: expect.stringMatching(/^AROA[A-Z0-9]+:i-[0-9a-f]+$/),
        });
      }),
      { numRuns: 500, examples: [['app', INSTANCE]] },
    );
  });

  it('takes no address, account or key id that is none', () => {
    const remote = {
      remoteIpDetails: { ipAddressV4: '1.2.3.4/0' },
      remoteAccountDetails: { accountId: '<@U1>', affiliated: true },
    };
    expect(targetOf(stolen({ remote })).facts).toMatchObject({ remoteIps: [], remoteAccounts: [] });
  });
});

describe('lever: session', () => {
  it('denies exactly the stolen session, and needs no EC2 client for it', async () => {
    const world = openWorld();
    const { plan, step } = await plannedWell();
    expect(services(world)).toEqual(['IAM']);
    expect(step).toMatchObject({
      kind: 'deny-session',
      role: 'contain',
      args: { policyName: expect.stringMatching(/^firebreak-fb-0123456789ab-[0-9a-f]{8}$/) },
    });
    expect(step.after).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'FirebreakDenySession',
          Effect: 'Deny',
          Action: '*',
          Resource: '*',
          Condition: { StringEquals: { 'aws:userid': `${ROLE_ID}:${INSTANCE}` } },
        },
      ],
    });
    expect(plan.blastRadius).toMatchObject({ count: 1, unit: 'session' });
    expect(plan.askBecause).toEqual([]);
    expect(plan.residual).toEqual([]);
    expect(plan.tags).toEqual({ team: 'web' });
    expect(plan.arns).toContain(`arn:aws:iam::${ACCOUNT}:role/app`);
    expect(writesOf(world)).toEqual([]);
  });

  it('tells what it cannot hold', async () => {
    const world = openWorld();
    world.attached.push('arn:aws:iam::aws:policy/AdministratorAccess');
    world.inline.set('AWSRevokeOlderSessions', '{}');
    const { plan } = await plannedWell();
    const text = plan.warnings.join('\n');
    expect(text).toContain('isolate it as well');
    expect(text).toContain('ASIAEXAMPLEKEY000001');
    expect(text).toContain('AdministratorAccess');
    expect(text).toContain('AWSRevokeOlderSessions');
  });

  it.each([
    ['the role itself', { AWS: `arn:aws:iam::${ACCOUNT}:role/app` }],
    ['its account', { AWS: [`arn:aws:iam::${ACCOUNT}:root`, 'arn:aws:iam::999999999999:root'] }],
    ['a session of it', { AWS: `arn:aws:sts::${ACCOUNT}:assumed-role/app/x` }],
    ['everyone', '*'],
  ])('names the risk that a session assumes its role again: %s is trusted', async (_name, principal) => {
    openWorld({ trust: trust(principal) });
    const { plan } = await plannedWell();
    expect(plan.residual.join()).toContain('assume it again');
  });

  it.each([
    ['another account', { AWS: 'arn:aws:iam::999999999999:root' }],
    ['a service', { Service: ['lambda.amazonaws.com'] }],
  ])('does not name a such risk for %s', async (_name, principal) => {
    openWorld({ trust: trust(principal) });
    expect((await plannedWell()).plan.residual).toEqual([]);
  });

  it('asks when the caller is an account of the same organisation, not when it is a stranger', async () => {
    openWorld();
    const from = (affiliated: boolean) =>
      targetOf(
        stolen({
          type: 'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.InsideAWS',
          remote: { remoteAccountDetails: { accountId: '444455556666', affiliated } },
        }),
      );
    expect((await plannedWell({}, from(true))).plan.askBecause.join()).toContain('444455556666');
    expect((await plannedWell({}, from(false))).plan.askBecause).toEqual([]);
  });

  it('takes a mistake in policy.yml as a question, with the narrowest deny', async () => {
    openWorld();
    for (const settings of [{ lever: 'rolee' }, { levr: 'pin' }]) {
      const { plan, step } = await plannedWell({ settings });
      expect(step.kind).toBe('deny-session');
      expect(plan.askBecause.join()).toContain('policy.yml');
    }
  });

  it('gives one step id for every `lever`, so that an open hold keeps its own', async () => {
    openWorld();
    const ids = await Promise.all(
      ['session', 'pin', 'role'].map(async (lever) => (await plannedWell({ settings: { lever } })).step.id),
    );
    expect(new Set(ids).size).toBe(1);
  });
});

describe('lever: pin', () => {
  const settings = { lever: 'pin' };
  const conditionOf = (step: { after: unknown }) =>
    (step.after as { Statement: { Condition: Record<string, unknown> }[] }).Statement[0]?.Condition;

  it('allows the NAT address and the VPC, and denies the rest', async () => {
    openWorld();
    const { plan, step } = await plannedWell({ settings });
    expect(conditionOf(step)).toEqual({
      ArnEquals: { 'ec2:SourceInstanceArn': `arn:aws:ec2:eu-west-1:${ACCOUNT}:instance/${INSTANCE}` },
      NotIpAddress: { 'aws:SourceIp': [`${NAT}/32`] },
      StringNotEquals: { 'aws:SourceVpc': '${aws:Ec2InstanceSourceVpc}' },
      BoolIfExists: { 'aws:ViaAWSService': 'false' },
    });
    expect(plan.blastRadius.count).toBe(1);
    expect(plan.tags).toEqual({ team: 'web', Name: 'web' });
    expect(plan.arns).toContain(`arn:aws:ec2:eu-west-1:${ACCOUNT}:instance/${INSTANCE}`);
  });

  it('takes public and IPv6 addresses behind an internet gateway', async () => {
    const world = openWorld();
    world.routeTables.splice(0, 1, {
      RouteTableId: 'rtb-main',
      Associations: [{ Main: true }],
      Routes: [{ DestinationCidrBlock: '0.0.0.0/0', GatewayId: 'igw-1', State: 'active' }],
    });
    world.instances.set('eu-west-1', [
      {
        ...instance(INSTANCE),
        NetworkInterfaces: [
          {
            SubnetId: 'subnet-9',
            PrivateIpAddresses: [{ Association: { PublicIp: '203.0.113.77' } }],
            Ipv6Addresses: [{ Ipv6Address: '2001:db8::5' }],
          },
        ],
      },
    ]);
    expect(conditionOf((await plannedWell({ settings })).step)).toMatchObject({
      NotIpAddress: { 'aws:SourceIp': ['2001:db8::5/128', '203.0.113.77/32'] },
    });
  });

  const route = (change: object) => ({ DestinationCidrBlock: '10.9.0.0/16', State: 'active', ...change });
  it.each([
    ['a transit gateway', route({ TransitGatewayId: 'tgw-1' }), 'tgw-1'],
    ['a peering', route({ VpcPeeringConnectionId: 'pcx-1' }), 'pcx-1'],
    ['a virtual gateway', route({ GatewayId: 'vgw-1' }), 'vgw-1'],
    ['a Gateway Load Balancer endpoint', route({ GatewayId: 'vpce-9' }), 'vpce-9'],
    ['a NAT instance', route({ NetworkInterfaceId: 'eni-9' }), 'eni-9'],
    ['a NAT gateway that is not listed', route({ NatGatewayId: 'nat-9' }), 'nat-9'],
  ])('denies the session instead where the way out is %s, and says so', async (_name, extra, named) => {
    const world = openWorld();
    const [table] = world.routeTables;
    world.routeTables.splice(0, 1, { ...table, Routes: [table?.Routes, extra].flat() });
    const { plan, step } = await plannedWell({ settings });
    expect(step.args).toMatchObject({ lever: 'session' });
    expect(plan.warnings.join()).toContain(`not pinned`);
    expect(plan.warnings.join()).toContain(named);
  });

  it.each([
    ['private', { ConnectivityType: 'private', NatGatewayAddresses: [{ PrivateIp: '10.0.0.9' }] }],
    ['regional', { AvailabilityMode: 'regional', NatGatewayAddresses: [{ PublicIp: NAT }] }],
  ])('denies the session instead behind a %s NAT gateway', async (_name, change) => {
    const world = openWorld();
    world.natGateways.splice(0, 1, { NatGatewayId: 'nat-1', ...change });
    expect((await plannedWell({ settings })).step.args).toMatchObject({ lever: 'session' });
  });

  it('denies the session instead when the instance is gone, has lost the role, or may not be read', async () => {
    const world = openWorld();
    world.instances.set('eu-west-1', []);
    expect((await plannedWell({ settings })).step.args).toMatchObject({ lever: 'session' });
    world.instances.set('eu-west-1', [{ ...instance(INSTANCE), State: { Name: 'terminated' } }]);
    expect((await plannedWell({ settings })).step.args).toMatchObject({ lever: 'session' });
    world.instances.set('eu-west-1', [instance(INSTANCE)]);
    for (const operation of ['DescribeRegions', 'DescribeRouteTables', 'DescribeNatGateways']) {
      world.faults.set(operation, awsError('UnauthorizedOperation', 'no', 403));
      expect((await plannedWell({ settings })).step.args).toMatchObject({ lever: 'session' });
      world.faults.clear();
    }
  });

  it('asks when the calls came from an address of the instance itself', async () => {
    openWorld();
    const target = targetOf(stolen({ remote: { remoteIpDetails: { ipAddressV4: NAT } } }));
    expect((await plannedWell({ settings }, target)).plan.askBecause.join()).toContain(NAT);
  });
});

describe('lever: role', () => {
  const settings = { lever: 'role' };

  it('counts every instance in every Region and asks, with the number', async () => {
    const world = openWorld();
    shareRole(world, 40);
    const { plan, step } = await plannedWell({ settings });
    expect(plan.blastRadius).toMatchObject({ count: 40, unit: 'instances' });
    expect(world.calls.find(({ operation }) => operation === 'DescribeRegions')?.region).toBe('eu-west-1');
    expect(plan.askBecause.join()).toContain('40 instances');
    expect(step.kind).toBe('revoke-older-sessions');
    expect(step.after).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Deny',
          Action: ['*'],
          Resource: ['*'],
          Condition: { DateLessThan: { 'aws:TokenIssueTime': '2026-11-24T08:00:00.000Z' } },
        },
      ],
    });
  });

  it('asks nothing when no one else can use the role', async () => {
    openWorld();
    expect((await plannedWell({ settings })).plan.askBecause).toEqual([]);
  });

  it('asks when others may assume the role, or when a Region could not be counted', async () => {
    openWorld({ trust: trust({ Service: 'lambda.amazonaws.com' }) });
    expect((await plannedWell({ settings })).plan.askBecause.join()).toContain('lambda.amazonaws.com');
    const world = openWorld();
    world.faults.set('DescribeInstances us-east-1', awsError('UnauthorizedOperation', 'SCP', 403));
    expect((await plannedWell({ settings })).plan.askBecause.join()).toContain('us-east-1');
    world.faults.clear();
    world.faults.set('DescribeRegions', awsError('UnauthorizedOperation', 'no', 403));
    expect((await plannedWell({ settings })).plan.askBecause.join()).toContain('every Region');
  });

  it('asks when nothing was counted at all', async () => {
    openWorld();
    const target = targetOf();
    const state = await playbook.read(target, awsFor(target));
    const plan = playbook.plan(state, target, options({ settings }));
    expect(plan.kind === 'plan' && plan.askBecause.join()).toContain('not counted');
  });
});

describe('refusals', () => {
  it.each([
    ['a service-linked role', 'AWSServiceRoleForX', '/aws-service-role/x.amazonaws.com/', 'SCP'],
    [
      'a role of Identity Center',
      'AWSReservedSSO_Admin_abc',
      '/aws-reserved/sso.amazonaws.com/eu-west-1/',
      'permission set',
    ],
    ['the organisation role', 'OrganizationAccountAccessRole', '/', 'management account'],
    ['the Control Tower role', 'AWSControlTowerExecution', '/', 'management account'],
    ['its own role', 'contain', '/firebreak/', 'Firebreak'],
  ])('%s is not changed', async (_name, name, path, alternative) => {
    const world = openWorld({ name, path });
    const own = { protectedArns: guardedArns(ACCOUNT) };
    expect((await refused(own, targetOf(stolen({ userName: name })))).alternative).toContain(alternative);
    expect(writesOf(world)).toEqual([]);
  });

  it.each([
    'app',
    'a*',
    'role/ops/app',
    '/ops/*',
    `arn:aws:iam::${ACCOUNT}:role/ops/*`,
    '*:assumed-role/app/*',
  ])('a role that policy.yml protects by %s is not changed', async (pattern) => {
    openWorld({ path: '/ops/' });
    expect((await refused({ protectedArns: ['other', pattern] })).reason).toContain(pattern);
  });

  it('a role re-created is another role', async () => {
    openWorld({ roleId: 'AROAANOTHERROLE00001' });
    expect((await refused()).reason).toContain('AROAANOTHERROLE00001');
  });

  it('a role without room for the deny, to the character', async () => {
    const world = openWorld();
    const { step } = await plannedWell();
    const own = JSON.stringify(step.after).replace(/\s/g, '').length;
    world.inline.clear();
    world.inline.set('big', 'x'.repeat(10_240 - own));
    world.inline.set('spaces', ' \n'.repeat(500)); // white space is not counted
    await plannedWell();
    world.inline.set('one-more', 'x');
    expect((await refused()).reason).toContain('10241 of 10240');
    // Its own policy from before does not count twice.
    world.inline.delete('one-more');
    world.inline.set(String(step.args['policyName']), 'x'.repeat(own));
    await plannedWell();
  });

  it('a role that is gone is an error that says so', async () => {
    openWorld({ name: 'other' });
    await expect(planned()).rejects.toMatchObject({ code: 'ResourceNotFound' });
  });

  it('a denied read is not taken for an empty role', async () => {
    const world = openWorld();
    world.faults.set('ListRolePolicies', awsError('AccessDenied', 'no', 403));
    await expect(planned()).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

describe('undo safety', () => {
  const view = {
    id: 'deny-stolen-session',
    kind: 'deny-session',
    role: 'contain',
    args: {},
    before: null,
    after: {},
    output: undefined,
  } as const;
  const doneAt = '2026-11-24T07:40:00.000Z';
  const safetyOf = async (seconds: number, now: string, change: object = {}) => {
    const world = openWorld();
    world.role.MaxSessionDuration = seconds;
    const target = targetOf();
    const state = await playbook.read(target, awsFor(target));
    return playbook.undoSafety?.([{ ...view, status: 'done', doneAt, ...change }], state, new Date(now));
  };

  it('20 minutes after the deny with 12 h sessions: not safe, and says when', async () => {
    const safety = await safetyOf(12 * 3600, '2026-11-24T08:00:00.000Z');
    expect(safety).toMatchObject({ safe: false, safeAt: '2026-11-24T19:40:00.000Z' });
    expect(safety?.why).toContain('2026-11-24 19:40 UTC');
  });

  it('with 1 h sessions: not before metadata credentials have ended', async () => {
    expect(await safetyOf(3600, '2026-11-24T13:39:59.000Z')).toMatchObject({ safe: false });
    expect(await safetyOf(3600, '2026-11-24T13:40:00.000Z')).toMatchObject({ safe: true });
  });

  it('counts from a cut-off that was written later', async () => {
    const output = '2026-11-24T07:50:00.000Z';
    expect(await safetyOf(3600, '2026-11-24T13:45:00.000Z', { output })).toMatchObject({ safe: false });
  });

  it('nothing in place is safe, an interrupted write is not', async () => {
    const now = '2026-11-24T08:00:00.000Z';
    expect(
      await safetyOf(3600, now, { status: 'planned', after: undefined, doneAt: undefined }),
    ).toMatchObject({ safe: true });
    expect(await safetyOf(3600, now, { status: 'undone' })).toMatchObject({ safe: true });
    expect(await safetyOf(3600, now, { status: 'applying', doneAt: undefined })).toMatchObject({
      safe: false,
    });
  });

  it('says at any time that the sessions issued since the deny come back with it, for denies by session', async () => {
    const args = { lever: 'session', instanceId: 'i-0abc' };
    for (const lever of ['session', 'pin'])
      for (const now of ['2026-11-24T08:00:00.000Z', '2026-11-26T08:00:00.000Z'])
        expect((await safetyOf(3600, now, { args: { ...args, lever } }))?.residual?.join()).toContain(
          'restores the sessions that i-0abc was issued since the deny',
        );
    const now = '2026-11-26T08:00:00.000Z';
    expect(await safetyOf(3600, now, { args })).toMatchObject({ safe: true });
    expect(await safetyOf(3600, now, { args: { ...args, lever: 'role' } })).not.toHaveProperty('residual');
    expect(await safetyOf(3600, now, { args, status: 'undone' })).not.toHaveProperty('residual');
  });

  it('takes the longest session where the role was never read', () => {
    const safety = playbook.undoSafety?.([{ ...view, status: 'done', doneAt }], {}, NOW);
    expect(safety).toMatchObject({ safe: false, safeAt: '2026-11-24T19:40:00.000Z' });
  });
});

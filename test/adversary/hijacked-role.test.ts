/** Someone runs code with the containment role: what the role itself refuses, before any session policy. */
import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { sessionPolicy } from '../../core/journal/session-policy.ts';
import { managementAccount } from '../../deploy/management-account.ts';
import { memberAccount } from '../../deploy/member-account.ts';
import { judge, type RolePolicies, rolePolicies } from '../../deploy/role-policies.ts';
import { stackRoles } from '../../deploy/roles.ts';
import { blockPublicBucket } from '../../playbooks/block-public-bucket/playbook.ts';
import { denyBucketPrincipal } from '../../playbooks/deny-bucket-principal/playbook.ts';
import { PLAYBOOKS } from '../../playbooks/index.ts';
import { reverseFunctionChanges } from '../../playbooks/reverse-function-changes/playbook.ts';
import { suspendExpiry } from '../../playbooks/suspend-expiry/playbook.ts';
import { evaluate } from '../../sandbox/twin/policy-evaluation.ts';

const ACCOUNT = '111122223333';
const HUB = { partition: 'aws', region: 'eu-west-1', account: ACCOUNT, stage: 'prod' };
const roles = rolePolicies(await stackRoles(PLAYBOOKS), HUB);
const members = rolePolicies(memberAccount(PLAYBOOKS), {
  ...HUB,
  parameters: { PipelineAccount: ACCOUNT, ExternalId: 'firebreak-prod', OrganizationId: 'o-0123456789' },
});
const WRITERS: readonly (readonly [string, RolePolicies | undefined])[] = [
  ['contain', roles['ContainRole']],
  ['sweep', roles['SweepRole']],
  ['undo', roles['UndoRole']],
  ['the member responder', members['Responder']],
];
const ec2 = (resource: string) => `arn:aws:ec2:eu-west-1:${ACCOUNT}:${resource}`;

describe.each(WRITERS)('anyone who holds the role of %s', (name, role) => {
  const decide = (
    action: string,
    resource: string,
    keys: Record<string, string | readonly string[]> = {},
  ): string => {
    if (!role) throw new Error('there is no such role');
    return judge(role, { action, resource, keys }).decision;
  };
  const pass = (service: string): string =>
    decide('iam:PassRole', `arn:aws:iam::${ACCOUNT}:role/admin`, {
      'iam:passedtoservice': `${service}.amazonaws.com`,
    });

  it('cannot write the user data of an instance', () => {
    const set = (attribute: string) =>
      decide('ec2:ModifyInstanceAttribute', ec2('instance/i-1'), { 'ec2:attribute': attribute });
    for (const spelling of ['UserData', 'userData', 'Kernel', 'GroupSet', 'SourceDestCheck']) {
      expect(set(spelling), spelling).toBe('implicitDeny');
    }
    expect(decide('ec2:ModifyInstanceAttribute', ec2('instance/i-1'))).toBe('implicitDeny');
    for (const own of ['DisableApiTermination', 'disableApiTermination', 'BlockDeviceMapping']) {
      expect(set(own), own).toBe('allowed');
    }
  });

  it('cannot set a tag that access control may rest on', () => {
    const tag = (...names: string[]) =>
      decide('ec2:CreateTags', ec2('instance/i-1'), { 'aws:tagkeys': names });
    expect(tag('env')).toBe('implicitDeny');
    expect(tag('firebreak:case', 'env')).toBe('implicitDeny');
    expect(tag('firebreak:case', 'firebreak:by')).toBe('allowed');
  });

  it('cannot tag a group that exists as one of Firebreak, and then open it', () => {
    const group = ec2('security-group/sg-1');
    const tag = { 'aws:tagkeys': ['firebreak'], 'aws:requesttag/firebreak': 'quarantine' };
    expect(decide('ec2:CreateTags', group, tag)).toBe('implicitDeny');
    expect(decide('ec2:CreateTags', group, { ...tag, 'ec2:createaction': 'CreateSecurityGroup' })).toBe(
      'allowed',
    );
    expect(decide('ec2:CreateTags', ec2('network-acl/acl-1'), tag)).toBe('implicitDeny');
    // A rule that a reversal removed may have been in any group, so undo must be able to make it again; a member account's role
    // is assumed under the playbook's session policy.
    const undoes = name === 'undo' || name === 'the member responder';
    expect(decide('ec2:AuthorizeSecurityGroupIngress', group)).toBe(undoes ? 'allowed' : 'implicitDeny');
  });

  it('cannot tag a database, or a snapshot under a key of its choice', () => {
    const rds = (resource: string, ...names: string[]) =>
      decide('rds:AddTagsToResource', `arn:aws:rds:eu-west-1:${ACCOUNT}:${resource}`, {
        'aws:tagkeys': names,
      });
    expect(rds('db:orders', 'firebreak:case')).toBe('implicitDeny');
    expect(rds('cluster:orders', 'firebreak:case')).toBe('implicitDeny');
    expect(rds('snapshot:firebreak-1', 'env')).toBe('implicitDeny');
    expect(rds('snapshot:firebreak-1', 'firebreak:case')).toBe('allowed');
  });

  it('cannot run a task definition of its choice, or open a shell into tasks', () => {
    const service = `arn:aws:ecs:eu-west-1:${ACCOUNT}:service/shop/web`;
    expect(decide('ecs:UpdateService', service)).toBe('allowed');
    expect(decide('ecs:UpdateService', service, { 'ecs:task-definition': 'arn:aws:ecs:x' })).toBe(
      'implicitDeny',
    );
    expect(decide('ecs:UpdateService', service, { 'ecs:enable-execute-command': 'true' })).toBe(
      'implicitDeny',
    );
  });

  it('cannot scale what is not an ECS service', () => {
    const scale = (namespace: string) =>
      decide(
        'application-autoscaling:RegisterScalableTarget',
        `arn:aws:application-autoscaling:eu-west-1:${ACCOUNT}:scalable-target/x`,
        { 'application-autoscaling:service-namespace': namespace },
      );
    expect(scale('ecs')).toBe('allowed');
    expect(scale('dynamodb')).toBe('implicitDeny');
  });

  it('cannot pass a role to a service that runs code', () => {
    for (const service of ['lambda', 'ecs-tasks', 'cloudformation', 'states', 'codebuild'])
      expect(pass(service), service).toBe('implicitDeny');
  });

  it('passes a role to what calls at a time: to a schedule, which is disabled so, and to a rule by undo', () => {
    expect(pass('scheduler')).toBe('allowed');
    const undoes = name === 'undo' || name === 'the member responder';
    expect(pass('events')).toBe(undoes ? 'allowed' : 'implicitDeny');
  });
});

describe.each(['contain', 'sweep', 'undo'])('%s, with an instance in hand', (name) => {
  const pass = (role: string) => {
    const own = WRITERS.find(([one]) => one === name)?.[1];
    if (!own) throw new Error('there is no such role');
    const keys = {
      'iam:passedtoservice': 'ec2.amazonaws.com',
      'iam:associatedresourcearn': ec2('instance/i-1'),
    };
    return judge(own, { action: 'iam:PassRole', resource: `arn:aws:iam::${ACCOUNT}:role/${role}`, keys })
      .decision;
  };
  // Any instance profile may have been taken away, so undo must be able to give any back.
  it(`${name === 'undo' ? 'restores it any role' : 'cannot give it a role of its choice'}`, () => {
    expect(pass('admin')).toBe(name === 'undo' ? 'allowed' : 'implicitDeny');
    expect(pass('path/firebreak-replacement-admin')).toBe(name === 'undo' ? 'allowed' : 'implicitDeny');
    expect(pass('firebreak-replacement-forensic')).toBe('allowed');
  });
});

describe('anyone who holds the role of the management account', () => {
  const management = rolePolicies(managementAccount(PLAYBOOKS), {
    ...HUB,
    parameters: {
      ...{ PipelineAccount: '999988887777', ExternalId: 'firebreak-prod', OrganizationId: 'o-0123456789' },
      ...{ QuarantinePolicy: 'p-quarantine1', DeniedUsers: 'p-deniedusers', DeniedRoot: 'p-deniedroot1' },
    },
  });
  const policyArn = (id: string, account = ACCOUNT) =>
    `arn:aws:organizations::${account}:policy/o-0123456789/service_control_policy/${id}`;
  const decide = (id: 'Reader' | 'Responder', action: string, resource: string): string => {
    const role = management[id];
    if (!role) throw new Error('there is no such role');
    return judge(role, { action: `organizations:${action}`, resource, keys: {} }).decision;
  };

  it('attaches and detaches the quarantine and the deny of root, and no other policy', () => {
    for (const action of ['AttachPolicy', 'DetachPolicy']) {
      for (const own of ['p-quarantine1', 'p-deniedroot1'])
        expect(decide('Responder', action, policyArn(own)), action).toBe('allowed');
      for (const other of ['p-FullAWSAccess', 'p-guard0001', 'p-quarantine12'])
        expect(decide('Responder', action, policyArn(other)), `${action} ${other}`).toBe('implicitDeny');
      expect(decide('Reader', action, policyArn('p-quarantine1')), action).toBe('implicitDeny');
    }
  });

  it('rewrites the policy of denied users and no other', () => {
    expect(decide('Responder', 'UpdatePolicy', policyArn('p-deniedusers'))).toBe('allowed');
    for (const other of ['p-quarantine1', 'p-deniedroot1', 'p-FullAWSAccess', 'p-guard0001'])
      expect(decide('Responder', 'UpdatePolicy', policyArn(other)), other).toBe('implicitDeny');
    expect(decide('Reader', 'UpdatePolicy', policyArn('p-deniedusers'))).toBe('implicitDeny');
    for (const action of ['AttachPolicy', 'DetachPolicy'])
      expect(decide('Responder', action, policyArn('p-deniedusers')), action).toBe('implicitDeny');
  });

  it('attaches it to an account, and not to a unit or the root', () => {
    const at = (resource: string) => `arn:aws:organizations::${ACCOUNT}:${resource}`;
    expect(decide('Responder', 'AttachPolicy', at('account/o-0123456789/222233334444'))).toBe('allowed');
    for (const target of ['ou/o-0123456789/ou-1234-12345678', 'root/o-0123456789/r-1234'])
      expect(decide('Responder', 'AttachPolicy', at(target)), target).toBe('implicitDeny');
  });

  it.each([
    ...['CreatePolicy', 'DeletePolicy', 'LeaveOrganization', 'MoveAccount', 'CloseAccount'],
    ...['DisablePolicyType', 'RegisterDelegatedAdministrator', 'RemoveAccountFromOrganization'],
  ])('may not call %s', (action) => {
    for (const id of ['Reader', 'Responder'] as const)
      expect(decide(id, action, policyArn('p-quarantine1')), id).toBe('implicitDeny');
  });

  it('is assumed by the functions of this stage in the organisation alone', () => {
    for (const [id, role] of Object.entries(management)) {
      expect(role.trust).toContain('"aws:PrincipalOrgID":"o-0123456789"');
      expect(role.trust).toContain('"sts:ExternalId":"firebreak-prod"');
      expect(role.trust, id).not.toContain('slack');
    }
  });

  it('has nothing of it in any other role', () => {
    for (const [id, role] of Object.entries({ ...roles, ...members }))
      for (const action of ['AttachPolicy', 'DetachPolicy', 'ListPolicies', 'UpdatePolicy'])
        expect(
          judge(role, { action: `organizations:${action}`, resource: policyArn('p-quarantine1'), keys: {} })
            .decision,
          id,
        ).toBe('implicitDeny');
  });
});

it('only what contains or undoes may fetch or write the code of a Lambda function, and of none of Firebreak', () => {
  const writers = new Set(WRITERS.map(([, role]) => role));
  const code = ['lambda:GetFunction', 'lambda:PublishVersion', 'lambda:UpdateFunctionCode'];
  for (const [id, role] of Object.entries({ ...roles, ...members }))
    for (const action of code) {
      const decide = (name: string) =>
        judge(role, { action, resource: `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:${name}`, keys: {} })
          .decision;
      expect(decide('orders'), `${id} ${action}`).toBe(writers.has(role) ? 'allowed' : 'implicitDeny');
      if (Object.values(roles).includes(role))
        expect(decide('firebreak-prod-contain'), id).not.toBe('allowed');
    }
});

it('a member account lets a reversal write the code of the function that its plan names alone', () => {
  const resource = (name: string) => `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:${name}`;
  const session = new Map([
    ['session', sessionPolicy(reverseFunctionChanges, HUB, [resource('orders')], 'write')],
  ]);
  const decide = (name: string) =>
    evaluate(session, { action: 'lambda:UpdateFunctionCode', resource: resource(name), keys: {} }).decision;
  expect(decide('orders')).toBe('allowed');
  expect(decide('orders-2')).toBe('implicitDeny');
});

/**
 * What only a revert calls: it would give an attacker back what a containment took. Inline policies and bucket policies are not among
 * it: who may write a deny may write over it, and `reverse-changes` removes those that an attacker added.
 */
type Keys = Record<string, string | readonly string[]>;
const REVERTS: readonly (readonly [action: string, resource: string, keys?: Keys])[] = [
  [
    'autoscaling:AttachInstances',
    `arn:aws:autoscaling:eu-west-1:${ACCOUNT}:autoScalingGroup:1:autoScalingGroupName/web`,
  ],
  ['bedrock:DeleteModelInvocationLoggingConfiguration', '*'],
  ['cloudtrail:StopLogging', `arn:aws:cloudtrail:eu-west-1:${ACCOUNT}:trail/all`],
  ['ec2:AssociateIamInstanceProfile', ec2('instance/i-1')],
  ['ec2:DeleteFlowLogs', ec2('vpc-flow-log/fl-1'), { 'aws:resourcetag/firebreak:case': 'fb-1' }],
  ['ec2:DeleteSecurityGroup', ec2('security-group/sg-1'), { 'aws:resourcetag/firebreak': 'quarantine' }],
  ['ec2:DeleteTags', 'arn:aws:ec2:eu-west-1::image/ami-1', { 'aws:tagkeys': ['firebreak-quarantine'] }],
  [
    'eks:AssociateAccessPolicy',
    `arn:aws:eks:eu-west-1:${ACCOUNT}:access-entry/prod/role/${ACCOUNT}/dev/1`,
    { 'eks:policyarn': 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy' },
  ],
  [
    'elasticloadbalancing:RegisterTargets',
    `arn:aws:elasticloadbalancing:eu-west-1:${ACCOUNT}:targetgroup/web/1`,
  ],
  ['iam:DeleteAccountPasswordPolicy', '*'],
  [
    'iam:DetachUserPolicy',
    `arn:aws:iam::${ACCOUNT}:user/dev`,
    { 'iam:policyarn': 'arn:aws:iam::aws:policy/AWSDenyAll' },
  ],
  ['events:DeleteRule', `arn:aws:events:eu-west-1:${ACCOUNT}:rule/nightly`],
  ['iam:PassRole', `arn:aws:iam::${ACCOUNT}:role/batch`, { 'iam:passedtoservice': 'events.amazonaws.com' }],
  ['lambda:DeleteFunctionConcurrency', `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:orders`],
  ['lambda:PutProvisionedConcurrencyConfig', `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:orders`],
  ['kms:CreateGrant', `arn:aws:kms:eu-west-1:${ACCOUNT}:key/1`],
  ['lambda:AddPermission', `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:orders`],
  [
    'lambda:UpdateFunctionUrlConfig',
    `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:orders`,
    { 'lambda:functionurlauthtype': 'NONE' },
  ],
  ['logs:DeleteLogDelivery', '*'],
  ['sns:AddPermission', `arn:aws:sns:eu-west-1:${ACCOUNT}:orders`],
  ['sqs:AddPermission', `arn:aws:sqs:eu-west-1:${ACCOUNT}:orders`],
  ['iam:PassRole', `arn:aws:iam::${ACCOUNT}:role/replication`, { 'iam:passedtoservice': 's3.amazonaws.com' }],
  ['sso:DeleteInlinePolicyFromPermissionSet', 'arn:aws:sso:::instance/ssoins-1'],
];

describe.each(['contain', 'sweep', 'undo'])('%s', (name) => {
  const all = REVERTS.map(([action, resource, keys = {}]) => ({ action, resource, keys }));
  it.each(all)(`${name === 'undo' ? 'may' : 'may not'} call $action`, ({ action, resource, keys }) => {
    const role = WRITERS.find(([one]) => one === name)?.[1];
    if (!role) throw new Error('there is no such role');
    const wanted = name === 'undo' ? 'allowed' : 'implicitDeny';
    expect(judge(role, { action, resource, keys }).decision).toBe(wanted);
  });
});

it('a containment assumes the role of a member account without what only undo needs', () => {
  for (const playbook of PLAYBOOKS) {
    const needed = playbook.permissions.write.flatMap(({ actions }) => actions);
    const only = REVERTS.map(([action]) => action).filter((action) => !needed.includes(action));
    const session = (part: 'write' | 'undo') => sessionPolicy(playbook, HUB, [], part);
    for (const action of only) expect(session('write'), `${playbook.id} ${action}`).not.toContain(action);
    for (const action of playbook.permissions.undo?.flatMap(({ actions }) => actions) ?? [])
      expect(session('undo')).toContain(action);
  }
});

it('docs/permissions.md says the worst of every right to change something', async () => {
  const text = await readFile('docs/permissions.md', 'utf8');
  const rows = text.split('\n');
  for (const { id, permissions } of PLAYBOOKS) {
    for (const part of ['write', 'undo'] as const) {
      const rights = permissions[part] ?? [];
      const from = rows.indexOf(`### ${id}: ${part}`);
      const table = rows.slice(from, from + 4 + rights.length);
      if (rights.length > 0) expect(table[2]).toContain('Worst that a hijacker of this role can do');
      rights.forEach(({ worst }, index) => {
        expect(worst).toMatch(/\S/);
        expect(table[4 + index]).toContain(worst);
      });
    }
  }
});

it.each([denyBucketPrincipal, suspendExpiry, blockPublicBucket])(
  'a member account lets $id change the bucket that its plan names alone',
  (playbook) => {
    const session = new Map([
      ['session', sessionPolicy(playbook, HUB, ['arn:aws:s3:::customer-data'], 'undo')],
    ]);
    for (const { actions } of [...playbook.permissions.write, ...(playbook.permissions.undo ?? [])]) {
      for (const action of actions) {
        const decide = (resource: string) => evaluate(session, { action, resource, keys: {} }).decision;
        expect(decide('arn:aws:s3:::customer-data'), action).toBe('allowed');
        expect(decide('arn:aws:s3:::customer-data-2'), action).toBe('implicitDeny');
      }
    }
  },
);

describe('anyone who would change the build', () => {
  it('cannot move a tag of an action', async () => {
    for (const name of await readdir('.github/workflows')) {
      const workflow = await readFile(`.github/workflows/${name}`, 'utf8');
      const uses = [...workflow.matchAll(/uses: *(\S+)/g)].map(([, action = '']) => action);
      expect(uses.length).toBeGreaterThan(0);
      for (const action of uses) expect(action).toMatch(/@[0-9a-f]{40}$/);
    }
  });
  it('cannot have the lock file name another place to load packages from', async () => {
    expect(await readFile('package-lock.json', 'utf8')).not.toMatch(
      /"resolved"|https?:\/\/(localhost|127\.)/,
    );
  });
  it('cannot run an install script that package.json does not allow', async () => {
    expect(await readFile('.npmrc', 'utf8')).toMatch(/^strict-allow-scripts=true$/m);
  });
});

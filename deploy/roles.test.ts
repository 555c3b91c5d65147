import { describe, expect, it } from 'vitest';
import type { Change, Permissions, Playbook } from '../core/journal/playbook.ts';
import { PLAYBOOKS } from '../playbooks/index.ts';
import { evaluate } from '../sandbox/twin/policy-evaluation.ts';
import { FUNCTIONS, type PlaybookAccess } from './access.ts';
import { QUOTA } from './managed-policies.ts';
import { memberAccount } from './member-account.ts';
import { type Deployment, LONGEST, render } from './render.ts';
import { judge, type RolePolicies, rolePolicies, statementsOf } from './role-policies.ts';
import { stackRoles } from './roles.ts';
import { isIn, pascal, substitute } from './statements.ts';

const HUB: Deployment = { partition: 'aws', region: 'eu-west-1', account: '111122223333', stage: 'prod' };
const MEMBER: Deployment = {
  ...HUB,
  account: '444455556666',
  parameters: {
    PipelineAccount: HUB.account,
    ExternalId: 'firebreak-prod',
    OrganizationId: 'o-0123456789',
  },
};
const roles = rolePolicies(await stackRoles(PLAYBOOKS), HUB);
const members = rolePolicies(memberAccount(PLAYBOOKS), MEMBER);
const roleOf = (name: string): RolePolicies => {
  const found = roles[`${pascal(name)}Role`] ?? members[name];
  if (!found) throw new Error(`no role ${name}`);
  return found;
};
const allowed = ({ identity }: RolePolicies): readonly string[] =>
  statementsOf(identity)
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Action }) => [Action ?? []].flat());

/** What the role of the management account has is in no other (test/adversary/hijacked-role.test.ts). */
const rightsOf = (part: keyof Permissions): readonly string[] =>
  PLAYBOOKS.flatMap(({ permissions }) => permissions[part] ?? [])
    .filter((one) => isIn(one, 'account'))
    .flatMap(({ actions }) => actions);
const writes = rightsOf('write');
const reads = rightsOf('read');
const reverts = rightsOf('undo').filter((action) => !writes.includes(action));
const acts = (access: PlaybookAccess): boolean => access === 'write' || access === 'undo';
const WRITERS = [
  ...FUNCTIONS.filter(({ playbooks }) => acts(playbooks)).map(({ name }) => name),
  'Responder',
];
const decide = (role: string, action: string, resource: string, keys: Record<string, string> = {}) =>
  judge(roleOf(role), { action, resource, keys }).decision;

describe('the roles of the stack', () => {
  it.each(FUNCTIONS)('gives $name exactly the playbook rights it is meant to have ($playbooks)', (access) => {
    const own = allowed(roleOf(access.name));
    const base = access.base.flatMap(({ actions }) => actions);
    const onlyWrites = writes.filter((action) => !reads.includes(action) && !base.includes(action));
    if (acts(access.playbooks)) expect(own).toEqual(expect.arrayContaining(onlyWrites));
    else expect(own.filter((action) => onlyWrites.includes(action))).toEqual([]);
    if (access.playbooks === 'undo') expect(own).toEqual(expect.arrayContaining(reverts));
    else expect(own.filter((action) => reverts.includes(action))).toEqual([]);
    if (access.playbooks === 'none') expect(own).not.toContain('sts:AssumeRole');
    else expect(own).toEqual(expect.arrayContaining([...reads, 'sts:AssumeRole']));
  });

  it('lets a playbook act in the Region of the finding, in the account of the role only', () => {
    const modify = (role: string, region: string, account: string) =>
      decide(role, 'ec2:ModifyInstanceAttribute', `arn:aws:ec2:${region}:${account}:instance/i-1`, {
        'ec2:attribute': 'DisableApiTermination',
      });
    expect(modify('contain', 'ap-south-1', HUB.account)).toBe('allowed');
    expect(modify('contain', 'eu-west-1', MEMBER.account)).toBe('implicitDeny');
    expect(modify('Responder', 'ap-south-1', MEMBER.account)).toBe('allowed');
  });

  it('allows no wildcard of actions', () => {
    for (const [id, role] of Object.entries({ ...roles, ...members })) {
      expect(
        allowed(role).filter((action) => action.includes('*')),
        id,
      ).toEqual([]);
    }
  });

  it('lets each state machine invoke the functions of its own definition only', () => {
    const invoked = (id: string) =>
      [
        ...JSON.stringify(statementsOf(roles[id]?.identity ?? new Map())).matchAll(
          /function:firebreak-prod-([a-z-]+)/g,
        ),
      ]
        .map(([, name]) => name)
        .sort();
    expect(invoked('RespondStateMachineRole')).toEqual(
      ['classify', 'contain', 'enrich', 'investigate', 'report', 'request-approval', 'verify'].sort(),
    );
    expect(invoked('UndoStateMachineRole')).toEqual(['report', 'request-approval', 'undo'].sort());
  });

  it('puts a new right of a playbook into the roles that need it, and nowhere else', async () => {
    const [playbook] = PLAYBOOKS;
    if (!playbook) throw new Error('there is no playbook');
    const extended: Playbook = {
      ...playbook,
      permissions: {
        ...playbook.permissions,
        write: [
          {
            actions: ['rds:ModifyDBProxy'],
            resources: ['arn:${Partition}:rds:*:${Account}:db-proxy:*'],
            why: 'test',
            worst: 'test',
          },
        ],
      },
    };
    const having = Object.entries(rolePolicies(await stackRoles([extended]), HUB))
      .filter(([, role]) => allowed(role).includes('rds:ModifyDBProxy'))
      .map(([id]) => id);
    expect(having.sort()).toEqual(['ContainRole', 'SweepRole', 'UndoRole']);
  });
});

/** The same rights on resources of other names: nothing merges with the first ones. */
const copied = (permissions: readonly Change[]): readonly Change[] =>
  permissions.map((permission) => ({
    ...permission,
    resources: permission.resources.map((resource) => `${resource}-copy`),
  }));

describe('the size that IAM allows', () => {
  const wide = { ...LONGEST, parameters: { ...LONGEST.parameters, PipelineAccount: HUB.account } };
  it.each([
    ['the stack', async () => stackRoles(PLAYBOOKS)],
    ['a member account', async () => memberAccount(PLAYBOOKS)],
    [
      'half as many playbooks again',
      async () =>
        stackRoles([
          ...PLAYBOOKS,
          ...PLAYBOOKS.filter((_one, index) => index % 2 === 0).map((playbook) => ({
            ...playbook,
            permissions: {
              ...playbook.permissions,
              write: copied(playbook.permissions.write),
              undo: copied(playbook.permissions.undo ?? []),
            },
          })),
        ]),
    ],
  ])('holds %s', async (_name, template) => {
    for (const [id, role] of Object.entries(rolePolicies(await template(), wide))) {
      const sizes = [...role.identity].map(([name, text]) => ({ name, size: text.length }));
      const inline = sizes.filter(({ name }) => name === 'least-privilege');
      const managed = sizes.filter(({ name }) => name !== 'least-privilege');
      expect(
        inline.reduce((sum, { size }) => sum + size, 0),
        id,
      ).toBeLessThanOrEqual(QUOTA.inlinePerRole);
      expect(managed.length, id).toBeLessThanOrEqual(QUOTA.managedPerRole);
      for (const { name, size } of managed) expect(size, name).toBeLessThanOrEqual(QUOTA.managed);
      for (const text of role.boundary.values()) expect(text.length, id).toBeLessThanOrEqual(QUOTA.managed);
      expect(role.role.split('/').at(-1)?.length).toBeLessThanOrEqual(64);
    }
  });
});

describe.each(WRITERS)('%s can never', (name) => {
  const account = name === 'Responder' ? MEMBER.account : HUB.account;
  const identity = (path: string) => `arn:aws:iam::${account}:${path}`;
  it.each([
    ...(name === 'Responder' ? [] : ['role/firebreak/firebreak-prod-eu-west-1-contain']),
    'role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS',
    'role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_abc',
    'role/OrganizationAccountAccessRole',
    'role/AWSControlTowerExecution',
    'role/firebreak-responder',
    'role/firebreak-reader',
    'role/break-glass',
  ])('change %s', (path) => {
    for (const action of [
      'iam:PutRolePolicy',
      'iam:PutUserPolicy',
      'iam:AttachUserPolicy',
      'iam:UpdateAccessKey',
    ]) {
      expect(decide(name, action, identity(path)), action).toBe('explicitDeny');
    }
    // The control: the same call on an ordinary identity.
    expect(decide(name, 'iam:PutRolePolicy', identity('role/app'))).toBe('allowed');
  });

  it('destroy anything', () => {
    for (const action of [
      'ec2:TerminateInstances',
      'ec2:DeleteSnapshot',
      's3:DeleteObject',
      'iam:DeleteUser',
    ]) {
      expect(decide(name, action, '*'), action).toBe('explicitDeny');
    }
  });

  it('do more than Firebreak does, even with all rights attached to its role', () => {
    const { boundary } = roleOf(name);
    const admin = new Map([
      ['admin', JSON.stringify({ Statement: { Effect: 'Allow', Action: '*', Resource: '*' } })],
    ]);
    for (const action of [
      'iam:CreateUser',
      'iam:CreateLoginProfile',
      's3:GetObjectAcl',
      'ec2:RunInstances',
    ]) {
      expect(
        judge({ ...roleOf(name), identity: admin, boundary }, { action, resource: '*', keys: {} }).decision,
      ).toBe('implicitDeny');
    }
    const own = { action: 'iam:PutRolePolicy', resource: identity('role/firebreak-responder'), keys: {} };
    expect(judge({ ...roleOf(name), identity: admin, boundary }, own).decision).toBe('explicitDeny');
  });
});

it('the pipeline cannot be turned against itself', () => {
  const regional = (service: string, resource: string) =>
    `arn:aws:${service}:eu-west-1:${HUB.account}:${resource}`;
  for (const [action, resource] of [
    ['lambda:PutFunctionConcurrency', regional('lambda', 'function:firebreak-prod-contain')],
    ['s3:PutBucketPublicAccessBlock', 'arn:aws:s3:::firebreak-prod-evidencebucket-1x2y'],
    ['s3:PutObjectTagging', 'arn:aws:s3:::firebreak-prod-evidencebucket-1x2y/incidents/fb-1/finding.json'],
    ['dynamodb:DeleteItem', regional('dynamodb', 'table/firebreak-prod')],
    ['states:StopExecution', regional('states', 'execution:firebreak-prod-respond:x')],
    ['logs:DeleteLogGroup', regional('logs', 'log-group:/aws/lambda/firebreak-prod-contain')],
  ] as const) {
    expect(decide('contain', action, resource), action).toBe('explicitDeny');
  }
  expect(decide('contain', 'lambda:PutFunctionConcurrency', regional('lambda', 'function:orders'))).toBe(
    'allowed',
  );
});

describe('the trust of the member roles', () => {
  /** `sts:AssumeRole` of the trust policy itself, which has no Resource. */
  const assume = (role: 'Reader' | 'Responder', change: Record<string, string> = {}, name = 'contain') =>
    evaluate(new Map([['trust', roleOf(role).trust]]), {
      action: 'sts:AssumeRole',
      resource: '*',
      keys: {
        'sts:externalid': 'firebreak-prod',
        'aws:principalorgid': 'o-0123456789',
        'aws:principalarn': `arn:aws:iam::${HUB.account}:role/firebreak/firebreak-prod-eu-west-1-${name}`,
        ...change,
      },
    }).decision;

  it('lets in the functions that act, and no one else', () => {
    for (const { name, playbooks } of FUNCTIONS) {
      expect(assume('Reader', {}, name), name).toBe(playbooks === 'read' ? 'allowed' : 'implicitDeny');
      expect(assume('Responder', {}, name), name).toBe(acts(playbooks) ? 'allowed' : 'implicitDeny');
    }
  });

  it.each([
    ['another external id', { 'sts:externalid': 'firebreak-dev' }],
    ['another organisation', { 'aws:principalorgid': 'o-9999999999' }],
    [
      'another account',
      { 'aws:principalarn': 'arn:aws:iam::999999999999:role/firebreak/firebreak-prod-eu-west-1-contain' },
    ],
    [
      'a role of the same name outside the path',
      { 'aws:principalarn': `arn:aws:iam::${HUB.account}:role/firebreak-prod-eu-west-1-contain` },
    ],
    [
      'another stage',
      { 'aws:principalarn': `arn:aws:iam::${HUB.account}:role/firebreak/firebreak-dev-eu-west-1-contain` },
    ],
  ])('refuses %s', (_what, change) => {
    expect(assume('Responder', change)).toBe('implicitDeny');
  });
});

describe('substitute', () => {
  it('turns placeholders into pseudo parameters', () => {
    expect(substitute('arn:${Partition}:iam::${Account}:role/*')).toEqual({
      'Fn::Sub': 'arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*',
    });
  });
  it('leaves IAM policy variables to IAM', () => {
    expect(substitute('${aws:username}')).toBe('${aws:username}');
    expect(substitute('arn:${Partition}:x:${aws:username}')).toEqual({
      'Fn::Sub': 'arn:${AWS::Partition}:x:${!aws:username}',
    });
    expect(render(substitute('arn:${Partition}:x:${aws:username}'), HUB)).toBe('arn:aws:x:${aws:username}');
  });
  it('refuses a placeholder it does not know', () => {
    expect(() => substitute('arn:${Partitoin}:x')).toThrow('Partitoin');
  });
});

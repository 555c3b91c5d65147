import { describe, expect, it } from 'vitest';
import { PLAYBOOKS } from '../playbooks/index.ts';
import { evaluate } from '../sandbox/twin/policy-evaluation.ts';
import { allowedActions, guardStatements, quarantineStatements } from './organization-policies.ts';
import { render } from './render.ts';
import { stackRoles } from './roles.ts';

const DEPLOYMENT = {
  partition: 'aws',
  region: 'eu-west-1',
  account: '444455556666',
  stage: 'prod',
  parameters: { Administrator: 'stacksets-exec-*', Deployer: 'cd', BreakGlass: 'ops/break-glass-1' },
};
const actions = allowedActions(await stackRoles(PLAYBOOKS));
/** Next to FullAWSAccess, as AWS Organizations attaches it: a service control policy allows nothing on its own. */
const under = (statements: readonly object[]) => (principal: string, action: string, resource: string) =>
  evaluate(
    new Map([
      ['FullAWSAccess', JSON.stringify({ Statement: { Effect: 'Allow', Action: '*', Resource: '*' } })],
      ['scp', JSON.stringify(render({ Statement: statements }, DEPLOYMENT))],
    ]),
    {
      action,
      resource,
      // For a role session aws:PrincipalArn is the ARN of the role.
      keys: { 'aws:principalarn': `arn:aws:iam::444455556666:${principal}` },
    },
  ).decision;

describe('the quarantine of an account', () => {
  const decide = under(quarantineStatements());
  it('leaves the responder, the reader and break-glass roles every call that Firebreak makes', () => {
    for (const principal of ['role/firebreak-responder', 'role/firebreak-reader', 'role/ops/break-glass-1']) {
      for (const action of actions) expect(decide(principal, action, '*'), action).toBe('allowed');
    }
  });
  it.each(['role/admin', 'user/firebreak-responder', 'role/x/firebreak-responder', 'root'])(
    'shuts out %s',
    (who) => {
      for (const action of ['s3:GetObject', 'iam:CreateUser', 'sts:GetCallerIdentity']) {
        expect(decide(who, action, '*')).toBe('explicitDeny');
      }
    },
  );
});

describe('the guard around the roles', () => {
  const decide = under(guardStatements(actions));
  const roles = [
    'role/firebreak/firebreak-prod-eu-west-1-contain',
    'role/firebreak-responder',
    'role/firebreak-reader',
  ];
  it('lets them do what Firebreak does, and nothing else', () => {
    for (const role of roles) {
      for (const action of actions) expect(decide(role, action, '*'), action).toBe('allowed');
      for (const action of [
        'iam:CreateUser',
        'iam:DeleteRole',
        'ec2:RunInstances',
        'organizations:LeaveOrganization',
      ]) {
        expect(decide(role, action, '*'), action).toBe('explicitDeny');
      }
    }
    expect(decide('role/admin', 'ec2:RunInstances', '*')).toBe('allowed');
  });
  it('lets its administrators change them, and no one else', () => {
    for (const role of roles) {
      const arn = `arn:aws:iam::444455556666:${role}`;
      expect(decide('role/stacksets-exec-0a1b', 'iam:PutRolePolicy', arn)).toBe('allowed');
      expect(decide('role/cd', 'iam:DeleteRolePermissionsBoundary', arn)).toBe('allowed');
      for (const action of [
        'iam:PutRolePolicy',
        'iam:DeleteRolePermissionsBoundary',
        'iam:UpdateAssumeRolePolicy',
      ]) {
        expect(decide('role/admin', action, arn), action).toBe('explicitDeny');
      }
    }
    expect(decide('role/admin', 'iam:PutRolePolicy', 'arn:aws:iam::444455556666:role/app')).toBe('allowed');
  });
});

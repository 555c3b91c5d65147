/** The attacker names a role so that the quarantine of its account passes it by. */
import { expect, it } from 'vitest';
import { guardStatements, quarantineStatements } from '../../deploy/organization-policies.ts';
import { render } from '../../deploy/render.ts';
import { evaluate } from '../../sandbox/twin/policy-evaluation.ts';

const ACCOUNT = '444455556666';
const BREAK_GLASS = 'ops/break-glass-1';
const deployment = {
  partition: 'aws',
  region: 'eu-west-1',
  account: ACCOUNT,
  stage: 'prod',
  parameters: { Administrator: 'stacksets-exec-*', Deployer: 'cd', BreakGlass: BREAK_GLASS },
};
const under = (statements: readonly object[], principal: string, action: string, resource: string) =>
  evaluate(
    new Map([
      ['FullAWSAccess', JSON.stringify({ Statement: { Effect: 'Allow', Action: '*', Resource: '*' } })],
      ['scp', JSON.stringify(render({ Statement: statements }, deployment))],
    ]),
    { action, resource, keys: { 'aws:principalarn': `arn:aws:iam::${ACCOUNT}:${principal}` } },
  ).decision;

it.each([
  'role/firebreak/backdoor',
  'role/firebreak/firebreak-prod-eu-west-1-contain',
  'role/x-break-glass-y',
  'role/Break-Glass',
  'role/ops/break-glass-12',
  'role/firebreak-responder-2',
  'role/Firebreak-Responder',
])('the quarantine shuts out %s', (principal) => {
  expect(under(quarantineStatements(), principal, 's3:GetObject', '*')).toBe('explicitDeny');
});

it.each(['role/firebreak-responder', 'role/firebreak-reader', `role/${BREAK_GLASS}`])(
  'the quarantine exempts %s, which the guard lets no one else create or change',
  (exempt) => {
    const arn = `arn:aws:iam::${ACCOUNT}:${exempt}`;
    expect(under(quarantineStatements(), exempt, 's3:GetObject', '*')).toBe('allowed');
    for (const action of ['iam:CreateRole', 'iam:PutRolePolicy', 'iam:UpdateAssumeRolePolicy']) {
      expect(under(guardStatements(['s3:GetObject']), 'role/admin', action, arn), action).toBe(
        'explicitDeny',
      );
    }
    expect(under(guardStatements(['s3:GetObject']), 'role/cd', 'iam:CreateRole', arn)).toBe('allowed');
  },
);

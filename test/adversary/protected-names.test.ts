/** The attacker names a role so that the quarantine of its account, a deny or a refusal passes it by. */
import { describe, expect, it } from 'vitest';
import { loadPolicy } from '../../core/policy/policy.ts';
import { guardedArns } from '../../core/policy/protected.ts';
import { memberAccount } from '../../deploy/member-account.ts';
import { guardStatements, quarantineStatements } from '../../deploy/organization-policies.ts';
import { PROTECTED, protectedIdentities } from '../../deploy/protected.ts';
import { render } from '../../deploy/render.ts';
import { judge, rolePolicies, statementsOf } from '../../deploy/role-policies.ts';
import { stackRoles } from '../../deploy/roles.ts';
import { refusalFor } from '../../playbooks/common/role-session/protected-role.ts';
import { PLAYBOOKS } from '../../playbooks/index.ts';
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
  'role/x:role/firebreak-responder',
  'role/OrganizationAccountAccessRole',
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

const HUB = '111122223333';
const hub = { ...deployment, account: HUB };
const roles = {
  hub: rolePolicies(await stackRoles(PLAYBOOKS), hub)['ContainRole'],
  member: rolePolicies(memberAccount(PLAYBOOKS), {
    ...deployment,
    parameters: { PipelineAccount: HUB, ExternalId: 'firebreak-prod', OrganizationId: 'o-0123456789' },
  })['Responder'],
};
const roleIn = (account: string) => {
  const found = account === HUB ? roles.hub : roles.member;
  if (!found) throw new Error('no such role');
  return found;
};
const policy = await loadPolicy('policy.yml');
/** The three refuse alike: the playbooks, IAM's denies, and whom the guard lets create it. */
function judgements(account: string, resource: string) {
  const arn = `arn:aws:iam::${account}:${resource}`;
  const name = resource.slice(resource.lastIndexOf('/') + 1);
  const at = { partition: 'aws', account, region: 'eu-west-1' };
  const role = { name, arn, path: resource.slice('role'.length, resource.lastIndexOf('/') + 1) };
  const { decision } = judge(roleIn(account), { action: 'iam:PutRolePolicy', resource: arn, keys: {} });
  const target = { ...at, kind: 'role-session', id: 'AROAX:i-1', display: arn, facts: {} };
  return {
    refused: refusalFor(role, target, [...policy.protectedArns, ...guardedArns(HUB)]) !== undefined,
    denied: decision === 'explicitDeny',
    guarded: under(guardStatements(['s3:GetObject']), 'role/admin', 'iam:CreateRole', arn) === 'explicitDeny',
  };
}

describe('one list', () => {
  const concerns = (account: string, { account: where }: (typeof PROTECTED)[number]) =>
    where === 'hub' ? account === HUB : true;

  it.each([HUB, ACCOUNT])('each entry is refused, denied and kept from others in account %s', (account) => {
    for (const entry of PROTECTED.filter((each) => concerns(account, each))) {
      const resource = entry.resource.replace('*', 'x/y');
      expect(judgements(account, resource), resource).toEqual({
        refused: true,
        denied: true,
        guarded: entry.keptBy === 'guard',
      });
    }
  });

  it.each([
    'role/x-break-glass-y',
    'role/Break-Glass',
    'role/ops/break-glass',
    'role/firebreak-responder-2',
    'role/FIREBREAK-RESPONDER',
    'role/x/OrganizationAccountAccessRole',
    'role/AWSServiceRoleForX',
  ])('%s is on none of them', (resource) => {
    for (const account of [HUB, ACCOUNT])
      expect(judgements(account, resource)).toEqual({ refused: false, denied: false, guarded: false });
  });

  it("in a member account Firebreak's own path protects nothing, though no one else may create a role there", () => {
    expect(judgements(ACCOUNT, 'role/firebreak/backdoor')).toEqual({
      refused: false,
      denied: false,
      guarded: true,
    });
  });

  it('the denies and the guard name nothing else, and the quarantine exempts a part of it', () => {
    const resources = (found: readonly { Action?: unknown; Resource?: unknown }[]) =>
      new Set(
        found
          .filter(({ Action }) => /iam:P(ut)?\*/.test(JSON.stringify(Action ?? '')))
          .flatMap(({ Resource }) => [Resource].flat().map(String))
          .filter((arn) => !arn.includes(':policy/'))
          .map((arn) => arn.replace(/^arn:[^:]+:/, '')),
      );
    const listed = (account: string) =>
      PROTECTED.filter((each) => concerns(account, each)).map(
        ({ account: where, resource }) => `iam::${where === 'hub' ? HUB : where}:${resource}`,
      );
    for (const account of [HUB, ACCOUNT])
      expect(resources(statementsOf(roleIn(account).identity))).toEqual(new Set(listed(account)));
    const guard = render(guardStatements(['s3:GetObject']), deployment) as { Resource: unknown }[];
    const kept = PROTECTED.filter(({ keptBy }) => keptBy === 'guard').map(
      ({ resource }) => `iam::*:${resource}`,
    );
    expect(resources(guard)).toEqual(new Set([...kept, `iam::*:role/${BREAK_GLASS}`]));
    const shipped = JSON.stringify(
      render(quarantineStatements(), { ...deployment, parameters: { BreakGlass: 'break-glass' } }),
    );
    expect([...shipped.matchAll(/iam::\*:role\/[^"]+/g)].map(([arn]) => arn).sort()).toEqual(
      ['iam::*:role/break-glass', 'iam::*:role/firebreak-reader', 'iam::*:role/firebreak-responder'].sort(),
    );
    expect(kept).toEqual(expect.arrayContaining(['iam::*:role/break-glass']));
  });

  it('takes exact roles and users of policy.yml, in the accounts they name, and nothing that is a pattern', () => {
    const added = protectedIdentities([
      'role/ops/emergency',
      'user/break-glass-1',
      'arn:aws:iam::444455556666:role/ci',
      'arn:aws:s3:::ledger',
      'billing',
      'role/ops/*',
      '*break-glass*',
    ]).slice(protectedIdentities([]).length);
    expect(added.map(({ account, resource }) => `${account} ${resource}`)).toEqual([
      '* role/ops/emergency',
      '* user/break-glass-1',
      '444455556666 role/ci',
    ]);
  });
});

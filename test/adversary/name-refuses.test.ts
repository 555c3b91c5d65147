/** The attacker names a role so that Firebreak leaves it alone. */
import '../../sandbox/quiet.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { parsePolicy } from '../../core/policy/policy.ts';
import { nameMatcher } from '../../core/policy/protected.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { credentialFinding, credentialWorld, THIEF_IP } from '../../sandbox/worlds.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { bobApproves, until } from '../workflow/people.ts';

const HUB = '111122223333';
const MEMBER = '444455556666';

let sandbox: Sandbox | undefined;
afterEach(() => sandbox?.close());

/** Findings about a session of a role with this path and name; `account` is where the role is. */
async function theftOf(path: string, name: string, account = HUB, protect: readonly string[] = []) {
  const text = (await policyWithoutFollowUps()).replace(
    /^protected:$/m,
    ['protected:', ...protect.map((entry) => `  - "${entry}"`)].join('\n'),
  );
  const stage = await startSandbox({ policy: parsePolicy(text), members: [MEMBER] });
  sandbox = stage;
  const world = credentialWorld(stage.twin, 1);
  const renamed = <T>(value: T): T =>
    JSON.parse(
      JSON.stringify(value)
        .replaceAll('/service/', path)
        .replaceAll(`${path}${world.stolen.roleName}`, `${path}${name}`)
        .replaceAll(`"${world.stolen.roleName}"`, `"${name}"`)
        .replaceAll(`${world.stolen.roleName}/`, `${name}/`)
        .replaceAll(HUB, account),
    ) as T;
  const finding = renamed(credentialFinding(stage.twin, world.stolen, { seed: 'named' }));
  stage.twin.state.roles = renamed(stage.twin.state.roles);
  stage.twin.state.regions = renamed(stage.twin.state.regions);
  const execution = await stage.deliver(finding);
  const passes = () =>
    stage.twin.request(
      { ...world.stolen, roleName: name },
      { action: 's3:GetObject', resource: '*', sourceIp: THIEF_IP },
    ).decision === 'allowed';
  return { stage, execution, passes };
}

async function approvedIfAsked(stage: Sandbox): Promise<void> {
  const decision = await until(async () => (await stage.incidents())[0]?.decision);
  if (decision.kind === 'ask') await bobApproves(stage, () => true);
}

describe('a name that protects nothing', () => {
  it.each([
    ['/service/', 'x-break-glass-y'],
    ['/service/', 'Break-Glass'],
    ['/service/', 'firebreak-app'],
    ['/service/', 'FIREBREAK-Responder'],
    ['/service/', 'AWSServiceRoleForEverything'],
  ])('%s%s is contained, automatically or once a person approved', async (path, name) => {
    const { stage, execution, passes } = await theftOf(path, name);
    await approvedIfAsked(stage);
    expect(await execution.ended).toMatchObject({
      output: { status: expect.stringMatching(/^(contained|residual)$/) },
    });
    expect(passes()).toBe(false);
  });

  it('a pattern of policy.yml asks, and says which', async () => {
    const { stage, execution, passes } = await theftOf('/service/', 'billing-admin', HUB, ['*ADMIN*']);
    const incident = await bobApproves(stage, () => true);
    expect(incident.decision?.reasons.join('\n')).toMatch(/fits "\*ADMIN\*", which is protected/);
    expect(incident.decision).toMatchObject({ kind: 'ask', expiry: 'escalate' });
    expect(await execution.ended).toMatchObject({ output: { status: 'contained' } });
    expect(passes()).toBe(false);
  });

  it("a role of a member account under Firebreak's own path is contained without asking", async () => {
    const { execution, passes } = await theftOf('/firebreak/', 'firebreak-prod-eu-west-1-contain', MEMBER);
    expect(await execution.ended).toMatchObject({ output: { status: 'contained' } });
    expect(passes()).toBe(false);
  });
});

it('a path that ends like the ARN of a protected role protects nothing', () => {
  const protects = nameMatcher('arn:aws:iam::*:role/OrganizationAccountAccessRole');
  expect(protects(`arn:aws:iam::${HUB}:role/OrganizationAccountAccessRole`)).toBe(true);
  expect(protects(`arn:aws:iam::${HUB}:role/x:role/OrganizationAccountAccessRole`)).toBe(false);
});

it.each([
  ['/', 'OrganizationAccountAccessRole', HUB, []],
  ['/', 'firebreak-responder', MEMBER, []],
  ['/', 'break-glass', HUB, []],
  ['/firebreak/', 'firebreak-sandbox-eu-west-1-contain', HUB, []],
  ['/ops/', 'billing', HUB, ['role/ops/billing']],
  ['/ops/', 'billing', MEMBER, ['arn:aws:iam::*:role/ops/billing']],
])('%s%s is never changed: others cannot create it', async (path, name, account, protect) => {
  const { execution, stage, passes } = await theftOf(path, name, account, protect);
  expect(await execution.ended).toMatchObject({ output: { status: 'escalated' } });
  expect(passes()).toBe(true);
  expect(stage.twin.state.pages.length).toBeGreaterThan(0);
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { guardedArns } from '../../core/policy/protected.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { credentialWorld, findingOn, ROLE } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { denyModelInvocation } from './playbook.ts';

interface World {
  readonly session: string;
  readonly models: readonly string[];
}
const MODEL = 'arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-opus-4-6';
const finding = (twin: AccountTwin, details: object, models: readonly string[] = []) =>
  findingOn(twin, {
    seed: 'models',
    type: 'Impact:IAMUser/AnomalousModelInvocation',
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: { userType: 'AssumedRole', userName: ROLE, ...details },
      modelDetails: models.map((modelId) => ({ modelId })),
    } as JsonObject,
  });
const accounts: Accounts<World> = {
  worlds: fc.record({
    session: fc.constantFrom('chat-service', 'alice@example.com'),
    models: fc.subarray([MODEL, 'amazon.nova-pro-v1:0']),
  }),
  open(twin, { session, models }) {
    credentialWorld(twin, 2);
    const role = twin.state.roles[ROLE];
    if (role)
      role.inline['models'] = JSON.stringify({
        Statement: [
          {
            Effect: 'Allow',
            Action: ['bedrock:*', 'bedrock-mantle:*', 'sagemaker:*', 's3:*'],
            Resource: '*',
          },
        ],
      });
    return finding(twin, { principalId: `${twin.state.roles[ROLE]?.RoleId}:${session}` }, models);
  },
};
playbookProperties(denyModelInvocation, { ...accounts, runs: 8 });
playbookProperties(denyModelInvocation, { ...accounts, runs: 8, settings: { models: 'reported' } });

const database = sceneDatabase('deny-model-invocation-test');
const open = (settings: JsonObject = {}, models: readonly string[] = [MODEL]) =>
  scene(database(), denyModelInvocation, { ...accounts, settings }, { session: 'chat-service', models });

describe('the session', () => {
  it('loses the invocation of models and nothing else; another session keeps both', async () => {
    const at = open();
    const as = (instanceId: string, action: string, resource = '*') =>
      at.twin.request({ roleName: ROLE, instanceId, issuedAt: new Date(0) }, { action, resource }).decision;
    expect(as('chat-service', 'bedrock:InvokeModel', MODEL)).toBe('allowed');
    await at.contain();
    for (const call of [
      ...[
        'bedrock:InvokeModel',
        'bedrock:InvokeModelWithResponseStream',
        'bedrock:Converse',
        'bedrock:ConverseStream',
      ],
      ...['bedrock-mantle:CreateInference', 'sagemaker:InvokeEndpoint', 'sagemaker:InvokeEndpointAsync'],
      'sagemaker:InvokeEndpointWithResponseStream',
    ])
      expect([call, as('chat-service', call, MODEL)]).toEqual([call, 'explicitDeny']);
    expect(as('chat-service', 's3:GetObject')).toBe('allowed');
    expect(as('other-service', 'bedrock:InvokeModel', MODEL)).toBe('allowed');
    expect(await at.prove()).toMatchObject({ proven: true });
    await at.undo();
    expect(as('chat-service', 'bedrock:InvokeModel', MODEL)).toBe('allowed');
  });

  it('loses the reported models alone where the policy says so', async () => {
    const at = open({ models: 'reported' });
    const other = MODEL.replace('opus-4-6', 'haiku-4-5');
    const as = (model: string) =>
      at.twin.request(
        { roleName: ROLE, instanceId: 'chat-service', issuedAt: new Date(0) },
        { action: 'bedrock:InvokeModel', resource: model },
      ).decision;
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.residual).toContain('other models can still be invoked');
    await at.contain();
    expect([as(MODEL), as(other)]).toEqual(['explicitDeny', 'allowed']);
    expect(await at.prove()).toMatchObject({ proven: true });
  });

  it('loses every model where the finding names none that a policy can name', async () => {
    for (const strange of [
      'arn:aws:bedrock:eu-west-1::foundation-model/*',
      'my endpoint',
      `${MODEL}\${aws:x}`,
    ]) {
      const at = open({ models: 'reported' }, [strange]);
      const plan = await at.plan();
      expect(plan.kind === 'plan' && plan.steps[0]?.args['models']).toEqual([]);
      expect(plan.kind === 'plan' && plan.warnings.join()).toContain('every model is denied');
    }
  });

  it('of a role that agents run as: a session that goes on is named, with what stops it', async () => {
    const at = open();
    const risk = async () => {
      const plan = await at.plan();
      return plan.kind === 'plan' && plan.residual.join();
    };
    expect(await risk()).not.toContain('stop-runtime-session');
    const role = at.twin.state.roles[ROLE];
    if (role)
      role.AssumeRolePolicyDocument = JSON.stringify({
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: 'bedrock-agentcore.amazonaws.com' },
            Action: 'sts:AssumeRole',
          },
        ],
      });
    expect(await risk()).toContain('stop-runtime-session');
  });

  it('is not contained while the deny is missing', async () => {
    const at = open();
    await at.contain();
    const role = at.twin.state.roles[ROLE];
    if (role) role.inline = {};
    expect(await at.prove()).toMatchObject({ proven: false });
  });
});

describe('who cannot be contained here', () => {
  it.each([
    [{ userType: 'Root', principalId: '111122223333', userName: 'root' }, 'AssumedRoot'],
    [{ userType: 'AWSAccount', principalId: '999999999999' }, 'take its access away on the resource'],
    [{ principalId: 'AROAEXAMPLE:ok-name', userName: 'x/y' }, 'does not name a role'],
    [{ principalId: 'AROAEXAMPLE:*' }, 'not an assumed role'],
  ])('%j', (details, reason) => {
    expect(denyModelInvocation.targetOf(parseFinding(finding(createTwin(SCOPE), details)))).toMatchObject({
      ok: false,
      reason: expect.stringContaining(reason),
    });
  });

  it('is a protected role', async () => {
    const at = open();
    const role = at.twin.state.roles[ROLE];
    if (role) {
      role.Path = '/firebreak/';
      role.Arn = `arn:aws:iam::${SCOPE.account}:role/firebreak/${ROLE}`;
    }
    const plan = await at.plan('fb-aaaaaaaaaaaa', true, guardedArns(SCOPE.account));
    expect(plan).toMatchObject({ kind: 'refused', reason: expect.stringContaining('own roles') });
    expect(at.changes()).toBe(0);
  });
});

/** A miner is stopped by the playbook of what it runs on, and is never plain contained. */
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { decideAlone } from '../../core/policy/backtest.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { SCOPE } from '../../test/playbooks/properties.ts';
import { choosePlaybook } from '../index.ts';
import { stopMiner } from './playbook.ts';

const ID = 'i-0123456789abcdef0';
const TASK = 'arn:aws:ecs:eu-west-1:111122223333:task/shop/0123456789abcdef0123456789abcdef';
const INSTANCE = { instanceDetails: { instanceId: ID } };
const ON_TASK = { ecsClusterDetails: { name: 'shop', taskDetails: { arn: TASK } } };
const ON_POD = {
  eksClusterDetails: { name: 'shop' },
  kubernetesDetails: {
    kubernetesWorkloadDetails: { name: 'cart-1', type: 'pods', namespace: 'web', uid: 'u-1' },
  },
};
const ON_FUNCTION = { lambdaDetails: { functionName: 'resize' } };

const mining = (type: string, resource: JsonObject) =>
  parseFinding(findingOn(createTwin(SCOPE), { seed: type, type, resource }));
const chosen = (type: string, resource: JsonObject) => choosePlaybook(mining(type, resource));

describe('what mines', () => {
  it.each([
    ['CryptoCurrency:EC2/BitcoinTool.B', INSTANCE, 'isolate-instance', `instance/${ID}`],
    ['CryptoCurrency:EC2/BitcoinTool.B!DNS', INSTANCE, 'isolate-instance', `instance/${ID}`],
    ['Impact:EC2/BitcoinDomainRequest.Reputation', INSTANCE, 'isolate-instance', `instance/${ID}`],
    ['CryptoCurrency:Lambda/BitcoinTool.B', ON_FUNCTION, 'throttle-function', 'function:resize'],
    ['CryptoCurrency:Runtime/BitcoinTool.B', ON_TASK, 'stop-task', TASK],
    // A task comes with its host: the task alone is stopped.
    ['Impact:Runtime/CryptoMinerExecuted', { ...ON_TASK, ...INSTANCE }, 'stop-task', TASK],
    ['Impact:Runtime/CryptoMinerExecuted', { ...ON_POD, ...INSTANCE }, 'quarantine-pod', 'cart-1'],
  ])('%s is stopped where it runs, and who started it stays a risk', (type, resource, playbook, named) => {
    const choice = chosen(type, resource);
    expect(choice).toMatchObject({
      id: stopMiner.id,
      parts: [{ playbook: { id: playbook }, target: { display: expect.stringContaining(named) } }],
      unhandled: [],
    });
    if ('none' in choice) throw new Error(choice.none);
    expect(choice.residual).toEqual([expect.stringContaining(`${choice.display} can start it again`)]);
  });

  it.each([
    [
      'CryptoCurrency:EC2/BitcoinTool.B',
      INSTANCE,
      { kind: 'auto', followUps: ['revoke-instance-session', 'stop-launcher'] },
    ],
    [
      'CryptoCurrency:Runtime/BitcoinTool.B',
      ON_TASK,
      { kind: 'ask', followUps: ['stop-launcher', 'scale-in-service'] },
    ],
    [
      'CryptoCurrency:Lambda/BitcoinTool.B',
      ON_FUNCTION,
      { kind: 'ask', followUps: ['stop-launcher', 'scale-in-service'] },
    ],
  ])('%s: the launcher is a question of its own', async (type, resource, decision) => {
    const finding = mining(type, resource);
    const policy = await loadPolicy('policy.yml');
    expect(decideAlone(policy, finding, choosePlaybook(finding))).toMatchObject(decision);
  });
});

describe('a finding', () => {
  it.each([
    ['an instance id that is a pattern', { instanceDetails: { instanceId: 'i-*' } }, '"i-*"'],
    [
      'an instance id with another resource in it',
      { instanceDetails: { instanceId: `${ID}/../x` } },
      'instance id',
    ],
    ['nothing', {}, 'name an EC2 instance'],
  ])('that names %s says why', (_name, resource, words) => {
    expect(chosen('CryptoCurrency:EC2/BitcoinTool.B', resource)).toEqual({
      none: expect.stringContaining(words),
    });
  });

  it.each([
    ['another account', TASK.replace('111122223333', '999999999999'), 'of account 999999999999'],
    ['another Region', TASK.replace('eu-west-1', 'us-east-1'), 'in us-east-1'],
    ['another kind', TASK.replace(':task/', ':service/'), 'not the ARN of an ECS task'],
  ])('that names a resource of %s as its task says so', (_name, arn, words) => {
    const resource = { ecsClusterDetails: { name: 'shop', taskDetails: { arn } } };
    expect(chosen('CryptoCurrency:Runtime/BitcoinTool.B', resource)).toEqual({
      none: expect.stringContaining(words),
    });
  });

  it('of another type on the same instance is not for this playbook', () => {
    expect(chosen('Backdoor:EC2/C&CActivity.B', INSTANCE)).toMatchObject({
      id: 'isolate-instance',
      residual: [],
    });
  });
});

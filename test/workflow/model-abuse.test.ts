/** A leaked API key of Bedrock: never contained by silence or automatically, its user denied, then the key disabled; undone exactly. */
import '../../sandbox/quiet.ts';
import { afterEach, expect, it } from 'vitest';
import { loadPolicy, parsePolicy } from '../../core/policy/policy.ts';
import { modelFinding, modelWorld } from '../../sandbox/model-world.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { bobApproves, idle, until } from './people.ts';

let sandbox: Sandbox | undefined;
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

const invoke = { action: 'bedrock:InvokeModel', resource: '*' };

it('is asked twice, and each answer cuts more off; the card says what the models used', async () => {
  const own = await startSandbox({ policy: await loadPolicy('policy.yml') });
  sandbox = own;
  const world = modelWorld(own.twin);
  const first = structuredClone(own.twin.state.users);
  const may = (key: string) => own.twin.requestByKey(key, invoke).decision === 'allowed';
  const { ended } = await own.deliver(modelFinding(own.twin, world, { seed: 'abuse' }));
  await bobApproves(own, ({ playbook }) => playbook === 'deny-model-invocation');
  await ended;
  expect([may(world.leaked), may(world.healthy)]).toEqual([false, true]);
  expect(own.twin.state.users[world.user]?.serviceKeys?.[0]?.Status).toBe('Active');
  await bobApproves(own, ({ playbook }) => playbook === 'disable-bedrock-keys');
  await idle(own);
  expect(own.twin.state.users[world.user]?.serviceKeys?.[0]?.Status).toBe('Inactive');
  const incidents = await own.incidents();
  expect(incidents.map(({ playbook, status }) => [playbook, status]).sort()).toEqual([
    ['deny-model-invocation', 'residual'],
    ['disable-bedrock-keys', 'residual'],
  ]);
  const cards = JSON.stringify(own.slack.messages);
  expect(cards).toContain('61,400,000 tokens in, 9,800,000 out');
  expect(cards).toContain("by CloudWatch's count; the cost is not in it");
  const keys = incidents.find(({ playbook }) => playbook === 'disable-bedrock-keys');
  const deny = incidents.find(({ playbook }) => playbook === 'deny-model-invocation');
  if (!keys || !deny) throw new Error('an incident is missing');
  // Anyone who has the key is back in: a second person is asked.
  const undoing = await own.undo(keys.id, 'U0ALICE');
  await bobApproves(own, ({ id }) => id === keys.id, 'undo');
  await undoing.ended;
  await (await own.undo(deny.id, 'U0ALICE')).ended;
  expect(own.twin.state.users).toEqual(first);
});

it('is asked whatever policy says, and silence contains nothing', async () => {
  const own = await startSandbox({
    policy: parsePolicy(
      JSON.stringify({
        version: 1,
        approvers: ['U0BOB'],
        approval: { timeout: '30m', onExpiry: 'contain' },
        rules: [{ name: 'models', match: { type: 'Impact:*' }, decide: 'auto' }],
      }),
    ),
    approvalTimeoutSeconds: () => 0.05,
  });
  sandbox = own;
  const world = modelWorld(own.twin);
  await (await own.deliver(modelFinding(own.twin, world, { seed: 'silence' }))).ended;
  const incident = await until(async () => (await own.incidents())[0]);
  expect(incident).toMatchObject({ status: 'expired', decision: { kind: 'ask' } });
  expect(own.twin.calls.filter(({ service, change }) => service === 'IAM' && change)).toEqual([]);
});

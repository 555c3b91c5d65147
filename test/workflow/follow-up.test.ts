/** After a stolen session is revoked, a person is asked whether to isolate the instance it was stolen from. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadPolicy } from '../../core/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { accountOf } from '../../sandbox/saved.ts';
import {
  type CredentialWorld,
  credentialFinding,
  credentialWorld,
  groupsOfInstance,
} from '../../sandbox/worlds.ts';
import { ACTIONS } from '../../slack/card.ts';

let sandbox: Sandbox;
let world: CredentialWorld;
let seconds: number | undefined;
beforeEach(async () => {
  seconds = undefined;
  sandbox = await startSandbox({
    policy: await loadPolicy('policy.yml'),
    approvalTimeoutSeconds: () => seconds,
  });
  world = credentialWorld(sandbox.twin, 3);
});
afterEach(() => sandbox.close());

const finding = () => credentialFinding(sandbox.twin, world.stolen, { seed: 'follow-up' });
const all = async () => {
  const incidents = await sandbox.incidents();
  return {
    first: incidents.find(({ followUpOf }) => !followUpOf),
    followUp: incidents.find(({ followUpOf }) => followUpOf),
    count: incidents.length,
  };
};
async function until<T>(what: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 400; attempt++) {
    const found = await what();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it did not happen');
}
const idle = async () => {
  while (sandbox.machines.running().length > 0) {
    await Promise.all(sandbox.machines.running().map(({ ended }) => ended));
  }
};

it('asks on a card of its own, contains once approved, and both are undone apart', async () => {
  const before = accountOf(structuredClone(sandbox.twin.state));
  await (await sandbox.deliver(finding())).ended;
  const asked = await until(async () => {
    const { followUp } = await all();
    return followUp?.slack && followUp.approval ? followUp : undefined;
  });
  expect(groupsOfInstance(sandbox.twin, world.stolen.instanceId)).toEqual(['web']);
  await sandbox.slack.click({
    ts: asked.slack?.ts ?? '',
    actionId: ACTIONS.approve,
    value: asked.approval?.id ?? '',
    userId: 'U0BOB',
  });
  await idle();
  const { first, followUp } = await all();
  expect(first).toMatchObject({ status: 'contained', playbook: 'revoke-instance-session' });
  expect(followUp).toMatchObject({
    status: 'residual',
    playbook: 'isolate-instance',
    followUpOf: { incidentId: first?.id },
  });
  expect(groupsOfInstance(sandbox.twin, world.stolen.instanceId)).toEqual(['firebreak-quarantine']);

  await sandbox.undo(followUp?.id ?? '', 'U0ALICE').ended;
  expect(groupsOfInstance(sandbox.twin, world.stolen.instanceId)).toEqual(['web']);
  const undo = sandbox.undo(first?.id ?? '', 'U0ALICE');
  const second = await until(async () => {
    const { first: now } = await all();
    return now?.approval?.purpose === 'undo' && now.slack ? now : undefined;
  });
  await sandbox.slack.click({
    ts: second.slack?.ts ?? '',
    actionId: ACTIONS.approve,
    value: second.approval?.id ?? '',
    userId: 'U0BOB',
  });
  await undo.ended;
  expect(accountOf(sandbox.twin.state)).toEqual(before);
});

it('changes nothing when nobody answers, and a second delivery asks no second time', async () => {
  seconds = 1;
  await (await sandbox.deliver(finding())).ended;
  await idle();
  await (await sandbox.deliver(finding())).ended;
  await idle();
  const { followUp, count } = await all();
  expect(count).toBe(2);
  expect(followUp?.status).toBe('expired');
  expect(groupsOfInstance(sandbox.twin, world.stolen.instanceId)).toEqual(['web']);
});

it('says on the first incident that there is nothing to ask about when the instance is gone', async () => {
  sandbox.twin.region().instances = sandbox.twin
    .region()
    .instances.filter(({ InstanceId }) => InstanceId !== world.stolen.instanceId);
  await (await sandbox.deliver(finding())).ended;
  await idle();
  const { first, count } = await all();
  expect(count).toBe(1);
  const timeline = await sandbox.runtime.incidents.timeline(first?.id ?? '');
  expect(timeline.at(-1)?.event).toContain('no follow-up by isolate-instance');
});

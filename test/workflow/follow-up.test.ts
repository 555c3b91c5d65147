/** After a stolen session is revoked, people are asked whether to isolate its instance and to take its profile away. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isRunning } from '../../core/incident/status.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { awsError } from '../../sandbox/aws-error.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { accountOf } from '../../sandbox/saved.ts';
import { OPEN } from '../../sandbox/seams.ts';
import {
  type CredentialWorld,
  credentialFinding,
  credentialWorld,
  groupsOfInstance,
} from '../../sandbox/worlds.ts';
import { bobApproves, idle, until } from './people.ts';

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
    followUp: incidents.find(({ followUpOf }) => followUpOf?.playbook === 'isolate-instance'),
    profile: incidents.find(({ followUpOf }) => followUpOf?.playbook === 'detach-instance-profile'),
    count: incidents.length,
  };
};
/** The other follow-up may wait for its own approval meanwhile. */
const settled = (playbook: string) =>
  until(async () =>
    (await sandbox.incidents()).find(
      ({ followUpOf, status }) => followUpOf?.playbook === playbook && !isRunning(status),
    ),
  );

it('asks on a card of its own, contains once approved, and both are undone apart', async () => {
  const before = accountOf(structuredClone(sandbox.twin.state));
  await (await sandbox.deliver(finding())).ended;
  expect(groupsOfInstance(sandbox.twin, world.stolen.instanceId)).toEqual(['web']);
  await bobApproves(sandbox, ({ followUpOf }) => followUpOf?.playbook === 'isolate-instance');
  await settled('isolate-instance');
  const { first, followUp } = await all();
  expect(first).toMatchObject({ status: 'contained', playbook: 'revoke-instance-session' });
  expect(followUp).toMatchObject({
    status: 'residual',
    playbook: 'isolate-instance',
    followUpOf: { incidentId: first?.id },
  });
  const cardOf = (ts = '') => JSON.stringify(sandbox.slack.messages.find((message) => message.ts === ts));
  expect(cardOf(followUp?.slack?.ts)).toContain(`Follow-up of <`);
  expect(cardOf(followUp?.slack?.ts)).toContain(`|${first?.id}>`);
  expect(cardOf(first?.slack?.ts)).toMatch(
    new RegExp(`Follow-up: isolate instance <[^>]*\\|${followUp?.id}>`),
  );
  expect(groupsOfInstance(sandbox.twin, world.stolen.instanceId)).toEqual(['firebreak-quarantine']);

  await (await sandbox.undo(followUp?.id ?? '', 'U0ALICE')).ended;
  expect(groupsOfInstance(sandbox.twin, world.stolen.instanceId)).toEqual(['web']);
  const undo = await sandbox.undo(first?.id ?? '', 'U0ALICE');
  await bobApproves(sandbox, ({ followUpOf }) => followUpOf === undefined, 'undo');
  await undo.ended;
  expect(accountOf(sandbox.twin.state)).toEqual(before);
});

it('takes the profile away once approved, and restores it', async () => {
  const profileOf = () =>
    sandbox.twin.region().instances.find(({ InstanceId }) => InstanceId === world.stolen.instanceId)
      ?.profileArn;
  const before = profileOf();
  expect(before).toContain(':instance-profile/');
  await (await sandbox.deliver(finding())).ended;
  await bobApproves(sandbox, ({ followUpOf }) => followUpOf?.playbook === 'detach-instance-profile');
  await settled('detach-instance-profile');
  const { profile } = await all();
  expect(profile?.status).toBe('residual');
  expect(profileOf()).toBeNull();
  await (await sandbox.undo(profile?.id ?? '', 'U0ALICE')).ended;
  expect(profileOf()).toBe(before);
});

it('changes nothing when no one answers, and a second delivery asks no second time', async () => {
  seconds = 1;
  await (await sandbox.deliver(finding())).ended;
  await idle(sandbox);
  await (await sandbox.deliver(finding())).ended;
  await idle(sandbox);
  const { followUp, profile, count } = await all();
  expect(count).toBe(3);
  expect([followUp?.status, profile?.status]).toEqual(['expired', 'expired']);
  expect(groupsOfInstance(sandbox.twin, world.stolen.instanceId)).toEqual(['web']);
});

it('says on the first incident that there is nothing to ask about when the instance is gone', async () => {
  sandbox.twin.region().instances = sandbox.twin
    .region()
    .instances.filter(({ InstanceId }) => InstanceId !== world.stolen.instanceId);
  await (await sandbox.deliver(finding())).ended;
  await idle(sandbox);
  const { first, count } = await all();
  expect(count).toBe(1);
  const timeline = await sandbox.runtime.incidents.timeline(first?.id ?? '');
  const events = timeline.map(({ event }) => event).join('\n');
  expect(events).toContain('no follow-up by isolate-instance');
  expect(events).toContain('no follow-up by detach-instance-profile');
});

it.each(['throttled', 'denied'])('is started by the sweep where its start was %s', async (what) => {
  await sandbox.close();
  let clock = Date.parse('2026-11-24T03:00:00Z');
  let isRefused = true;
  sandbox = await startSandbox({
    ...{ policy: await loadPolicy('policy.yml'), now: () => new Date(clock) },
    seams: {
      ...OPEN,
      call(call, answer) {
        if (call.operation !== 'StartExecution' || !isRefused) return answer();
        throw what === 'denied'
          ? awsError('AccessDeniedException', 'not authorized', 403)
          : awsError('ThrottlingException', 'Rate exceeded', 400);
      },
    },
  });
  world = credentialWorld(sandbox.twin, 3);
  await (await sandbox.deliver(finding())).ended;
  await idle(sandbox);
  expect((await all()).count).toBe(1);
  expect(sandbox.twin.state.pages.map(({ subject }) => subject).join()).toContain(
    'Step Functions did not take',
  );
  clock += 120_000;
  await expect(sandbox.sweep()).rejects.toThrow();
  isRefused = false;
  clock += 600_000;
  await sandbox.sweep();
  await until(async () => ((await all()).count === 3 ? true : undefined));
  expect((await all()).first?.status).toBe('contained');
});

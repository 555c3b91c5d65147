/** An instance that calls a listed address: asked, isolated, undone; and what happens when the handler dies on the way. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { loadPolicy } from '../../core/policy/policy.ts';
import { setKillSwitch } from '../../core/table/breaker.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { accountOf } from '../../sandbox/saved.ts';
import { type AddressWorld, addressWorld, groupsOfInstance, implantFinding } from '../../sandbox/worlds.ts';
import { switchOnMeanwhile } from './people.ts';

let sandbox: Sandbox;
let world: AddressWorld;
let clock: number;

beforeEach(async () => {
  clock = Date.parse('2026-11-24T03:00:00Z');
  sandbox = await startSandbox({
    policy: await loadPolicy('policy.yml'),
    approvalTimeoutSeconds: () => 1,
    now: () => new Date(clock),
  });
  world = addressWorld(sandbox.twin);
});
afterEach(() => sandbox.close());

/** High severity of a type whose rule is auto. */
const implant = () => implantFinding(sandbox.twin, world.instanceId);
const timeline = async () => {
  const incident = (await sandbox.incidents()).find(({ followUpOf }) => !followUpOf);
  const events = await sandbox.runtime.incidents.timeline(incident?.id ?? '');
  return events.map(({ event }) => event).join('\n');
};
const groups = () => groupsOfInstance(sandbox.twin, world.instanceId);

it('isolates, leaves the neighbour alone, and undo gives the account back', async () => {
  const before = structuredClone(accountOf(sandbox.twin.state));
  await (await sandbox.deliver(implant())).ended;
  const incident = (await sandbox.incidents()).find(({ followUpOf }) => !followUpOf);
  expect(incident?.status).toBe('contained');
  expect(groups()).toEqual(['firebreak-quarantine']);
  expect(groupsOfInstance(sandbox.twin, world.neighbourId)).toEqual(['web', 'admin']);
  await (await sandbox.undo(incident?.id ?? '', 'U0ALICE')).ended;
  const undone = await sandbox.runtime.incidents.get(incident?.id ?? '');
  expect(undone.status).toBe('undone');
  expect(accountOf(sandbox.twin.state)).toEqual(before);
});

it('comes to the same end when the handler is killed after any change', async () => {
  const changes = 15;
  for (let killed = 1; killed <= changes; killed++) {
    sandbox.twin.killAfter(killed);
    const event = implant();
    const own = { ...event, detail: { ...(event.detail as object), id: `a${killed}` } };
    await (await sandbox.deliver(own)).ended;
    const incident = (await sandbox.incidents()).find(({ followUpOf }) => !followUpOf);
    expect(incident?.status, `killed after change ${killed}`).toBe('contained');
    expect(groups()).toEqual(['firebreak-quarantine']);
    await (await sandbox.undo(incident?.id ?? '', 'U0ALICE')).ended;
    expect(groups()).toEqual(['web', 'admin']);
    clock += 3_600_000;
  }
});

it('is finished by the sweep when the workflow itself is gone', async () => {
  // Every attempt dies in the open group: the workflow gives up.
  const answer = sandbox.twin.answer.bind(sandbox.twin);
  sandbox.twin.answer = async (call) => {
    const output = await answer(call);
    if (call.operation === 'ModifyNetworkInterfaceAttribute') throw new Error('the machine is gone');
    return output;
  };
  await (await sandbox.deliver(implant())).ended;
  expect(groups()).toEqual(['firebreak-transit']);
  sandbox.twin.answer = answer;
  clock += 120_000;
  await sandbox.sweep();
  expect(groups()).toEqual(['firebreak-quarantine']);
  expect(sandbox.twin.state.pages.map(({ subject }) => subject).join()).toContain('is open to every address');
});

it('is finished by the sweep also with the kill switch on, and says so: half is worse than either', async () => {
  const answer = sandbox.twin.answer.bind(sandbox.twin);
  sandbox.twin.answer = async (call) => {
    const output = await answer(call);
    if (call.operation === 'ModifyNetworkInterfaceAttribute') throw new Error('the machine is gone');
    return output;
  };
  await (await sandbox.deliver(implant())).ended;
  sandbox.twin.answer = answer;
  await setKillSwitch(sandbox.runtime.table, true, 'U0ALICE', new Date(clock));
  clock += 120_000;
  await sandbox.sweep();
  expect(groups()).toEqual(['firebreak-quarantine']);
  expect(await timeline()).toMatch(/resolved: instance \S+ is open to every address/);
});

it('is given up by the sweep with the kill switch on where nothing had been changed', async () => {
  const before = groups();
  const answer = sandbox.twin.answer.bind(sandbox.twin);
  sandbox.twin.answer = (call) => {
    if (/^(Modify|Create|Delete|Revoke|Authorize)/.test(call.operation))
      throw new Error('the machine is gone');
    return answer(call);
  };
  await (await sandbox.deliver(implant())).ended;
  sandbox.twin.answer = answer;
  await setKillSwitch(sandbox.runtime.table, true, 'U0ALICE', new Date(clock));
  clock += 120_000;
  await sandbox.sweep();
  await sandbox.sweep();
  expect(groups()).toEqual(before);
  const paged = sandbox.twin.state.pages.filter(({ subject }) => subject.includes('before its first change'));
  expect(paged).toHaveLength(1);
  expect(await timeline()).toContain('the kill switch is on');
});

it('is not contained again automatically once the kill switch is on', async () => {
  const own = sandbox.twin.region().interfaces.find(({ InstanceId }) => InstanceId === world.instanceId);
  const first = [...(own?.Groups ?? [])];
  const { incidents } = sandbox.runtime;
  const change = incidents.change.bind(incidents);
  vi.spyOn(incidents, 'change').mockImplementation(async (...given) => {
    const next = await change(...given);
    if (next.status === 'verifying' && next.passes === 1) {
      await switchOnMeanwhile(sandbox, new Date(clock));
      if (own) own.Groups = first;
    }
    return next;
  });
  await (await sandbox.deliver(implant())).ended;
  expect(groups()).toEqual(['web', 'admin']);
  expect(await timeline()).toContain('not contained again: the kill switch is on');
  expect(sandbox.twin.state.pages.map(({ message }) => message).join()).toContain('the kill switch is on');
});

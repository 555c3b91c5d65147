/** What a containment leaves worse than it was is the sweep's until it ends: closed, or paged in those words. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startExecution } from '../../core/aws/executions.ts';
import { risksOfIncident } from '../../core/incident/risks.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { awsError } from '../../sandbox/aws-error.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import {
  type AddressWorld,
  addressFinding,
  addressWorld,
  fleetWorld,
  groupsOfInstance,
  implantFinding,
} from '../../sandbox/worlds.ts';
import { unrecorded } from '../unrecorded.ts';

let sandbox: Sandbox;
let world: AddressWorld;
let clock: number;

beforeEach(async () => {
  clock = Date.parse('2026-11-24T03:00:00Z');
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml'), now: () => new Date(clock) });
  world = addressWorld(sandbox.twin);
});
afterEach(() => sandbox.close());

/** High severity of a type whose rule is auto. */
const implant = () => implantFinding(sandbox.twin, world.instanceId);
const groups = () => groupsOfInstance(sandbox.twin, world.instanceId);
const own = () =>
  sandbox.twin.region().interfaces.find(({ InstanceId }) => InstanceId === world.instanceId)
    ?.NetworkInterfaceId;
const incident = async () => {
  const first = (await sandbox.incidents()).find(({ followUpOf }) => !followUpOf);
  if (!first) throw new Error('no incident');
  return first;
};
const timeline = async () => {
  const events = await sandbox.runtime.incidents.timeline((await incident()).id);
  return events.map(({ event }) => event);
};
const openPages = () =>
  sandbox.twin.state.pages.filter(({ subject, message }) =>
    `${subject} ${message}`.includes(
      `instance ${world.instanceId} is open to every address: its interface ${own()} is in the transit group`,
    ),
  );
async function sweepAfter(minutes: number): Promise<void> {
  clock += minutes * 60_000;
  await sandbox.sweep();
}

/** An interface goes into the transit group and nowhere else: neither on nor back. */
function stuckInTransit(error: Error): () => void {
  const answer = sandbox.twin.answer.bind(sandbox.twin);
  sandbox.twin.answer = async (call) => {
    if (call.operation !== 'ModifyNetworkInterfaceAttribute') return answer(call);
    const { Groups = [] } = call.input as { Groups?: string[] };
    const transit = sandbox.twin.region().groups.find(({ GroupName }) => GroupName === 'firebreak-transit');
    if (Groups.length === 1 && Groups[0] === transit?.GroupId) return answer(call);
    throw error;
  };
  return () => {
    sandbox.twin.answer = answer;
  };
}

it.each([
  ['throttled', awsError('RequestLimitExceeded', 'Request limit exceeded.', 503)],
  ['denied', awsError('UnauthorizedOperation', 'You are not authorized to perform this operation.', 403)],
])(
  'an interface whose way on and back is %s is paged as open, and closed by the sweep',
  async (_what, error) => {
    const works = stuckInTransit(error);
    await (await sandbox.deliver(implant())).ended;
    expect(groups()).toEqual(['firebreak-transit']);
    expect(openPages().length).toBeGreaterThan(0);
    expect(risksOfIncident(await incident()).join()).toContain(
      `its interface ${own()} is in the transit group`,
    );

    // As long as AWS refuses it: tried again ever later, and said so.
    const before = openPages().length;
    await sweepAfter(2);
    await sweepAfter(3);
    expect(groups()).toEqual(['firebreak-transit']);
    expect(openPages().length).toBeGreaterThan(before);

    works();
    await sweepAfter(60);
    expect(groups()).toEqual(['firebreak-quarantine']);
    expect(risksOfIncident(await incident()).join()).not.toContain('transit group');
    expect(sandbox.twin.state.pages.at(-1)?.subject).toContain(`resolved: instance ${world.instanceId}`);
    expect((await timeline()).filter((event) => event.startsWith('instance'))).toHaveLength(2);
    const calls = sandbox.awsCalls.length;
    await sweepAfter(60);
    const later = sandbox.awsCalls.slice(calls).filter(({ operation }) => operation.startsWith('Modify'));
    expect(later).toEqual([]);
  },
);

it('what only prepared a containment that then failed is named as long as it is there', async () => {
  const answer = sandbox.twin.answer.bind(sandbox.twin);
  sandbox.twin.answer = async (call) => {
    if (call.operation === 'ModifyNetworkInterfaceAttribute')
      throw awsError('UnauthorizedOperation', 'You are not authorized to perform this operation.', 403);
    return answer(call);
  };
  world = { ...world, instanceId: fleetWorld(sandbox.twin, { desired: 2, max: 4 }).instanceId };
  await (await sandbox.deliver(implant())).ended;
  const left = `instance ${world.instanceId} was taken out of the Auto Scaling group web`;
  expect(risksOfIncident(await incident()).join()).toContain(left);
  expect(sandbox.twin.state.pages.map(({ subject }) => subject).join()).toContain(left);
});

describe('what only prepared a containment that failed for good', () => {
  const group = () => sandbox.twin.region().capacity.autoScalingGroups[0];
  const left = () => `instance ${world.instanceId} was taken out of the Auto Scaling group web`;
  const ended = () =>
    Promise.all(sandbox.machines.running().flatMap((one) => (one.arn.includes('-undo:') ? [one.ended] : [])));
  const called = (name: string) => sandbox.awsCalls.filter(({ operation }) => operation === name).length;
  const implantNow = () =>
    addressFinding(sandbox.twin, world.instanceId, {
      ...{ seed: 'one', severity: 8, type: 'Backdoor:EC2/C&CActivity.B', updatedAt: new Date(clock) },
    });
  /** Operations that AWS refuses. */
  let refused: Record<string, Error>;
  const denied = awsError('UnauthorizedOperation', 'You are not authorized to perform this operation.', 403);
  const full = awsError('ValidationError', 'AutoScalingGroup web is at its maximum size.', 400);

  beforeEach(() => {
    const answer = sandbox.twin.answer.bind(sandbox.twin);
    sandbox.twin.answer = async (call) => {
      const error = refused[call.operation];
      if (error) throw error;
      return answer(call);
    };
    refused = { ModifyNetworkInterfaceAttribute: denied };
    world = { ...world, instanceId: fleetWorld(sandbox.twin, { desired: 2, max: 4 }).instanceId };
  });
  async function sweepAndEnd(minutes: number): Promise<void> {
    await sweepAfter(minutes);
    await ended();
  }

  it('is reverted once by the sweep, and contained again when it is decided on again', async () => {
    await (await sandbox.deliver(implantNow())).ended;
    expect((await incident()).status).toBe('failed');
    expect(group()?.instances).not.toContain(world.instanceId);
    await sweepAndEnd(2);
    expect(group()?.instances).toContain(world.instanceId);
    expect(sandbox.twin.state.pages.at(-1)?.subject).toContain(`resolved: instance ${world.instanceId}`);
    expect(sandbox.twin.state.pages.at(-1)?.message).toContain('desired capacity is one more');
    await sweepAndEnd(10);
    const { status, undoRun } = await incident();
    expect({ status, undoRun }).toEqual({ status: 'failed', undoRun: undefined });
    expect(risksOfIncident(await incident()).join()).not.toContain(left());
    const attached = called('AttachInstances');
    await sweepAndEnd(24 * 60);
    expect(called('AttachInstances')).toBe(attached);
    expect(called('DetachInstances')).toBe(1);

    refused = {};
    await (await sandbox.deliver(implantNow())).ended;
    expect(groups()).toContain('firebreak-quarantine');
    expect(group()?.instances).not.toContain(world.instanceId);
    await (await sandbox.undo((await incident()).id, 'U0ALICE')).ended;
    expect((await incident()).status).toBe('undone');
    expect(group()?.instances).toContain(world.instanceId);
    expect(groups()).toEqual(['web', 'admin']);
  });

  it('is tried ever less often, and paged with the reason, while AWS refuses to take it back', async () => {
    refused.AttachInstances = full;
    await (await sandbox.deliver(implant())).ended;
    await sweepAndEnd(2);
    await sweepAndEnd(5);
    const tried = called('AttachInstances');
    expect(tried).toBeGreaterThan(1);
    expect(sandbox.twin.state.pages.at(-1)?.subject).toContain(left());
    expect(sandbox.twin.state.pages.at(-1)?.message).toContain('at its maximum size');
    await sweepAndEnd(1);
    expect(called('AttachInstances')).toBe(tried);
    expect(called('DetachInstances')).toBe(1);
    delete refused.AttachInstances;
    await sweepAndEnd(60);
    expect(group()?.instances).toContain(world.instanceId);
  });

  it('stays while the containment is tried again, and comes to its end with it', async () => {
    refused = { ModifyNetworkInterfaceAttribute: awsError('RequestLimitExceeded', 'Too many.', 503) };
    await (await sandbox.deliver(implant())).ended;
    await sweepAndEnd(2);
    expect(called('AttachInstances')).toBe(0);
    refused = {};
    await sweepAndEnd(60);
    expect(groups()).toContain('firebreak-quarantine');
    expect(called('AttachInstances')).toBe(0);
  });

  it('stays where a part of the containment is in place, no matter who starts an execution', async () => {
    const [first] = sandbox.twin.region().interfaces.filter((one) => one.InstanceId === world.instanceId);
    if (!first) throw new Error('the instance has no interface');
    const second = { ...structuredClone(first), NetworkInterfaceId: sandbox.twin.nextId('eni') };
    sandbox.twin.region().interfaces.push(second);
    const answer = sandbox.twin.answer.bind(sandbox.twin);
    refused = {};
    sandbox.twin.answer = async (call) => {
      const { NetworkInterfaceId } = call.input as { NetworkInterfaceId?: string };
      if (
        call.operation === 'ModifyNetworkInterfaceAttribute' &&
        NetworkInterfaceId === second.NetworkInterfaceId
      )
        throw denied;
      return answer(call);
    };
    await (await sandbox.deliver(implant())).ended;
    expect((await incident()).status).toBe('partial');
    await sweepAndEnd(2);
    const { own, env } = sandbox.runtime;
    const { id } = await incident();
    await unrecorded(() =>
      startExecution(own, {
        ...{ stateMachineArn: env.UNDO_STATE_MACHINE_ARN, name: 'anyone' },
        input: JSON.stringify({
          ...{ channel: 'undo', incidentId: id, requestedBy: 'anyone', prepared: true },
        }),
      }),
    );
    await ended();
    expect(called('AttachInstances')).toBe(0);
    expect(groups()).toContain('firebreak-quarantine');
    expect((await incident()).status).toBe('partial');
  });
});

describe('an instance that an ended, partial undo left out of its group', () => {
  const left = () => `instance ${world.instanceId} was taken out of the Auto Scaling group web`;
  const members = () => sandbox.twin.region().capacity.autoScalingGroups[0]?.instances ?? [];
  const ended = () =>
    Promise.all(sandbox.machines.running().flatMap((one) => (one.arn.includes('-undo:') ? [one.ended] : [])));
  const undos = async () => (await timeline()).filter((event) => event.includes('undo is tried again'));

  /** Contained, and undone but for its group: returns what has AWS take it back. */
  async function leftOut(): Promise<() => void> {
    world = { ...world, instanceId: fleetWorld(sandbox.twin, { desired: 2, max: 4 }).instanceId };
    await (await sandbox.deliver(implant())).ended;
    expect(members()).not.toContain(world.instanceId);
    const answer = sandbox.twin.answer.bind(sandbox.twin);
    sandbox.twin.answer = async (call) => {
      if (call.operation === 'AttachInstances')
        throw awsError('ValidationError', 'AutoScalingGroup web is at its maximum size.', 400);
      return answer(call);
    };
    await (await sandbox.undo((await incident()).id, 'U0ALICE')).ended;
    expect((await incident()).status).toBe('undo-partial');
    expect(groups()).not.toContain('firebreak-quarantine');
    return () => {
      sandbox.twin.answer = answer;
    };
  }

  it('is named, and its undo goes on ever less often until the group takes it back', async () => {
    const works = await leftOut();
    await sweepAfter(2);
    expect(risksOfIncident(await incident()).join()).toContain(left());
    expect(sandbox.twin.state.pages.map(({ subject }) => subject).join()).toContain(left());
    expect(await undos()).toEqual([]);
    await sweepAfter(10);
    await ended();
    expect(await undos()).toHaveLength(1);
    expect((await incident()).status).toBe('undo-partial');
    await sweepAfter(10);
    await ended();
    expect(await undos()).toHaveLength(1);

    works();
    await sweepAfter(60);
    await ended();
    expect(await undos()).toHaveLength(2);
    expect((await incident()).status).toBe('undone');
    expect(members()).toContain(world.instanceId);
    expect(risksOfIncident(await incident()).join()).not.toContain(left());
    const { length } = await undos();
    await sweepAfter(24 * 60);
    await ended();
    expect(await undos()).toHaveLength(length);
  });

  it('is not undone again by anyone who starts an execution once nothing is worse', async () => {
    await leftOut();
    await sweepAfter(2);
    const group = sandbox.twin.region().capacity.autoScalingGroups[0];
    group?.instances.push(world.instanceId);
    const { id, undoRun } = await incident();
    const { own, env } = sandbox.runtime;
    await unrecorded(() =>
      startExecution(own, {
        ...{ stateMachineArn: env.UNDO_STATE_MACHINE_ARN, name: 'anyone' },
        input: JSON.stringify({
          ...{ channel: 'undo', incidentId: id, requestedBy: 'anyone', resumes: undoRun?.execution },
        }),
      }),
    );
    await ended();
    expect((await incident()).undoRun).toEqual(undoRun);
  });
});

const ownInterface = () => {
  const found = sandbox.twin.region().interfaces.find(({ InstanceId }) => InstanceId === world.instanceId);
  if (!found) throw new Error('the instance has no interface');
  return found;
};

function addGroup(name: string): void {
  const group = sandbox.twin.region().groups.find(({ GroupName }) => GroupName === name);
  ownInterface().Groups.push(group?.GroupId ?? '');
}

/** An interface that neither the containment nor its undo could close. */
async function leftByUndo(): Promise<() => void> {
  const works = stuckInTransit(awsError('UnauthorizedOperation', 'You are not authorized.', 403));
  await (await sandbox.deliver(implant())).ended;
  await (await sandbox.undo((await incident()).id, 'U0ALICE')).ended;
  expect((await incident()).status).toBe('undo-partial');
  expect(groups()).toEqual(['firebreak-transit']);
  return works;
}

describe('an interface that an ended, partial undo left open', () => {
  it.each<[string, () => void, readonly string[]]>([
    ['gets the groups back that it had', () => undefined, ['web', 'admin']],
    ['loses the transit group alone where others gave it one', () => addGroup('web'), ['web']],
    [
      'goes into a quarantine of no rules where a group that it had is gone',
      () => {
        const region = sandbox.twin.region();
        region.groups = region.groups.filter(({ GroupName }) => GroupName !== 'admin');
      },
      ['firebreak-quarantine'],
    ],
  ])('%s', async (_what, meanwhile, closed) => {
    expect(groups()).toEqual(['web', 'admin']);
    const works = await leftByUndo();
    await sweepAfter(2);
    expect(openPages().at(-1)?.message).toContain('You are not authorized.');
    expect(groups()).toEqual(['firebreak-transit']);
    meanwhile();
    works();
    await sweepAfter(60);
    expect(groups()).toEqual(closed);
    expect(risksOfIncident(await incident()).join()).not.toContain('transit group');
    expect(sandbox.twin.state.pages.at(-1)?.subject).toContain(`resolved: instance ${world.instanceId}`);
    expect((await incident()).status).toBe('undo-partial');
  });

  it('is undone when it is asked for again', async () => {
    const works = await leftByUndo();
    works();
    await sweepAfter(60);
    await (await sandbox.undo((await incident()).id, 'U0ALICE')).ended;
    expect((await incident()).status).toBe('undone');
    expect(groups()).toEqual(['web', 'admin']);
  });
});

it('an interface in the transit group that others changed during its containment leaves that group', async () => {
  const works = stuckInTransit(awsError('UnauthorizedOperation', 'You are not authorized.', 403));
  await (await sandbox.deliver(implant())).ended;
  addGroup('web');
  works();
  await sweepAfter(60);
  expect(groups()).toEqual(['web']);
  expect(risksOfIncident(await incident()).join()).not.toContain('transit group');
});

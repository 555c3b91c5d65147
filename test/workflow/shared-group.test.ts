/** Two isolated instances of one VPC share Firebreak's groups: the last one undone takes them away, and neither waits for the other. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Incident } from '../../core/incident/incident.ts';
import { proveUndo, undo } from '../../core/journal/undo.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { playbookOf, targetAt } from '../../pipeline/plan-target.ts';
import { journalRun } from '../../pipeline/runtime.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { accountOf } from '../../sandbox/saved.ts';
import { type AddressWorld, addressFinding, addressWorld, groupsOfInstance } from '../../sandbox/worlds.ts';

let sandbox: Sandbox;
let world: AddressWorld;
let before: unknown;

beforeEach(async () => {
  const clock = Date.parse('2026-11-24T03:00:00Z');
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml'), now: () => new Date(clock) });
  world = addressWorld(sandbox.twin);
  before = structuredClone(accountOf(sandbox.twin.state));
});
afterEach(() => sandbox.close());

async function isolate(instanceId: string): Promise<Incident> {
  const event = addressFinding(sandbox.twin, instanceId, { seed: instanceId, severity: 8 });
  const detail = { ...(event['detail'] as object), type: 'Backdoor:EC2/C&CActivity.B' };
  await (await sandbox.deliver({ ...event, detail })).ended;
  const found = (await sandbox.incidents()).find(({ display }) => display?.includes(instanceId));
  if (found?.status !== 'contained') throw new Error(`${instanceId} is ${found?.status}`);
  return found;
}
async function undone({ id }: Incident) {
  await (await sandbox.undo(id, 'U0ALICE')).ended;
  return (await sandbox.runtime.incidents.get(id)).status;
}
const groups = () => sandbox.twin.region().groups.map(({ GroupName }) => GroupName);

it.each([
  ['the first one first', [0, 1]],
  ['the last one first', [1, 0]],
])('leaves no group behind: %s', async (_what, order) => {
  const incidents = [await isolate(world.instanceId), await isolate(world.neighbourId)];
  for (const index of order) {
    const incident = incidents[index];
    expect(incident && (await undone(incident))).toBe('undone');
  }
  expect(groups()).toEqual(['web', 'admin']);
  expect(accountOf(sandbox.twin.state)).toEqual(before);
});

it('keeps a group that another made, and deletes it for no one', async () => {
  const VpcId = sandbox.twin.region().instances[0]?.VpcId ?? '';
  const mine = {
    ...{ GroupId: sandbox.twin.nextId('sg'), GroupName: 'firebreak-quarantine', VpcId },
    ...{ Description: 'made by our own template', Tags: { firebreak: 'quarantine' }, rules: [] },
  };
  sandbox.twin.region().groups.push(mine);
  expect(await undone(await isolate(world.instanceId))).toBe('undone');
  expect(groups()).toEqual(['web', 'admin', 'firebreak-quarantine']);
});

it('is undone although another incident makes the group again before the proof', async () => {
  const first = await isolate(world.instanceId);
  const entry = targetAt(first, 0);
  const run = journalRun(sandbox.runtime, first.id, playbookOf(entry), entry, 'undo');
  expect(await undo(run)).toMatchObject({ kind: 'reverted' });
  expect(groups()).toEqual(['web', 'admin']);
  const second = await isolate(world.neighbourId);
  for (let look = 0; look < 3 && (await proveUndo(run)).kind === 'open'; look++) await undo(run);
  expect(await proveUndo(run)).toEqual({ kind: 'nothing' });
  expect(groupsOfInstance(sandbox.twin, world.instanceId)).toEqual(['web', 'admin']);
  expect(groupsOfInstance(sandbox.twin, world.neighbourId)).toEqual(['firebreak-quarantine']);
  expect(await undone(second)).toBe('undone');
  expect(accountOf(sandbox.twin.state)).toEqual(before);
});

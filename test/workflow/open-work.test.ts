/** What is not over is found by its own index, whatever came after it: the sweep finishes it, or pages until it is. */
import '../../sandbox/quiet.ts';
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { inBatches } from '../../core/aws/batches.ts';
import { itemOf } from '../../core/incident/meta.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { type AddressWorld, addressWorld, groupsOfInstance, implantFinding } from '../../sandbox/worlds.ts';

import { until } from './people.ts';

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

/** A containment whose every attempt died in the open group. */
async function halfDone(): Promise<void> {
  const answer = sandbox.twin.answer.bind(sandbox.twin);
  sandbox.twin.answer = async (call) => {
    const output = await answer(call);
    if (call.operation === 'ModifyNetworkInterfaceAttribute') throw new Error('the machine is gone');
    return output;
  };
  await (await sandbox.deliver(implant())).ended;
  sandbox.twin.answer = answer;
  expect(groups()).toEqual(['firebreak-transit']);
}

/** As many incidents that were opened since, each of them over. */
async function newer(count: number): Promise<void> {
  const [first] = await sandbox.incidents();
  if (!first) throw new Error('no incident');
  const ids = Array.from({ length: count }, (_, index) => index);
  await inBatches(ids, 25, async (index) => {
    const id = `fb-${String(index).padStart(12, '0')}`;
    const createdAt = new Date(clock + 1000 + index).toISOString();
    await sandbox.runtime.table.put(
      itemOf({ ...first, id, createdAt, updatedAt: createdAt, status: 'notified' }),
    );
  });
}

const entryOf = (id: string) => sandbox.runtime.table.get({ pk: `WORK#${id}`, sk: 'WORK' });

/** The list was walked for what earlier releases left open. */
const walked = () =>
  sandbox.runtime.table.put({ pk: 'WORK#EARLIER', sk: 'WALK', since: '', began: '', ended: true });

it('a half-done containment is finished however many incidents came after it', async () => {
  await halfDone();
  await newer(250);
  await walked();
  clock += 120_000;
  await sandbox.sweep();
  expect(groups()).toEqual(['firebreak-quarantine']);
});

it('what a release before the index left half done is found in the list, once', async () => {
  await halfDone();
  const { table } = sandbox.runtime;
  const [incident] = await sandbox.incidents();
  // As that release left it: no entry.
  const Key = { pk: { S: `WORK#${incident?.id}` }, sk: { S: 'WORK' } };
  await sandbox.database.client.send(new DeleteItemCommand({ TableName: table.name, Key }));
  await newer(600);
  clock += 120_000;
  for (let sweeps = 0; sweeps < 2; sweeps++) await sandbox.sweep();
  expect(groups()).toEqual(['firebreak-quarantine']);
  const walk = () => table.get({ pk: 'WORK#EARLIER', sk: 'WALK' });
  expect(await walk()).toMatchObject({ ended: false });
  // Until the functions of that release have ended.
  clock += 900_000;
  for (let sweeps = 0; sweeps < 3; sweeps++) await sandbox.sweep();
  expect(await walk()).toMatchObject({ ended: true });
});

it('is open from the claim until it was reported, and no longer', async () => {
  const execution = await sandbox.deliver({ ...implant() });
  const [incident] = await until(async () => {
    const all = await sandbox.incidents();
    return all.length > 0 ? all : undefined;
  });
  expect((await entryOf(incident?.id ?? ''))?.['gsi1pk']).toBe('WORK');
  await execution.ended;
  expect((await entryOf(incident?.id ?? ''))?.['gsi1pk']).toBeUndefined();
  await (await sandbox.undo(incident?.id ?? '', 'U0ALICE')).ended;
  expect(await entryOf(incident?.id ?? '')).toMatchObject({ incidentId: incident?.id });
  expect((await entryOf(incident?.id ?? ''))?.['gsi1pk']).toBeUndefined();
});

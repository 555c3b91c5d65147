/**
 * Someone with the role of one function writes into the table what that role may, so that another resource is contained,
 * another value restored, or the incident's own resource contained without the decision that it takes.
 */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Incident } from '../../core/incident/incident.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { addressFinding, addressWorld } from '../../sandbox/worlds.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { bobApproves, until } from '../workflow/people.ts';
import { FUNCTION_NAMES, putAs, rewriteAs } from './function-roles.ts';

/** They plan, and write the journal: what they hold is what they may do on AWS. */
const ACTING = ['enrich', 'contain', 'undo', 'sweep'];
const OTHERS = FUNCTION_NAMES.filter((name) => !ACTING.includes(name));

let sandbox: Sandbox;
let world: ReturnType<typeof addressWorld>;
let clock: number;
beforeEach(async () => {
  clock = Date.now();
  sandbox = await startSandbox({
    policy: parsePolicy(await policyWithoutFollowUps()),
    now: () => new Date(clock),
  });
  world = addressWorld(sandbox.twin);
});
afterEach(() => sandbox.close());

/** The instances as AWS has them: their groups, tags and attributes. */
const instances = () => {
  const { instances: all, interfaces } = sandbox.twin.region();
  return structuredClone(
    [world.instanceId, world.neighbourId].map((id) => ({
      instance: all.find(({ InstanceId }) => InstanceId === id),
      groups: interfaces.filter(({ InstanceId }) => InstanceId === id).map(({ Groups }) => [...Groups]),
    })),
  );
};
const neighbour = () => instances()[1];
const groups = () => instances()[0]?.groups.flat() ?? [];
const pages = () => sandbox.twin.state.pages.map(({ message }) => message).join('\n');

const finding = (count = 1) =>
  addressFinding(sandbox.twin, world.instanceId, {
    seed: 'planted',
    severity: 5,
    count,
    updatedAt: new Date(clock),
  });
async function asked() {
  const { ended } = await sandbox.deliver(finding());
  const incident = await until(async () =>
    (await sandbox.incidents()).find(({ approval, slack }) => approval && slack),
  );
  return { incident, ended };
}
async function contained(): Promise<Incident> {
  const { incident, ended } = await asked();
  await bobApproves(sandbox, () => true);
  await ended;
  await sandbox.idle();
  const after = await sandbox.runtime.incidents.get(incident.id);
  expect(after.status).toBe('contained');
  return after;
}

/** The whole incident in one record, as earlier releases kept it, with members of the attacker's choice. */
async function plant(as: string, incident: Incident, members: object = {}): Promise<boolean> {
  const key = { pk: `INCIDENT#${incident.id}`, sk: 'META' };
  const item = (await sandbox.runtime.table.get(key)) ?? { ...key, version: 1 };
  const { planVersion: _none, ...whole } = incident;
  const data = JSON.stringify({ ...whole, version: item['version'], ...members });
  return putAs(as, sandbox, { ...item, data: data.replaceAll(world.instanceId, world.neighbourId) });
}

describe.each(OTHERS)('with the role of %s', (name) => {
  it('no record leads the containment to another resource, or past the question', async () => {
    const before = instances();
    const { incident, ended } = await asked();
    await rewriteAs(name, sandbox, new Map([[world.instanceId, world.neighbourId]]));
    const { decision } = incident;
    await plant(name, await sandbox.runtime.incidents.get(incident.id).catch(() => incident), {
      decision: { ...decision, kind: 'auto', decidedAt: new Date(clock).toISOString() },
    });
    clock += 60_000;
    const updated = await sandbox.deliver(finding(2));
    await updated.ended;
    expect(instances()).toEqual(before);
    // Where the record was damaged no one can approve any more.
    const approved = await bobApproves(sandbox, () => true).then(
      () => true,
      () => false,
    );
    if (approved) await ended;
    await sandbox.idle();
    expect(neighbour()).toEqual(before[1]);
  });

  it('no record leads undo to another resource or another value', async () => {
    const original = groups();
    const stranger = sandbox.twin.nextId('sg');
    const before = neighbour();
    const { id } = await contained();
    const quarantine = groups();
    await rewriteAs(
      name,
      sandbox,
      new Map([
        [world.instanceId, world.neighbourId],
        ...original.map((group) => [group, stranger] as const),
      ]),
    );
    clock += 60_000;
    await (await sandbox.undo(id, 'U0ALICE')).ended;
    await sandbox.idle();
    await sandbox.sweep().catch(() => undefined);
    expect(neighbour()).toEqual(before);
    expect([original, quarantine]).toContainEqual(groups());
  });
});

it('an incident that no finding opened is finished by no sweep, undone by no undo', async () => {
  const incident = await contained();
  const before = instances();
  const planted = { ...incident, id: 'fb-00000000beef' };
  expect(await plant('report', planted, { status: 'containing' })).toBe(true);
  clock += 3_600_000;
  await sandbox.sweep();
  await (await sandbox.undo(planted.id, 'U0ALICE')).ended;
  expect(instances()).toEqual(before);
  const hold = `HOLD#${incident.targets[0]?.key}#isolate-instance`;
  expect(await sandbox.runtime.table.get({ pk: hold, sk: 'HOLD' })).toMatchObject({
    incidents: [incident.id],
  });
});

it('the approval of another incident approves nothing', async () => {
  const { approval } = await contained();
  const before = instances();
  const other = addressFinding(sandbox.twin, world.neighbourId, { seed: 'other', severity: 5 });
  await sandbox.deliver(other);
  const asking = await until(async () =>
    (await sandbox.incidents()).find((each) => each.status === 'awaiting-approval' && each.slack),
  );
  const item = await sandbox.runtime.table.get({ pk: `INCIDENT#${asking.id}`, sk: 'META' });
  if (!item) throw new Error('no record');
  const data = { ...JSON.parse(String(item['data'])), approval };
  expect(await putAs('report', sandbox, { ...item, data: JSON.stringify(data) })).toBe(true);
  await expect(sandbox.runtime.incidents.get(asking.id)).rejects.toMatchObject({ code: 'InputInvalid' });
  const message = sandbox.slack.messages.find(({ ts }) => ts === asking.slack?.ts);
  expect(message).toBeDefined();
  expect(instances()).toEqual(before);
});

it('a follow-up that the incident does not ask for is refused, whatever its record says', async () => {
  const { decision, approval: _own, ...incident } = await contained();
  const planted = { ...incident, id: 'fb-00000000beef' };
  const followUps = ['throttle-function'];
  expect(await plant('report', planted, { decision: { ...decision, followUps } })).toBe(true);
  for (const item of await sandbox.runtime.table.query(`FINDING#${incident.id}`, '')) {
    expect(await putAs('report', sandbox, { ...item, pk: `INCIDENT#${planted.id}` })).toBe(true);
  }
  const followUp = { incidentId: planted.id, playbook: 'throttle-function' };
  const execution = sandbox.machines.start(
    'respond',
    { channel: 'follow-up', followUp },
    `${planted.id}-throttle-function`,
  );
  await execution.ended;
  expect((await sandbox.incidents()).map(({ playbook }) => playbook)).not.toContain('throttle-function');
  expect(pages()).toContain('does not ask for the follow-up throttle-function');
});

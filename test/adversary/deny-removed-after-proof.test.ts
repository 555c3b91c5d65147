/** The attacker removes what contains them after Firebreak confirmed it, and goes on. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Incident } from '../../core/incident/incident.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { setKillSwitch } from '../../core/table/breaker.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { addressWorld, findingOn, groupsOfInstance, THIEF_IP } from '../../sandbox/worlds.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { idle } from '../workflow/people.ts';

let sandbox: Sandbox;
let instanceId: string;
let clock: number;
beforeEach(async () => {
  clock = Date.now();
  const text = await policyWithoutFollowUps();
  sandbox = await startSandbox({ policy: parsePolicy(text), now: () => new Date(clock) });
  ({ instanceId } = addressWorld(sandbox.twin));
});
afterEach(() => sandbox.close());

const implant = (count: number) =>
  findingOn(sandbox.twin, {
    seed: 'implant',
    type: 'Backdoor:EC2/C&CActivity.B',
    severity: 8,
    count,
    updatedAt: new Date(clock),
    resource: { resourceType: 'Instance', instanceDetails: { instanceId, networkInterfaces: [] } },
    action: {
      actionType: 'NETWORK_CONNECTION',
      networkConnectionAction: { remoteIpDetails: { ipAddressV4: THIEF_IP } },
    },
  });
async function report(count: number): Promise<Incident> {
  await (await sandbox.deliver(implant(count))).ended;
  const found = (await sandbox.incidents()).find(({ playbook }) => playbook === 'isolate-instance');
  if (!found) throw new Error('no incident');
  return found;
}
const own = () => {
  const found = sandbox.twin.region().interfaces.find(({ InstanceId }) => InstanceId === instanceId);
  if (!found) throw new Error('no interface');
  return found;
};
const groups = () => groupsOfInstance(sandbox.twin, instanceId);
const pages = () => sandbox.twin.state.pages.filter(({ subject }) => subject.includes('was removed'));
const timeline = async ({ id }: Incident) =>
  (await sandbox.runtime.incidents.timeline(id)).map(({ event }) => event).join('\n');

it('an update of the finding verifies again, and says when', async () => {
  const first = await report(1);
  expect(first.targets[0]?.verifiedAt).toBe(new Date(clock).toISOString());
  clock += 3_600_000;
  const next = await report(2);
  expect(next).toMatchObject({ status: first.status, activeAfterContainment: true });
  expect(next.targets[0]?.verifiedAt).toBe(new Date(clock).toISOString());
  expect(pages()).toEqual([]);
});

it('the groups are restored after the proof: contained again at once, paged, on the timeline', async () => {
  const before = [...own().Groups];
  const first = await report(1);
  expect(groups()).toEqual(['firebreak-quarantine']);
  own().Groups = before;
  clock += 3_600_000;
  const next = await report(2);
  expect(groups()).toEqual(['firebreak-quarantine']);
  expect(next.status).toBe(first.status);
  expect(next.targets[0]?.driftedAt).toBeUndefined();
  expect(next.targets[0]?.verifiedAt).toBe(new Date(clock).toISOString());
  expect(pages()).toHaveLength(1);
  expect(await timeline(next)).toContain('containment removed');
});

it('with the environment tag flipped as well, the journal alone decides', async () => {
  const before = [...own().Groups];
  await report(1);
  own().Groups = before;
  const instance = sandbox.twin.region().instances.find((each) => each.InstanceId === instanceId);
  if (instance) instance.Tags['env'] = 'sandbox';
  clock += 3_600_000;
  await report(2);
  expect(groups()).toEqual(['firebreak-quarantine']);
});

/** What the next sweep after `minutes` found and did, with every execution that it started ended. */
async function sweepAfter(minutes: number): Promise<void> {
  clock += minutes * 60_000;
  await sandbox.sweep();
  await idle(sandbox);
}
const now = async ({ id }: Incident) => sandbox.runtime.incidents.get(id);

it('removed without another report: the scheduled read contains again, pages, and tells programs', async () => {
  const before = [...own().Groups];
  const first = await report(1);
  own().Groups = before;
  await sweepAfter(10);
  expect(groups()).not.toContain('firebreak-quarantine');
  await sweepAfter(6);
  expect(groups()).toEqual(['firebreak-quarantine']);
  const next = await now(first);
  expect(next.status).toBe(first.status);
  expect(next.targets[0]?.verifiedAt).toBe(new Date(clock).toISOString());
  // GuardDuty reported nothing: only what Firebreak saw is said.
  expect(next.activeAfterContainment).toBeUndefined();
  expect(pages()).toHaveLength(1);
  expect(pages()[0]?.message).not.toContain('finding goes on');
  expect(await timeline(next)).toContain('containment removed');
  const sent = sandbox.twin.state.events.map(({ detail }) => JSON.parse(String(detail)));
  expect(sent.at(-1)).toMatchObject({
    incidentId: first.id,
    removedAt: next.removedAt,
    status: first.status,
  });
});

it('what holds is read again and again, ever less often, until it is undone', async () => {
  const first = await report(1);
  await sweepAfter(16);
  expect((await now(first)).targets[0]?.verifiedAt).toBe(new Date(clock).toISOString());
  await sweepAfter(7 * 24 * 60);
  const later = clock;
  await sweepAfter(60);
  expect((await now(first)).targets[0]?.verifiedAt).toBe(new Date(later).toISOString());
  await (await sandbox.undo(first.id, 'U0ALICE')).ended;
  await sweepAfter(24 * 60);
  expect((await now(first)).status).toBe('undone');
  expect(pages()).toEqual([]);
});

it('a read that is throttled is no removal', async () => {
  const first = await report(1);
  sandbox.twin.failNext('DescribeNetworkInterfaces', 'RequestLimitExceeded', 100);
  sandbox.twin.failNext('DescribeInstances', 'RequestLimitExceeded', 100);
  await sweepAfter(16);
  expect((await now(first)).targets[0]?.driftedAt).toBeUndefined();
  expect(pages()).toEqual([]);
});

it('the kill switch keeps it from being contained again, and the status no longer says contained', async () => {
  const before = [...own().Groups];
  await report(1);
  own().Groups = before;
  await setKillSwitch(sandbox.runtime.table, true, 'U0ALICE', new Date(clock));
  clock += 3_600_000;
  const next = await report(2);
  expect(groups()).not.toContain('firebreak-quarantine');
  expect(next.status).toBe('partial');
  expect(pages()).toHaveLength(1);
});

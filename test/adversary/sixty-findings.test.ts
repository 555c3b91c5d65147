/**
 * Someone makes GuardDuty report one instance again and again: to bury the card that matters under sixty others, to wear
 * the approver out, or to have a grave finding answered together with a harmless one.
 */
import '../../sandbox/quiet.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { deliverPending, incidentOfDecision } from '../../core/approval/approval.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { isContained } from '../../core/incident/status.ts';
import type { JsonObject } from '../../core/json.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { addressFinding, addressWorld, groupsOfInstance } from '../../sandbox/worlds.ts';
import { ACTIONS, INPUTS } from '../../slack/actions.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { idle, until } from '../workflow/people.ts';

const TYPES = [
  'UnauthorizedAccess:EC2/MaliciousIPCaller.Custom',
  'UnauthorizedAccess:EC2/TorClient',
  'DefenseEvasion:EC2/UnusualDNSResolver',
  'DefenseEvasion:EC2/UnusualDoHActivity',
  'DefenseEvasion:EC2/UnusualDoTActivity',
  'Behavior:EC2/NetworkPortUnusual',
  'Behavior:EC2/TrafficVolumeUnusual',
] as const;

let sandbox: Sandbox;
let shift = 0;
afterEach(() => sandbox.close());

async function start(
  edit: (policy: string) => string = (text) => text,
  approvalTimeoutSeconds?: () => number | undefined,
) {
  shift = 0;
  sandbox = await startSandbox({
    policy: parsePolicy(edit(await policyWithoutFollowUps())),
    now: () => new Date(Date.now() + shift),
    ...(approvalTimeoutSeconds ? { approvalTimeoutSeconds } : {}),
  });
  return addressWorld(sandbox.twin);
}

interface Parts {
  readonly seed: string;
  readonly type?: string;
  readonly severity?: number;
  readonly updatedAt?: Date;
}

/** What GuardDuty sends when it sees the instance do one thing or another. */
function seen(instanceId: string, { type = TYPES[0], ...parts }: Parts): JsonObject {
  const event = addressFinding(sandbox.twin, instanceId, parts);
  return { ...event, detail: { ...(event['detail'] as JsonObject), type } };
}

/** Delivers a finding and gives its incident once its card is in Slack. */
async function find(instanceId: string, parts: Parts): Promise<Incident> {
  const known = new Set((await sandbox.incidents()).map(({ id }) => id));
  await sandbox.deliver(seen(instanceId, parts));
  return until(async () =>
    (await sandbox.incidents()).find(
      ({ id, slack, approval }) => !known.has(id) && slack !== undefined && approval !== undefined,
    ),
  );
}

const again = ({ id }: Incident) => sandbox.runtime.incidents.get(id);
const cards = () => sandbox.slack.messages.filter(({ blocks }) => blocks.length > 0);
const atTop = () => cards().filter(({ thread_ts }) => thread_ts === undefined);
const cardOf = async (incident: Incident) => {
  const { slack } = await again(incident);
  const message = cards().find(({ ts }) => ts === slack?.ts);
  if (!message) throw new Error(`${incident.id} has no card`);
  return message;
};
const asks = async (incident: Incident) =>
  (await cardOf(incident)).blocks.some((block) => JSON.stringify(block).includes(ACTIONS.approve));
const openQuestions = () => cards().filter(({ blocks }) => JSON.stringify(blocks).includes(ACTIONS.approve));
const ends = async (incident: Incident, status: string) =>
  until(async () => ((await again(incident)).status === status ? true : undefined));

async function press(incident: Incident, actionId: string, userId = 'U0BOB') {
  const { approval } = await again(incident);
  const { ts } = await cardOf(incident);
  const answer = await sandbox.slack.click({ ts, actionId, value: approval?.id ?? '', userId });
  await sandbox.idle();
  return answer;
}

async function deny(incident: Incident) {
  await press(incident, ACTIONS.deny);
  const modal = sandbox.slack.modals.findLast(({ user }) => user === 'U0BOB');
  if (!modal) throw new Error('no modal');
  await sandbox.slack.submit({
    viewId: modal.id,
    userId: 'U0BOB',
    filled: { [INPUTS.reason]: ['a scan of our own'] },
  });
  await sandbox.idle();
}

it('sixty findings on one instance are one message, one question and one answer', {
  timeout: 300_000,
}, async () => {
  const { instanceId } = await start();
  const before = groupsOfInstance(sandbox.twin, instanceId);
  const executions = [];
  for (let batch = 0; batch < 6; batch++) {
    executions.push(
      ...(await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          sandbox.deliver(
            seen(instanceId, {
              seed: `finding ${batch} ${index}`,
              type: TYPES[(batch * 10 + index) % TYPES.length] ?? TYPES[0],
            }),
          ),
        ),
      )),
    );
  }
  while (cards().length < 60) await sleep(200);
  const sixty = await until(async () => {
    const asked = (await sandbox.incidents()).filter(({ slack }) => slack !== undefined);
    return asked.length === 60 ? asked : undefined;
  });
  expect(new Set(sixty.map(({ type }) => type)).size).toBe(TYPES.length);
  expect(atTop()).toHaveLength(1);
  expect(cards()).toHaveLength(60);
  const root = atTop()[0]?.ts;
  expect(cards().filter(({ thread_ts }) => thread_ts === root)).toHaveLength(59);
  expect(cards().filter(({ reply_broadcast }) => reply_broadcast)).toEqual([]);
  expect(openQuestions()).toHaveLength(1);
  const asking = await until(() => sixty.find(({ approval }) => approval?.joined === undefined));
  expect(sixty.filter(({ approval }) => approval?.joined?.incident === asking.id)).toHaveLength(59);

  await press(asking, ACTIONS.approve);
  await deliverPending(sandbox.runtime.approvals, new Date(Date.now() + 60_000));
  await Promise.all(executions.map(({ ended }) => ended));
  await idle(sandbox);

  const ended = await sandbox.incidents();
  expect(ended).toHaveLength(60);
  // One attack is one picture: of what was open, and of the cut.
  expect(sandbox.slack.files.size).toBe(2);
  for (const incident of ended) {
    expect({
      id: incident.id,
      contained: isContained(incident.status),
      notes: incident.targets[0]?.notes,
    }).toMatchObject({
      contained: true,
    });
    expect(incident.approval).toMatchObject({ outcome: 'approved', decidedBy: 'U0BOB' });
    if (incident.id === asking.id) continue;
    const events = (await sandbox.runtime.incidents.timeline(incident.id)).map(({ event }) => event);
    expect(events.join('\n')).toContain(`decided with ${asking.id}: approved by U0BOB`);
  }
  expect(groupsOfInstance(sandbox.twin, instanceId)).not.toEqual(before);
  expect(openQuestions()).toEqual([]);
  expect(atTop()).toHaveLength(1);
  // No decision is left to tell, and none is open.
  expect(await deliverPending(sandbox.runtime.approvals, new Date(Date.now() + 60_000))).toBe(0);

  // Each incident holds the instance: only the last to leave restores it.
  const [first, ...others] = ended;
  if (!first) throw new Error('no incident');
  await (await sandbox.undo(first.id, 'U0ALICE')).ended;
  expect((await again(first)).targets[0]?.status).toBe('held');
  expect(groupsOfInstance(sandbox.twin, instanceId)).not.toEqual(before);
  for (const { id } of others) await (await sandbox.undo(id, 'U0ALICE')).ended;
  expect(groupsOfInstance(sandbox.twin, instanceId)).toEqual(before);
});

it('another instance is another conversation', async () => {
  const { instanceId, neighbourId } = await start();
  const one = await find(instanceId, { seed: 'one' });
  const other = await find(neighbourId, { seed: 'other' });
  expect(atTop()).toHaveLength(2);
  expect([await asks(one), await asks(other)]).toEqual([true, true]);
});

it('a plan that reaches further than the one on the card is asked about on its own', async () => {
  const { instanceId } = await start();
  const first = await find(instanceId, { seed: 'first' });
  const { interfaces } = sandbox.twin.region();
  const known = interfaces.find(({ InstanceId }) => InstanceId === instanceId);
  if (!known) throw new Error('no interface');
  interfaces.push({
    ...structuredClone(known),
    NetworkInterfaceId: sandbox.twin.nextId('eni'),
    PublicIp: null,
    PrivateIpAddress: '10.0.1.99',
    DeviceIndex: 1,
  });
  const wider = await find(instanceId, { seed: 'wider', type: TYPES[1] });
  expect(wider.approval?.joined).toBeUndefined();
  expect([await asks(first), await asks(wider)]).toEqual([true, true]);
  // In the thread, and in the channel: it is a question of its own.
  expect(await cardOf(wider)).toMatchObject({ thread_ts: first.slack?.ts, reply_broadcast: true });
  await press(first, ACTIONS.approve);
  expect((await again(wider)).approval?.outcome).toBeUndefined();
});

it('other approvers, or more of them, are asked on their own', async () => {
  const { instanceId } = await start((text) =>
    text.replace(
      /^approvers:.*(\n +.*)*/m,
      'approvers:\n  - { who: [U0ALICE], environment: [prod] }\n  - { who: [U0BOB] }',
    ),
  );
  const first = await find(instanceId, { seed: 'first' });
  const instance = sandbox.twin.region().instances.find(({ InstanceId }) => InstanceId === instanceId);
  Object.assign(instance?.Tags ?? {}, { environment: 'prod' });
  const other = await find(instanceId, { seed: 'other' });
  expect(other.approval?.joined).toBeUndefined();
  expect([await asks(first), await asks(other)]).toEqual([true, true]);
});

it('what was denied with a harmless finding does not silence the next one, nor a grave one', async () => {
  const { instanceId } = await start();
  const harmless = await find(instanceId, { seed: 'harmless' });
  const joined = await find(instanceId, { seed: 'joined', type: TYPES[1] });
  expect(joined.approval?.joined?.incident).toBe(harmless.id);
  await deny(harmless);
  await deliverPending(sandbox.runtime.approvals, new Date(Date.now() + 60_000));
  await ends(harmless, 'declined');
  await ends(joined, 'declined');

  const next = await find(instanceId, { seed: 'next', type: TYPES[2] });
  expect(await asks(next)).toBe(true);
  const critical = await find(instanceId, { seed: 'critical', severity: 9.5 });
  expect(critical.approval?.joined).toBeUndefined();
  expect(await asks(critical)).toBe(true);
  expect(await cardOf(critical)).toMatchObject({ thread_ts: harmless.slack?.ts, reply_broadcast: true });
});

it('a graver finding takes the question over: one answer to it answers the lesser one', async () => {
  const { instanceId } = await start();
  const lesser = await find(instanceId, { seed: 'lesser' });
  shift = 14 * 60_000;
  const follower = await find(instanceId, { seed: 'follower' });
  const graver = await find(instanceId, { seed: 'graver', severity: 8 });
  await until(async () => ((await asks(lesser)) ? undefined : true));
  expect((await again(lesser)).approval?.joined?.incident).toBe(graver.id);
  // What takes over inherits what people were promised.
  const { remindAt, escalateAt } = lesser.approval ?? {};
  expect((await again(graver)).approval).toMatchObject({ remindAt, escalateAt });
  expect(openQuestions()).toHaveLength(1);
  await press(graver, ACTIONS.approve);
  await deliverPending(sandbox.runtime.approvals, new Date(Date.now() + 60_000));
  await idle(sandbox);
  for (const incident of [lesser, follower, graver])
    expect(isContained((await again(incident)).status)).toBe(true);
});

it('a finding that got graver since it joined is not denied with the lesser one', async () => {
  const { instanceId } = await start();
  const first = await find(instanceId, { seed: 'first' });
  const rising = await find(instanceId, { seed: 'rising' });
  expect(rising.approval?.joined?.incident).toBe(first.id);
  const update = await sandbox.deliver(
    seen(instanceId, { seed: 'rising', severity: 9.5, updatedAt: new Date(Date.now() + 1000) }),
  );
  await update.ended;
  await deny(first);
  await deliverPending(sandbox.runtime.approvals, new Date(Date.now() + 60_000));
  const { approval, status } = await again(rising);
  expect(status).toBe('awaiting-approval');
  expect(approval?.outcome).toBeUndefined();
  expect(approval?.joined).toBeUndefined();
  await sandbox.sweep();
  expect(await asks(rising)).toBe(true);
});

it('a joined question cannot be answered past the card that asks', async () => {
  const { instanceId } = await start();
  await find(instanceId, { seed: 'first' });
  const joined = await find(instanceId, { seed: 'joined' });
  expect(await asks(joined)).toBe(false);
  await press(joined, ACTIONS.approve);
  expect((await again(joined)).approval?.outcome).toBeUndefined();
  expect((await incidentOfDecision(sandbox.runtime.approvals, joined.approval?.id ?? ''))?.id).toBe(
    joined.id,
  );
});

it('no one answers: what joined ends with the question, and people are paged once', async () => {
  const timeouts = [2];
  const { instanceId } = await start(
    (text) => text.replaceAll('onExpiry: contain', 'onExpiry: escalate'),
    // Only the workflow of the first one ends by its own timeout.
    () => timeouts.shift(),
  );
  const first = await find(instanceId, { seed: 'first' });
  const joined = await find(instanceId, { seed: 'joined' });
  expect(joined.approval?.joined?.incident).toBe(first.id);
  await ends(first, 'expired');
  await ends(joined, 'expired');
  await idle(sandbox);
  expect((await again(joined)).approval).toMatchObject({ outcome: 'expired', decidedBy: 'clock' });
  const pages = sandbox.twin.state.pages.map((page) => JSON.stringify(page));
  expect(pages.filter((page) => page.includes('approval expired'))).toHaveLength(1);
});

it('after a day without news a new finding gets a card of its own again', async () => {
  const { instanceId } = await start();
  const first = await find(instanceId, { seed: 'first' });
  await deny(first);
  await ends(first, 'declined');
  await idle(sandbox);
  shift = 25 * 3_600_000;
  const later = await find(instanceId, { seed: 'later' });
  expect((await cardOf(later)).thread_ts).toBeUndefined();
  expect(await asks(later)).toBe(true);
});

it('Slack lost the first card: the next one stands in the channel', async () => {
  const { instanceId } = await start();
  const first = await find(instanceId, { seed: 'first' });
  const { messages } = sandbox.slack;
  messages.splice(
    messages.findIndex(({ ts }) => ts === first.slack?.ts),
    1,
  );
  const next = await find(instanceId, { seed: 'next' });
  expect((await cardOf(next)).thread_ts).toBeUndefined();
});

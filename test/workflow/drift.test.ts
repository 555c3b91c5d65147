/**
 * 12: drift and partial failure. Throttling is retried to success, AccessDenied is not; what an engineer changed since is
 * reported and left alone by undo, until a second person has seen what undoing again would overwrite.
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Incident } from '../../core/incident/incident.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { accountOf } from '../../sandbox/saved.ts';
import { addressWorld, credentialWorld, groupsOfInstance, ROLE } from '../../sandbox/worlds.ts';
import { bobApproves } from './people.ts';
import { addBucket, bucketResource, instanceResource, roleActor, sequence } from './sequences.ts';

let sandbox: Sandbox;
let instanceId: string;
let clock: number;
let seconds: number | undefined;
beforeEach(async () => {
  clock = Date.parse('2026-11-24T03:00:00Z');
  seconds = undefined;
  sandbox = await startSandbox({
    policy: await loadPolicy('policy.yml'),
    approvalTimeoutSeconds: () => seconds,
    now: () => new Date(clock),
  });
  instanceId = addressWorld(sandbox.twin).instanceId;
  credentialWorld(sandbox.twin, 1);
  addBucket(sandbox.twin, 'customer-data');
});
afterEach(() => sandbox.close());

const calls = (operation: string) => sandbox.twin.calls.filter((call) => call.operation === operation);
const bucket = () => sandbox.twin.state.s3.buckets['customer-data'];
const incident = async (): Promise<Incident> => {
  const [found] = await sandbox.incidents();
  if (!found) throw new Error('no incident');
  return found;
};
const card = () => JSON.stringify(sandbox.slack.messages);

async function containAll(): Promise<Incident> {
  const execution = await sandbox.deliver(
    sequence(
      sandbox.twin,
      [instanceResource(instanceId), bucketResource('customer-data', 'PUBLIC')],
      [roleActor(sandbox.twin)],
    ),
  );
  await bobApproves(sandbox, () => true);
  await execution.ended;
  return incident();
}

/** Undo asked by Alice; Bob agrees where a second person is asked. */
async function undo(id: string): Promise<void> {
  clock += 120_000;
  const execution = await sandbox.undo(id, 'U0ALICE');
  const asked = bobApproves(sandbox, (each) => each.id === id, 'undo').catch(() => undefined);
  await execution.ended;
  await asked;
}

it('retries what is throttled, not what is denied, and says which step is missing', async () => {
  sandbox.twin.failNext('ModifyNetworkInterfaceAttribute', 'RequestLimitExceeded', 6);
  sandbox.twin.failNext('PutRolePolicy', 'AccessDenied', 1);
  const { status, targets } = await containAll();
  expect(status).toBe('partial');
  expect(targets.map(({ playbook, status: each }) => [playbook, each])).toEqual([
    ['revoke-role-sessions', 'failed'],
    ['isolate-instance', 'contained'],
    ['block-public-bucket', 'contained'],
  ]);
  expect(calls('PutRolePolicy')).toHaveLength(1);
  expect(calls('ModifyNetworkInterfaceAttribute').filter(({ error }) => error !== undefined)).toHaveLength(6);
  expect(groupsOfInstance(sandbox.twin, instanceId)).toEqual(['firebreak-quarantine']);
  expect(Object.keys(sandbox.twin.state.roles[ROLE]?.inline ?? {})).toEqual(['app-data']);
  expect(card()).toContain('AccessDenied');
});

it('undo reports DRIFT, overwrites nothing, and forces only what a second person saw', async () => {
  const before = accountOf(structuredClone(sandbox.twin.state));
  const { id } = await containAll();
  const { interfaces, groups } = sandbox.twin.region();
  const eni = interfaces.find(({ InstanceId }) => InstanceId === instanceId);
  const admin = groups.find(({ GroupName }) => GroupName === 'admin')?.GroupId ?? '';
  const live = bucket()?.block;
  if (!eni || !live) throw new Error('nothing was contained');
  eni.Groups.push(admin);
  live.BlockPublicPolicy = false;

  await undo(id);
  expect((await incident()).status).toBe('undo-partial');
  expect(groupsOfInstance(sandbox.twin, instanceId)).toEqual(['firebreak-quarantine', 'admin']);
  expect(bucket()?.block).toMatchObject({ BlockPublicAcls: true, BlockPublicPolicy: false });
  expect(Object.keys(sandbox.twin.state.roles[ROLE]?.inline ?? {})).toEqual(['app-data']);
  expect(card()).toContain('DRIFT');
  expect(card()).toContain('undoing again overwrites that');

  // No one agrees: everything stays as the engineer left it.
  seconds = 1;
  clock += 120_000;
  await (await sandbox.undo(id, 'U0ALICE')).ended;
  expect((await incident()).undo?.why).toMatch(
    /DRIFT: public-access-block .* overwrites .*block public policy off/,
  );
  expect(bucket()?.block).not.toBeNull();

  seconds = undefined;
  await undo(id);
  expect((await incident()).status).toBe('undone');
  expect(accountOf(sandbox.twin.state)).toEqual(before);
  const timeline = await sandbox.runtime.incidents.timeline(id);
  expect(timeline.map(({ event }) => event).join('\n')).toMatch(
    /public-access-block overwrote .*, as U0ALICE and U0BOB agreed/,
  );
});

it('does not force a value that changed again after it was shown', async () => {
  const { id } = await containAll();
  const live = bucket()?.block;
  if (!live) throw new Error('nothing was contained');
  live.BlockPublicPolicy = false;
  await undo(id);
  clock += 120_000;
  const execution = await sandbox.undo(id, 'U0ALICE');
  await bobApproves(
    sandbox,
    (each) => {
      if (each.id !== id || each.approval?.purpose !== 'undo' || each.approval.outcome) return false;
      live.IgnorePublicAcls = false; // between the card and the click
      return true;
    },
    'undo',
  );
  await execution.ended;
  expect((await incident()).status).toBe('undo-partial');
  expect(bucket()?.block).toMatchObject({ BlockPublicPolicy: false, IgnorePublicAcls: false });
});

/** Verify dies: what is in place is not called failed, it is called unconfirmed, and read again until a live read says. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { acting } from '../../core/aws/acting.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { awsError } from '../../sandbox/aws-error.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import type { Session } from '../../sandbox/twin/twin.ts';
import { credentialFinding, credentialWorld } from '../../sandbox/worlds.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { idle } from './people.ts';

let sandbox: Sandbox;
let later: number;
let broken: boolean;
afterEach(async () => {
  vi.restoreAllMocks();
  await sandbox.close();
});

/** Contains the stolen session while every read of Verify and of the sweep fails, if `broken`. */
async function contained(edit: (policy: string) => string = (text) => text): Promise<Session> {
  const policy = parsePolicy(edit(await policyWithoutFollowUps()));
  sandbox = await startSandbox({ policy, now: () => new Date(Date.now() + later) });
  const { twin } = sandbox;
  const answer = twin.answer.bind(twin);
  vi.spyOn(twin, 'answer').mockImplementation(async (call) => {
    const reads = ['verify', 'sweep'].includes(acting().function?.name ?? '') && call.service === 'IAM';
    if (broken && reads) throw awsError('ServiceUnavailable', 'try again', 503);
    return answer(call);
  });
  const { stolen } = credentialWorld(twin);
  await (await sandbox.deliver(credentialFinding(twin, stolen, { seed: 'theft' }))).ended;
  return stolen;
}
beforeEach(() => {
  later = 0;
  broken = true;
});

const pages = () => sandbox.twin.state.pages;
async function incident() {
  const [found] = await sandbox.incidents();
  if (!found) throw new Error('no incident');
  return found;
}
async function sweepAfter(minutes: number) {
  later += minutes * 60_000;
  await sandbox.sweep();
  await idle(sandbox);
}
const denied = () =>
  Object.keys(sandbox.twin.state.roles['web-app']?.inline ?? {}).some((name) =>
    name.startsWith('firebreak-'),
  );
const cards = () => JSON.stringify(sandbox.slack.messages);

it('a dead Verify says that it could not be confirmed, and the sweep confirms it', async () => {
  await contained();
  expect(denied()).toBe(true);
  const { id, status, targets } = await incident();
  expect([status, targets[0]?.status]).toEqual(['partial', 'partial']);
  expect(pages().map(({ subject }) => subject)).toEqual([
    `Firebreak ${id}: containment could not be confirmed`,
  ]);
  expect(cards()).toContain('could not be confirmed');
  expect(cards()).not.toContain('containment failed');
  await sweepAfter(6);
  expect((await incident()).status).toBe('partial');
  broken = false;
  await sweepAfter(6);
  expect((await incident()).status).toBe('contained');
  expect(cards()).not.toContain('could not be confirmed');
  expect(pages()).toHaveLength(1);
  const events = (await sandbox.runtime.incidents.timeline(id)).map(({ event }) => event).join('\n');
  expect(events).toContain('confirmed by a live read');
});

it('what is not in place when it can be read is contained again', async () => {
  await contained();
  const role = sandbox.twin.state.roles['web-app'];
  for (const name of Object.keys(role?.inline ?? {}))
    if (name.startsWith('firebreak-')) delete role?.inline[name];
  broken = false;
  await sweepAfter(6);
  expect(denied()).toBe(true);
  expect((await incident()).status).toBe('contained');
});

it('is read again also where confirmed containments are not', async () => {
  await contained((text) => text.replace('reprove: 15m', 'reprove: off'));
  broken = false;
  await sweepAfter(6);
  expect((await incident()).status).toBe('contained');
});

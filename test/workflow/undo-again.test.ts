/** An undo that cannot be proven yet is partial, never undone, and asking for it again ends it, also where its workflow failed. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadPolicy } from '../../core/policy/policy.ts';
import { awsError } from '../../sandbox/aws-error.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { accountOf } from '../../sandbox/saved.ts';
import { addressFinding, addressWorld } from '../../sandbox/worlds.ts';
import { readsLag } from '../playbooks/reads-lag.ts';
import { unrecorded } from '../unrecorded.ts';
import { until } from './people.ts';

let sandbox: Sandbox;
let instanceId: string;
let before: unknown;
let clock: number;
let entered: string;
let whenEntered: (state: string) => void;

beforeEach(async () => {
  clock = Date.parse('2026-11-24T03:00:00Z');
  whenEntered = () => undefined;
  sandbox = await startSandbox({
    policy: await loadPolicy('policy.yml'),
    now: () => new Date(clock),
    onEnter: (state) => {
      entered = state;
      whenEntered(state);
    },
  });
  ({ instanceId } = addressWorld(sandbox.twin));
  before = structuredClone(accountOf(sandbox.twin.state));
});
afterEach(() => sandbox.close());

async function isolate() {
  const event = addressFinding(sandbox.twin, instanceId, { seed: 'undo again', severity: 8 });
  const detail = { ...(event['detail'] as object), type: 'Backdoor:EC2/C&CActivity.B' };
  await (await sandbox.deliver({ ...event, detail })).ended;
}
const incident = async () => {
  const found = (await sandbox.incidents()).find(({ playbook }) => playbook === 'isolate-instance');
  if (!found) throw new Error('no incident');
  return found;
};
async function undo() {
  clock += 60_000;
  const end = await (await sandbox.undo((await incident()).id, 'U0ALICE')).ended;
  return { end: end.status, status: (await incident()).status };
}
const timeline = async () =>
  (await sandbox.runtime.incidents.timeline((await incident()).id)).map(({ event }) => event).join('\n');

it('is partial while AWS shows what was before, pages, and is undone once AWS shows it', async () => {
  const lag = readsLag(sandbox.twin);
  sandbox.twin.answer = lag.answer;
  await lag.by(400, isolate);
  expect((await incident()).status).toBe('contained');
  let asked = 0;
  for (let status = ''; status !== 'undone'; asked++) {
    ({ status } = await undo());
    const restored = JSON.stringify(accountOf(sandbox.twin.state)) === JSON.stringify(before);
    expect((await timeline()).includes('every restored value was read back')).toBe(status === 'undone');
    if (status === 'undone') expect(restored).toBe(true);
    else expect(status).toBe('undo-partial');
  }
  expect(asked).toBeGreaterThan(1);
  expect(sandbox.twin.state.pages.map(({ subject }) => subject).join()).toContain('undo is partial');
});

it('waits where AWS had refused a change until no read can be older than that', async () => {
  const answer = sandbox.twin.answer.bind(sandbox.twin);
  sandbox.twin.answer = async (call) => {
    const { GroupName = '' } = call.input as { readonly GroupName?: string };
    if (call.operation === 'CreateSecurityGroup' && GroupName.startsWith('firebreak-transit'))
      throw awsError('RequestLimitExceeded', 'Request limit exceeded.', 503);
    return answer(call);
  };
  await isolate();
  sandbox.twin.answer = answer;
  whenEntered = (state) => {
    if (state === 'WaitForProof') clock += 60_000;
  };
  expect(await undo()).toEqual({ end: 'SUCCEEDED', status: 'undone' });
  expect(accountOf(sandbox.twin.state)).toEqual(before);
});

it('deletes a group at its second look that was in use at the first', async () => {
  await isolate();
  const answer = sandbox.twin.answer.bind(sandbox.twin);
  let isThrottled = true;
  sandbox.twin.answer = async (call) => {
    if (isThrottled && call.operation === 'ModifyNetworkInterfaceAttribute')
      throw awsError('RequestLimitExceeded', 'Request limit exceeded.', 503);
    return answer(call);
  };
  whenEntered = (state) => {
    isThrottled &&= state !== 'WaitForProof';
  };
  expect(await undo()).toEqual({ end: 'SUCCEEDED', status: 'undone' });
  expect(accountOf(sandbox.twin.state)).toEqual(before);
});

it('ends what an earlier release left failed although all is restored', async () => {
  await isolate();
  expect(await undo()).toEqual({ end: 'SUCCEEDED', status: 'undone' });
  await sandbox.runtime.incidents.change((await incident()).id, new Date(clock), () => ({
    status: 'failed',
  }));
  expect(await undo()).toEqual({ end: 'SUCCEEDED', status: 'undone' });
});

it('is partial when its workflow fails, and asking again ends it', async () => {
  await isolate();
  const answer = sandbox.twin.answer.bind(sandbox.twin);
  sandbox.twin.answer = (call) => {
    if (entered === 'Settle' && call.service === 'EC2') throw new Error('the machine is gone');
    return answer(call);
  };
  expect(await undo()).toEqual({ end: 'FAILED', status: 'undo-partial' });
  sandbox.twin.answer = answer;
  expect(await undo()).toEqual({ end: 'SUCCEEDED', status: 'undone' });
  expect(accountOf(sandbox.twin.state)).toEqual(before);
});

it('waits to prove while another incident is changing the resource', async () => {
  await isolate();
  const { targets } = await incident();
  const { table } = sandbox.runtime;
  const lease = { pk: `LEASE#${targets[0]?.key}`, sk: 'LEASE' };
  const seconds = Math.floor(clock / 1000);
  let busy: Promise<void> | undefined;
  whenEntered = (state) => {
    if (state === 'WaitForProof' && !busy)
      busy = table.put({ ...lease, owner: 'fb-other', until: seconds + 330 });
    if (state === 'WaitForTurn') void table.put({ ...lease, owner: 'fb-other', until: 0 });
  };
  expect(await undo()).toEqual({ end: 'SUCCEEDED', status: 'undone' });
  await busy;
  expect(sandbox.machines.history.filter(({ state }) => state === 'WaitForTurn').length).toBeGreaterThan(0);
  expect(accountOf(sandbox.twin.state)).toEqual(before);
});

it('that was lost and runs on writes nothing over what the next one reached', async () => {
  await isolate();
  const answer = sandbox.twin.answer.bind(sandbox.twin);
  sandbox.twin.answer = (call) => {
    if (call.operation === 'ModifyNetworkInterfaceAttribute')
      throw awsError('UnauthorizedOperation', 'You are not authorized.', 403);
    return answer(call);
  };
  const { incidents } = sandbox.runtime;
  const change = incidents.change.bind(incidents);
  let isLost = false;
  let goneOn = Promise.resolve('');
  const stalled: typeof change = async (id, now, work) => {
    const written = work(await incidents.get(id));
    if (!isLost && written?.targets?.some(({ status }) => status === 'undo-partial')) {
      // Its execution is gone, and it is about to say what it saw.
      isLost = true;
      sandbox.machines.stopAll();
      sandbox.twin.answer = answer;
      goneOn = taken();
      await goneOn;
    }
    return change(id, now, work);
  };
  Object.assign(incidents, { change: stalled });
  /** Another execution takes it over and ends it. */
  async function taken(): Promise<string> {
    for (let minute = 0; minute < 3; minute++) {
      clock += 61_000;
      await sandbox.sweep();
    }
    await until(async () => ((await unrecorded(incident)).status === 'undone' ? true : undefined));
    return unrecorded(timeline);
  }
  await sandbox.undo((await incident()).id, 'U0ALICE');
  await sandbox.machines.idle();
  await until(() => (isLost ? true : undefined));
  const said = await goneOn;
  await new Promise((resolve) => setTimeout(resolve, 500));
  await sandbox.machines.idle();
  const [target] = (await incident()).targets;
  expect([(await incident()).status, target?.status]).toEqual(['undone', 'undone']);
  // A repeated look may say again that all is back.
  const lines = (text: string) => new Set(text.split('\n'));
  expect(lines(await timeline())).toEqual(lines(said));
  expect(sandbox.twin.state.pages.map(({ subject }) => subject).join()).not.toContain('undo is partial');
  expect(accountOf(sandbox.twin.state)).toEqual(before);
});

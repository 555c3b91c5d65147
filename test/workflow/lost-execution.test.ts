/** An execution is lost without a word: what it was doing goes on, and no door stays shut because of it. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startUndo } from '../../core/approval/undo-start.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { accountOf } from '../../sandbox/saved.ts';
import {
  type AddressWorld,
  addressFinding,
  addressWorld,
  groupsOfInstance,
  implantFinding,
} from '../../sandbox/worlds.ts';
import { ACTIONS } from '../../slack/actions.ts';
import { unrecorded } from '../unrecorded.ts';
import { until } from './people.ts';

let sandbox: Sandbox;
let world: AddressWorld;
let clock: number;
let onEnter: (state: string) => void;

beforeEach(async () => {
  clock = Date.parse('2026-11-24T03:00:00Z');
  onEnter = () => {};
  sandbox = await startSandbox({
    policy: await loadPolicy('policy.yml'),
    now: () => new Date(clock),
    onEnter: (state) => onEnter(state),
  });
  world = addressWorld(sandbox.twin);
});
afterEach(() => sandbox.close());

/** High severity of a type whose rule is auto. */
const implant = () => implantFinding(sandbox.twin, world.instanceId);
/** A type whose rule asks. */
const caller = (seed = 'ask') => addressFinding(sandbox.twin, world.instanceId, { seed, severity: 8 });
const groups = () => groupsOfInstance(sandbox.twin, world.instanceId);
const incident = async () => {
  const first = (await sandbox.incidents()).find(({ followUpOf }) => followUpOf === undefined);
  if (!first) throw new Error('no incident');
  return first;
};
const pages = () => sandbox.twin.state.pages.map(({ subject }) => subject);
const reported = () => sandbox.awsCalls.filter(({ operation }) => operation === 'PutEvents').length;

/** Every execution is stopped as the first of them enters the state; what it was doing there is done all the same. */
function lostIn(lost: string): void {
  onEnter = (state) => {
    if (state !== lost) return;
    onEnter = () => {};
    sandbox.machines.stopAll();
  };
}
/** What was started has ended; only a follow-up waits for a person. */
async function settled(): Promise<void> {
  for (;;) {
    await sandbox.machines.idle();
    const asking = (await sandbox.incidents()).flatMap(({ id, followUpOf }) => (followUpOf ? [id] : []));
    const isAsking = (name: string) =>
      name.endsWith('-block-indicator') || asking.some((id) => name.includes(id));
    if (sandbox.machines.running().every(({ name }) => isAsking(name))) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
/** Sweeps a minute apart, until the sweep has nothing left to do. */
async function sweeps(minutes = 8): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    clock += 61_000;
    await sandbox.sweep();
    await settled();
  }
}

describe('a response that contains automatically', () => {
  it.each(['Classify', 'Contain', 'WaitForProof', 'Verify', 'Investigate', 'Report'])(
    'and is lost in %s is contained, proven and reported all the same',
    async (state) => {
      lostIn(state);
      await (await sandbox.deliver(implant())).ended;
      await settled();
      await sweeps();
      expect((await incident()).status).toBe('contained');
      expect(groups()).toEqual(['firebreak-quarantine']);
      expect(reported()).toBeGreaterThan(0);
      const calls = sandbox.machines.history.length;
      await sweeps(3);
      expect(sandbox.machines.history).toHaveLength(calls);
    },
  );

  it('is lost while its function runs on: that one changes and says nothing more after it is taken over', async () => {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    let reached = () => {};
    const old = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const answer = sandbox.twin.answer.bind(sandbox.twin);
    sandbox.twin.answer = async (call) => {
      const answered = await answer(call);
      if (call.operation !== 'CreateSecurityGroup') return answered;
      sandbox.twin.answer = answer;
      reached();
      await opened;
      return answered;
    };
    await sandbox.deliver(implant());
    await old;
    sandbox.machines.stopAll();
    clock += 61_000;
    await sandbox.sweep();
    clock += 61_000;
    await sandbox.sweep();
    await until(async () => (reported() > 0 ? true : undefined));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((await incident()).status).toBe('contained');
    const { id } = await incident();
    const [timeline, calls] = [await sandbox.runtime.incidents.timeline(id), sandbox.awsCalls.length];
    open();
    await settled();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    // It ends what it prepared: the empty groups of Firebreak. Nothing of the instance is touched.
    const changes = sandbox.awsCalls
      .slice(calls)
      .filter(({ operation }) => !/^(Get|Describe|List)/.test(operation));
    expect(changes.filter(({ operation }) => !/SecurityGroup(Egress|Ingress)?$/.test(operation))).toEqual([]);
    expect(await sandbox.runtime.incidents.timeline(id)).toEqual(timeline);
    expect(groups()).toEqual(['firebreak-quarantine']);
  });

  it('is taken over once, however many sweeps look at the same time', async () => {
    lostIn('Verify');
    await (await sandbox.deliver(implant())).ended;
    await settled();
    clock += 120_000;
    await Promise.all([sandbox.sweep(), sandbox.sweep(), sandbox.sweep()]);
    await settled();
    const states = sandbox.machines.history.filter(({ type }) => type === 'StateEntered');
    expect(states.filter(({ state }) => state === 'Report')).toHaveLength(1);
    expect((await incident()).status).toBe('contained');
  });

  it('pages when its workflow is lost again and again', async () => {
    onEnter = (state) => {
      if (state === 'Classify') sandbox.machines.stopAll();
    };
    await (await sandbox.deliver(implant())).ended;
    await sweeps(8);
    expect(pages().join()).toContain('its workflow is lost again and again');
  });
});

describe('a question', () => {
  const asked = () =>
    until(async () => {
      const first = (await sandbox.incidents()).find(({ followUpOf }) => followUpOf === undefined);
      return first?.slack && first.approval
        ? { ...first, slack: first.slack, approval: first.approval }
        : undefined;
    });
  const click = (actionId: string, { slack, approval }: Awaited<ReturnType<typeof asked>>) =>
    sandbox.slack.click({ ts: slack.ts, actionId, value: approval.id, userId: 'U0BOB' });

  it('whose execution is lost is asked on with the same card, and acted on', async () => {
    await sandbox.deliver(caller());
    const first = await asked();
    sandbox.machines.stopAll();
    await settled();
    clock += 301_000;
    await sandbox.sweep();
    await until(() => (sandbox.machines.running().length > 0 ? true : undefined));
    const again = await asked();
    expect(again.approval.id).toBe(first.approval.id);
    expect(again.approval.expiresAt).toBe(first.approval.expiresAt);
    await until(async () => {
      const states = sandbox.machines.history.filter(
        ({ state, type }) => state === 'RequestApproval' && type === 'StateEntered',
      );
      return states.length > 1 ? true : undefined;
    });
    await sandbox.machines.idle();
    await click(ACTIONS.approve, again);
    await settled();
    expect((await incident()).status).toBe('contained');
  });

  it('that is answered after its execution was lost is acted on within two minutes', async () => {
    await sandbox.deliver(caller());
    const first = await asked();
    sandbox.machines.stopAll();
    await settled();
    await click(ACTIONS.approve, first);
    await sandbox.idle();
    expect((await incident()).approval?.outcome).toBe('approved');
    expect(groups()).not.toEqual(['firebreak-quarantine']);
    await sweeps(2);
    expect((await incident()).status).toBe('contained');
    expect(groups()).toEqual(['firebreak-quarantine']);
  });

  it('that is answered and lost before anything was done is acted on', async () => {
    await sandbox.deliver(caller());
    const first = await asked();
    lostIn('Contain');
    await click(ACTIONS.approve, first);
    await settled();
    await sweeps();
    expect((await incident()).status).toBe('contained');
  });

  it('that ended while its execution was lost goes where policy says', async () => {
    await sandbox.deliver(caller());
    const first = await asked();
    sandbox.machines.stopAll();
    await settled();
    clock = Date.parse(first.approval.expiresAt) + 3_600_000;
    await sandbox.sweep();
    await settled();
    await sweeps(3);
    const { status, approval, decision } = await incident();
    expect(approval?.outcome).toBe('expired');
    expect(status).toBe(decision?.expiry === 'contain' ? 'contained' : 'expired');
  });
});

describe('an undo', () => {
  /** Contained, with the account as it was before. */
  async function contained() {
    const first = structuredClone(accountOf(sandbox.twin.state));
    await (await sandbox.deliver(implant())).ended;
    await settled();
    return { first, id: (await incident()).id };
  }
  const door = { kind: 'slack', user: 'U0ALICE' } as const;
  const ask = async (at = new Date(clock)) => {
    const { table, own: aws, env } = sandbox.runtime;
    const deps = { table, aws, stateMachineArn: env.UNDO_STATE_MACHINE_ARN };
    // The door's caller is a person here.
    const asked = await incident();
    return unrecorded(() => startUndo(deps, asked, door, at));
  };

  it.each(['MayUndo', 'Undo', 'WaitForProof', 'Settle', 'Report'])(
    'that is lost in %s is undone and reported all the same',
    async (state) => {
      const { first, id } = await contained();
      lostIn(state);
      await (await sandbox.undo(id, 'U0ALICE')).ended;
      await settled();
      await sweeps(6);
      expect((await incident()).status).toBe('undone');
      expect(accountOf(sandbox.twin.state)).toEqual(first);
    },
  );

  it('that is lost before it begins is paged, and one that is gone on with is not', async () => {
    const { id } = await contained();
    const before = pages().length;
    const { incidents } = sandbox.runtime;
    // Preview hangs where it reads the incident, and nothing of the undo is written.
    let die = () => {};
    const gone = new Promise<never>((_, reject) => {
      die = () => reject(new Error('gone'));
    });
    const get = incidents.get.bind(incidents);
    let began = () => {};
    const hung = new Promise<void>((resolve) => {
      began = resolve;
    });
    const read = vi.spyOn(incidents, 'get').mockImplementation((incidentId) => {
      if (!sandbox.machines.running().some(({ arn }) => arn.includes('-undo:'))) return get(incidentId);
      began();
      return gone;
    });
    await sandbox.undo(id, 'U0ALICE');
    await hung;
    sandbox.machines.stopAll();
    await until(async () => pages().length > before || undefined);
    expect(pages().at(-1)).toBe(`Firebreak ${id}: an undo ended before it began`);
    expect((await incident()).undoRun).toBeUndefined();
    read.mockRestore();
    die();

    lostIn('WaitForProof');
    await (await sandbox.undo(id, 'U0ALICE')).ended;
    await settled();
    await sweeps(6);
    expect((await incident()).status).toBe('undone');
    expect(pages().filter((page) => page.includes('before it began'))).toHaveLength(1);
  });

  it('is asked for again at every door while no execution moves the one before', async () => {
    const { id, first } = await contained();
    lostIn('WaitForProof');
    const lost = await sandbox.undo(id, 'U0ALICE');
    await settled();
    expect((await incident()).status).toBe('undoing');
    clock += 60_000;
    expect(await ask()).toEqual({ kind: 'started' });
    await lost.ended;
    await settled();
    expect((await incident()).status).toBe('undone');
    expect(accountOf(sandbox.twin.state)).toEqual(first);
  });

  it('is asked for of a containment that no execution moves', async () => {
    const first = structuredClone(accountOf(sandbox.twin.state));
    lostIn('WaitForProof');
    await (await sandbox.deliver(implant())).ended;
    await settled();
    expect((await incident()).status).toBe('containing');
    expect(await ask()).toEqual({ kind: 'started' });
    await settled();
    expect((await incident()).status).toBe('undone');
    expect(accountOf(sandbox.twin.state)).toEqual(first);
  });

  it('that is lost half-way does not keep a new finding from containing the resource, and lets go of its share', async () => {
    const { id, first } = await contained();
    lostIn('WaitForProof');
    await sandbox.undo(id, 'U0ALICE');
    await settled();
    expect(groups()).not.toEqual(['firebreak-quarantine']);
    const event = implant();
    const detail = { ...(event.detail as object), id: 'another', severity: 9.5 };
    await (await sandbox.deliver({ ...event, detail })).ended;
    await settled();
    const own = async (findingId: string) =>
      (await sandbox.incidents()).find(
        (each) => each.findingId === findingId && each.followUpOf === undefined,
      );
    expect((await own('another'))?.status).toBe('contained');
    expect(groups()).toEqual(['firebreak-quarantine']);
    await sweeps(6);
    const before = await sandbox.runtime.incidents.get(id);
    expect(before.targets[0]?.status).toBe('held');
    expect(groups()).toEqual(['firebreak-quarantine']);
    await (await sandbox.undo((await own('another'))?.id ?? '', 'U0ALICE')).ended;
    await settled();
    expect(accountOf(sandbox.twin.state)).toEqual(first);
  });
});

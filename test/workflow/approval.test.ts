/** One decision wins, whatever comes at the same time: against the real table, many interleavings. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { decide, deliverPending, dueApprovals, expire, openApproval } from '../../core/approval/approval.ts';
import { shareQuestion } from '../../core/approval/join.ts';
import { keepJoined, writeDecision } from '../../core/approval/record.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import { readDecision } from '../../core/incident/approval-record.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { addressFinding } from '../../sandbox/worlds.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
});
afterEach(() => sandbox.close());

async function open(seed: string, needed: 1 | 2 = 1) {
  const { approvals, incidents, now } = sandbox.runtime;
  const event = addressFinding(sandbox.twin, 'i-0123456789abcdef0', { seed });
  const { incident } = await incidents.claim(parseFinding(event), seed, now());
  const request = {
    incidentId: incident.id,
    purpose: 'contain',
    needed,
    timeoutSeconds: 60,
    at: now(),
  } as const;
  const view = await openApproval(approvals, { ...request, taskToken: `token of ${seed}` });
  return { incidentId: incident.id, request, decisionId: view.id };
}

it('a click at the instant of expiry: the record, the incident, the clock and the person agree', async () => {
  const { approvals, incidents, now } = sandbox.runtime;
  for (let round = 0; round < 25; round++) {
    const { incidentId, decisionId } = await open(`round ${round}`);
    const click = () => decide(approvals, { decisionId, outcome: 'approved', by: 'U0BOB', at: now() });
    const clock = () => expire(approvals, incidentId, now());
    const [result, stands] =
      round % 2 === 0
        ? await Promise.all([click(), clock()])
        : ((await Promise.all([clock(), click()])).reverse() as [
            Awaited<ReturnType<typeof click>>,
            Awaited<ReturnType<typeof clock>>,
          ]);
    if (!('approval' in result)) throw new Error(result.kind);
    expect(result.approval.outcome).toBe(stands.outcome);
    expect((await incidents.get(incidentId)).approval?.outcome).toBe(stands.outcome);
    expect(result.kind).toBe(stands.outcome === 'approved' ? 'recorded' : 'closed');
    // A retry of either says the same again.
    expect((await clock()).outcome).toBe(stands.outcome);
    expect(await click()).toMatchObject({ kind: 'closed', approval: { outcome: stands.outcome } });
  }
  expect(await deliverPending(approvals, new Date(Date.now() + 60_000))).toBe(0);
});

it('ten people at once: one decides, the others learn who', async () => {
  const { approvals, now } = sandbox.runtime;
  const { decisionId } = await open('ten');
  const results = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      decide(approvals, {
        decisionId,
        outcome: index % 2 === 0 ? 'approved' : 'denied',
        by: `U0${index}`,
        at: now(),
      }),
    ),
  );
  expect(results.filter(({ kind }) => kind === 'recorded')).toHaveLength(1);
  expect(results.filter(({ kind }) => kind === 'closed')).toHaveLength(9);
});

it('a retried task brings a new token while someone clicks: the workflow is resumed by the one that is good', async () => {
  const { approvals, table, now } = sandbox.runtime;
  for (let round = 0; round < 10; round++) {
    const { decisionId, request } = await open(`retry ${round}`, 2);
    await Promise.all([
      decide(approvals, { decisionId, outcome: 'approved', by: 'U0BOB', at: now() }),
      openApproval(approvals, { ...request, taskToken: 'the second token' }),
    ]);
    const item = await table.get({ pk: `DECISION#${decisionId}`, sk: 'META' });
    expect(item).toMatchObject({ taskToken: 'the second token', view: { approvedBy: ['U0BOB'] } });
  }
});

it('two people at once of two that are needed: the incident never forgets the second', async () => {
  const { approvals, incidents, now } = sandbox.runtime;
  for (let round = 0; round < 15; round++) {
    const { decisionId, incidentId } = await open(`both ${round}`, 2);
    await Promise.all(
      ['U0BOB', 'U0ALICE'].map((by) => decide(approvals, { decisionId, outcome: 'approved', by, at: now() })),
    );
    const { approval } = await incidents.get(incidentId);
    expect(approval?.outcome).toBe('approved');
    expect(approval?.approvedBy.toSorted()).toEqual(['U0ALICE', 'U0BOB']);
  }
});

it('a crash between decision and incident: the incident shows what was decided, and the workflow hears of it', async () => {
  const { approvals, incidents, now } = sandbox.runtime;
  const dies = { ...incidents, change: () => Promise.reject(new Error('killed')) };
  for (const [seed, goOn] of [
    ['sweep', () => deliverPending(approvals, new Date(Date.now() + 60_000))],
    ['clock', (id: string) => expire(approvals, id, now())],
  ] as const) {
    const { decisionId, incidentId } = await open(seed);
    const click = { decisionId, outcome: 'approved', by: 'U0BOB', at: now() } as const;
    await expect(decide({ ...approvals, incidents: dies }, click)).rejects.toThrow('killed');
    // The incident is read with the decision, which was made.
    expect((await incidents.get(incidentId)).approval?.outcome).toBe('approved');
    await goOn(incidentId);
    expect((await incidents.get(incidentId)).approval).toMatchObject({
      outcome: 'approved',
      decidedBy: 'U0BOB',
    });
  }
});

it('a decision that a crash left behind is closed in silence', async () => {
  const { approvals, incidents, now } = sandbox.runtime;
  const { incidentId, request, decisionId } = await open('orphan');
  // As a retry that does not know of the first one.
  const forgetful = {
    ...incidents,
    async get(id: string) {
      const { approval: _unseen, ...incident } = await incidents.get(id);
      return incident;
    },
  };
  const second = await openApproval(
    { ...approvals, incidents: forgetful },
    { ...request, taskToken: 'second' },
  );
  expect(second.id).not.toBe(decisionId);
  const later = new Date(now().getTime() + 45_000);
  const due = async () => {
    const ids: string[] = [];
    for await (const { approval } of dueApprovals(approvals, later)) ids.push(approval.id);
    return ids;
  };
  expect(await due()).toEqual([second.id]);
  expect((await incidents.get(incidentId)).approval).toMatchObject({ id: second.id });
  expect(await due()).toEqual([]);
});

it('a finding joins in the instant of the answer: it is answered, or asks on its own, and never waits unseen', async () => {
  const { approvals, incidents, now } = sandbox.runtime;
  const targets = [
    {
      ...{ key: 'aws:111122223333:eu-west-1:ec2-instance:i-1', playbook: 'isolate-instance' },
      target: {
        ...{ partition: 'aws', account: '111122223333', region: 'eu-west-1', kind: 'ec2-instance' },
        ...{ id: 'i-1', display: 'i-1', facts: {} },
      },
    },
  ];
  const asks = async (seed: string, question: string) => {
    const opened = await open(seed);
    await incidents.change(opened.incidentId, now(), () => ({ targets, status: 'awaiting-approval' }));
    const share = () => shareQuestion(approvals, { incidentId: opened.incidentId, question, at: now() });
    return { ...opened, share };
  };
  const ends: string[] = [];
  for (let round = 0; round < 30; round++) {
    const first = await asks(`first ${round}`, `question ${round}`);
    expect(await first.share()).toMatchObject({ approval: { id: first.decisionId } });
    const second = await asks(`second ${round}`, `question ${round}`);
    const click = async () => {
      await sleep(round);
      const { decisionId } = first;
      return decide(approvals, { decisionId, outcome: 'approved', by: 'U0BOB', at: now() });
    };
    await Promise.all([click(), second.share()]);
    await deliverPending(approvals, new Date(Date.now() + 60_000));
    const { approval } = await incidents.get(second.incidentId);
    if (approval?.joined) {
      expect(approval).toMatchObject({ outcome: 'approved', decidedBy: 'U0BOB' });
      ends.push('answered');
    } else {
      expect(approval?.outcome).toBeUndefined();
      ends.push('asks');
    }
  }
  expect(ends).toContain('answered');
});

it('the endpoint dies between the answer and those who joined: the sweep answers them', async () => {
  const { approvals, incidents, table, now } = sandbox.runtime;
  const first = await open('leader');
  const second = await open('follower');
  await keepJoined(table, first.decisionId, second.decisionId);
  const record = await readDecision(table, second.decisionId);
  if (!record) throw new Error('no decision');
  const joined = { incident: first.incidentId, decision: first.decisionId };
  await writeDecision(table, record, { ...record.view, joined });
  const dies = { ...table, query: () => Promise.reject(new Error('killed')) };
  const click = { decisionId: first.decisionId, outcome: 'denied', by: 'U0BOB', at: now() } as const;
  expect(await decide({ ...approvals, table: dies }, click)).toMatchObject({
    kind: 'recorded',
    delivered: true,
  });
  expect((await incidents.get(second.incidentId)).approval?.outcome).toBeUndefined();
  expect(await deliverPending(approvals, new Date(Date.now() + 60_000))).toBe(1);
  expect((await incidents.get(second.incidentId)).approval).toMatchObject({
    outcome: 'denied',
    decidedBy: 'U0BOB',
  });
  expect(await deliverPending(approvals, new Date(Date.now() + 60_000))).toBe(0);
});

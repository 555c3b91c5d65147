/** An upgrade while incidents are under way: what an earlier release wrote is finished and undone by today's code. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { accountOf } from '../../sandbox/saved.ts';
import { ACTIONS } from '../../slack/actions.ts';
import { goOnFrom, putItems, releases, startingAt } from '../releases/release.ts';
import { approvalStage } from './approvals.ts';
import { until } from './people.ts';

const statesOf = (sandbox: Sandbox, execution: string) =>
  sandbox.machines.history
    .filter(({ type, execution: of }) => type === 'StateEntered' && of === execution)
    .map(({ state }) => state);

async function undone(sandbox: Sandbox, incidentId: string) {
  const end = await (await sandbox.undo(incidentId, 'U0ALICE')).ended;
  expect(end.status).toBe('SUCCEEDED');
  return (await sandbox.runtime.incidents.get(incidentId)).status;
}

const recorded = await releases();

it('every release that is recorded is tried', () => {
  expect(recorded.length).toBeGreaterThan(0);
});

describe.each(recorded)('what $version left', (release) => {
  it('an approval it asked for: its own definition goes on with the functions of today, and undo restores what was', async () => {
    const { asked, incidentId } = release;
    const sandbox = await goOnFrom(asked);
    try {
      // The execution stands in this state; on AWS it needs no start.
      sandbox.machines.deploy('respond', startingAt(release.definitions.respond, asked.state));
      const before = await sandbox.runtime.incidents.get(incidentId);
      expect(before.status).toBe('awaiting-approval');
      const execution = sandbox.machines.start('respond', asked.input, asked.execution);
      const decision = { pk: `DECISION#${asked.approvalId}`, sk: 'META' };
      const taskToken = await until(async () => {
        const token = (await sandbox.runtime.table.get(decision))?.['taskToken'];
        return token === 'of the release' ? undefined : token;
      });
      // The records as the release wrote them, its execution's token among them: today's code reads them, and wrote none.
      await putItems(sandbox, asked.items);
      await sandbox.runtime.table.update(decision, {
        text: 'SET taskToken = :token',
        values: { token: taskToken },
      });
      await sandbox.slack.click({
        ts: asked.cardTs,
        actionId: ACTIONS.approve,
        value: asked.approvalId,
        userId: 'U0BOB',
      });
      expect(await execution.ended).toMatchObject({ status: 'SUCCEEDED' });
      await sandbox.idle();
      expect((await sandbox.runtime.incidents.get(incidentId)).status).toBe('contained');
      expect(accountOf(sandbox.twin.state)).not.toEqual(accountOf(release.first));
      expect(await undone(sandbox, incidentId)).toBe('undone');
      expect(accountOf(sandbox.twin.state)).toEqual(accountOf(release.first));
    } finally {
      await sandbox.close();
    }
  });

  it('an execution it started: its own definition calls functions that are still there', async () => {
    const stage = await approvalStage();
    const { sandbox } = stage;
    try {
      sandbox.machines.deploy('respond', JSON.stringify(release.definitions.respond));
      const asking = await stage.find();
      const [waiting] = sandbox.machines.running();
      await stage.approve(asking, 'U0BOB');
      expect(await waiting?.ended).toMatchObject({ status: 'SUCCEEDED' });
      await sandbox.idle();
      expect((await stage.incident()).status).toBe('contained');
      expect(sandbox.invocations.slice(0, 2)).toEqual(['enrich', 'classify']);
    } finally {
      await sandbox.close();
    }
  });

  it('an incident it contained: listed, swept without harm, and undone', async () => {
    const { contained, incidentId } = release;
    const sandbox = await goOnFrom(contained);
    try {
      expect((await sandbox.incidents()).map(({ id }) => id)).toEqual([incidentId]);
      await sandbox.sweep();
      expect((await sandbox.runtime.incidents.get(incidentId)).status).toBe('contained');
      expect(accountOf(sandbox.twin.state)).toEqual(accountOf(contained.account));
      expect(await undone(sandbox, incidentId)).toBe('undone');
      expect(accountOf(sandbox.twin.state)).toEqual(accountOf(release.first));
    } finally {
      await sandbox.close();
    }
  });
});

it('a definition deployed while someone is asked: the one under way ends on its own, the next finding runs the new one', async () => {
  const stage = await approvalStage();
  const { sandbox } = stage;
  try {
    const first = await stage.find({ seed: 'before the upgrade' });
    const [waiting] = sandbox.machines.running();
    if (!waiting) throw new Error('nothing waits');
    const asl = await readFile('statemachines/respond.asl.json', 'utf8');
    sandbox.machines.deploy('respond', asl.replaceAll('"WaitForProof"', '"LetItSettle"'));
    await stage.approve(first, 'U0BOB');
    expect(await waiting.ended).toMatchObject({ status: 'SUCCEEDED' });
    expect((await sandbox.runtime.incidents.get(first.incident.id)).status).toBe('contained');
    expect(statesOf(sandbox, waiting.arn)).toContain('WaitForProof');
    expect(statesOf(sandbox, waiting.arn)).not.toContain('LetItSettle');

    const second = await stage.find({ seed: 'after the upgrade' });
    const [next] = sandbox.machines.running();
    if (!next) throw new Error('nothing waits');
    await stage.approve(second, 'U0BOB');
    expect(await next.ended).toMatchObject({ status: 'SUCCEEDED' });
    expect((await sandbox.runtime.incidents.get(second.incident.id)).status).toBe('contained');
    expect(statesOf(sandbox, next.arn)).toContain('LetItSettle');
    expect(statesOf(sandbox, next.arn)).not.toContain('WaitForProof');
  } finally {
    await sandbox.close();
  }
});

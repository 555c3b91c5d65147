/** What people do in the workflow tests: wait for a card, and click on it. */
import { actingAs } from '../../core/aws/acting.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { setKillSwitch } from '../../core/table/breaker.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { ACTIONS } from '../../slack/actions.ts';

/** Looks until there is something; throws when nothing came within some seconds. */
export async function until<T>(what: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const found = await what();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it did not happen');
}

/** Bob approves what the first incident that fits asks for, as soon as it asks. */
export async function bobApproves(
  sandbox: Sandbox,
  fits: (incident: Incident) => boolean,
  purpose: 'contain' | 'undo' = 'contain',
): Promise<Incident> {
  const { slack, approval, incident } = await until(async () => {
    const asking = (await sandbox.incidents()).find(
      (each) => fits(each) && each.approval?.purpose === purpose && each.approval.outcome === undefined,
    );
    return asking?.slack && asking.approval
      ? { incident: asking, slack: asking.slack, approval: asking.approval }
      : undefined;
  });
  await sandbox.slack.click({
    ts: slack.ts,
    actionId: ACTIONS.approve,
    value: approval.id,
    userId: 'U0BOB',
  });
  return incident;
}

/** Every execution has ended, those started meanwhile too. */
export async function idle(sandbox: Sandbox): Promise<void> {
  while (sandbox.machines.running().length > 0) {
    await Promise.all(sandbox.machines.running().map(({ ended }) => ended));
  }
}

/** Sets the kill switch from within another function's work, as `/firebreak kill-switch on` does in the same moment. */
export const switchOnMeanwhile = ({ runtime }: Sandbox, at: Date): Promise<void> =>
  actingAs({ function: { ...runtime.own.scope, name: 'slack', stage: runtime.env.STAGE } }, () =>
    setKillSwitch(runtime.table, true, 'U0ALICE', at),
  );

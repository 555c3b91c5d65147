/**
 * Brings a decision to where it counts: the incident, the workflow that waits, and every incident that joined
 * the question. Each step can be repeated; until all are done the record stays in the sweep's index.
 */

import { inBatches } from '../aws/batches.ts';
import type { Aws } from '../aws/client.ts';
import { awsErrorName, isFirebreakError } from '../errors.ts';
import { severityRank } from '../finding/finding.ts';
import { type DecisionRecord, readDecision } from '../incident/approval-record.ts';
import type { ApprovalView, Incident } from '../incident/incident.ts';
import { lookBy } from '../incident/open-work.ts';
import type { IncidentStore } from '../incident/store.ts';
import type { Table } from '../table/table.ts';
import { joinedTo, markDelivered, writeDecision } from './record.ts';

export interface ApprovalDeps {
  readonly table: Table;
  readonly incidents: IncidentStore;
  /** The pipeline's own account and Region: where its state machines run. */
  readonly aws: Aws;
}

/** Joined questions answered at a time. */
const AT_A_TIME = 10;

/** The incident has changed: lists and cards show the decision, which is read from its own record. */
export const follow = ({ incidents }: ApprovalDeps, record: DecisionRecord, at: Date): Promise<Incident> =>
  incidents.change(record.incidentId, at, () => ({}));

/** The incident first: the workflow goes on as soon as it is resumed, and reads it. */
export async function deliver(deps: ApprovalDeps, record: DecisionRecord, at: Date): Promise<void> {
  await follow(deps, record, at);
  await resume(deps, record);
  await answerJoined(deps, record, at);
  await markDelivered(deps.table, record.view.id);
}

/**
 * SendTaskSuccess. `TaskTimedOut` means expired or already closed: the workflow's own timeout path reads the recorded
 * outcome, so there is nothing more to send. Where the execution is gone, the sweep has another one act on it.
 */
export async function resume(
  { aws, table }: ApprovalDeps,
  { incidentId, view, taskToken }: DecisionRecord,
  abortSignal?: AbortSignal,
): Promise<void> {
  if (taskToken === undefined) return;
  const { client, api } = await aws.sfn();
  try {
    // A question that the clock ended goes where the workflow's own timeout would have led it.
    const isExpired = view.outcome === 'expired' && view.purpose === 'contain';
    const outcome = isExpired ? 'joined-expired' : view.outcome;
    const command = new api.SendTaskSuccessCommand({ taskToken, output: JSON.stringify({ outcome }) });
    await client.send(command, abortSignal ? { abortSignal } : {});
  } catch (error) {
    const closed = ['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'];
    if (!closed.includes(awsErrorName(error) ?? '')) throw error;
    await lookBy(table, incidentId, new Date(view.decidedAt ?? view.expiresAt));
  }
}

/** Answers every question that joined this one as it was answered; false when `signal` ended it before the last. */
export async function answerJoined(
  deps: ApprovalDeps,
  leader: DecisionRecord,
  at: Date,
  signal?: AbortSignal,
): Promise<boolean> {
  if (leader.view.purpose !== 'contain') return true;
  const ids = await joinedTo(deps.table, leader.view.id);
  const done = await inBatches(ids, AT_A_TIME, async (id) => {
    if (signal?.aborted) return false;
    await answerOne(deps, leader, id, at);
    return true;
  });
  return !done.includes(false);
}

/** One question that joined. One that is decided already is delivered where it was decided. */
export async function answerOne(
  deps: ApprovalDeps,
  leader: DecisionRecord,
  id: string,
  at: Date,
): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const record = await readDecision(deps.table, id);
    if (!record || record.view.outcome !== undefined || record.view.joined?.decision !== leader.view.id)
      return;
    try {
      if (await gotGraver(deps, leader, record)) return await ownAgain(deps, record, at);
      const written = await writeDecision(deps.table, record, answered(record.view, leader.view));
      const { outcome, decidedBy } = leader.view;
      const event = `decided with ${leader.incidentId}: ${outcome} by ${decidedBy}`;
      await deps.incidents.note(record.incidentId, event, at);
      return await deliver(deps, written, at);
    } catch (error) {
      if (!isFirebreakError(error, 'Conflict') || attempt >= 9) throw error;
    }
  }
}

const answered = (own: ApprovalView, leader: ApprovalView): ApprovalView => {
  const { outcome, decidedBy, decidedAt, reason, chosen, breakGlass } = leader;
  return {
    ...own,
    approvedBy: leader.approvedBy,
    ...(outcome ? { outcome } : {}),
    ...(decidedBy ? { decidedBy } : {}),
    ...(decidedAt ? { decidedAt } : {}),
    ...(reason ? { reason } : {}),
    ...(chosen ? { chosen } : {}),
    ...(breakGlass ? { breakGlass } : {}),
  };
};

/** Whether its finding rose above the one that was not approved: no one has denied that. */
async function gotGraver(
  { incidents }: ApprovalDeps,
  leader: DecisionRecord,
  record: DecisionRecord,
): Promise<boolean> {
  if (leader.view.outcome === 'approved') return false;
  const [own, other] = await Promise.all([
    incidents.get(record.incidentId),
    incidents.get(leader.incidentId),
  ]);
  return severityRank(own.label) > severityRank(other.label);
}

/** The question is asked on its own from now on: the sweep reminds of it at once, with its buttons. */
async function ownAgain(deps: ApprovalDeps, record: DecisionRecord, at: Date): Promise<void> {
  const { joined, remindedAt: _again, ...own } = record.view;
  const written = await writeDecision(deps.table, record, { ...own, remindAt: at.toISOString() });
  await follow(deps, written, at);
  const event = `not decided with ${joined?.incident}: it has become graver, and is asked on its own`;
  await deps.incidents.note(record.incidentId, event, at);
}

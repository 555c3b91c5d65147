/**
 * Every minute: answers from the command line are judged, decisions that did not reach the workflow are sent again, approvals
 * are reminded of and escalated, cards that Slack did not take are posted, containments that stopped half-way (an interface
 * left in the open transit group is the worst of them) are finished through the journal, those whose time is over are taken
 * back, and those that are in place are read again from time to time. Every fifth minute Contain is kept warm.
 */
import { deliverPending } from '../core/approval/approval.ts';
import { describeError, isFirebreakError } from '../core/errors.ts';
import { enterEarlierWork } from '../core/incident/earlier-work.ts';
import { dayOf, recount } from '../core/incident/list.ts';
import { takeAnswers } from '../pipeline/answers.ts';
import { runApprovalClock } from '../pipeline/approval-duties.ts';
import { lambda } from '../pipeline/lambda.ts';
import { attendOpenWork } from '../pipeline/open-work.ts';
import { postOwed } from '../pipeline/owed-cards.ts';
import { redriveOwed } from '../pipeline/redrive-owed.ts';
import { reproveDue } from '../pipeline/reprove-due.ts';
import { countMetric, logger, type Runtime } from '../pipeline/runtime.ts';
import { undoLapsed } from '../pipeline/undo-lapsed.ts';
import { warmContain } from '../pipeline/warm.ts';

const DECISION_GRACE_MS = 15_000;
/** The dashboard shows no more than this waiting. */
const MOST_WAITING = 200;

/** Lambda keeps an idle function for longer. */
const WARM_EVERY_MINUTES = 5;

const LOOK_BACK_MS = 31 * 86_400_000;

export interface SweepResult {
  /** Answers from the command line that counted. */
  readonly answered: number;
  readonly delivered: number;
  /** Approvals whose time had come. */
  readonly due: number;
  /** Cards that Slack took at last. */
  readonly posted: number;
  readonly resumed: readonly string[];
  /** Incidents whose event was started again, because its execution ended without a decision. */
  readonly redriven: readonly string[];
  /** Incidents whose time is over and whose undo was started. */
  readonly lapsed: readonly string[];
  /** Incidents whose confirmed containment was found removed, and that are contained again. */
  readonly removed: readonly string[];
}

export const handler = lambda(async (_event, given): Promise<SweepResult> => {
  const { now, approvals } = given;
  const failures: unknown[] = [];
  /** One that fails does not keep the others from being done; it fails the sweep in the end, whose alarm pages. */
  async function duty<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      logger.error('a duty of the sweep failed', { reason: describeError(error) });
      failures.push(error);
      return otherwise;
    }
  }
  // A person waits for it.
  const answered = await duty(() => takeAnswers(given), 0);
  const delivered = await duty(
    () => deliverPending(approvals, new Date(now().getTime() - DECISION_GRACE_MS), now()),
    0,
  );
  // What is half done in an account comes before what is to be said about it.
  await duty(() => enterEarlierWork(given.table, now()), undefined);
  const resumed = await duty(() => attendOpenWork(given), []);
  countMetric('SweepResumed', resumed.length);
  const redriven = await duty(() => redriveOwed(given), []);
  const due = await duty(() => runApprovalClock(given), 0);
  const lapsed = await duty(() => undoLapsed(given), []);
  const removed = await duty(() => reproveDue(given), []);
  const posted = await duty(() => postOwed(given), 0);
  if (now().getUTCMinutes() % WARM_EVERY_MINUTES === 0) await duty(() => warmContain(given), undefined);
  await duty(() => countWaiting(given), undefined);
  await duty(() => countYesterday(given), undefined);
  if (failures.length > 0) throw failures[0];
  return { answered, delivered, due, posted, resumed, redriven, lapsed, removed };
});

/** How many wait for a person, for the dashboard. */
async function countWaiting({ now, incidents }: Runtime): Promise<void> {
  const to = now();
  const { items } = await incidents.list({
    from: new Date(to.getTime() - LOOK_BACK_MS).toISOString(),
    to: to.toISOString(),
    limit: MOST_WAITING,
    filter: { status: 'awaiting-approval' },
  });
  countMetric('ApprovalsWaiting', items.length);
}

/** The counters of the day that has ended, once more from its rows: a crash next to a write leaves them off by one. */
async function countYesterday({ table, now }: Runtime): Promise<void> {
  const yesterday = dayOf(new Date(now().getTime() - 86_400_000).toISOString());
  try {
    await recount(table, yesterday);
  } catch (error) {
    // Someone counted at the same time: the next sweep takes it up again.
    if (!isFirebreakError(error, 'Conflict')) throw error;
  }
}

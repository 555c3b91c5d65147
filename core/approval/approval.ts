/**
 * One decision wins. The record `DECISION#<id>` holds the task token on the server; buttons carry only the id. A click
 * is a conditional write; only the write that wins tells the workflow. The clock decides through the same write, so the
 * recorded outcome and what the workflow does cannot differ.
 */
import { randomBytes } from 'node:crypto';
import { isFirebreakError } from '../errors.ts';
import { readDecision } from '../incident/approval-record.ts';
import type { ApprovalView, Incident } from '../incident/incident.ts';
import { clockOf, type Due, done, dueNow, snoozed } from './clock.ts';
import { type ApprovalDeps, answerJoined, deliver, follow, resume } from './delivery.ts';
import { bothChose } from './parts.ts';
import {
  createDecision,
  dueDecisions,
  markDelivered,
  replaceToken,
  undelivered,
  writeDecision,
} from './record.ts';

export interface DecideRequest {
  /** Opaque id carried by the button. */
  readonly decisionId: string;
  readonly outcome: 'approved' | 'denied';
  /** Slack user id. Already authenticated and authorised by the caller. */
  readonly by: string;
  readonly reason?: string | undefined;
  /** Only these steps (core/approval/parts.ts); without it everything. */
  readonly chosen?: readonly string[] | undefined;
  /** Past the second person and past the person who asked; the caller has checked the list and pages everyone. */
  readonly breakGlass?: boolean | undefined;
  /** May those who approved before still do so? Asked when the last approval comes in. */
  readonly stillMay?: ((user: string) => Promise<boolean>) | undefined;
  readonly at: Date;
}

export type DecideResult =
  /** This click decided. `delivered`: the workflow knows; otherwise the sweep delivers it. */
  | {
      readonly kind: 'recorded';
      readonly incident: Incident;
      readonly approval: ApprovalView;
      readonly delivered: boolean;
    }
  /** The first of two approvals needed. */
  | { readonly kind: 'counted'; readonly incident: Incident; readonly approval: ApprovalView }
  /** Someone, or the clock, decided before: `approval` shows the true outcome. */
  | { readonly kind: 'closed'; readonly incident: Incident; readonly approval: ApprovalView }
  /** This person may not decide this one (e.g. asked for the undo themselves, or approved already). */
  | { readonly kind: 'refused'; readonly incident: Incident; readonly reason: string }
  | { readonly kind: 'unknown' };

export interface ApprovalRequest {
  readonly incidentId: string;
  readonly purpose: ApprovalView['purpose'];
  readonly needed: 1 | 2;
  readonly timeoutSeconds: number;
  readonly requestedBy?: string | undefined;
  /** Who agreed by asking for it: counted like any approval, and only while they still may. */
  readonly approvedBy?: readonly string[];
  /** Never logged, shown or put in a button. */
  readonly taskToken: string;
  readonly at: Date;
}

/** A person waits for the answer (Slack gives three seconds); what is not delivered by then the sweep delivers. */
const TELL_WITHIN_MS = 1500;

/**
 * Opens the decision. A retried task comes with a new token: the open decision then gets that token, and one that was
 * decided meanwhile is delivered to it at once.
 */
export async function openApproval(deps: ApprovalDeps, request: ApprovalRequest): Promise<ApprovalView> {
  const { incidents, table } = deps;
  const incident = await incidents.get(request.incidentId);
  const earlier = incident.approval;
  if (earlier && earlier.purpose === request.purpose && earlier.outcome === undefined) {
    const record = await replaceToken(table, earlier.id, request.taskToken);
    if (record.view.outcome !== undefined) await deliver(deps, record, request.at);
    return record.view;
  }
  const view: ApprovalView = {
    id: randomBytes(16).toString('hex'),
    purpose: request.purpose,
    ...clockOf(request.at, request.timeoutSeconds, incident.label),
    needed: request.needed,
    approvedBy: request.approvedBy ?? [],
    ...(request.requestedBy ? { requestedBy: request.requestedBy } : {}),
  };
  const { incidentId, taskToken } = request;
  await createDecision(table, { incidentId, taskToken, version: 1, view });
  await incidents.change(request.incidentId, request.at, () => ({ approval: view }));
  return view;
}

/** Which incident a decision belongs to; undefined for an id no one issued. */
export async function incidentOfDecision(
  deps: ApprovalDeps,
  decisionId: string,
): Promise<Incident | undefined> {
  const record = await readDecision(deps.table, decisionId);
  return record && deps.incidents.find(record.incidentId);
}

/** Records a person's decision, once. */
export async function decide(deps: ApprovalDeps, request: DecideRequest): Promise<DecideResult> {
  return retried(async () => {
    const record = await readDecision(deps.table, request.decisionId);
    if (!record) return { kind: 'unknown' };
    const { view } = record;
    const incident = await deps.incidents.get(record.incidentId);
    if (view.outcome !== undefined) return { kind: 'closed', incident, approval: view };
    const refusal = mayNot(view, request);
    if (refusal) return { kind: 'refused', incident, reason: refusal };
    const next = await nextView(view, request);
    if (next.chosen?.length === 0) {
      return { kind: 'refused', incident, reason: 'nothing that you chose was chosen by the first person' };
    }
    const written = await writeDecision(deps.table, record, next);
    const after = await follow(deps, written, request.at);
    if (next.outcome === undefined) return { kind: 'counted', incident: after, approval: written.view };
    // The decision stands whether or not the workflow hears of it now: the sweep tells it again, and what joined it.
    const signal = AbortSignal.timeout(TELL_WITHIN_MS);
    const delivered = await resume(deps, written, signal).then(
      () => true,
      () => false,
    );
    if (delivered) {
      const all = await answerJoined(deps, written, request.at, signal).catch(() => false);
      if (all) await markDelivered(deps.table, written.view.id);
    }
    return { kind: 'recorded', incident: after, approval: written.view, delivered };
  });
}

/** The approval with this person's word added; with an outcome once enough have spoken. */
async function nextView(view: ApprovalView, request: DecideRequest): Promise<ApprovalView> {
  const { outcome, by, reason, at, breakGlass, chosen, stillMay } = request;
  const close = (from: ApprovalView): ApprovalView => ({
    ...from,
    outcome,
    decidedBy: by,
    decidedAt: at.toISOString(),
    ...(reason ? { reason } : {}),
    ...(breakGlass ? { breakGlass } : {}),
  });
  if (outcome === 'denied') return close(view);
  const earlier: string[] = [];
  for (const user of view.approvedBy) {
    // An approver who was removed since counts no more.
    if (user !== by && (stillMay === undefined || (await stillMay(user)))) earlier.push(user);
  }
  // With no one left from before, what they chose is no limit either.
  const both = bothChose(earlier.length > 0 ? view.chosen : undefined, chosen);
  const { chosen: _before, ...rest } = view;
  const counted: ApprovalView = {
    ...rest,
    approvedBy: [...earlier, by],
    ...(both ? { chosen: both } : {}),
  };
  return breakGlass || counted.approvedBy.length >= view.needed ? close(counted) : counted;
}

export type SnoozeResult =
  | { readonly kind: 'snoozed'; readonly approval: ApprovalView }
  | { readonly kind: 'closed'; readonly approval: ApprovalView }
  | { readonly kind: 'too-late' }
  | { readonly kind: 'unknown' };

/** Puts the reminder off; escalation and expiry stay. */
export async function snooze(
  deps: ApprovalDeps,
  request: { readonly decisionId: string; readonly minutes: number; readonly by: string; readonly at: Date },
): Promise<SnoozeResult> {
  return retried(async () => {
    const record = await readDecision(deps.table, request.decisionId);
    if (!record) return { kind: 'unknown' };
    if (record.view.outcome !== undefined) return { kind: 'closed', approval: record.view };
    const next = snoozed(record.view, request.minutes, request.by, request.at);
    if (!next) return { kind: 'too-late' };
    const { view } = await writeDecision(deps.table, record, next);
    await follow(deps, { ...record, view }, request.at);
    return { kind: 'snoozed', approval: view };
  });
}

export interface DueApproval {
  readonly incident: Incident;
  readonly approval: ApprovalView;
  readonly due: Due;
}

/**
 * What the clock asks for, each marked as done before it is given: two sweeps at once do not remind twice, and what
 * cannot be said in Slack goes to the page topic. An overdue approval is closed as expired.
 */
export async function* dueApprovals(deps: ApprovalDeps, now: Date): AsyncGenerator<DueApproval> {
  for await (const record of dueDecisions(deps.table, now)) {
    const due = dueNow(record.view, now);
    if (due === undefined) continue;
    // A crash left it behind, and the task that was tried again asked with another one: no one sees this one.
    const orphan = (await deps.incidents.find(record.incidentId))?.approval?.id !== record.view.id;
    const over = due === 'overdue' || orphan;
    const next = over ? expired(record.view, now) : done(record.view, due, now);
    try {
      const written = await writeDecision(deps.table, record, next);
      const incident = await follow(deps, written, now);
      if (over) {
        if (!orphan) await resume(deps, written);
        await answerJoined(deps, written, now);
        await markDelivered(deps.table, next.id);
      }
      if (!orphan) yield { incident, approval: written.view, due };
    } catch (error) {
      // A person decided, or another sweep was first.
      if (!isFirebreakError(error, 'Conflict')) throw error;
    }
  }
}

const expired = (view: ApprovalView, at: Date): ApprovalView => ({
  ...view,
  outcome: 'expired',
  decidedBy: 'clock',
  decidedAt: at.toISOString(),
});

/**
 * The clock decides, unless a person did in the same instant: gives the outcome that stands. Called by the workflow
 * after its own timeout, so nothing is sent.
 */
export async function expire(deps: ApprovalDeps, incidentId: string, at: Date): Promise<ApprovalView> {
  const incident = await deps.incidents.get(incidentId);
  const id = incident.approval?.id;
  if (id === undefined) throw new Error(`incident ${incidentId} times out without an open approval`);
  return retried(async () => {
    const record = await readDecision(deps.table, id);
    if (!record) throw new Error(`decision of incident ${incidentId} is gone`);
    const { view } = record;
    const stands =
      view.outcome === undefined ? await writeDecision(deps.table, record, expired(view, at)) : record;
    // What comes next reads the incident: it must know before the workflow goes on.
    await follow(deps, stands, at);
    await answerJoined(deps, stands, at);
    await markDelivered(deps.table, id);
    return stands.view;
  });
}

/** Tells the workflow again about decisions it has not resumed for (a crash between the write and the call). */
export async function deliverPending(deps: ApprovalDeps, olderThan: Date, now = new Date()): Promise<number> {
  let delivered = 0;
  for await (const record of undelivered(deps.table, olderThan)) {
    await deliver(deps, record, now);
    delivered += 1;
  }
  return delivered;
}

function mayNot(view: ApprovalView, { outcome, by, breakGlass }: DecideRequest): string | undefined {
  if (view.joined) return `it is decided with ${view.joined.incident}: answer on that card`;
  if (outcome === 'denied' || breakGlass) return undefined;
  if (view.requestedBy === by)
    return 'the person who asks for an undo cannot approve it: a second person must';
  if (view.approvedBy.includes(by)) return 'you approved already: a second person must';
  return undefined;
}

/** A lost conditional write: someone else wrote first, so look again and judge by what is there now. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isFirebreakError(error, 'Conflict') || attempt >= 9) throw error;
    }
  }
}

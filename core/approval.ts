/**
 * One decision wins. The record `DECISION#<id>` holds the task token on the server; buttons carry only the id. A click
 * is a conditional write; only the write that wins tells the workflow. The clock decides through the same write, so the
 * recorded outcome and what the workflow does cannot differ.
 */
import { randomBytes } from 'node:crypto';
import type { Aws } from './aws.ts';
import { awsErrorName, isFirebreakError } from './errors.ts';
import type { ApprovalView, Incident } from './incident.ts';
import type { IncidentStore } from './incident-store.ts';
import type { Item, Table } from './table.ts';

export interface DecideRequest {
  /** Opaque id carried by the button. */
  readonly decisionId: string;
  readonly outcome: 'approved' | 'denied';
  /** Slack user id, or `cli:NAME` in the sandbox. Already authenticated and authorised by the caller. */
  readonly by: string;
  readonly reason?: string | undefined;
  readonly at: Date;
}

export type DecideResult =
  /** This click decided; the workflow was told (or sweep will tell it). */
  | { readonly kind: 'recorded'; readonly incident: Incident; readonly approval: ApprovalView }
  /** The first of two approvals needed. */
  | { readonly kind: 'counted'; readonly incident: Incident; readonly approval: ApprovalView }
  /** Somebody, or the clock, decided before: `approval` shows the true outcome. */
  | { readonly kind: 'closed'; readonly incident: Incident; readonly approval: ApprovalView }
  /** This person may not decide this one (e.g. asked for the undo themselves, or approved already). */
  | { readonly kind: 'refused'; readonly incident: Incident; readonly reason: string }
  | { readonly kind: 'unknown' };

export interface ApprovalDeps {
  readonly table: Table;
  readonly incidents: IncidentStore;
  /** The pipeline's own account and Region: where its state machines run. */
  readonly aws: Aws;
}

export interface ApprovalRequest {
  readonly incidentId: string;
  readonly purpose: ApprovalView['purpose'];
  readonly needed: 1 | 2;
  readonly timeoutSeconds: number;
  readonly requestedBy?: string | undefined;
  /** Never logged, shown or put in a button. */
  readonly taskToken: string;
  readonly at: Date;
}

/** Index partition of decisions that the workflow has not been told yet; `sweep` reads it. */
const UNDELIVERED = 'UNDELIVERED';

/**
 * Opens the decision. A retried task comes with a new token: the open decision then gets that token, and one that was
 * decided meanwhile is delivered to it at once.
 */
export async function openApproval(deps: ApprovalDeps, request: ApprovalRequest): Promise<ApprovalView> {
  const { incidents, table } = deps;
  const incident = await incidents.get(request.incidentId);
  const earlier = incident.approval;
  if (earlier && earlier.purpose === request.purpose && earlier.outcome === undefined) {
    const item = await table.update(
      decisionKey(earlier.id),
      { text: 'SET #token = :token', names: { token: 'taskToken' }, values: { token: request.taskToken } },
      { text: 'attribute_exists(pk)' },
    );
    const view = viewOf(item);
    if (view.outcome !== undefined) await deliver(deps, item);
    return view;
  }
  const view: ApprovalView = {
    id: randomBytes(16).toString('hex'),
    purpose: request.purpose,
    requestedAt: request.at.toISOString(),
    expiresAt: new Date(request.at.getTime() + request.timeoutSeconds * 1000).toISOString(),
    needed: request.needed,
    approvedBy: [],
    ...(request.requestedBy ? { requestedBy: request.requestedBy } : {}),
  };
  await table.put({
    ...decisionKey(view.id),
    incidentId: request.incidentId,
    taskToken: request.taskToken,
    version: 1,
    ...view,
  });
  await incidents.change(request.incidentId, request.at, () => ({ approval: view }));
  return view;
}

/** Which incident a decision belongs to; undefined for an id nobody issued. */
export async function incidentOfDecision(
  deps: ApprovalDeps,
  decisionId: string,
): Promise<Incident | undefined> {
  const item = await table404(deps, decisionId);
  return item ? deps.incidents.find(item['incidentId'] as string) : undefined;
}

/** Records a person's decision, once. */
export async function decide(deps: ApprovalDeps, request: DecideRequest): Promise<DecideResult> {
  for (let attempt = 0; ; attempt++) {
    const item = await table404(deps, request.decisionId);
    if (!item) return { kind: 'unknown' };
    const view = viewOf(item);
    const incident = await deps.incidents.get(item['incidentId'] as string);
    if (view.outcome !== undefined) return { kind: 'closed', incident, approval: view };
    const refusal = mayNot(view, request);
    if (refusal) return { kind: 'refused', incident, reason: refusal };
    const counted =
      request.outcome === 'approved' ? { ...view, approvedBy: [...view.approvedBy, request.by] } : view;
    const decided = request.outcome === 'denied' || counted.approvedBy.length >= view.needed;
    const next: ApprovalView = decided ? closeView(counted, request) : counted;
    try {
      const written = await record(deps, item, next);
      const after = await deps.incidents.change(incident.id, request.at, () => ({ approval: next }));
      if (!decided) return { kind: 'counted', incident: after, approval: next };
      await deliver(deps, written);
      return { kind: 'recorded', incident: after, approval: next };
    } catch (error) {
      if (!isFirebreakError(error, 'Conflict') || attempt >= 9) throw error;
    }
  }
}

/**
 * The clock decides, unless a person did in the same instant: gives the outcome that stands. Called by the workflow
 * after its own timeout, so nothing is sent.
 */
export async function expire(deps: ApprovalDeps, incidentId: string, at: Date): Promise<ApprovalView> {
  const incident = await deps.incidents.get(incidentId);
  const id = incident.approval?.id;
  if (id === undefined) throw new Error(`incident ${incidentId} times out without an open approval`);
  for (let attempt = 0; ; attempt++) {
    const item = await table404(deps, id);
    if (!item) throw new Error(`decision of incident ${incidentId} is gone`);
    const view = viewOf(item);
    if (view.outcome !== undefined) {
      await markDelivered(deps, item);
      return view;
    }
    const next: ApprovalView = {
      ...view,
      outcome: 'expired',
      decidedBy: 'clock',
      decidedAt: at.toISOString(),
    };
    try {
      await markDelivered(deps, await record(deps, item, next));
      await deps.incidents.change(incidentId, at, () => ({ approval: next }));
      return next;
    } catch (error) {
      if (!isFirebreakError(error, 'Conflict') || attempt >= 9) throw error;
    }
  }
}

/** Tells the workflow again about decisions it was not told of (a crash between the write and the call). */
export async function deliverPending(deps: ApprovalDeps, olderThan: Date): Promise<number> {
  let delivered = 0;
  let cursor: string | undefined;
  do {
    const page = await deps.table.page({
      pk: UNDELIVERED,
      before: olderThan.toISOString(),
      limit: 100,
      ...(cursor ? { cursor } : {}),
    });
    for (const { pk, sk } of page.items) {
      const item = await deps.table.get({ pk, sk });
      if (!item) continue;
      await deliver(deps, item);
      delivered += 1;
    }
    cursor = page.cursor;
  } while (cursor);
  return delivered;
}

const decisionKey = (id: string) => ({ pk: `DECISION#${id}`, sk: 'META' });

/** Ids come from outside: anything that is not one of ours is not looked up. */
const table404 = async ({ table }: ApprovalDeps, id: string): Promise<Item | undefined> =>
  /^[0-9a-f]{32}$/.test(id) ? table.get(decisionKey(id)) : undefined;

function mayNot(view: ApprovalView, request: DecideRequest): string | undefined {
  if (request.outcome === 'denied') return undefined;
  if (view.requestedBy === request.by)
    return 'whoever asks for an undo cannot approve it: a second person must';
  if (view.approvedBy.includes(request.by)) return 'you approved already: a second person must';
  return undefined;
}

const closeView = (view: ApprovalView, { outcome, by, at, reason }: DecideRequest): ApprovalView => ({
  ...view,
  outcome,
  decidedBy: by,
  decidedAt: at.toISOString(),
  ...(reason ? { reason } : {}),
});

async function record({ table }: ApprovalDeps, read: Item, next: ApprovalView): Promise<Item> {
  const version = read['version'] as number;
  const item: Item = {
    ...read,
    ...next,
    version: version + 1,
    ...(next.outcome && next.decidedAt
      ? { gsi1pk: UNDELIVERED, gsi1sk: `${next.decidedAt}#${next.id}` }
      : {}),
  };
  await table.put(item, {
    text: '#version = :version AND attribute_not_exists(#outcome)',
    names: { version: 'version', outcome: 'outcome' },
    values: { version },
  });
  return item;
}

/**
 * SendTaskSuccess. `TaskTimedOut` means expired or already closed: the workflow's own timeout path reads the recorded
 * outcome, so there is nothing more to send.
 */
async function deliver(deps: ApprovalDeps, item: Item): Promise<void> {
  const view = viewOf(item);
  const { client, api } = await deps.aws.sfn();
  try {
    await client.send(
      new api.SendTaskSuccessCommand({
        taskToken: item['taskToken'] as string,
        output: JSON.stringify({ outcome: view.outcome }),
      }),
    );
  } catch (error) {
    const closed = ['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'];
    if (!closed.includes(awsErrorName(error) ?? '')) throw error;
  }
  await markDelivered(deps, item);
}

async function markDelivered({ table }: ApprovalDeps, { pk, sk }: Item): Promise<void> {
  await table.update(
    { pk, sk },
    {
      text: 'REMOVE #index, #order, #token',
      names: { index: 'gsi1pk', order: 'gsi1sk', token: 'taskToken' },
    },
  );
}

function viewOf(item: Item): ApprovalView {
  const text = (name: string) => item[name] as string | undefined;
  const optional = (name: 'decidedBy' | 'decidedAt' | 'reason' | 'requestedBy') => {
    const value = text(name);
    return value === undefined ? {} : { [name]: value };
  };
  const outcome = item['outcome'] as ApprovalView['outcome'];
  return {
    id: item['id'] as string,
    purpose: item['purpose'] as ApprovalView['purpose'],
    requestedAt: item['requestedAt'] as string,
    expiresAt: item['expiresAt'] as string,
    needed: item['needed'] as 1 | 2,
    approvedBy: item['approvedBy'] as readonly string[],
    ...(outcome ? { outcome } : {}),
    ...optional('decidedBy'),
    ...optional('decidedAt'),
    ...optional('reason'),
    ...optional('requestedBy'),
  };
}

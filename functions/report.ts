/** Tells people and programs what became of an incident. Each sink on its own: one that is down does not stop another. */
import { z } from 'zod';
import { arn } from '../core/aws/arn.ts';
import { describeError, FirebreakError, TableUnavailable } from '../core/errors.ts';
import { EVENT_DETAIL_TYPE, EVENT_SOURCE, incidentEvent } from '../core/incident/event.ts';
import { type Incident, type IncidentTarget, isDeciding } from '../core/incident/incident.ts';
import { ocsfIncidentFinding } from '../core/incident/ocsf.ts';
import { closeWork, isMoving, mayBeHalfDone } from '../core/incident/open-work.ts';
import { risksOfResponse } from '../core/incident/risks.ts';
import { isContained, isInformation, isOver, isUndo, statusWords } from '../core/incident/status.ts';
import { detectorOf } from '../core/lists/address-lists.ts';
import { showPicture } from '../pipeline/attack-picture.ts';
import { showCard } from '../pipeline/cards.ts';
import { eventOfExecution, type StartedEvent } from '../pipeline/event-of-execution.ts';
import { startFollowUps } from '../pipeline/follow-up.ts';
import { tellPagerDuty } from '../pipeline/pagerduty.ts';
import { findingOf } from '../pipeline/plan-target.ts';
import { leftUnconfirmed, overall, sentence, undecided } from '../pipeline/prove.ts';
import { scheduleNext } from '../pipeline/reprove.ts';
import { countMetric, logger, page, type Runtime, reach } from '../pipeline/runtime.ts';
import { incidentInput, workflowTask } from '../pipeline/workflow.ts';

const failure = z.object({
  execution: z.string(),
  failure: z.looseObject({
    incidentId: z.string().optional(),
    error: z.object({ Error: z.string(), Cause: z.unknown().optional() }),
  }),
});

/** What starts them: the one sink that contains something. */
const FOLLOW_UPS = 'Step Functions';

export const handler = workflowTask('report', z.union([failure, incidentInput]), async (input, runtime) => {
  if ('failure' in input) {
    await reportFailure(runtime, input.failure.incidentId, input.failure.error, input.execution);
    return { status: 'failed' };
  }
  const incident = await settle(runtime, input.incidentId);
  const { followUpOf } = incident;
  const sinks: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['Slack', () => showCard(runtime, incident.id)],
    ['EventBridge', () => publish(runtime, incident)],
    ['GuardDuty', () => archive(runtime, incident)],
    ['Security Hub', () => tellSecurityHub(runtime, incident)],
    [FOLLOW_UPS, () => startFollowUps(runtime, incident)],
    ['PagerDuty', () => closeAlert(runtime, incident)],
    // The list of everything that an identity is stands on its card.
    ...(followUpOf
      ? [
          [
            'Slack',
            () => showCard(runtime, followUpOf.incidentId, { quietly: true, rewriting: true }),
          ] as const,
        ]
      : []),
  ];
  let isOwed = false;
  for (const [name, tell] of sinks) {
    try {
      await tell();
    } catch (error) {
      isOwed ||= name === FOLLOW_UPS;
      if (error instanceof TableUnavailable) throw error;
      countMetric('ReportFailed');
      logger.error(`${name} did not take the report`, {
        incidentId: incident.id,
        reason: describeError(error),
      });
      await runtime.incidents.note(
        incident.id,
        `${name} did not take the report: ${describeError(error)}`,
        runtime.now(),
      );
      await page(runtime, `Firebreak ${incident.id}: ${name} did not take the report`, describeError(error));
    }
  }
  await showPicture(runtime, incident.id);
  const { madeBefore, status } = incident;
  // People have the report; what may be half done, or has yet to follow, stays with the sweep.
  if (!isMoving(incident) && !mayBeHalfDone(incident) && !isOwed) await closeWork(runtime.table, incident);
  const lookAgain = isContained(status) && madeBefore !== undefined && !madeBefore.again;
  return { incidentId: incident.id, status, lookAgain };
});

/** A denied approval ends here; every other end was set by the task that knew it. */
async function settle({ incidents, now }: Runtime, incidentId: string): Promise<Incident> {
  const incident = await incidents.get(incidentId);
  const { approval } = incident;
  if (incident.status !== 'awaiting-approval') return incident;
  // A workflow that an earlier release started does not know that a question can end with the one it joined.
  if (approval?.outcome === 'expired')
    return incidents.change(incidentId, now(), () => ({ status: 'expired' }));
  if (approval?.outcome !== 'denied') return incident;
  await incidents.note(
    incidentId,
    `declined by ${approval.decidedBy}${approval.reason ? `: ${approval.reason}` : ''}`,
    now(),
  );
  return incidents.change(incidentId, now(), (read) => undecided(read, 'declined'));
}

/** The alert at PagerDuty ends with what needs no one any more; anything else stays open for the on-call engineer. */
async function closeAlert(runtime: Runtime, { id, status }: Incident): Promise<void> {
  if (isOver(status) && !isInformation(status)) await tellPagerDuty(runtime, { action: 'resolve', key: id });
}

/** Events let other systems follow without asking: our own, and OCSF's where policy says so. */
async function publish({ own, env, policy }: Runtime, incident: Incident): Promise<void> {
  const { client, api } = await own.events();
  const entry = (DetailType: string, detail: object) => ({
    EventBusName: env.EVENT_BUS,
    Source: EVENT_SOURCE,
    DetailType,
    Detail: JSON.stringify(detail),
  });
  const entries = [
    entry(EVENT_DETAIL_TYPE, incidentEvent(incident, env.STAGE)),
    ...(policy.sendOcsf ? [entry('OCSF Incident Finding', ocsfIncidentFinding(incident, env.VERSION))] : []),
  ];
  const { Entries = [] } = await client.send(new api.PutEventsCommand({ Entries: entries }));
  // PutEvents answers 200 with failed entries inside.
  const refused = Entries.find(({ ErrorCode }) => ErrorCode !== undefined);
  if (refused) throw new Error(`${refused.ErrorCode}: ${refused.ErrorMessage ?? ''}`);
}

/**
 * Only where policy asks for it, and only what is proven: an archived finding disappears from people's lists. A member
 * account may not archive; the administrator's own detector in the finding's Region does it for all.
 */
async function archive(runtime: Runtime, incident: Incident): Promise<void> {
  if (!runtime.policy.archiveContained || incident.status !== 'contained' || incident.sample) return;
  // Neither GuardDuty nor Security Hub knows a finding of a drill.
  if (incident.drill !== undefined) return;
  const finding = await findingOf(runtime, incident.id);
  const own = runtime.own.inRegion(finding.region);
  const { client, api } = await own.guardDuty();
  await client.send(
    new api.ArchiveFindingsCommand({ DetectorId: await detectorOf(own), FindingIds: [finding.id] }),
  );
}

/**
 * The outcome as workflow status and note on the finding that GuardDuty imports into Security Hub. An administrator may
 * update its members' findings, so the pipeline's own account does it, in the finding's Region.
 */
async function tellSecurityHub(runtime: Runtime, incident: Incident): Promise<void> {
  if (!runtime.policy.tellSecurityHub || incident.sample || incident.drill !== undefined) return;
  const finding = await findingOf(runtime, incident.id);
  if (finding.arn === undefined) return;
  const { client, api } = await runtime.own.inRegion(finding.region).securityHub();
  const { UnprocessedFindings: refused = [] } = await client.send(
    new api.BatchUpdateFindingsCommand({
      FindingIdentifiers: [
        {
          Id: finding.arn,
          ProductArn: arn({ ...finding, account: '' }, 'securityhub', 'product/aws/guardduty'),
        },
      ],
      // RESOLVED is for what was proven; with a risk left or nothing done the owner was notified, no more.
      Workflow: { Status: incident.status === 'contained' ? 'RESOLVED' : 'NOTIFIED' },
      Note: {
        Text: `Firebreak ${incident.id}: ${statusWords(incident.status)}. ${incident.decision?.reasons[0] ?? ''}`.slice(
          0,
          512,
        ),
        UpdatedBy: 'firebreak',
      },
    }),
  );
  // BatchUpdateFindings answers 200 with what it did not take inside.
  const [first] = refused;
  if (first) throw new Error(`${first.ErrorCode ?? 'refused'}: ${first.ErrorMessage ?? ''}`);
}

async function reportFailure(
  runtime: Runtime,
  incidentId: string | undefined,
  error: { Error: string; Cause?: unknown },
  execution: string,
): Promise<void> {
  countMetric('ResponseFailed');
  const cause = typeof error.Cause === 'string' ? error.Cause : JSON.stringify(error.Cause ?? '');
  const text = `${error.Error}: ${cause.slice(0, 1500)}\nexecution: ${execution}`;
  const reason = `${error.Error}: ${cause.slice(0, 300)}`;
  if (incidentId !== undefined)
    return tellFailure(runtime, execution, reason, {
      ...{ incidentId, subject: `Firebreak ${incidentId}: the response failed`, text },
    });
  const notice = await notTakenIn(runtime, execution, text);
  // Without an incident there is no card: the page is all there is.
  if (notice.incidentId === undefined) await page(runtime, notice.subject, notice.text);
  else await tellFailure(runtime, execution, reason, { ...notice, incidentId: notice.incidentId });
}

interface FailureNotice {
  readonly incidentId: string;
  readonly subject: string;
  readonly text: string;
}

/** Pages, keeps with the incident that its response failed or that it is not decided, and shows the card. */
async function tellFailure(
  runtime: Runtime,
  execution: string,
  reason: string,
  { incidentId, subject, text }: FailureNotice,
): Promise<void> {
  const { incidents, now } = runtime;
  const left = await unconfirmedIn(runtime, incidentId, reason);
  // First of all: a damaged record is one of the reasons, and then nothing below can be done.
  const paged = await reach(
    runtime,
    incidentId,
    left ? `Firebreak ${incidentId}: containment could not be confirmed` : subject,
    left ? `${left.map(sentence).join('\n')}\n${READ_AGAIN}\n${text}` : text,
  );
  const failed = await incidents.change(incidentId, now(), (read) => {
    if (isDeciding(read, execution)) return { intakeFailed: { at: now().toISOString(), reason } };
    if (isOver(read.status) || isContained(read.status)) return {};
    if (left) return { targets: left, status: overall(left, risksOfResponse(read)) };
    return { status: isUndo(read.status) ? 'undo-partial' : 'failed' };
  });
  if (left) await scheduleNext(runtime, failed);
  await incidents.note(incidentId, `the workflow failed: ${reason}`, now());
  const shown = await showCard(runtime, incidentId);
  if (paged || shown) return;
  throw new FirebreakError('StepFailed', 'neither Slack nor the page topic took the failure', {
    resource: incidentId,
    next: 'Check the rights of the report function; `firebreak show` has the incident.',
  });
}

/** What to say of an event that was not taken in, by the names it has; with its incident, where one was opened for it. */
async function notTakenIn(
  runtime: Runtime,
  execution: string,
  text: string,
): Promise<Omit<FailureNotice, 'incidentId'> & { readonly incidentId?: string }> {
  let event: StartedEvent | undefined;
  let unread = '';
  try {
    event = await eventOfExecution(runtime, execution);
  } catch (error) {
    // The page says so.
    unread = `\nIts event could not be read: ${describeError(error)}`;
  }
  if (!event)
    return { subject: 'Firebreak: a GuardDuty event could not be taken in', text: `${text}${unread}` };
  const { finding, incidentId } = event;
  const notice = {
    subject: `Firebreak ${incidentId}: a GuardDuty event could not be taken in`,
    text: `${finding.type} (severity ${finding.severity}) in account ${finding.account}, ${finding.region}\nfinding: ${finding.id}\nFirebreak starts it again until it is decided.\n${text}`,
  };
  try {
    const incident = await runtime.incidents.find(incidentId);
    return incident && isDeciding(incident, execution) ? { ...notice, incidentId } : notice;
  } catch (error) {
    if (!(error instanceof TableUnavailable)) throw error;
    // The table is what is down, most likely: the page is all there is.
    logger.warn('the incident of an event could not be read', { incidentId, reason: describeError(error) });
    return notice;
  }
}

const READ_AGAIN =
  'The journal says what is in place; no live read has confirmed it. Firebreak reads again within minutes and reports what it sees.';

/** What is in place by the journal, where verifying it is what failed; undefined also where the record cannot be read. */
async function unconfirmedIn(
  runtime: Runtime,
  incidentId: string,
  why: string,
): Promise<readonly IncidentTarget[] | undefined> {
  try {
    return await leftUnconfirmed(runtime, await runtime.incidents.get(incidentId), why);
  } catch (error) {
    logger.error('a failed incident could not be read', { incidentId, reason: describeError(error) });
    return undefined;
  }
}

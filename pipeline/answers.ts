/** Answers of people with AWS credentials (`firebreak approve`, `firebreak deny`): judged as a click in Slack is. */
import {
  type Answer,
  type AnswerResult,
  closeAnswer,
  type WrittenAnswer,
  waitingAnswers,
} from '../core/approval/answers.ts';
import { incidentOfDecision } from '../core/approval/approval.ts';
import { type Door, nameOf, personOf } from '../core/approval/door.ts';
import { describeError } from '../core/errors.ts';
import type { Mode } from '../core/table/mode.ts';
import { announce } from './announce.ts';
import { authorize } from './authorize.ts';
import { showCard } from './cards.ts';
import { notTaken, recordDecision } from './decision.ts';
import { switchMode } from './mode.ts';
import { tellPagerDuty } from './pagerduty.ts';
import { countMetric, logger, type Runtime } from './runtime.ts';

/** Takes every answer that waits; returns how many counted. One that fails is tried again, and keeps no other waiting. */
export async function takeAnswers(given: Runtime): Promise<number> {
  let counted = 0;
  let failed: unknown;
  for await (const written of waitingAnswers(given.table)) {
    try {
      const became = await judge(given, written);
      await closeAnswer(given.table, written, became);
      if (became.counted) counted += 1;
    } catch (error) {
      logger.error('an answer could not be taken', { reason: describeError(error) });
      failed = error;
    }
  }
  if (failed !== undefined) throw failed;
  return counted;
}

const UNMAPPED = 'policy.yml does not map this identity to a person (people)';

async function judge(given: Runtime, { said }: WrittenAnswer): Promise<AnswerResult> {
  if (said)
    return 'mode' in said ? takeMode(given, said.door, said.mode) : takeAnswer(given, said.door, said);
  return refuse(given, undefined, undefined, 'this is not an answer that a person gave');
}

/** Judges one answer: who it is, whether they may, and then as any other decision. */
export async function takeAnswer(given: Runtime, door: Door, answer: Answer): Promise<AnswerResult> {
  const { approvals, policy } = given;
  const by = personOf(policy.people, door);
  if (by === undefined) {
    return refuse(given, door, undefined, UNMAPPED);
  }
  if (answer.outcome === 'denied' && !answer.reason?.trim()) {
    return refuse(given, door, undefined, 'say why: the next person reads it');
  }
  const incident = await incidentOfDecision(approvals, answer.decisionId);
  if (!incident) return refuse(given, door, undefined, 'no such decision');
  const allowed = await authorize(given, by, 'approver', incident);
  if (!allowed.ok) return refuse(given, door, incident.id, allowed.reason);
  const named = door.kind === 'slack' ? by : `${by} (${nameOf(door)})`;
  const result = await recordDecision(given, incident, { ...answer, by }, named);
  switch (result.kind) {
    case 'recorded':
      await showCard(given, incident.id, { quietly: true });
      await tellPagerDuty(given, { action: 'acknowledge', key: incident.id });
      return { counted: true, text: `Recorded: ${result.approval.outcome} by ${by}.` };
    case 'counted':
      await showCard(given, incident.id, { quietly: true });
      return { counted: true, text: 'Counted. A second person is needed.' };
    case 'closed':
    case 'refused':
    case 'unknown': {
      const text = notTaken(result);
      await record(given, door, incident.id, text);
      return { counted: false, text };
    }
  }
}

/** Judges the wish for a mode as `/firebreak mode` is judged, and tells everyone. */
export async function takeMode(given: Runtime, door: Door, to: Mode): Promise<AnswerResult> {
  const by = personOf(given.policy.people, door);
  if (by === undefined) return refuse(given, door, undefined, UNMAPPED);
  const allowed = await authorize(given, by, 'responder', undefined);
  if (!allowed.ok) return refuse(given, door, undefined, allowed.reason);
  const named = door.kind === 'slack' ? by : `${by} (${nameOf(door)})`;
  const { counted, say, announcement } = await switchMode(given, to, by, named);
  if (announcement) {
    try {
      await announce(given, announcement);
    } catch (error) {
      // The mode is switched: announcing again would only be refused the same way.
      countMetric('SlackFailed');
      logger.error('the switch of the mode was not announced', { reason: describeError(error) });
    }
  }
  return { counted, text: say };
}

async function refuse(
  given: Runtime,
  door: Door | undefined,
  incidentId: string | undefined,
  reason: string,
): Promise<AnswerResult> {
  await record(given, door, incidentId, reason);
  return { counted: false, text: `Not done: ${reason}.` };
}

/** Refusals change nothing and leave a record: in the log always, on the timeline where the incident is known. */
async function record(
  { incidents, now }: Runtime,
  door: Door | undefined,
  incidentId: string | undefined,
  reason: string,
): Promise<void> {
  const by = door && nameOf(door);
  countMetric('AnswerRefused');
  logger.warn('answer refused', { audit: true, reason, by, incidentId });
  if (incidentId !== undefined)
    await incidents.note(incidentId, `refused an answer of ${by}: ${reason}`, now());
}

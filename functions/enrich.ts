/** Claims the incident by finding id and reads live state. Duplicates and stale updates end here. */
import { z } from 'zod';
import { inBatches } from '../core/aws/batches.ts';
import { type Finding, parseFinding } from '../core/finding/finding.ts';
import type { Assessment, Decision, Incident, IncidentTarget } from '../core/incident/incident.ts';
import { resourceKey } from '../core/journal/playbook.ts';
import { resolveIntake } from '../core/table/intake.ts';
import { choiceFor, followUpEvent, followUpNote } from '../pipeline/follow-up.ts';
import { openPrincipal } from '../pipeline/open-principal.ts';
import { findingOf, planTarget } from '../pipeline/plan-target.ts';
import { logger, type Runtime } from '../pipeline/runtime.ts';
import { workflowTask } from '../pipeline/workflow.ts';
import { type Choice, NOTICE } from '../playbooks/index.ts';

const input = z.object({ event: z.unknown(), execution: z.string().min(1) });

export interface Enriched {
  readonly incidentId: string;
  /** `ignore`: a duplicate or stale delivery. */
  readonly route: 'respond' | 'ignore';
}

export const handler = workflowTask(input, async ({ event, execution }, runtime): Promise<Enriched> => {
  const { incidents, table, now } = runtime;
  const asked = followUpEvent.safeParse(event);
  const followUp = asked.success ? asked.data.followUp : undefined;
  const finding = followUp
    ? await findingOf(runtime, followUp.incidentId)
    : parseFinding(await resolveIntake(table, event));
  const choice = await choiceFor(runtime, finding, followUp);
  const principalUnderIncident = await openPrincipal(runtime, finding);
  const wanted = runtime.policy.want(finding, { followUpOf: followUp, principalUnderIncident });
  if (followUp) {
    await incidents.note(followUp.incidentId, followUpNote(followUp, choice, wanted.kind), now());
    if ('none' in choice) return { incidentId: followUp.incidentId, route: 'ignore' };
  }
  const claim = await incidents.claim(finding, execution, now(), followUp);
  const { incident } = claim;
  logger.appendKeys({ incidentId: incident.id });
  switch (claim.kind) {
    case 'duplicate':
    case 'stale':
      logger.info(`ignored: ${claim.kind} delivery`, { findingId: finding.id, updatedAt: finding.updatedAt });
      return { incidentId: incident.id, route: 'ignore' };
    case 'new':
      if (!claim.resumed) await incidents.note(incident.id, `finding received: ${finding.type}`, now());
      break;
    case 'update':
      await incidents.note(
        incident.id,
        `finding updated: count ${claim.before.count} -> ${finding.count}, severity ${claim.before.severity} -> ${finding.severity}`,
        now(),
      );
      break;
  }
  // A containment that is under way or done is never planned anew by an update: Classify judges, Report tells.
  const open = ['received', 'notified', 'recorded', 'declined', 'expired', 'escalated'].includes(
    incident.status,
  );
  if (open) await plan(runtime, incident, finding, { choice, wanted });
  return { incidentId: incident.id, route: 'respond' };
});

/** Reads and plans every target, and keeps with the incident what Classify judges. */
async function plan(
  runtime: Runtime,
  incident: Incident,
  finding: Finding,
  { choice, wanted }: { readonly choice: Choice; readonly wanted: Decision },
): Promise<void> {
  const { incidents, policy, now } = runtime;
  const answer = 'none' in choice ? choice : { id: choice.id, kind: choice.kind };
  const assessment: Assessment = { findingUpdatedAt: finding.updatedAt, answer, wanted };
  if ('none' in choice) {
    await incidents.change(incident.id, now(), () => ({ playbook: NOTICE.id, assessment }));
    return;
  }
  const { id, display, parts, unhandled, residual } = choice;
  const named = parts.map(
    ({ playbook, target }): IncidentTarget => ({
      key: resourceKey(target),
      playbook: playbook.id,
      target,
    }),
  );
  // What is only recorded or told needs no read: samples name resources that do not exist.
  const acts =
    (wanted.kind === 'ask' || wanted.kind === 'auto') &&
    policy.actsOn(
      finding,
      parts.map(({ playbook, target }) => ({ playbook: playbook.id, display: target.display })),
    );
  const targets = acts
    ? await inBatches(named, 5, (entry) => planTarget(runtime, incident, entry, false))
    : named;
  await incidents.change(incident.id, now(), () => ({
    playbook: id,
    display,
    targets,
    unhandled,
    residual,
    assessment,
  }));
  for (const what of unhandled) await incidents.note(incident.id, `not handled: ${what}`, now());
}

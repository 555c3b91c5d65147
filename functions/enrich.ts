/** Claims the incident by finding id and reads live state. Duplicates and stale updates end here. */
import { z } from 'zod';
import { inBatches } from '../core/batches.ts';
import { type Finding, parseFinding } from '../core/finding.ts';
import type { Incident, IncidentTarget } from '../core/incident.ts';
import { resolveIntake } from '../core/intake.ts';
import { resourceKey } from '../core/playbook.ts';
import { choosePlaybook } from '../playbooks/index.ts';
import { planTarget } from './plan-target.ts';
import { logger, type Runtime } from './runtime.ts';
import { workflowTask } from './workflow.ts';

const input = z.object({ event: z.unknown(), execution: z.string().min(1) });

export interface Enriched {
  readonly incidentId: string;
  /** `ignore`: a duplicate or stale delivery. */
  readonly route: 'respond' | 'ignore';
}

export const handler = workflowTask(input, async ({ event, execution }, runtime): Promise<Enriched> => {
  const { incidents, table, now } = runtime;
  const finding = parseFinding(await resolveIntake(table, event));
  const claim = await incidents.claim(finding, execution, now());
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
  if (open) await chooseAndPlan(runtime, incident, finding);
  return { incidentId: incident.id, route: 'respond' };
});

async function chooseAndPlan(runtime: Runtime, incident: Incident, finding: Finding): Promise<void> {
  const { incidents, policy, now } = runtime;
  const choice = choosePlaybook(finding);
  if ('none' in choice) return;
  const { id, kind, display, parts, unhandled } = choice;
  const first = policy.decide(finding, {
    now: now(),
    playbook: { id, kind },
    parts: parts.map(({ playbook, target }) => ({ playbook: playbook.id, display: target.display })),
  });
  const named = parts.map(
    ({ playbook, target }): IncidentTarget => ({
      key: resourceKey(target),
      playbook: playbook.id,
      target,
    }),
  );
  // What is only recorded or told needs no read: samples name resources that do not exist.
  const acts = first.kind === 'ask' || first.kind === 'auto';
  const targets = acts
    ? await inBatches(named, 5, (entry) => planTarget(runtime, incident, entry, false))
    : named;
  await incidents.change(incident.id, now(), () => ({ playbook: id, display, targets, unhandled }));
  for (const what of unhandled) await incidents.note(incident.id, `not handled: ${what}`, now());
}

/** Follow-ups: once a containment has settled, policy may want one more, asked or automatic. */
import { z } from 'zod';
import { awsErrorName, describeError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { DecisionKind, FollowUp, Incident } from '../core/incident.ts';
import { isContained } from '../core/incident.ts';
import type { Expansion } from '../core/playbook.ts';
import { type Choice, choiceOf, choosePlaybook, compositeById, playbookById } from '../playbooks/index.ts';
import { planOptions } from './plan-target.ts';
import type { Runtime } from './runtime.ts';

/** What a follow-up execution is started with, instead of a GuardDuty event. */
export const followUpEvent = z.object({
  followUp: z.object({ incidentId: z.string().min(1), playbook: z.string().min(1) }),
});

/**
 * Starts the follow-ups of an incident that has settled. The execution's name makes a second start harmless: Step
 * Functions answers ExecutionAlreadyExists, and the claim of the incident ends what it lets through.
 */
export async function startFollowUps({ own, env }: Runtime, incident: Incident): Promise<void> {
  if (incident.followUpOf) return;
  const { client, api } = await own.sfn();
  for (const playbook of followUpsOf(incident)) {
    const followUp: FollowUp = { incidentId: incident.id, playbook };
    try {
      await client.send(
        new api.StartExecutionCommand({
          stateMachineArn: env.RESPOND_STATE_MACHINE_ARN,
          name: `${incident.id}-${playbook}`.slice(0, 80),
          input: JSON.stringify({ followUp }),
        }),
      );
    } catch (error) {
      if (awsErrorName(error) !== 'ExecutionAlreadyExists') throw error;
    }
  }
}

/**
 * What policy asks for once something is contained, and what the plans of its targets ask for. A plan that was refused
 * because another lever works (a node, a pod on its node's network) asks for that lever.
 */
export function followUpsOf({ status, decision, targets, playbook }: Incident): readonly string[] {
  const contained = isContained(status);
  if (!contained && status !== 'escalated') return [];
  const wanted = targets.flatMap(({ plan }) =>
    plan && (contained || plan.kind === 'refused') ? (plan.followUps ?? []) : [],
  );
  const all = new Set([...(contained ? (decision?.followUps ?? []) : []), ...wanted]);
  // The finding was answered by that one already.
  if (playbook !== null) all.delete(playbook);
  return [...all];
}

/** The answer to a finding, or to the follow-up of one. */
export async function choiceFor(
  runtime: Runtime,
  finding: Finding,
  followUp: FollowUp | undefined,
): Promise<Choice> {
  if (!followUp) return choosePlaybook(finding);
  const { playbook: id } = followUp;
  const aws = runtime.awsOf(finding, followUp.incidentId);
  const composite = compositeById(id);
  if (composite) {
    const expansion = composite.locate
      ? await composite.locate(finding, aws)
      : composite.expand(finding, () => ({ ok: false, reason: 'no playbook answers alone' }));
    return choiceOf(id, expansion, true);
  }
  const playbook = playbookById(id);
  if (!playbook) return { none: `there is no playbook ${id}` };
  const options = { caseId: followUp.incidentId, now: runtime.now(), approved: false };
  const choice = playbook.locate
    ? await playbook.locate(finding, aws, await planOptions(runtime, playbook, options))
    : playbook.targetOf(finding);
  const expansion: Expansion = choice.ok
    ? { ok: true, parts: [{ playbook, target: choice.target }], unhandled: [] }
    : choice;
  return choiceOf(id, expansion, false);
}

/** One line for the timeline of the incident that asks. */
export const followUpNote = (
  { incidentId, playbook }: FollowUp,
  outcome: Choice,
  decided: DecisionKind,
): string => {
  if ('none' in outcome) return `no follow-up by ${describeError(outcome.none)}`;
  return decided === 'auto'
    ? `${playbook} on ${outcome.display} follows (follow-up of ${incidentId})`
    : `a person is asked about ${playbook} on ${outcome.display} as well (follow-up of ${incidentId})`;
};

/** Follow-ups: once a containment has settled, policy may want one more, asked or automatic. */
import { inBatches } from '../core/aws/batches.ts';
import { startExecution } from '../core/aws/executions.ts';
import { describeError, FirebreakError, isAccessDenied } from '../core/errors.ts';
import type { Finding } from '../core/finding/finding.ts';
import {
  type DecisionKind,
  type FollowUp,
  type Incident,
  type IncidentTarget,
  identityOf,
  incidentIdFor,
} from '../core/incident/incident.ts';
import { isContained } from '../core/incident/status.ts';
import { type Expansion, resourceKey, type Target } from '../core/journal/playbook.ts';
import { type Choice, choiceOf, choosePlaybook, compositeById, playbookById } from '../playbooks/index.ts';
import { type ChannelEnvelope, followUpExecution } from './channel.ts';
import { findingOf, planOptions } from './plan-target.ts';
import type { Runtime } from './runtime.ts';

/**
 * Starts the follow-ups of an incident that has settled. The execution's name makes a second start harmless: Step
 * Functions answers ExecutionAlreadyExists, and the claim of the incident ends what it lets through.
 */
export async function startFollowUps({ own, env }: Runtime, incident: Incident): Promise<void> {
  // The report of an undo asks nothing more: what the containment asks about was started with its own report.
  if (incident.followUpOf || incident.undoRun || incident.drill !== undefined) return;
  for (const playbook of followUpsOf(incident)) {
    const followUp: FollowUp = { incidentId: incident.id, playbook };
    await startExecution(own, {
      stateMachineArn: env.RESPOND_STATE_MACHINE_ARN,
      name: followUpExecution(followUp),
      input: JSON.stringify({ channel: 'follow-up', followUp } satisfies ChannelEnvelope),
    });
  }
}

/**
 * What policy asks for once something is contained, and what the plans of its targets ask for. A plan that was refused
 * because another action works (a node, a pod on its node's network) asks for that action.
 */
function followUpsOf({ status, decision, targets, playbook }: Incident): readonly string[] {
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

/** Throws Refused unless the incident's own record asks for this follow-up. */
export async function checkAsked(runtime: Runtime, followUp: FollowUp): Promise<void> {
  const { decision, targets, followUpOf, planVersion, drill } = await runtime.incidents.get(
    followUp.incidentId,
  );
  // Of what an earlier release recorded, and most functions may write, the finding's type alone counts.
  const wanted =
    planVersion === undefined || decision?.decidedAt === undefined
      ? runtime.policy.want(await findingOf(runtime, followUp.incidentId), {}).followUps
      : [...decision.followUps, ...targets.flatMap(({ plan }) => plan?.followUps ?? [])];
  if (followUpOf === undefined && drill === undefined && wanted.includes(followUp.playbook)) return;
  throw new FirebreakError('Refused', `the incident does not ask for the follow-up ${followUp.playbook}`, {
    resource: followUp.incidentId,
    next: 'Find out in CloudTrail who started this execution.',
  });
}

/** The answer to a finding, or to the follow-up of one. */
export async function choiceFor(
  runtime: Runtime,
  finding: Finding,
  followUp: FollowUp | undefined,
): Promise<Choice> {
  if (!followUp) return sought(runtime, finding, choosePlaybook(finding));
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
  const asking = (await runtime.incidents.find(followUp.incidentId))?.targets ?? [];
  const choices = await inBatches(findingsFor(asking, finding, id), 5, async (about) =>
    playbook.locate
      ? await playbook.locate(
          about,
          runtime.awsOf(about, followUp.incidentId),
          await planOptions(runtime, playbook, options),
        )
      : playbook.targetOf(about),
  );
  const targets = new Map<string, Target>();
  const reasons = new Set<string>();
  for (const choice of choices) {
    if (!choice.ok) reasons.add(choice.reason);
    // An attack sequence can name what the plan of another of its targets asks for.
    else if (contains(asking, id, choice.target))
      reasons.add(`${choice.target.display} is contained by the incident itself`);
    else targets.set(resourceKey(choice.target), choice.target);
  }
  const parts = [...targets.values()].map((target) => ({ playbook, target }));
  const expansion: Expansion =
    parts.length > 0
      ? { ok: true, parts, unhandled: [...reasons] }
      : { ok: false, reason: [...reasons].join('; ') };
  return choiceOf(id, expansion, false);
}

/** Looks for the target that a finding says enough about to be found. What is only recorded or reported needs no read. */
async function sought(runtime: Runtime, finding: Finding, choice: Choice): Promise<Choice> {
  if ('none' in choice || choice.sought === undefined || finding.sample || finding.archived) return choice;
  const playbook = playbookById(choice.id);
  if (!playbook?.locate) return { none: `${choice.display} has to be looked for by hand` };
  try {
    const aws = runtime.awsOf(finding, incidentIdFor(identityOf(finding)));
    const found = await playbook.locate(finding, aws);
    if (!found.ok) return { none: `${choice.id}: ${found.reason}` };
    const parts = [{ playbook, target: found.target }];
    const { sought: _sought, ...rest } = choice;
    return { ...rest, kind: found.target.kind, display: found.target.display, parts };
  } catch (error) {
    if (!isAccessDenied(error) && !(error instanceof FirebreakError)) throw error;
    return { none: `${choice.id}: ${choice.display} could not be looked for (${describeError(error)})` };
  }
}

/**
 * An attack sequence is about several resources, and its own `resource` about none: the follow-up is looked up in the finding
 * as it is about each target whose plan asks for it. Every other finding is taken as it is.
 */
function findingsFor(
  targets: readonly IncidentTarget[],
  finding: Finding,
  playbook: string,
): readonly Finding[] {
  const asking = new Set(
    targets.flatMap(({ key, plan }) => (plan?.followUps?.includes(playbook) ? [key] : [])),
  );
  const choice = choosePlaybook(finding);
  const found = ('none' in choice ? [] : choice.parts).flatMap(({ target, about }) =>
    about && asking.has(resourceKey(target)) ? [about] : [],
  );
  return found.length > 0 ? found : [finding];
}

const contains = (targets: readonly IncidentTarget[], playbook: string, target: Target): boolean =>
  targets.some(
    (entry) =>
      entry.playbook === playbook &&
      entry.key === resourceKey(target) &&
      (entry.status === 'contained' || entry.status === 'residual'),
  );

/** One line for the timeline of the incident that asks. */
export const followUpNote = (
  { incidentId, playbook }: FollowUp,
  outcome: Choice,
  decided: DecisionKind,
): string => {
  if ('none' in outcome) return `no follow-up by ${describeError(outcome.none)}`;
  return decided === 'auto'
    ? `${playbook} on ${outcome.display} follows (follow-up of ${incidentId})`
    : `approval requested for follow-up ${playbook} on ${outcome.display} (follow-up of ${incidentId})`;
};

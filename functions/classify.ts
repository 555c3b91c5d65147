/** The decision with its reasons: record, notify, ask or auto; for an update, whether it changes anything. */
import { z } from 'zod';
import { secondsLeft } from '../core/approval/clock.ts';
import { beside } from '../core/beside.ts';
import { FirebreakError } from '../core/errors.ts';
import { type Finding, type SeverityLabel, severityRank } from '../core/finding/finding.ts';
import { isDrilled } from '../core/incident/drill.ts';
import {
  type Answer,
  type Assessment,
  type Confirmation,
  changeSinceDecision,
  type Decision,
  type Incident,
  type IncidentTarget,
  isAskedAgain,
  isDeciding,
} from '../core/incident/incident.ts';
import { principalsIn, rememberPrincipals } from '../core/incident/principals.ts';
import { answeringSequence, type SequenceIncident } from '../core/incident/sequence.ts';
import {
  type IncidentStatus,
  isContained,
  isRunning,
  needsResponder,
  reopens,
} from '../core/incident/status.ts';
import type { Plan } from '../core/journal/playbook.ts';
import { type TrustedEntries, trustedEntries } from '../core/lists/list-changes.ts';
import type { GatePart } from '../core/policy/facts.ts';
import { countAuto, killSwitch } from '../core/table/breaker.ts';
import { modeInForce } from '../core/table/mode.ts';
import { isReproof, isTakeover } from '../pipeline/channel.ts';
import { pageIncident } from '../pipeline/incident-page.ts';
import { openPrincipal } from '../pipeline/open-principal.ts';
import { findingOf } from '../pipeline/plan-target.ts';
import { actsAlone } from '../pipeline/read-back.ts';
import { countMetric, type Runtime } from '../pipeline/runtime.ts';
import { incidentInput, workflowTask } from '../pipeline/workflow.ts';
import { choosePlaybook, marksOnly, playbookById } from '../playbooks/index.ts';

const input = incidentInput.extend({
  /** Definitions of earlier releases, which call it as a function of its own, do not say it. */
  task: z.literal('classify').optional(),
  execution: z.string().min(1),
});

export interface Classified {
  readonly incidentId: string;
  /** `ignored`: a newer event of the finding came meanwhile, and its execution decides. `decided`: the question was answered, or ended. */
  readonly next: 'contain' | 'ask' | 'decided' | 'verify' | 'report' | 'ignored';
  readonly approvalTimeoutSeconds: number;
  /** Indices into the incident's targets: the Map's items. */
  readonly targets: readonly number[];
  readonly verify: { readonly waitSeconds: number };
  /** False for what is only recorded, and for samples: there is nothing to look into. */
  readonly investigate: boolean;
}

/** Decisions that may lose against another writer's. */
const MOST_ATTEMPTS = 10;

export const handler = workflowTask(
  'classify',
  input,
  async ({ incidentId, execution }, runtime): Promise<Classified> => {
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      const [incident, finding, stopped, mode, trusted] = await Promise.all([
        runtime.incidents.get(incidentId),
        findingOf(runtime, incidentId),
        killSwitch(runtime.table),
        modeInForce(runtime.table, runtime.policy.mode),
        trustedEntries(runtime.table),
      ]);
      const classified = await classify({ ...runtime, stopped, mode, trusted }, incident, finding, execution);
      // Another writer came between: what is newest now is judged.
      if (classified) return classified;
    }
    throw new FirebreakError('Conflict', 'other writers came between every decision', {
      resource: incidentId,
      next: 'The workflow tries again.',
    });
  },
);

/** What is read next to the incident, since every decision needs it. */
interface Judging extends Runtime {
  readonly stopped: boolean;
  readonly mode: Awaited<ReturnType<typeof modeInForce>>;
  readonly trusted: TrustedEntries;
}

/** Classifies the incident as it was read; undefined where another writer came before the decision was written. */
async function classify(
  runtime: Judging,
  incident: Incident,
  finding: Finding,
  execution: string,
): Promise<Classified | undefined> {
  const isOwner = incident.execution === execution;
  if (isDeciding(incident, execution)) {
    if (!isOwner || incident.status === 'containing') return update(runtime, incident, finding, execution);
    const decided = await decide(runtime, incident, finding, execution);
    return decided && route(decided);
  }
  // A retry of this very task, or an execution that took the incident over.
  if (isOwner) return isTakeover(execution) ? goOn(incident, runtime.now()) : route(incident);
  if (isReproof(execution) || incident.deliveredBy === undefined)
    return update(runtime, incident, finding, execution);
  return { ...route(incident), next: incident.deliveredBy === execution ? 'report' : 'ignored' };
}

/**
 * A decision on the newest event, stored with the incident's status by one write over what was judged; undefined where
 * another writer came first. What a retry repeats comes before it.
 */
async function decide(
  runtime: Judging,
  incident: Incident,
  finding: Finding,
  execution: string,
  judged?: Judged,
): Promise<Incident | undefined> {
  const { incidents, now } = runtime;
  const { decision: gated, stuck, answer, sequence } = judged ?? (await judge(runtime, incident, finding));
  // Whether the breaker lowers it or not: what only notifies in the end is not open on its principals.
  const remembers = acts(gated) || stuck;
  const [allowed] = await Promise.all([
    counted(runtime, incident, finding, gated, answer),
    remembers ? rememberPrincipals(runtime.table, finding, incident, now()) : undefined,
  ]);
  const decision = {
    ...allowed,
    decidedAt: now().toISOString(),
    findingUpdatedAt: incident.findingUpdatedAt,
  };
  const status = statusFor(decision, stuck);
  if (decision.page)
    await pageIncident(
      runtime,
      { ...incident, decision, status, approval: undefined },
      `Firebreak ${incident.id}: ${finding.type}`,
      decision.reasons,
    );
  // An approval of what was decided before is none of what is decided now.
  const partOf = sequence?.incidentId;
  const change = {
    partOf,
    decision,
    status,
    execution,
    approval: undefined,
    intakeFailed: undefined,
    passes: 0,
  };
  const text = `decided ${decision.kind}: ${decision.reasons.join('; ')}`;
  const decided = await incidents.replace(incident, now(), change, text);
  if (!decided) return undefined;
  if (decision.unknownType) countMetric('UnknownFindingType');
  countMetric(`Decision_${decision.kind}`);
  if (partOf !== undefined) {
    const part = `signal ${incident.id} (${finding.type}) is part of this sequence`;
    await beside(() => incidents.note(partOf, part, now()));
  }
  return decided;
}

/**
 * A later event of a known finding. It can raise what was only notified to a first ask or containment; it never starts a
 * second one. Only one execution takes the incident over: the versioned write decides which.
 */
async function update(
  runtime: Judging,
  incident: Incident,
  finding: Finding,
  execution: string,
): Promise<Classified | undefined> {
  const { incidents, now } = runtime;
  // The sweep started it: the finding has said nothing new.
  const reproof = isReproof(execution);
  const rose = severityRank(finding.label) > severityRank(labelAtDecision(incident));
  if (!reproof && isReopened(incident, rose)) {
    const judged = await judge(runtime, incident, finding);
    if (acts(judged.decision) || incident.decision === undefined) {
      const decided = await decide(runtime, incident, finding, execution, judged);
      return decided && route(decided);
    }
  }
  const active = isContained(incident.status);
  const taken = incident.status === 'containing' && incident.execution === execution;
  if ((taken || active) && driftedIn(incident).length > 0) {
    const again = await containAgain(runtime, incident, execution);
    return again && route(again);
  }
  if (reproof) return { ...route(incident), next: 'report' };
  if (rose)
    await pageIncident(runtime, incident, `Firebreak ${incident.id}: severity rose to ${finding.label}`);
  const finished = await incidents.replace(incident, now(), {
    ...judgedOf(incident),
    ...(active && !incident.joined ? { activeAfterContainment: true } : {}),
  });
  if (!finished) return undefined;
  if (rose)
    await incidents.note(
      incident.id,
      `severity rose to ${finding.severity} (${finding.label}): paged`,
      now(),
    );
  return { ...route(finished), next: 'report' };
}

/** The newest event leaves the decision as it is. */
const judgedOf = ({ decision, findingUpdatedAt }: Incident): Partial<Incident> => ({
  ...(decision ? { decision: { ...decision, findingUpdatedAt } } : {}),
  intakeFailed: undefined,
});

/** What people could not decide because it changed again is decided again by any later event of the finding. */
const isReopened = (incident: Incident, rose: boolean): boolean => {
  const { status, targets } = incident;
  const changed = targets.some((entry) => changeSinceDecision(incident, entry) !== undefined);
  return reopens(status, rose || (needsResponder(status) && changed));
};

/** Positions of the targets whose confirmed containment was found removed. */
const driftedIn = ({ targets }: Incident): readonly number[] =>
  targets.flatMap(({ driftedAt }, index) => (driftedAt === undefined ? [] : [index]));

/** Takes the incident over to contain again what was removed; undefined where another writer came first. */
async function containAgain(
  runtime: Runtime,
  incident: Incident,
  execution: string,
): Promise<Incident | undefined> {
  const { incidents, now } = runtime;
  const goesOn = !isReproof(execution) && !incident.joined;
  const taken =
    incident.status === 'containing'
      ? incident
      : await incidents.replace(incident, now(), {
          ...{ status: 'containing', execution, passes: 1 },
          ...(goesOn ? { activeAfterContainment: true } : {}),
        });
  if (!taken) return undefined;
  const names = driftedIn(taken).flatMap((index) => taken.targets[index]?.target.display ?? []);
  await pageIncident(runtime, taken, `Firebreak ${incident.id}: containment was removed`, [
    `${names.join(', ')}: a live read no longer confirms the containment${goesOn ? ', and the finding goes on' : ''}. Firebreak contains again what its journal allows.`,
  ]);
  return goesOn ? incidents.replace(taken, now(), judgedOf(taken)) : taken;
}

interface Judged {
  /** Before the circuit breaker, which counts only what would happen. */
  readonly decision: Decision;
  /** Policy wanted an ask or a containment, but the target cannot be acted on: a person must. */
  readonly stuck: boolean;
  readonly answer: Answer;
  readonly sequence: SequenceIncident | undefined;
}

/** Enrich of another release ran, or ran for another event. */
const NOT_READ_BACK: Confirmation = {
  kind: 'unread',
  reason: 'the finding was not read back from GuardDuty',
};

/** Judges what Enrich found out by what is known now. */
async function judge(runtime: Judging, incident: Incident, finding: Finding): Promise<Judged> {
  const { policy, incidents, now, stopped, mode, trusted } = runtime;
  const [{ answer, wanted, confirmation }, sequence] = await Promise.all([
    assessmentOf(runtime, incident, finding),
    answeringSequence(incidents, finding, incident),
  ]);
  const parts = incident.targets.map(partOf);
  const decision = policy.gate(wanted, finding, {
    now: now(),
    playbook: answer,
    confirmation:
      confirmation ??
      (policy.verifyFinding !== 'off' && actsAlone(wanted) && !isDrilled(incident.drill, incident.targets)
        ? NOT_READ_BACK
        : undefined),
    killSwitch: stopped,
    mode,
    trusted: [...trusted.vouched, ...trusted.unvouched],
    sequence,
    parts,
  });
  const refused = parts.some(({ plan }) => plan?.kind === 'refused');
  const couldAct = mode === 'enforce' && acts(wanted) && !('none' in answer) && policy.actsOn(finding, []);
  return { decision, stuck: couldAct && !acts(decision) && refused, answer, sequence };
}

/** Lowers an automatic decision where the hour's allowance is used up; counts it, so only once it would happen. */
async function counted(
  { policy, table, now }: Runtime,
  { id, findingUpdatedAt, account, targets, drill }: Incident,
  finding: Finding,
  decision: Decision,
  answer: Answer,
): Promise<Decision> {
  if (decision.kind !== 'auto' || 'none' in answer) return decision;
  // A tag takes nothing down, and anyone who uploads files must not use up the allowance of what does.
  if (marksOnly(targets)) return decision;
  // A drill must not use up the allowance of real findings, and changes nothing but what it made.
  if (isDrilled(drill, targets)) return decision;
  const tripped = await countAuto(
    table,
    {
      decision: `${id} ${findingUpdatedAt}`,
      account,
      playbook: answer.id,
      principals: principalsIn(finding),
      resources: targets.map(({ key }) => key),
    },
    policy.breakerLimits,
    now(),
  );
  return policy.breaker(decision, tripped);
}

/** What Enrich found out about this very event; assessed here where it did not, or an earlier release ran it. */
async function assessmentOf(
  runtime: Runtime,
  { assessment, playbook, targets: [target], followUpOf }: Incident,
  finding: Finding,
): Promise<Omit<Assessment, 'findingUpdatedAt'>> {
  if (assessment?.findingUpdatedAt === finding.updatedAt) return assessment;
  const principalUnderIncident = await openPrincipal(runtime, finding);
  const wanted = runtime.policy.want(finding, { followUpOf, principalUnderIncident });
  if (playbook !== null && followUpOf && target)
    return { answer: { id: playbook, kind: target.target.kind }, wanted };
  const choice = choosePlaybook(finding);
  return { answer: 'none' in choice ? choice : { id: choice.id, kind: choice.kind }, wanted };
}

const partOf = (entry: IncidentTarget): GatePart => ({
  playbook: entry.playbook,
  display: entry.target.display,
  plan: planFor(entry),
});

const acts = ({ kind }: Decision): boolean => kind === 'ask' || kind === 'auto';

/** A target that could not be read is treated as refused: nothing is done and a person learns what was wrong. */
const planFor = (entry: IncidentTarget): Plan | undefined =>
  entry.problem === undefined
    ? entry.plan
    : { kind: 'refused', reason: entry.problem, alternative: 'Check the resource and contain it by hand.' };

function statusFor(decision: Decision, stuck: boolean): IncidentStatus {
  if (stuck) return 'escalated';
  switch (decision.kind) {
    case 'record':
      return 'recorded';
    case 'notify':
      return 'notified';
    case 'ask':
    case 'auto':
      return 'received'; // the next task sets another
  }
}

function route(incident: Incident): Classified {
  const { decision, targets } = incident;
  const next = !isRunning(incident.status)
    ? 'report'
    : decision?.kind === 'auto' || incident.status === 'containing'
      ? 'contain'
      : decision?.kind === 'ask'
        ? 'ask'
        : 'report';
  const delays = targets.map(({ playbook }) => playbookById(playbook)?.proofDelaySeconds ?? 0);
  return {
    incidentId: incident.id,
    next,
    approvalTimeoutSeconds: decision?.approvalTimeoutSeconds ?? 1,
    targets: incident.status === 'containing' ? driftedIn(incident) : targets.map((_, index) => index),
    verify: { waitSeconds: Math.max(0, ...delays) },
    investigate: decision?.kind !== 'record' && !incident.sample,
  };
}

/** Where an execution goes on that took the incident over. */
function goOn(incident: Incident, now: Date): Classified {
  const on = route(incident);
  const { status, approval, targets } = incident;
  if (status === 'received') return on;
  if (status === 'verifying') return { ...on, next: 'verify' };
  if (status === 'containing') {
    const drifted = driftedIn(incident).length > 0;
    return drifted ? on : { ...on, next: 'contain', targets: targets.map((_, index) => index) };
  }
  if (status !== 'awaiting-approval') return { ...on, next: 'report' };
  // The question that is there may be about what has changed since.
  const isAsked = approval?.purpose === 'contain' && !targets.some((entry) => isAskedAgain(incident, entry));
  if (!isAsked) return { ...on, next: 'ask' };
  if (approval.outcome !== undefined) return { ...on, next: 'decided' };
  return { ...on, next: 'ask', approvalTimeoutSeconds: secondsLeft(approval, now) };
}

/** The claim has written the new label already; the decision's own label is the one to compare with. */
const labelAtDecision = (incident: Incident): SeverityLabel => incident.decision?.label ?? incident.label;

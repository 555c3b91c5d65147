/** Contains one target by journalled steps. A retry after a crash resumes; a failure for good is kept with the target. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { environmentAtDecision, environmentOf } from '../core/approval/approvers.ts';
import { chosenSteps, noneOf } from '../core/approval/parts.ts';
import { beside } from '../core/beside.ts';
import { describeError, FirebreakError, isFirebreakError } from '../core/errors.ts';
import {
  changeSinceDecision,
  type Incident,
  type IncidentTarget,
  isAskedAgain,
} from '../core/incident/incident.ts';
import { isContained, isRunning, isUndo, stepWords } from '../core/incident/status.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import { contain, holdOf, type JournalRun } from '../core/journal/journal.ts';
import { inPlace, type Plan, type PlannedStep } from '../core/journal/playbook.ts';
import { stoppedBySwitch, switchedOff } from '../pipeline/kill-switch.ts';
import { ping, WARM_ALIAS } from '../pipeline/ping.ts';
import {
  isFresh,
  lateFor,
  overTarget,
  planTarget,
  playbookOf,
  targetAt,
  withTarget,
} from '../pipeline/plan-target.ts';
import { progressOf } from '../pipeline/progress.ts';
import { journalRun, logger, type Runtime } from '../pipeline/runtime.ts';
import { startClock } from '../pipeline/time-to-live.ts';
import { inTurn } from '../pipeline/turn.ts';
import { targetInput, workflowTask } from '../pipeline/workflow.ts';

/** Small next to the task's 300 s; after that the workflow tries again. */
const IN_LINE_MS = 20_000;

const containing = workflowTask('contain', targetInput, (input, runtime) =>
  inTurn(input, () => containOne(input, runtime)),
);

/** Loads the clients that the automatic containments call with, and calls nothing. */
const warming = workflowTask('warm', ping, async (_ping, { own }) => {
  await Promise.all([own.sts(), own.iam(), own.ec2()]);
});

/**
 * Contains where the workflow calls it. By its alias for that it only warms up, whatever it is sent: the ARN of the invocation
 * is Lambda's word, and no input leads from one to the other.
 */
export const handler = (event: unknown, context: Parameters<typeof containing>[1]) =>
  context.invokedFunctionArn.endsWith(`:${WARM_ALIAS}`)
    ? warming(event, context)
    : containing(event, context);

interface ContainedTarget {
  readonly index: number;
  readonly contained: boolean;
  readonly asksAgain: boolean;
}

async function containOne(
  { incidentId, index, error, planned: isPlanned }: z.output<typeof targetInput>,
  runtime: Runtime,
): Promise<ContainedTarget> {
  const { incidents } = runtime;
  logger.appendKeys({ incidentId });
  if (error) {
    await giveUp(runtime, incidentId, index, `${error.Error}: ${causeText(error.Cause)}`);
    return { index, contained: false, asksAgain: false };
  }
  const read = await incidents.get(incidentId);
  const incident: Incident = { ...read, ...begins(read) };
  refuseWhatMustNotHappen(incident);
  const known = targetAt(incident, index);
  if (isPlanned && known.driftedAt === undefined) refuseWithoutPlan(incident);
  // Next to what is read next, and before anything is written to the journal.
  const marked = mark(runtime, read, index);
  await beside(() => marked);
  if (known.driftedAt !== undefined)
    return { index, contained: await restore(runtime, await marked, index), asksAgain: false };
  // The approval that is there was about something else; another target's question, or another pass, came in between.
  if (isAskedAgain(incident, known)) return { index, contained: false, asksAgain: true };
  // Confirmed before another target was asked about again.
  if (known.status !== undefined && known.status !== 'held' && isContained(known.status))
    return { index, contained: true, asksAgain: false };
  const { entry, seen, byPerson } = await planned(runtime, incident, index);
  const { chosen } = byPerson ? (incident.approval ?? {}) : {};
  if (chosen !== undefined && noneOf(chosen, index)) {
    await decline(runtime, incident, index);
    return { index, contained: false, asksAgain: false };
  }
  const allowed = allowedPlan(runtime, { entry, seen, byPerson });
  if (allowed.kind !== 'run') {
    const asksAgain =
      allowed.kind === 'ask' && (await askAgain(runtime, incident, index, entry, allowed.why));
    if (!asksAgain) {
      const why = allowed.kind === 'ask' ? `${allowed.why}; asked ${MOST_ASKS} times already` : allowed.why;
      await giveUp(runtime, incidentId, index, why, { seen, entry });
    }
    return { index, contained: false, asksAgain };
  }
  const { steps } = allowed;
  const { run, declined } =
    chosen === undefined ? { run: steps, declined: [] } : chosenSteps(index, steps, chosen);
  // Nothing is written that did not change: what was read is marked over the version that was read.
  if (entry !== seen || declined.length > 0 || read.status === 'containing') {
    await marked;
    await noteChoice(runtime, incident, index, entry, declined);
  }
  const stopped = await containUnlessStopped(runtime, incident, { index, entry, run, marked });
  if (stopped !== undefined) await giveUp(runtime, incidentId, index, stopped, { seen, entry });
  return { index, contained: stopped === undefined, asksAgain: false };
}

/** What is judged here about a target, and whether its incident is still one to contain. */
const judged = ({ status, decision, approval, targets }: Incident, index: number) => ({
  ...{ decision, approval, target: targets[index] },
  goesOn: isRunning(status) && !isUndo(status),
});

const begins = ({ status }: Incident): Pick<Incident, 'status'> | undefined =>
  isRunning(status) && !isUndo(status) && status !== 'containing' ? { status: 'containing' } : undefined;

/** Marks what was read as being contained. Throws Conflict where another writer changed what is judged here. */
const mark = ({ incidents, now }: Runtime, read: Incident, index: number): Promise<Incident> =>
  incidents.change(
    read.id,
    now(),
    (live) => {
      if (live !== read && !isDeepStrictEqual(judged(live, index), judged(read, index)))
        throw lateFor(read.id);
      return begins(live);
    },
    read,
  );

interface Containment {
  readonly index: number;
  readonly entry: IncidentTarget;
  readonly run: readonly PlannedStep[];
  readonly marked: Promise<unknown>;
}

/** Contains the target, unless the kill switch or observe mode was set meanwhile: returns why nothing new was begun. */
async function containUnlessStopped(
  runtime: Runtime,
  incident: Incident,
  { index, entry, run, marked }: Containment,
): Promise<string | undefined> {
  let off: string | undefined;
  // Read next to the lease, the hold and the role, at each try: nothing is written to the journal before.
  const clear = async () => {
    [off] = await Promise.all([switchedOff(runtime, incident), marked]);
    if (off !== undefined) throw new FirebreakError('Refused', off);
  };
  try {
    await containTarget(runtime, incident.id, index, { entry, run, clear });
    return undefined;
  } catch (error) {
    if (off === undefined) throw error;
  }
  const stopped = await stoppedBySwitch(runtime, incident, entry);
  if (stopped === undefined) await containTarget(runtime, incident.id, index, { entry, run });
  return stopped;
}

/**
 * Contains again what was confirmed and then removed. The journal alone says what: a tag or a neighbour that the attacker
 * changed since must not keep a containment from coming back that was decided.
 */
async function restore(runtime: Runtime, incident: Incident, index: number): Promise<boolean> {
  const why = await switchedOff(runtime, incident);
  if (why !== undefined) {
    await giveUp(runtime, incident.id, index, why);
    return false;
  }
  const entry = targetAt(incident, index);
  const hold = await holdOf(runtime.table, entry.target, entry.playbook);
  if (!hold?.incidents.includes(incident.id)) {
    await giveUp(runtime, incident.id, index, 'the journal holds no containment by this incident');
    return false;
  }
  await containTarget(runtime, incident.id, index, { entry, run: [] });
  return true;
}

/** The target as the decision saw it, as it is planned now, and whether a person approved it. */
interface Planned {
  readonly seen: IncidentTarget;
  readonly entry: IncidentTarget;
  readonly byPerson: boolean;
}

async function planned(runtime: Runtime, incident: Incident, index: number): Promise<Planned> {
  const seen = targetAt(incident, index);
  // No one answered is not a person's yes, but it took as long: both plan on live state.
  const decided = incident.approval?.purpose === 'contain' && incident.approval.outcome !== undefined;
  const byPerson = decided && incident.approval?.outcome === 'approved';
  // An approval can be an hour old, and a second pass follows a change: both plan on live state.
  const entry =
    isFresh(seen, runtime.now()) && !decided && incident.passes === 0 && incident.planVersion !== undefined
      ? seen
      : await planTarget(runtime, incident, seen, {
          approved: byPerson,
          aws: runtime.awsOf(seen.target, incident.id),
        });
  return { seen, entry, byPerson };
}

type Allowed =
  | { readonly kind: 'run'; readonly steps: readonly PlannedStep[] }
  /** `ask`: it is not what was decided on, and a person can decide on what it is now. */
  | { readonly kind: 'stop' | 'ask'; readonly why: string };

/** The steps of the plan, or why it must not run now. */
function allowedPlan({ policy }: Runtime, { entry, seen, byPerson }: Planned): Allowed {
  const { playbook, target, plan } = entry;
  const obstacle = obstacleTo(entry) ?? policy.exemption({ playbook, display: target.display, plan });
  if (obstacle !== undefined || plan?.kind !== 'plan') return { kind: 'stop', why: obstacle ?? 'no plan' };
  const change = changeSince(seen, plan, byPerson);
  return change === undefined ? { kind: 'run', steps: plan.steps } : { kind: 'ask', why: change };
}

/** Stores the plan that is about to run, and which of its steps the approval declined. */
async function noteChoice(
  { incidents, now }: Runtime,
  incident: Incident,
  index: number,
  entry: IncidentTarget,
  declined: readonly PlannedStep[],
): Promise<void> {
  const left = declined.map(({ id }) => id);
  await incidents.change(incident.id, now(), (read) =>
    overTarget(read, index, targetAt(incident, index), {
      ...entry,
      ...(left.length > 0 ? { declined: left } : {}),
    }),
  );
  for (const step of incident.passes === 0 ? declined : []) {
    await incidents.note(incident.id, `declined by ${approversOf(incident)}: ${step.describe}`, now());
  }
}

/** Runs the steps by the journal; the timeline and the card say how far they came. */
async function containTarget(
  runtime: Runtime,
  incidentId: string,
  index: number,
  { entry, run, clear }: Pick<Containment, 'entry' | 'run'> & Pick<JournalRun, 'clear'>,
): Promise<void> {
  const { incidents, now } = runtime;
  const opened = journalRun(runtime, incidentId, playbookOf(entry), entry);
  await beside(() => opened.aws.assume());
  // Before the first change: a block that no one would revert must not come to be.
  const until = await startClock(runtime, incidentId, index, entry);
  const progress = progressOf(runtime, incidentId);
  const journal: JournalRun = {
    ...opened,
    clear,
    // Not before something is contained: loading the Slack client would take the processor from the containing call.
    onProgress: (steps: readonly StepRecord[]) => {
      if (steps.some(({ role, status }) => role === 'contain' && inPlace(status))) progress.tick();
    },
  };
  const result = await whileBusy(() => contain(journal, run));
  const done = result.steps.filter(({ status }) => inPlace(status)).length;
  const joined = result.joined ? `; joined the containment of ${result.caseId}` : '';
  await incidents.note(
    incidentId,
    `${entry.playbook}: ${done} of ${result.steps.length} steps in place${joined}${until === undefined ? '' : `; until ${until}`}`,
    now(),
  );
  for (const step of result.steps) {
    if (inPlace(step.status)) continue;
    await incidents.note(
      incidentId,
      `step ${step.id} ${stepWords(step.status)}: ${step.note ?? 'no reason given'}`,
      now(),
    );
  }
  progress.tick();
  await progress.settled();
}

/**
 * Waits in line: one approval may let many incidents contain one resource at the same moment, and the pauses of the
 * workflow alone would leave some of them without a turn.
 */
async function whileBusy<T>(work: () => Promise<T>): Promise<T> {
  for (const until = Date.now() + IN_LINE_MS; ; ) {
    try {
      return await work();
    } catch (error) {
      if (!isFirebreakError(error, 'ResourceBusy') || Date.now() > until) throw error;
      await sleep(200 + Math.random() * 600);
    }
  }
}

/** Of this target nothing was chosen: the approval declined it. */
async function decline({ incidents, now }: Runtime, incident: Incident, index: number): Promise<void> {
  const reason = `declined by ${approversOf(incident)}`;
  await incidents.change(incident.id, now(), (read) =>
    overTarget(read, index, targetAt(incident, index), {
      ...targetAt(read, index),
      ...{ status: 'declined', notes: [reason] },
    }),
  );
  await incidents.note(incident.id, `${targetAt(incident, index).target.display}: ${reason}`, now());
}

const approversOf = ({ approval }: Incident): string => approval?.approvedBy.join(' and ') ?? 'a person';

/** The decision took care of these; a mistake there must not reach AWS. */
function refuseWhatMustNotHappen(incident: Incident): void {
  const { decision, approval, status } = incident;
  const approved =
    approval?.purpose === 'contain' &&
    // An approval of what was decided before is none of what was decided since.
    approval.requestedAt >= (decision?.decidedAt ?? '') &&
    (approval.outcome === 'approved' || (approval.outcome === 'expired' && decision?.expiry === 'contain'));
  const allowed =
    // It has ended, or is undone: this task was given up on long ago.
    status === 'containing' &&
    !incident.sample &&
    !incident.archived &&
    (decision?.kind === 'auto' || (decision?.kind === 'ask' && approved));
  if (allowed) return;
  throw new FirebreakError('Refused', 'nothing allows this containment', {
    resource: incident.id,
    next: 'This is a mistake in Firebreak: report it.',
  });
}

/**
 * Enrich and Classify of this execution keep plan and verdict where few functions may write. Where they are missing, the
 * targets and the decision stand in a record that most functions may write: nothing begins on its account.
 */
function refuseWithoutPlan({ id, planVersion, decision }: Incident): void {
  if (planVersion !== undefined && decision?.decidedAt !== undefined) return;
  throw new FirebreakError('Refused', 'the incident has no plan and verdict of this release', {
    resource: id,
    next: 'Find out who wrote its record; the next update of the finding plans it again.',
  });
}

/** Why no plan can run, with any approval. */
function obstacleTo({ problem, plan }: IncidentTarget): string | undefined {
  if (problem !== undefined) return problem;
  return plan?.kind === 'refused' ? `${plan.reason}; instead: ${plan.alternative}` : undefined;
}

type Planning = Extract<Plan, { kind: 'plan' }>;

/** What makes the plan made now another one than was decided on. Approvers and blast radius are judged by what was seen then. */
function changeSince(seen: IncidentTarget, now: Planning, byPerson: boolean): string | undefined {
  if (seen.plan?.kind !== 'plan') return undefined;
  const [was, is] = [environmentOf(seen.plan.tags), environmentOf(now.tags)];
  // Asked about once: from then on the environment of the first decision says who approves, whatever the tag says.
  if (was !== is && seen.environment === undefined)
    return `its environment tag changed from ${was ?? 'none'} to ${is ?? 'none'} since the decision`;
  const [before, after] = [seen.plan.blastRadius.count, now.blastRadius.count];
  if (after > before)
    return `the blast radius grew from ${before} to ${after} ${now.blastRadius.unit} since the decision`;
  const known = seen.plan.askBecause;
  const fresh = now.askBecause.filter((reason) => !known.includes(reason));
  return !byPerson && fresh.length > 0 ? `not automatic any more: ${fresh.join('; ')}` : undefined;
}

/** One implant can change more often than people can answer: after this many questions a person is paged instead. */
const MOST_ASKS = 3;

/** Has people decide about the plan as it is now; Verify asks. False where it was asked often enough. */
async function askAgain(
  { incidents, now }: Runtime,
  incident: Incident,
  index: number,
  entry: IncidentTarget,
  reason: string,
): Promise<boolean> {
  const asked = (changeSinceDecision(incident, entry)?.times ?? 0) + 1;
  if (asked >= MOST_ASKS) return false;
  const seen = targetAt(incident, index);
  const at = now().toISOString();
  const changed = { reason, times: asked, at, approval: incident.approval?.id ?? null };
  const environment = environmentAtDecision(seen) ?? null;
  await incidents.change(incident.id, now(), (read) =>
    overTarget(read, index, seen, { ...entry, changed, environment }),
  );
  await incidents.note(
    incident.id,
    `${entry.target.display}: ${reason}; nothing was changed, asked again`,
    now(),
  );
  return true;
}

async function giveUp(
  { incidents, now }: Runtime,
  incidentId: string,
  index: number,
  reason: string,
  planned?: Pick<Planned, 'seen' | 'entry'>,
): Promise<void> {
  const ended = { status: 'escalated', notes: [reason] } as const;
  await incidents.change(incidentId, now(), (read) =>
    planned
      ? overTarget(read, index, planned.seen, { ...planned.entry, ...ended })
      : // It has ended, or is undone: another execution got further than this one.
        isRunning(read.status) && !isUndo(read.status)
        ? withTarget(read, index, { ...targetAt(read, index), ...ended })
        : undefined,
  );
  await incidents.note(incidentId, `not contained: ${reason}`, now());
}

const causeText = (cause: unknown): string => {
  if (typeof cause !== 'string') return describeError(cause);
  try {
    // Step Functions gives a Lambda's error as JSON text.
    const { errorMessage } = JSON.parse(cause) as { errorMessage?: string };
    return errorMessage ?? cause;
  } catch {
    return cause;
  }
};

/** Undoes an incident's containment: preview, revert per target, prove by later reads. The mirror of contain and verify. */
import { z } from 'zod';
import { secondsLeft } from '../core/approval/clock.ts';
import { doorOfUndo, nameOf, personOf } from '../core/approval/door.ts';
import { executionArn, executionStatus, isAlive } from '../core/aws/executions.ts';
import { type Incident, type IncidentTarget, isUndoAsked, type UndoRun } from '../core/incident/incident.ts';
import { isOver, isUndo } from '../core/incident/status.ts';
import { plainValue } from '../core/journal/change-words.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import { holdOf, journalOf } from '../core/journal/journal.ts';
import { isLapse, LAPSED } from '../core/journal/lapse.ts';
import type { UndoSafety } from '../core/journal/playbook.ts';
import { type Overwrites, undo } from '../core/journal/undo.ts';
import { overTarget, playbookOf, targetAt } from '../pipeline/plan-target.ts';
import { revertAllPrepared } from '../pipeline/prepared.ts';
import { journalRun, type Runtime } from '../pipeline/runtime.ts';
import { inTurn } from '../pipeline/turn.ts';
import { overwritesOf, safetyOf } from '../pipeline/undo-preview.ts';
import { ended, saveUndone, settle, waitAfter } from '../pipeline/undo-settle.ts';
import { incidentInput, targetInput, workflowTask } from '../pipeline/workflow.ts';
import { isWorseByUndo } from '../pipeline/worse.ts';

const input = z.union([
  incidentInput.extend({
    phase: z.literal('preview'),
    requestedBy: z.string().min(1),
    /** What the execution was started with; `target` is the index of the one target to revert, all without it. */
    input: z
      .strictObject({
        // Earlier releases started it without.
        channel: z.literal('undo').optional(),
        incidentId: z.string(),
        requestedBy: z.string(),
        target: z.number().int().nonnegative().optional(),
        /** Where the record of who asked for it lies. */
        door: z.string().optional(),
        /** Name of the execution that is gone, and in whose place this one goes on. */
        resumes: z.string().optional(),
        /** Reverts what only prepared a containment that failed for good, and nothing else. */
        prepared: z.literal(true).optional(),
      })
      .optional(),
    /** Name of the execution; workflows that an earlier release started do not give it. */
    execution: z.string().optional(),
  }),
  incidentInput.extend({ phase: z.literal('keep') }),
  // Without `looks` an earlier release started the execution: its definition looks again only when this fails.
  incidentInput.extend({ phase: z.literal('settle'), looks: z.int().nonnegative().optional() }),
  targetInput.extend({ phase: z.literal('run') }),
]);

export const handler = workflowTask('undo', input, async (request, runtime) => {
  switch (request.phase) {
    case 'preview':
      return preview(runtime, request);
    case 'run':
      return inTurn(request, () =>
        undoTarget(runtime, request.incidentId, request.index, request.error?.Error),
      );
    case 'settle':
      return settle(runtime, request.incidentId, request.looks);
    case 'keep':
      await runtime.incidents.change(request.incidentId, runtime.now(), ended);
      await runtime.incidents.note(
        request.incidentId,
        'undo not agreed: the containment stays',
        runtime.now(),
      );
      return { kept: true };
  }
});

type Preview = Extract<z.output<typeof input>, { phase: 'preview' }>;

interface Requester {
  /** For the record. */
  readonly name: string;
  /** Someone, or the clock, is proven to have asked: a safe undo needs no one else. */
  readonly proven: boolean;
  /** Slack id, where the person has one. */
  readonly person?: string | undefined;
}

/** Who asks, as a record proves it: the caller of StartExecution writes the input. */
async function requesterOf({ table, policy, now }: Runtime, request: Preview): Promise<Requester> {
  const { incidentId, execution, requestedBy } = request;
  const { door: pk, target } = request.input ?? {};
  const door = await doorOfUndo(table, pk, execution, { incidentId, target }, now());
  if (door) return { name: nameOf(door), proven: true, person: personOf(policy.people, door) };
  const lapsed = requestedBy === LAPSED && (await isLapse(table, incidentId, execution, now()));
  return lapsed ? { name: LAPSED, proven: true } : { name: 'an unproven caller', proven: false };
}

async function preview(runtime: Runtime, request: Preview) {
  const { incidents, now } = runtime;
  const { incidentId, execution } = request;
  const { resumes } = request.input ?? {};
  if (resumes !== undefined && execution !== undefined) return goOn(runtime, incidentId, execution, resumes);
  if (request.input?.prepared === true) {
    await revertAllPrepared(runtime, incidentId);
    return { ...baseOf(await incidents.get(incidentId), undefined), next: 'nothing' as const };
  }
  const only = request.input?.target;
  const requester = await requesterOf(runtime, request);
  const requestedBy = requester.name;
  const whole = await incidents.get(incidentId);
  // Safety and what would be overwritten are asked about what is reverted, and nothing else.
  const incident = only === undefined ? whole : { ...whole, targets: [targetAt(whole, only)] };
  const what = only === undefined ? '' : ` of ${targetAt(whole, only).target.display}`;
  const base = baseOf(whole, only);
  if (isUndoAsked(incident, now()) && (await isMoved(runtime, whole, execution))) {
    // Another execution waits for this answer; a second one would take its token away.
    await incidents.note(incidentId, `${requestedBy} requested undo too: one is being decided`, now());
    return { ...base, next: 'nothing' as const };
  }
  const holds = await Promise.all(
    incident.targets.map((entry) => holdOf(runtime.table, entry.target, entry.playbook)),
  );
  if (!holds.some((hold) => hold?.incidents.includes(incidentId))) {
    await incidents.note(
      incidentId,
      `${requestedBy} requested undo${what}: nothing to revert, nothing was changed`,
      now(),
    );
    // An undo of it was under way, and its workflow failed before it could say so.
    return {
      ...base,
      next: wasUndone(whole) && !isOver(whole.status) ? ('undo' as const) : ('nothing' as const),
    };
  }
  const steps = await overwritesOf(runtime, incident);
  // Its time began again with every update of the finding: when it is over, the activity no longer counts against it.
  const judged = requestedBy === LAPSED ? { ...incident, activeAfterContainment: false } : incident;
  const safety = await safetyOf(runtime, judged, steps);
  const undoOverwrites = { at: now().toISOString(), steps };
  const asks = !safety.safe || !requester.proven;
  const undoRun = execution === undefined ? undefined : runOf(execution, only, asks);
  await incidents.change(incidentId, now(), () => ({
    ...(undoRun ? { undoRun } : {}),
    undoRequestedBy: requestedBy,
    undoPerson: requester.person,
    undo: safety,
    undoOverwrites,
  }));
  const second = asks ? `; ${whoMustAgree(requester, safety)}` : '';
  const risks = (safety.residual ?? []).map((risk) => `; warning: ${risk}`).join('');
  await incidents.note(incidentId, `undo${what} requested by ${requestedBy}${second}${risks}`, now());
  return { ...base, next: asks ? ('ask' as const) : ('undo' as const) };
}

const wasUndone = ({ status, targets }: Incident): boolean =>
  isUndo(status) || targets.some((entry) => entry.status === 'undone' || entry.status === 'undo-partial');

/** What every task of the execution is given. */
const baseOf = ({ id, targets, decision }: Incident, only: number | undefined) => ({
  incidentId: id,
  targets: only === undefined ? targets.map((_, index) => index) : [only],
  approvalTimeoutSeconds: decision?.approvalTimeoutSeconds ?? 3600,
  settled: { looks: 0, waitSeconds: waitAfter(0) },
});

const runOf = (execution: string, target: number | undefined, asks: boolean): UndoRun => ({
  ...{ execution, asks, ended: false },
  ...(target === undefined ? {} : { target }),
});

/** Whether another execution than this one still waits for the answer; earlier releases did not say which. */
async function isMoved(
  { own, env }: Runtime,
  { undoRun }: Incident,
  execution: string | undefined,
): Promise<boolean> {
  if (!undoRun) return true;
  if (undoRun.execution === execution) return false;
  return isAlive(await executionStatus(own, executionArn(env.UNDO_STATE_MACHINE_ARN, undoRun.execution)));
}

/**
 * Goes on in place of an execution that is gone, or that ended partly and left something worse than before, by what that one
 * recorded: nothing is undone that people had to agree to and did not. Only one execution does: the versioned write decides which.
 */
async function goOn(runtime: Runtime, incidentId: string, execution: string, resumes: string) {
  const { incidents, now } = runtime;
  const found = await incidents.get(incidentId);
  const isWorse = found.undoRun?.ended === true && (await isWorseByUndo(runtime, found));
  const incident = await incidents.change(incidentId, now(), (read) => {
    const { status, undoRun } = read;
    if (undoRun?.execution !== resumes) return undefined;
    if (!undoRun.ended) return { undoRun: { ...undoRun, execution } };
    if (!isWorse || status !== 'undo-partial') return undefined;
    const again = { times: (undoRun.again?.times ?? 0) + 1, at: now().toISOString() };
    return { undoRun: { ...undoRun, execution, ended: false, again } };
  });
  const { approval, undoRun, undoOverwrites } = incident;
  const base = baseOf(incident, undoRun?.target);
  if (!undoRun || undoRun.execution !== execution || undoRun.ended)
    return { ...base, next: 'nothing' as const };
  if (!undoRun.asks) return { ...base, next: 'undo' as const };
  const isOfThis = approval?.purpose === 'undo' && approval.requestedAt >= (undoOverwrites?.at ?? '');
  if (!isOfThis) return { ...base, next: 'ask' as const };
  if (approval.outcome !== undefined)
    return { ...base, next: approval.outcome === 'approved' ? ('undo' as const) : ('keep' as const) };
  return { ...base, approvalTimeoutSeconds: secondsLeft(approval, now()), next: 'ask' as const };
}

function whoMustAgree({ person }: Requester, { safe, why }: UndoSafety): string {
  if (safe) return 'a person must agree';
  return `${person === undefined ? 'two people' : 'a second person'} must agree: ${why}`;
}

async function undoTarget(runtime: Runtime, incidentId: string, index: number, error: string | undefined) {
  const { incidents, now } = runtime;
  if (error !== undefined) {
    await saveUndone(runtime, await incidents.get(incidentId), index, 'undo-partial', [
      `undo failed: ${error}`,
    ]);
    return { index };
  }
  // An execution that took this one over may have ended it.
  const incident = await incidents.change(incidentId, now(), ({ status }) =>
    status === 'undone' ? undefined : { status: 'undoing' },
  );
  const entry = targetAt(incident, index);
  const agreed = agreedOverwrites(incident, entry);
  const playbook = playbookOf(entry);
  const before = await journalOf(runtime.table, entry.target, playbook.id);
  const opened = playbook.undoSafety?.(before, entry.state ?? {}, now()).residual ?? [];
  const result = await undo(journalRun(runtime, incidentId, playbook, entry, 'undo'), agreed);
  switch (result.kind) {
    case 'nothing':
      break; // nothing of this target was changed, or it was undone before
    case 'held':
      await saveUndone(runtime, incident, index, 'held', [`still contained for ${result.by.join(', ')}`]);
      break;
    case 'reverted': {
      // Said with the outcome, when the steps no longer tell it.
      const notes = opened.map((risk) => `remaining risk: ${risk}`);
      await incidents.change(incidentId, now(), (read) =>
        overTarget(read, index, entry, { ...entry, notes }),
      );
      await noteOverwritten(runtime, incident, { before, after: result.steps, agreed });
    }
  }
  return { index };
}

/** Says which values of others were overwritten, and who agreed to it. */
async function noteOverwritten(
  { incidents, now }: Runtime,
  { id: incidentId, approval }: Incident,
  { before, after, agreed }: Record<'before' | 'after', readonly StepRecord[]> & { agreed: Overwrites },
): Promise<void> {
  const known = new Map(before.map(({ id, revertedAt }) => [id, revertedAt]));
  const { approvedBy = [], requestedBy = [] } = approval ?? {};
  // Earlier releases did not count the requester among those who approved.
  const by = [...new Set([requestedBy, approvedBy].flat())].join(' and ');
  for (const { id, revertedAt } of after) {
    if (!Object.hasOwn(agreed, id) || revertedAt === undefined || known.get(id) === revertedAt) continue;
    await incidents.note(
      incidentId,
      `undo: ${id} overwrote ${plainValue(agreed[id] ?? null)}, as ${by} agreed`,
      now(),
    );
  }
}

/**
 * The live values that this undo may overwrite: those that were read before its approval was asked for, once someone
 * approved it. What a later request read was not what they saw.
 */
function agreedOverwrites({ approval, undoOverwrites }: Incident, { key }: IncidentTarget): Overwrites {
  const seen =
    approval?.purpose === 'undo' && approval.outcome === 'approved' && undoOverwrites !== undefined;
  if (!seen || approval.requestedAt < undoOverwrites.at) return {};
  const own = undoOverwrites.steps.filter(({ target }) => target === key);
  return Object.fromEntries(own.map(({ step, live }) => [step, live]));
}

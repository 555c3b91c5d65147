/** Takes an incident's containment back: preview, run per target, read back. The mirror of contain and verify. */
import { z } from 'zod';
import { doorOfUndo, nameOf, personOf } from '../core/approval/door.ts';
import { describeError, FirebreakError } from '../core/errors.ts';
import type { Incident, IncidentTarget } from '../core/incident/incident.ts';
import { type IncidentStatus, statusWords, stepWords } from '../core/incident/status.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import { contextFor, holdOf, journalOf, type Overwrites, undo } from '../core/journal/journal.ts';
import { isLapse, LAPSED } from '../core/journal/lapse.ts';
import { stepKindNamed, type UndoSafety } from '../core/journal/playbook.ts';
import { sameJson } from '../core/json.ts';
import { playbookOf, targetAt, withTarget } from '../pipeline/plan-target.ts';
import { journalRun, page, type Runtime } from '../pipeline/runtime.ts';
import { overwritesOf, safetyOf, short } from '../pipeline/undo-preview.ts';
import { incidentInput, targetInput, workflowTask } from '../pipeline/workflow.ts';

const input = z.union([
  incidentInput.extend({
    phase: z.literal('preview'),
    requestedBy: z.string().min(1),
    /** What the execution was started with; `target` is the index of the one target to take back, all without it. */
    input: z
      .strictObject({
        // Earlier releases started it without.
        channel: z.literal('undo').optional(),
        incidentId: z.string(),
        requestedBy: z.string(),
        target: z.number().int().nonnegative().optional(),
        /** Where the record of who asked for it lies. */
        door: z.string().optional(),
      })
      .optional(),
    /** Name of the execution; workflows that an earlier release started do not give it. */
    execution: z.string().optional(),
  }),
  incidentInput.extend({ phase: z.enum(['keep', 'settle']) }),
  targetInput.extend({ phase: z.literal('run') }),
]);

export const handler = workflowTask(input, async (request, runtime) => {
  switch (request.phase) {
    case 'preview':
      return preview(runtime, request);
    case 'run':
      return undoTarget(runtime, request.incidentId, request.index, request.error?.Error);
    case 'settle':
      return settle(runtime, request.incidentId);
    case 'keep':
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
  const { incidentId } = request;
  const only = request.input?.target;
  const requester = await requesterOf(runtime, request);
  const requestedBy = requester.name;
  const whole = await incidents.get(incidentId);
  // Safety and what would be overwritten are asked about what is taken back, and nothing else.
  const incident = only === undefined ? whole : { ...whole, targets: [targetAt(whole, only)] };
  const what = only === undefined ? '' : ` of ${targetAt(whole, only).target.display}`;
  const base = {
    incidentId,
    targets: only === undefined ? whole.targets.map((_, index) => index) : [only],
    approvalTimeoutSeconds: incident.decision?.approvalTimeoutSeconds ?? 3600,
  };
  const { approval } = incident;
  if (approval?.purpose === 'undo' && !approval.outcome && approval.expiresAt > now().toISOString()) {
    // Another execution waits for this answer; a second one would take its token away.
    await incidents.note(incidentId, `undo asked by ${requestedBy} as well: one is being decided`, now());
    return { ...base, next: 'nothing' as const };
  }
  const holds = await Promise.all(
    incident.targets.map((entry) => holdOf(runtime.table, entry.target, entry.playbook)),
  );
  if (!holds.some((hold) => hold?.incidents.includes(incidentId))) {
    await incidents.note(incidentId, `undo${what} asked by ${requestedBy}: nothing of it is in place`, now());
    return { ...base, next: 'nothing' as const };
  }
  const steps = await overwritesOf(runtime, incident);
  // Its time began anew with every update of the finding: when it is over, the activity no longer counts against it.
  const judged = requestedBy === LAPSED ? { ...incident, activeAfterContainment: false } : incident;
  const safety = await safetyOf(runtime, judged, steps);
  const undoOverwrites = { at: now().toISOString(), steps };
  await incidents.change(incidentId, now(), () => ({
    undoRequestedBy: requestedBy,
    undoPerson: requester.person,
    undo: safety,
    undoOverwrites,
  }));
  const asks = !safety.safe || !requester.proven;
  const second = asks ? `; ${whoMustAgree(requester, safety)}` : '';
  const risks = (safety.residual ?? []).map((risk) => `; mind: ${risk}`).join('');
  await incidents.note(incidentId, `undo${what} asked by ${requestedBy}${second}${risks}`, now());
  return { ...base, next: asks ? ('ask' as const) : ('undo' as const) };
}

function whoMustAgree({ person }: Requester, { safe, why }: UndoSafety): string {
  if (safe) return 'a person must agree';
  return `${person === undefined ? 'two people' : 'a second person'} must agree: ${why}`;
}

async function undoTarget(runtime: Runtime, incidentId: string, index: number, error: string | undefined) {
  const { incidents, now } = runtime;
  if (error !== undefined) {
    await incidents.change(incidentId, now(), (read) =>
      withTarget(read, index, {
        ...targetAt(read, index),
        status: 'undo-partial',
        notes: [`undo failed: ${error}`],
      }),
    );
    await incidents.note(incidentId, `undo failed: ${error}`, now());
    return { index, undone: false };
  }
  const incident = await incidents.change(incidentId, now(), () => ({ status: 'undoing' }));
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
      await save(runtime, incidentId, index, 'held', [`still contained for ${result.by.join(', ')}`]);
      break;
    case 'undone':
    case 'partial': {
      const open = result.steps.filter(({ status }) => ['drift', 'failed', 'undoing'].includes(status));
      const kept = result.steps.filter(({ status, note }) => status === 'kept' && note !== undefined);
      const notes = [...open, ...kept].map(
        (step) => `${step.id} ${stepWords(step.status)}: ${step.note ?? ''}`,
      );
      if (result.kind === 'undone') notes.push(...opened.map((risk) => `remaining risk: ${risk}`));
      const forced = result.steps.filter(
        ({ id, status }) => status === 'undone' && Object.hasOwn(agreed, id),
      );
      for (const { id } of forced) {
        const { approvedBy = [], requestedBy = [] } = incident.approval ?? {};
        // Earlier releases did not count the requester among those who approved.
        const by = [...new Set([requestedBy, approvedBy].flat())].join(' and ');
        await incidents.note(
          incidentId,
          `undo: ${id} overwrote ${short(agreed[id] ?? null)}, as ${by} agreed`,
          now(),
        );
      }
      await save(
        runtime,
        incidentId,
        index,
        result.kind === 'undone' ? 'undone' : 'undo-partial',
        notes,
        open,
      );
      break;
    }
  }
  return { index, undone: result.kind !== 'partial' };
}

/**
 * The live values that this undo may overwrite: those that were read before its approval was asked for, once somebody
 * approved it. What a later request read was not what they saw.
 */
function agreedOverwrites({ approval, undoOverwrites }: Incident, { key }: IncidentTarget): Overwrites {
  const seen =
    approval?.purpose === 'undo' && approval.outcome === 'approved' && undoOverwrites !== undefined;
  if (!seen || approval.requestedAt < undoOverwrites.at) return {};
  const own = undoOverwrites.steps.filter(({ target }) => target === key);
  return Object.fromEntries(own.map(({ step, live }) => [step, live]));
}

async function save(
  { incidents, now }: Runtime,
  incidentId: string,
  index: number,
  status: NonNullable<IncidentTarget['status']>,
  notes: readonly string[],
  open: readonly StepRecord[] = [],
): Promise<void> {
  const drifted = open.filter((step) => step.status === 'drift').map(({ id }) => id);
  const undo: UndoSafety = {
    safe: false,
    why: `${drifted.join(', ')} changed since the containment: undoing again overwrites that`,
  };
  await incidents.change(incidentId, now(), (read) => {
    // What was said about an undo before it does not hold after it.
    const { undo: _before, ...entry } = targetAt(read, index);
    return withTarget(read, index, { ...entry, status, notes, ...(drifted.length > 0 ? { undo } : {}) });
  });
  for (const note of notes) await incidents.note(incidentId, `undo: ${note}`, now());
}

/** Reads every value that was put back. One that is not seen yet throws, and the workflow looks again. */
async function settle(runtime: Runtime, incidentId: string) {
  const { incidents, now } = runtime;
  const incident = await incidents.get(incidentId);
  const wrong: string[] = [];
  for (const entry of incident.targets) {
    if (entry.status !== 'undone') continue;
    const playbook = playbookOf(entry);
    const steps = await journalOf(runtime.table, entry.target, playbook.id);
    const context = contextFor(journalRun(runtime, incidentId, playbook, entry), incidentId, steps);
    for (const step of steps) {
      const kind = stepKindNamed(playbook.kinds, step.kind);
      if (step.status !== 'undone' || step.before === undefined || !kind) continue;
      const { value } = await kind.read(step.args, context);
      if (!(kind.same ?? sameJson)(value, step.before)) wrong.push(step.id);
    }
  }
  if (wrong.length > 0) {
    throw new FirebreakError('StepFailed', `not restored yet: ${wrong.join(', ')}`, {
      resource: incidentId,
      next: 'The workflow looks again; if it stays, compare the step with the live resource.',
    });
  }
  const holds = await Promise.all(
    incident.targets.map((entry) => holdOf(runtime.table, entry.target, entry.playbook)),
  );
  const left = holds.some((hold) => hold?.incidents.includes(incidentId));
  const status = overall(incident, left);
  await incidents.change(incidentId, now(), () => ({ status }));
  await incidents.note(incidentId, `${statusWords(status)}: every restored value was read back`, now());
  if (status === 'undo-partial') {
    const notes = incident.targets.flatMap((entry) => entry.notes ?? []);
    await page(
      runtime,
      `Firebreak ${incidentId}: undo is partial`,
      notes.join('\n') || describeError('no detail'),
    );
  }
  return { status };
}

/** With one target taken back and others still contained, the incident is partly contained. */
function overall({ targets }: Incident, left: boolean): IncidentStatus {
  const partial = targets.some(({ status }) => status === 'undo-partial');
  if (partial) return 'undo-partial';
  return left ? 'partial' : 'undone';
}

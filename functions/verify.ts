/** The proving read of every target: `contained` is said only for what was seen live. */

import { describeError, FirebreakError, isAccessDenied } from '../core/errors.ts';
import type { Incident, IncidentTarget } from '../core/incident/incident.ts';
import {
  type IncidentStatus,
  isProven,
  statusWords,
  stepWords,
  type TargetStatus,
} from '../core/incident/status.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import { contextFor, holdOf, inPlace, journalOf } from '../core/journal/journal.ts';
import type { Proof } from '../core/journal/playbook.ts';
import { KILL_SWITCH_ON } from '../core/table/breaker.ts';
import { switchedOff } from '../pipeline/kill-switch.ts';
import { playbookOf } from '../pipeline/plan-target.ts';
import { countMetric, journalRun, measureMs, page, type Runtime } from '../pipeline/runtime.ts';
import { incidentInput, workflowTask } from '../pipeline/workflow.ts';

/** Looks again at most this often, waiting 5, 10, 20, 40, 60 s: about two minutes. */
const MOST_LOOKS = 6;
/** Contains again at most this often when something changed under us. */
const MOST_PASSES = 3;

export interface Verified {
  readonly verdict: 'wait' | 'recontain' | 'settled';
  readonly waitSeconds: number;
}

export const handler = workflowTask(incidentInput, async ({ incidentId }, runtime): Promise<Verified> => {
  const { incidents, now } = runtime;
  const incident = await incidents.change(incidentId, now(), (read) => ({
    status: 'verifying',
    passes: read.passes + 1,
  }));
  const looked = await Promise.all(incident.targets.map((entry) => look(runtime, incident, entry)));
  const targets = looked.map(({ entry }) => entry);
  const open = looked.filter(({ entry, steps }) => entry.proof && !entry.proof.proven && steps.length > 0);
  const again = (what: Proof['next'], among = open) => among.some(({ entry }) => entry.proof?.next === what);
  // Where a person declined steps, containing again would only run into what they declined.
  const whole = open.filter(({ entry }) => (entry.declined ?? []).length === 0);
  const wanted = again('recontain', whole) && incident.passes <= MOST_PASSES;
  // Containing again would be one more automatic change; what is half done is Contain's to finish.
  const half = whole.some(({ steps }) => steps.some((step) => step.status === 'applying'));
  const stopped = wanted && !half && (await switchedOff(runtime, incident));
  const recontain = wanted && !stopped;
  const wait = again('wait') && incident.passes < MOST_LOOKS;
  if (recontain || wait) {
    await incidents.change(incidentId, now(), () => ({ targets }));
    const why = open.flatMap(
      ({ entry }) => entry.proof?.checks.filter(({ ok }) => !ok).map(({ saw }) => saw) ?? [],
    );
    await incidents.note(
      incidentId,
      `not proven yet (${recontain ? 'containing again' : 'looking again'}): ${why.join('; ')}`,
      now(),
    );
    return {
      verdict: recontain ? 'recontain' : 'wait',
      waitSeconds: Math.min(60, 5 * 2 ** (incident.passes - 1)),
    };
  }
  const settled = looked.map(({ entry, steps }) => settle(entry, steps));
  const risks = incident.residual ?? [];
  const status = overall(settled, risks);
  await incidents.change(incidentId, now(), () => ({ targets: settled, status }));
  const sentences = [
    ...settled.map(sentence),
    ...(stopped ? [`not contained again: ${KILL_SWITCH_ON}`] : []),
    ...risks.map((risk) => `remaining risk: ${risk}`),
  ];
  await incidents.note(incidentId, `${statusWords(status)}: ${sentences.join('; ')}`, now());
  const { followUpOf } = incident;
  if (followUpOf)
    await incidents.note(
      followUpOf.incidentId,
      `${followUpOf.playbook} (${incidentId}) is ${statusWords(status)}: ${incident.display ?? ''}`,
      now(),
    );
  countMetric(`Outcome_${status}`);
  if (isProven(status)) {
    // A person's time and the machine's are told apart.
    const asked = incident.approval?.purpose === 'contain';
    measureMs(
      asked ? 'TimeToContainAsked' : 'TimeToContain',
      now().getTime() - Date.parse(incident.createdAt),
    );
  }
  if (!isProven(status)) {
    await page(runtime, `Firebreak ${incidentId}: ${statusWords(status)}`, sentences.join('\n'));
  }
  return { verdict: 'settled', waitSeconds: 1 };
});

interface Looked {
  readonly entry: IncidentTarget;
  readonly steps: readonly StepRecord[];
}

async function look(runtime: Runtime, incident: Incident, entry: IncidentTarget): Promise<Looked> {
  const playbook = playbookOf(entry);
  const steps = await journalOf(runtime.table, entry.target, playbook.id);
  const hold = await holdOf(runtime.table, entry.target, playbook.id);
  if (!hold?.incidents.includes(incident.id)) return { entry, steps: [] };
  const run = journalRun(runtime, incident.id, playbook, entry);
  try {
    const proof = await playbook.verify(contextFor(run, hold.caseId, steps), steps);
    const undo = playbook.undoSafety?.(steps, entry.state ?? {}, runtime.now());
    return { entry: { ...entry, proof, ...(undo ? { undo } : {}) }, steps };
  } catch (error) {
    if (!(error instanceof FirebreakError) && !isAccessDenied(error)) throw error;
    // Unreadable is unproven: the write may have worked, but nobody saw it.
    const saw = `the proving read failed: ${describeError(error)}`;
    const proof: Proof = {
      proven: false,
      checks: [{ id: 'proving-read', ok: false, saw }],
      residual: [],
      next: 'final',
    };
    return { entry: { ...entry, proof }, steps };
  }
}

/** What became of one target, from its proof and its journal. */
function settle(entry: IncidentTarget, steps: readonly StepRecord[]): IncidentTarget {
  if (!entry.proof || steps.length === 0) return { ...entry, status: entry.status ?? 'escalated' };
  const containing = steps.filter(({ role }) => role === 'contain');
  const open = steps.filter(({ status }) => !inPlace(status));
  const { notes: _notes, ...rest } = entry;
  const notes = open.map((step) => `${step.id} ${stepWords(step.status)}: ${step.note ?? ''}`);
  const given = { ...rest, ...(notes.length > 0 ? { notes } : {}) };
  if (!entry.proof.proven) {
    return { ...given, status: containing.some(({ status }) => inPlace(status)) ? 'partial' : 'failed' };
  }
  // What somebody declined is not contained, whatever the proof of the rest says.
  if (open.length > 0 || (entry.declined ?? []).length > 0) return { ...given, status: 'partial' };
  return { ...given, status: residualOf(entry).length > 0 ? 'residual' : 'contained' };
}

export const residualOf = ({ plan, proof }: IncidentTarget): readonly string[] => [
  ...new Set([...(plan?.kind === 'plan' ? plan.residual : []), ...(proof?.residual ?? [])]),
];

function overall(targets: readonly IncidentTarget[], risks: readonly string[]): IncidentStatus {
  const all = (...wanted: readonly TargetStatus[]) =>
    targets.every(({ status }) => status && wanted.includes(status));
  if (all('contained')) return risks.length > 0 ? 'residual' : 'contained';
  if (all('contained', 'residual')) return 'residual';
  if (all('escalated')) return 'escalated';
  if (all('failed', 'escalated')) return 'failed';
  return 'partial';
}

function sentence(entry: IncidentTarget): string {
  const open = entry.proof?.checks.filter(({ ok }) => !ok).map(({ saw }) => saw) ?? [];
  const left = entry.declined ?? [];
  const parts = [
    ...(entry.notes ?? []),
    ...(left.length > 0 ? [`declined: ${left.join(', ')}`] : []),
    ...open,
    ...residualOf(entry).map((risk) => `remaining risk: ${risk}`),
  ];
  const outcome = statusWords(entry.status ?? 'escalated');
  return `${entry.target.display} ${outcome}${parts.length > 0 ? ` (${parts.join('; ')})` : ''}`;
}

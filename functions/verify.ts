/** The proving read of every target: `contained` is said only for what was seen live. */

import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type Incident, type IncidentTarget, isAskedAgain } from '../core/incident/incident.ts';
import { risksOfResponse } from '../core/incident/risks.ts';
import { isContained, isProven, isRunning, isUndo, statusWords } from '../core/incident/status.ts';
import type { Proof } from '../core/journal/playbook.ts';
import { switchedOff } from '../pipeline/kill-switch.ts';
import { findingOf, lateFor } from '../pipeline/plan-target.ts';
import { look, overall, sentence, settle } from '../pipeline/prove.ts';
import { scheduleNext } from '../pipeline/reprove.ts';
import { countMetric, measureMs, type Runtime, reach } from '../pipeline/runtime.ts';
import { incidentInput, workflowTask } from '../pipeline/workflow.ts';

/** Looks again at most this often, waiting 5, 10, 20, 40, 60 s: about two minutes. */
const MOST_LOOKS = 6;
/** Contains again at most this often when something changed under us. */
const MOST_PASSES = 3;

export interface Verified {
  readonly verdict: 'wait' | 'recontain' | 'ask' | 'settled';
  readonly waitSeconds: number;
}

/** Without `asksAgain` the execution began under a definition that cannot ask again: what changed is escalated. */
const input = incidentInput.extend({ asksAgain: z.boolean().default(false) });

export const handler = workflowTask(
  'verify',
  input,
  async ({ incidentId, asksAgain }, runtime): Promise<Verified> => {
    const { incidents, now } = runtime;
    const incident = await incidents.change(incidentId, now(), (read) =>
      isRunning(read.status) && !isUndo(read.status)
        ? { status: 'verifying', passes: read.passes + 1 }
        : undefined,
    );
    // It has ended, or is undone: this task was given up on, and nothing is left to verify.
    if (incident.status !== 'verifying') return { verdict: 'settled', waitSeconds: 1 };
    const over = (next: (read: Incident) => Partial<Incident>) => (read: Incident) => {
      if (!isSamePass(read, incident)) throw lateFor(incidentId);
      return next(read);
    };
    const looked = await Promise.all(incident.targets.map((entry) => look(runtime, incident, entry)));
    const targets = looked.map(({ entry }) => entry);
    const open = looked.filter(({ entry, steps }) => entry.proof && !entry.proof.proven && steps.length > 0);
    const again = (what: Proof['next'], among = open) =>
      among.some(({ entry }) => entry.proof?.next === what);
    // Where a person declined steps, containing again would only run into what they declined.
    const whole = open.filter(({ entry }) => (entry.declined ?? []).length === 0);
    const wanted = again('recontain', whole) && incident.passes <= MOST_PASSES;
    // Containing again would be one more automatic change; what is half done is Contain's to finish.
    const half = whole.some(({ steps }) => steps.some((step) => step.status === 'applying'));
    const stopped = wanted && !half ? await switchedOff(runtime, incident) : undefined;
    const recontain = wanted && stopped === undefined;
    const wait = again('wait') && incident.passes < MOST_LOOKS;
    if (recontain || wait) {
      await incidents.change(
        incidentId,
        now(),
        over(() => ({ targets })),
      );
      const why = open.flatMap(
        ({ entry }) => entry.proof?.checks.filter(({ ok }) => !ok).map(({ saw }) => saw) ?? [],
      );
      await incidents.note(
        incidentId,
        `not confirmed yet (${recontain ? 'containing again' : 'verifying again'}): ${why.join('; ')}`,
        now(),
      );
      return {
        verdict: recontain ? 'recontain' : 'wait',
        waitSeconds: Math.min(60, 5 * 2 ** (incident.passes - 1)),
      };
    }
    const isOpen = (entry: IncidentTarget): boolean => isAskedAgain(incident, entry);
    if (asksAgain && targets.some(isOpen)) {
      const others = looked.map(({ entry, steps }) => (isOpen(entry) ? entry : settle(entry, steps)));
      await askAgain(runtime, incident, others, others.filter(isOpen));
      return { verdict: 'ask', waitSeconds: 1 };
    }
    const settled = looked.map(({ entry, steps }) =>
      settle(isOpen(entry) && entry.changed ? { ...entry, notes: [entry.changed.reason] } : entry, steps),
    );
    const risks = risksOfResponse(incident);
    const status = overall(settled, risks);
    const ended = await incidents.change(
      incidentId,
      now(),
      over(() => ({ targets: settled, status })),
    );
    if (isContained(status)) await scheduleNext(runtime, ended);
    const sentences = [
      ...settled.map(sentence),
      ...(stopped === undefined ? [] : [`not contained again: ${stopped}`]),
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
    // Contained again after a removal is no first containment.
    if (isProven(status) && incident.containedAt === undefined) {
      // A person's time and the machine's are distinguished.
      const asked = incident.approval?.purpose === 'contain';
      measureMs(
        asked ? 'TimeToContainAsked' : 'TimeToContain',
        now().getTime() - Date.parse(incident.createdAt),
      );
    }
    const [worst] = settled.flatMap(({ worse = [] }) => worse);
    if (!isProven(status) || worst !== undefined) {
      await reach(
        runtime,
        incidentId,
        `Firebreak ${incidentId}: ${worst ?? statusWords(status)}`,
        sentences.join('\n'),
      );
    }
    return { verdict: 'settled', waitSeconds: 1 };
  },
);

/** Nothing was written about the targets since this pass began to look at them. */
const isSamePass = (read: Incident, { status, passes, targets }: Incident): boolean =>
  read.status === status && read.passes === passes && isDeepStrictEqual(read.targets, targets);

/** The same incident, decided on by people as it is now; the workflow opens the approval next. */
async function askAgain(
  runtime: Runtime,
  incident: Incident,
  targets: readonly IncidentTarget[],
  open: readonly IncidentTarget[],
): Promise<void> {
  const { incidents, policy, now } = runtime;
  const { id, decision } = incident;
  const [first] = open;
  if (!decision || !first) throw new Error(`incident ${id} is asked about again without a decision`);
  const changes = open.map(({ target, changed }) => `${target.display}: ${changed?.reason}`);
  const gated = policy.gate({ ...decision, kind: 'ask', reasons: [] }, await findingOf(runtime, id), {
    now: now(),
    playbook: { id: first.playbook, kind: first.target.kind },
    parts: open.map(({ playbook, target, plan }) => ({ playbook, display: target.display, plan })),
  });
  const fresh = gated.reasons.filter((reason) => !decision.reasons.includes(reason));
  const asked = await incidents.change(id, now(), (read) => {
    if (!isSamePass(read, incident)) throw lateFor(id);
    return {
      targets,
      status: 'awaiting-approval',
      passes: 0,
      decision: {
        ...gated,
        kind: 'ask',
        reasons: [...changes, ...fresh, ...decision.reasons],
        // It is the same decision, and an event that came meanwhile may have left it as it is.
        ...(decision.decidedAt === undefined ? {} : { decidedAt: decision.decidedAt }),
        ...(read.decision?.findingUpdatedAt === undefined
          ? {}
          : { findingUpdatedAt: read.decision.findingUpdatedAt }),
      },
    };
  });
  // What is contained next to it is read again on schedule, however the question ends.
  if (targets.some(({ proof }) => proof?.proven === true)) await scheduleNext(runtime, asked);
  await incidents.note(id, `approval asked again: ${changes.join('; ')}`, now());
  await reach(
    runtime,
    id,
    `Firebreak ${id}: approval asked again`,
    `${changes.join('\n')}\nThis is not what was decided on, so nothing was changed there. A new card in Slack asks about it as it is now.\n${incident.type} in account ${incident.account}, ${incident.region}`,
  );
}

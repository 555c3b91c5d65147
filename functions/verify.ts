/** The proving read of every target: `contained` is said only for what was seen live. */

import { risksOfResponse } from '../core/incident/risks.ts';
import { isContained, isProven, statusWords } from '../core/incident/status.ts';
import type { Proof } from '../core/journal/playbook.ts';
import { KILL_SWITCH_ON } from '../core/table/breaker.ts';
import { switchedOff } from '../pipeline/kill-switch.ts';
import { look, overall, sentence, settle } from '../pipeline/prove.ts';
import { scheduleNext } from '../pipeline/reprove.ts';
import { countMetric, measureMs, page } from '../pipeline/runtime.ts';
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
  const risks = risksOfResponse(incident);
  const status = overall(settled, risks);
  const ended = await incidents.change(incidentId, now(), () => ({ targets: settled, status }));
  if (isContained(status)) await scheduleNext(runtime, ended);
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
  // Contained again after a removal is no first containment.
  if (isProven(status) && incident.containedAt === undefined) {
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

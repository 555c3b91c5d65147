/**
 * What is not over is the sweep's until it ends: a containment that stopped half-way is finished by its journal, whatever
 * became of its workflow.
 */
import { inBatches } from '../core/aws/batches.ts';
import { describeError, isFirebreakError } from '../core/errors.ts';
import type { Incident, IncidentTarget } from '../core/incident/incident.ts';
import {
  closeWork,
  dueWork,
  isMoving,
  lookAgain,
  mayBeHalfDone,
  type OpenWork,
  waitAfter,
} from '../core/incident/open-work.ts';
import { isContainment, isOver } from '../core/incident/status.ts';
import { contain, holdOf, inPlace, journalOf } from '../core/journal/journal.ts';
import { stoppedBySwitch } from './kill-switch.ts';
import { playbookOf } from './plan-target.ts';
import { journalRun, logger, page, type Runtime } from './runtime.ts';

/** A minute's share; what waits longest comes first. */
const MOST = 100;
const AT_A_TIME = 5;

/** A function that changed the incident a moment ago may still be at work. */
const STUCK_MS = 60_000;
/** A person takes longer than a function. */
const PERSON_MS = 300_000;

/** Looks at what is due; returns the ids of the incidents whose containment had stopped half-way and went on. */
export async function attendOpenWork(given: Runtime): Promise<readonly string[]> {
  const { table, now } = given;
  const failures: unknown[] = [];
  const resumed = await inBatches(await dueWork(table, now(), MOST), AT_A_TIME, async (work) => {
    try {
      return (await attend(given, work)) ? [work.incidentId] : [];
    } catch (error) {
      // A damaged record must not keep the others waiting; it fails the sweep afterwards.
      failures.push(error);
      await wait(given, work, work.tries + 1);
      return [];
    }
  });
  if (failures.length > 0) throw failures[0];
  return resumed.flat();
}

const wait = ({ table, now }: Runtime, work: OpenWork, tries: number, ms = waitAfter(tries)): Promise<void> =>
  lookAgain(table, work, new Date(now().getTime() + ms), tries);

/** True where something had stopped half-way and went on. */
async function attend(given: Runtime, work: OpenWork): Promise<boolean> {
  const { incidents, table, now } = given;
  const incident = await incidents.find(work.incidentId);
  if (!incident) {
    await closeWork(table, { id: work.incidentId, version: work.version });
    return false;
  }
  const idle = now().getTime() - Date.parse(incident.updatedAt);
  const stopped = isContainment(incident.status) && !isOver(incident.status) && idle >= STUCK_MS;
  const { resumed, left } = stopped ? await resume(given, incident) : { resumed: false, left: false };
  if (isMoving(incident))
    await wait(given, work, 0, incident.status === 'awaiting-approval' ? PERSON_MS : STUCK_MS);
  else if (left || (mayBeHalfDone(incident) && !stopped)) await wait(given, work, work.tries + 1);
  else await closeWork(table, incident);
  return resumed;
}

interface Resumed {
  readonly resumed: boolean;
  /** Something is half done still. */
  readonly left: boolean;
}

/** Finishes what the journal says was begun. */
async function resume(given: Runtime, incident: Incident): Promise<Resumed> {
  const all: Resumed[] = [];
  for (const entry of incident.targets) all.push(await resumeTarget(given, incident, entry));
  return { resumed: all.some(({ resumed }) => resumed), left: all.some(({ left }) => left) };
}

async function resumeTarget(given: Runtime, incident: Incident, entry: IncidentTarget): Promise<Resumed> {
  const hold = await holdOf(given.table, entry.target, entry.playbook);
  if (!hold?.incidents.includes(incident.id)) return { resumed: false, left: false };
  const steps = await journalOf(given.table, entry.target, entry.playbook);
  // Only what was begun: a step that is merely planned may have been given up for a reason that people know.
  if (!steps.some(({ status }) => status === 'applying')) return { resumed: false, left: false };
  const tell = async (text: string, detail = `${incident.type} on ${entry.target.display}`) => {
    await given.incidents.note(incident.id, text, given.now());
    await page(given, `Firebreak ${incident.id}: ${text}`, detail);
  };
  try {
    const stopped = await stoppedBySwitch(given, incident, entry);
    if (stopped !== undefined) {
      await tell(`a containment that had stopped before its first change was given up: ${stopped}`);
      return { resumed: false, left: false };
    }
    const result = await contain(journalRun(given, incident.id, playbookOf(entry), entry), []);
    const open = result.steps
      .filter(({ status }) => !inPlace(status))
      .map(({ id, status }) => `${id} ${status}`);
    await tell(
      `finished a containment that had stopped half-way${open.length > 0 ? `; open: ${open.join(', ')}` : ''}`,
    );
    return { resumed: true, left: false };
  } catch (error) {
    // It is being worked on.
    if (isFirebreakError(error, 'ResourceBusy')) return { resumed: false, left: true };
    logger.error('a stuck containment could not be finished', {
      incidentId: incident.id,
      reason: describeError(error),
    });
    await tell('a stuck containment could not be finished', describeError(error));
    return { resumed: false, left: true };
  }
}

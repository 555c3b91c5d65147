/**
 * What is not over is the sweep's until it ends: a containment that stopped half-way is finished by its journal, and what it
 * left worse than before is closed, whatever became of the workflow and of the step.
 */
import { isDeepStrictEqual } from 'node:util';
import { inBatches } from '../core/aws/batches.ts';
import { describeError, isOutOfTurn } from '../core/errors.ts';
import type { Incident, IncidentTarget } from '../core/incident/incident.ts';
import {
  closeWork,
  dueWork,
  isMoving,
  lookAgain,
  mayBeHalfDone,
  type OpenWork,
} from '../core/incident/open-work.ts';
import { isContainment } from '../core/incident/status.ts';
import { closeWorse } from '../core/journal/close-worse.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import { contain, holdOf, journalOf } from '../core/journal/journal.ts';
import { inPlace } from '../core/journal/playbook.ts';
import { waitMsAfter } from '../core/table/schedule.ts';
import { showPicture } from './attack-picture.ts';
import { showCard } from './cards.ts';
import { startFollowUps } from './follow-up.ts';
import { pageIncident } from './incident-page.ts';
import { stoppedBySwitch } from './kill-switch.ts';
import { playbookOf, targetAt, withTarget } from './plan-target.ts';
import { startRevert } from './prepared.ts';
import { journalRun, logger, type Runtime } from './runtime.ts';
import { goesOn, undoAgain } from './takeover.ts';
import { worseIn } from './worse.ts';

/** A minute's share; what waits longest comes first. */
const MOST = 100;
const AT_A_TIME = 5;

/** Between two looks at what is under way. */
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

const wait = (
  { table, now }: Runtime,
  work: OpenWork,
  tries: number,
  ms = waitMsAfter(tries),
): Promise<void> => lookAgain(table, work, new Date(now().getTime() + ms), tries);

/** True where something had stopped half-way and went on. */
async function attend(given: Runtime, work: OpenWork): Promise<boolean> {
  const { incidents, table, now } = given;
  const incident = await incidents.find(work.incidentId);
  if (!incident) {
    await closeWork(table, { id: work.incidentId, version: work.version });
    return false;
  }
  // A function that changed it a moment ago may still be at work.
  if (now().getTime() - Date.parse(incident.updatedAt) < STUCK_MS) {
    await wait(given, work, work.tries, STUCK_MS);
    return false;
  }
  const halfDone = mayBeHalfDone(incident);
  const { resumed, left } =
    halfDone || isMoving(incident) ? await finish(given, incident, work.tries) : NOTHING;
  // Finished: a live read says what became of it.
  const finishes = resumed && halfDone && isContainment(incident.status);
  const next = finishes ? await incidents.change(incident.id, now(), proving) : incident;
  const tries = left ? work.tries + 1 : 0;
  if (left) {
    await undoAgain(given, next);
    await startRevert(given, next);
  }
  if (left && !isMoving(next)) await wait(given, work, tries);
  else if (await goesOn(given, work, next))
    await wait(given, work, tries, isAsking(next) ? PERSON_MS : STUCK_MS);
  else {
    // Its report may have been refused or lost before them.
    await startFollowUps(given, next);
    await closeWork(table, next);
  }
  return resumed;
}

/** Waits for a person. */
const isAsking = ({ status, approval }: Incident): boolean =>
  status === 'awaiting-approval' || (approval?.purpose === 'undo' && approval.outcome === undefined);

const proving = ({ status }: Incident): Partial<Incident> =>
  mayBeHalfDone({ status }) ? { status: 'verifying', passes: 1 } : {};

interface Finished {
  readonly resumed: boolean;
  /** Something is half done still. */
  readonly left: boolean;
}
const NOTHING: Finished = { resumed: false, left: false };

/** Finishes what the journal says was begun, and what a live read says is worse than before. */
async function finish(given: Runtime, incident: Incident, tries: number): Promise<Finished> {
  const all: Finished[] = [];
  for (const index of incident.targets.keys()) all.push(await finishTarget(given, incident, index, tries));
  return { resumed: all.some(({ resumed }) => resumed), left: all.some(({ left }) => left) };
}

async function finishTarget(
  given: Runtime,
  incident: Incident,
  index: number,
  tries: number,
): Promise<Finished> {
  const entry = targetAt(incident, index);
  const hold = await holdOf(given.table, entry.target, entry.playbook);
  if (!hold?.incidents.includes(incident.id)) return NOTHING;
  const tell = async (text: string, details: readonly string[] = []) => {
    await given.incidents.note(incident.id, text, given.now());
    const about = [text, ...details, `${incident.type} on ${entry.target.display}`];
    await pageIncident(given, incident, `Firebreak ${incident.id}: ${text}`, about);
  };
  const worseNow = async () =>
    worseIn(given, incident, entry, hold, await journalOf(given.table, entry.target, entry.playbook));
  try {
    const begun = await journalOf(given.table, entry.target, entry.playbook);
    const before = await worseIn(given, incident, entry, hold, begun);
    // A step that is merely planned may have been given up for a reason that people know.
    const half = begun.some(({ status }) => status === 'applying');
    if (before.length === 0 && !half) {
      await keepWorse(given, incident, index, []);
      return NOTHING;
    }
    // What an undo left is not contained again.
    const stopped = hold.state === 'active' ? await stoppedUnless(given, incident, entry, before) : undefined;
    if (stopped !== undefined) {
      await tell(`a containment that had stopped before its first change was given up: ${stopped}`);
      return NOTHING;
    }
    const steps = hold.state === 'active' ? await finishSteps(given, incident, entry) : [];
    let after = await worseNow();
    const refused =
      after.length > 0 && hold.state !== 'undoing' ? await closeSteps(given, incident, entry) : [];
    if (after.length > 0) after = await worseNow();
    await keepWorse(given, incident, index, after);
    const open = steps.filter(({ status }) => !inPlace(status)).map(({ id, status }) => `${id} ${status}`);
    if (after.length > 0) {
      const prepared = hold.state === 'active' ? [] : begun.filter(({ role }) => role === 'prepare');
      const notes = notesOf([...steps, ...prepared, ...refused]);
      if (isPaged(tries)) await tell(after.join('; '), [...notes, TRIED_AGAIN]);
      return { resumed: false, left: true };
    }
    const what = before.length > 0 ? `resolved: ${before.join('; ')}` : FINISHED;
    await tell(`${what}${open.length > 0 ? `; open: ${open.join(', ')}` : ''}`);
    return { resumed: true, left: false };
  } catch (error) {
    // It is being worked on.
    if (isOutOfTurn(error)) return { resumed: false, left: true };
    logger.error('a stuck containment could not be finished', {
      incidentId: incident.id,
      reason: describeError(error),
    });
    if (isPaged(tries)) await tell('a stuck containment could not be finished', [describeError(error)]);
    return { resumed: false, left: true };
  }
}

const FINISHED = 'finished a containment that had stopped half-way';
const TRIED_AGAIN =
  'Firebreak tries to end this again, at first every minute and then every hour, until it ends.';

/** Pages ever less often while it is tried again and again. */
const isPaged = (tries: number): boolean => (tries & (tries - 1)) === 0;

/** The switch stops what has not begun; what is worse than before is ended all the same. */
const stoppedUnless = async (
  given: Runtime,
  incident: Incident,
  entry: IncidentTarget,
  worse: readonly string[],
): Promise<string | undefined> =>
  worse.length > 0 ? undefined : await stoppedBySwitch(given, incident, entry);

const finishSteps = async (
  given: Runtime,
  incident: Incident,
  entry: IncidentTarget,
): Promise<readonly StepRecord[]> =>
  (await contain(journalRun(given, incident.id, playbookOf(entry), entry), [])).steps;

const closeSteps = (
  given: Runtime,
  incident: Incident,
  entry: IncidentTarget,
): Promise<readonly StepRecord[]> => closeWorse(journalRun(given, incident.id, playbookOf(entry), entry));

const notesOf = (steps: readonly StepRecord[]): readonly string[] =>
  steps.flatMap(({ id, status, note }) =>
    status === 'failed' ? [`${id}: ${note ?? 'no reason given'}`] : [],
  );

/** Keeps it with the target, for card, page and command. */
async function keepWorse(
  given: Runtime,
  incident: Incident,
  index: number,
  worse: readonly string[],
): Promise<void> {
  const seen = targetAt(incident, index);
  if ((seen.worse ?? []).join() === worse.join()) return;
  await given.incidents.change(incident.id, given.now(), (read) => {
    // A proof that came between has looked for itself.
    if (!isDeepStrictEqual(targetAt(read, index), seen)) return undefined;
    const { worse: _before, ...entry } = seen;
    return withTarget(read, index, { ...entry, ...(worse.length > 0 ? { worse } : {}) });
  });
  await showCard(given, incident.id, { quietly: true });
  await showPicture(given, incident.id);
}

/**
 * What must hold once faults are over and the sweep had its time. Every check reads what is there: the account, the table, the
 * pages and the cards.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Incident, verifiedAt } from '../../core/incident/incident.ts';
import { isContained, isProven, isRunning, mayUndo, needsResponder } from '../../core/incident/status.ts';
import { holdOf, journalOf } from '../../core/journal/journal.ts';
import type { Stage } from './stage.ts';

export interface Violation {
  /**
   * worse: something of ours is worse than before · unowned: no one moves what is half done · untrue: a status says what is
   * not so · untold: a failure reached no person · lost: the newest event was not decided · dead-end: it cannot be undone.
   */
  readonly kind: 'worse' | 'unowned' | 'untrue' | 'untold' | 'lost' | 'dead-end';
  readonly text: string;
}

/** How an undisturbed run ends: what is to be compared with. */
export interface Undisturbed {
  readonly contained: unknown;
}

/** What of the incident's end is not as it must be, after containing or after undoing. */
export async function violations(
  stage: Stage,
  undisturbed: Undisturbed,
  phase: 'contain' | 'undo',
): Promise<readonly Violation[]> {
  const incidents = await stage.incidents();
  const [newest] = incidents;
  const found: Violation[] = openTransit(stage);
  if (!newest) return [...found, { kind: 'lost', text: 'no incident of the finding' }];
  found.push(...untrue(stage, incidents, undisturbed));
  for (const incident of incidents) {
    found.push(...(await unowned(stage, incident)));
    found.push(...untold(stage, incident, phase));
    found.push(...undecided(stage, incident, phase));
  }
  return found;
}

/** An interface in the group that lets everything through, however its step ended. */
function openTransit({ sandbox: { twin } }: Stage): Violation[] {
  return Object.values(twin.state.regions).flatMap(({ groups, interfaces }) => {
    const open = new Set(
      groups
        .filter(({ GroupName }) => GroupName.startsWith('firebreak-transit'))
        .map(({ GroupId }) => GroupId),
    );
    return interfaces
      .filter(({ Groups }) => Groups.some((id) => open.has(id)))
      .map(({ NetworkInterfaceId }) => ({
        kind: 'worse' as const,
        text: `${NetworkInterfaceId} is in the open transit group`,
      }));
  });
}

/** Under way, and nothing moves it: no execution, and the sweep had its time. */
async function unowned({ sandbox }: Stage, incident: Incident): Promise<Violation[]> {
  const found: Violation[] = [];
  const running = sandbox.machines.running().length > 0;
  if (isRunning(incident.status) && !running)
    found.push({ kind: 'unowned', text: `${incident.status}, and no execution runs` });
  for (const { target, playbook } of incident.targets) {
    const hold = await holdOf(sandbox.runtime.table, target, playbook);
    if (!hold?.incidents.includes(incident.id)) continue;
    if (hold.state === 'undoing' && !running)
      found.push({ kind: 'unowned', text: `hold of ${target.display} is undoing, and no execution runs` });
    for (const { id, status } of await journalOf(sandbox.runtime.table, target, playbook))
      if ((status === 'applying' || status === 'undoing') && !running)
        found.push({ kind: 'unowned', text: `step ${id} of ${target.display} is ${status} for ever` });
  }
  return found;
}

/** What the statuses say of the account must be so: of an incident and its follow-up together. */
function untrue(stage: Stage, incidents: readonly Incident[], { contained }: Undisturbed): Violation[] {
  const account = stage.account();
  const said = incidents.map(({ status }) => status).join(', ');
  const found: Violation[] = [];
  const differs = (from: string) =>
    found.push({ kind: 'untrue', text: `${said}, but the account is not ${from}` });
  const proven = incidents.filter(({ status }) => isProven(status));
  if (proven.length === incidents.length && !isDeepStrictEqual(account, contained))
    differs('as an undisturbed containment leaves it');
  for (const incident of proven)
    if (verifiedAt(incident) === undefined)
      found.push({ kind: 'untrue', text: `${incident.status} without a confirming read` });
  const nothingInPlace = incidents.every(
    ({ status }) => !isContained(status) && !mayUndo(status) && !isRunning(status),
  );
  if (nothingInPlace && !isDeepStrictEqual(account, stage.before)) differs('as it was before');
  return found;
}

/**
 * What a person must act on has reached one: a page, or a card that stands in Slack. An undo that did not happen shows in no
 * status: a page says so.
 */
function untold(stage: Stage, { id, status }: Incident, phase: 'contain' | 'undo'): Violation[] {
  if (phase === 'undo' && isContained(status) && !stage.pagesOfUndo().some((page) => page.includes(id)))
    return [{ kind: 'untold', text: `undo was asked for and ends ${status}, and no page names ${id}` }];
  if (!needsResponder(status) || isTold(stage, id)) return [];
  return [{ kind: 'untold', text: `${status}, and no page or card names ${id}` }];
}

const isTold = ({ sandbox: { twin, slack } }: Stage, id: string): boolean =>
  twin.state.pages.some(({ subject, message }) => `${subject} ${message}`.includes(id)) ||
  slack.messages.some(({ text, blocks }) => `${text} ${JSON.stringify(blocks)}`.includes(id));

/** The newest event is what was decided on, and it was severe: contained, or a person knows that it is not. */
function undecided(stage: Stage, incident: Incident, phase: 'contain' | 'undo'): Violation[] {
  const found: Violation[] = [];
  if (!incident.followUpOf && incident.findingUpdatedAt !== stage.newest())
    found.push({ kind: 'lost', text: `knows the event of ${incident.findingUpdatedAt}, not the newest` });
  const { status } = incident;
  if (phase === 'contain' && !isProven(status) && !needsResponder(status))
    found.push({ kind: 'lost', text: `a severe finding ended ${status}` });
  return found;
}

/** After undo, and one more try of a person where it was partial: the account is as before. */
export async function afterUndo(stage: Stage): Promise<readonly Violation[]> {
  const found: Violation[] = [];
  const restored = isDeepStrictEqual(stage.account(), stage.before);
  const open = (await stage.incidents()).filter(({ status }) => mayUndo(status));
  if (!restored) found.push({ kind: 'dead-end', text: 'undone again, and the account is not as before' });
  for (const { status } of open.filter(({ status }) => isContained(status) || status === 'undo-partial'))
    found.push({ kind: 'dead-end', text: `all faults are over, and undo ends ${status}` });
  return found;
}

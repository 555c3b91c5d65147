/**
 * The four lines that every incident opens with, on page, card, command and pager alike: what happened, what Firebreak did,
 * what remains, and what to do next. A tired responder reads nothing else first.
 */

import { type Attackers, attackersOf, placeOf } from '../finding/attackers.ts';
import type { Finding } from '../finding/finding.ts';
import { SCAN_TYPES } from '../finding/scan.ts';
import type { StepRecord } from '../journal/hold.ts';
import { inPlace } from '../journal/playbook.ts';
import { counted, plainWords, reach, say, tookWords, type Words } from '../words.ts';
import { type ApprovalView, type Incident, type IncidentTarget, lapseOf, verifiedAt } from './incident.ts';
import { actionOn, resourceName, shortIds, targetName } from './names.ts';
import { risksOfIncident } from './risks.ts';
import {
  type IncidentStatus,
  isContained,
  isContainment,
  isInformation,
  isProven,
  isRunning,
  isUndo,
  statusWords,
  stepWords,
} from './status.ts';

export interface BriefView {
  readonly incident: Incident;
  /** Absent where it could not be read: the first line is shorter then. */
  readonly finding?: Finding | undefined;
  /** The journal as it stands; empty before containment. */
  readonly steps: readonly StepRecord[];
}

export interface Brief {
  readonly happened: Words;
  readonly did: Words;
  /** Never empty: where no risk is known it says so. */
  readonly remains: readonly Words[];
  readonly next: Next;
}

export interface Next {
  readonly text: Words;
  /** What happens when it is too late, ISO 8601: `Contains automatically at`, the moment, ` unless denied.` */
  readonly deadline?: Deadline;
  /** The card's button. */
  readonly button?: string;
  /** Arguments of the command. */
  readonly commands: readonly string[];
}

export interface Deadline {
  readonly before: string;
  readonly at: string;
  readonly after: string;
}

/** In their order. The keys are those of `Brief`. */
export const BRIEF_TITLES = {
  happened: 'What happened',
  did: 'What Firebreak did',
  remains: 'What remains',
  next: 'What to do next',
} as const satisfies Record<keyof Brief, string>;

/**
 * Returns the four lines. Every text in them is untrusted. What happened and what was done name resources by shortened ids: the
 * details have them whole. What remains and what to do keep theirs, since someone acts on them.
 */
export function briefOf(view: BriefView): Brief {
  return {
    happened: withShortIds(happened(view)),
    did: withShortIds(did(view)),
    remains: remains(view),
    next: next(view),
  };
}

const withShortIds = (words: Words): Words =>
  words.map((part) => {
    if (typeof part === 'string') return shortIds(part);
    return 'name' in part ? { name: shortIds(part.name) } : part;
  });

/** Returns the four lines as plain text, each with its title: for a pager and a terminal. Not escaped. */
export function briefLines(brief: Brief, command: (given: string) => string): readonly string[] {
  const risks = brief.remains.map(plainWords);
  return [
    `${BRIEF_TITLES.happened}: ${plainWords(brief.happened)}`,
    `${BRIEF_TITLES.did}: ${plainWords(brief.did)}`,
    ...(risks.length === 1
      ? [`${BRIEF_TITLES.remains}: ${risks[0]}`]
      : [`${BRIEF_TITLES.remains}:`, ...risks.map((risk) => `  - ${risk}`)]),
    `${BRIEF_TITLES.next}: ${plainWords(nextWords(brief.next))}`,
    ...brief.next.commands.map((given) => `  ${command(given)}`),
  ];
}

/** What to do, until when, and what happens then. */
export const nextWords = ({ text, deadline }: Next): Words =>
  deadline === undefined ? text : say`${text} ${deadlineWords(deadline)}`;

/** Returns the deadline as a sentence. */
export const deadlineWords = ({ before, at, after }: Deadline): Words => say`${before} ${{ at }}${after}`;

/**
 * The journal as far as it is this incident's: it belongs to the resource, so an incident that only asks, notifies or is a
 * sample would show what another one did.
 */
export const ownSteps = (
  { status, sample }: Pick<Incident, 'status' | 'sample'>,
  steps: readonly StepRecord[],
): readonly StepRecord[] => (!sample && (isContainment(status) || isUndo(status)) ? steps : []);

/** What went wrong without where and what to do next: those are in the details. */
export const inShort = (problem: string): string => problem.split(' · ')[0] ?? problem;

/** What happens when no one decides before the approval expires. */
export function expiryOf(
  { purpose, expiresAt: at }: Pick<ApprovalView, 'purpose' | 'expiresAt'>,
  { decision }: Pick<Incident, 'decision'>,
): Deadline {
  if (purpose === 'undo') return { before: 'Expires at', at, after: ', and the containment stays.' };
  return decision?.expiry === 'contain'
    ? { before: 'Contains automatically at', at, after: ' unless denied.' }
    : { before: 'Escalates at', at, after: ', and nothing is changed.' };
}

/** Without its full stop. */
const clause = (sentence: string): string => sentence.trim().replace(/\.+$/, '');

function happened({ incident, finding }: BriefView): Words {
  const from = finding ? remoteWords(attackersOf(finding)) : undefined;
  const where = `account ${incident.account}, ${incident.region}`;
  const on = say`on ${{ name: resourceName(incident, finding) }} in ${where}`;
  const title = clause(incident.title === incident.type ? incident.type : incident.title);
  const sample = incident.sample ? 'SAMPLE: ' : '';
  return from ? say`${sample}${title}: ${from}, ${on}.` : say`${sample}${title}: ${on}.`;
}

/** `from 198.51.100.77 (Netherlands, Example Hosting AS64500) and 2 more addresses` */
function remoteWords({ way, parties, domain }: Attackers): Words | undefined {
  const addressed = parties.filter(({ ip, account }) => ip !== undefined || account !== undefined);
  const [first] = addressed;
  if (!first) return domain === undefined ? undefined : say`to ${{ name: domain }}`;
  const place = placeOf(first);
  const account = first.account === undefined ? '' : `AWS account ${first.account}`;
  const known = [place, first.ip === undefined ? '' : account].filter((text) => text !== '').join(', ');
  const others = new Set(addressed.map(({ ip, account: of }) => ip ?? of)).size - 1;
  const at = first.ip === undefined ? account : first.ip;
  return say`${way} ${{ name: at }}${known === '' ? '' : ` (${known})`}${others > 0 ? ` and ${counted(others, 'more address', 'more addresses')}` : ''}`;
}

/** The changes of the plans, or of the journal once there is one: the containing ones first counted, then named. */
const SHOWN = 2;
const named = (steps: readonly string[]): string =>
  `${steps.slice(0, SHOWN).map(clause).join('; ')}${steps.length > SHOWN ? `; and ${counted(steps.length - SHOWN, 'more change')}` : ''}`;

const containing = ({ role }: Pick<StepRecord, 'role'>): boolean => role === 'contain';

/** What was planned, of all targets: `isolate instance web-1 (i-0abc), 8 steps, affects 1 instance`. */
function proposal({ targets }: Incident): string {
  const all = targets.flatMap((entry) => {
    const { plan, playbook, problem } = entry;
    if (plan?.kind !== 'plan' || problem !== undefined) return [];
    return [
      `${actionOn(playbook, targetName(entry))} (${counted(plan.steps.length, 'step')}, affects ${reach(plan.blastRadius)})`,
    ];
  });
  return named(all.length > 0 ? all : ['a containment that could not be planned']);
}

function did(view: BriefView): Words {
  const { incident } = view;
  const { approval, status } = incident;
  if (incident.sample) return ['Nothing, and it never will: this is a sample finding.'];
  if (approval?.purpose === 'undo' && approval.outcome === undefined)
    return say`${contained(view)} An undo was requested${by(approval.requestedBy)} and is not approved yet.`;
  return didByStatus(view, status);
}

function didByStatus(view: BriefView, status: IncidentStatus): Words {
  const { incident } = view;
  const own = ownSteps(incident, view.steps);
  const wanted = own.filter(containing);
  const made = wanted.filter(({ status: of }) => inPlace(of));
  switch (status) {
    case 'received':
      return incident.intakeFailed
        ? say`Nothing yet: the finding could not be decided (${inShort(incident.intakeFailed.reason)}). Firebreak tries again.`
        : ['Nothing yet: Firebreak is deciding.'];
    case 'awaiting-approval':
      return say`Nothing was changed yet. Proposed action: ${proposal(incident)}.`;
    case 'containing':
      return say`Containing now: ${made.length.toString()} of ${counted(wanted.length, 'containing change')} in place.`;
    case 'verifying':
      return say`Made ${made.length.toString()} of ${counted(wanted.length, 'containing change')}; live reads are verifying them.`;
    case 'contained':
    case 'residual':
    case 'partial':
    case 'failed':
      return contained(view);
    case 'declined':
      return say`Nothing was changed: containment was denied${by(incident.approval?.decidedBy)}.`;
    case 'expired':
      return ['Nothing was changed: the approval expired without a decision.'];
    case 'escalated':
      return say`Nothing more was changed: ${refusals(incident)}.`;
    case 'recorded':
      return ['No action was taken; the finding was recorded.'];
    case 'notified':
      return ['No action was taken; the channel was notified.'];
    case 'undoing':
      return say`Undoing the containment now${by(incident.undoRequestedBy)}.`;
    case 'undone':
      return say`Undid the containment${by(incident.undoRequestedBy)}; every restored value was read back.`;
    case 'undo-partial':
      return say`Undid a part of the containment${by(incident.undoRequestedBy)}: some values were not restored.`;
  }
}

const by = (person: string | undefined): Words => (person === undefined ? [] : say` by ${{ person }}`);

/** Contained, in part or not: how it came to that, how soon, by which changes, and whether a live read confirmed it. */
function contained({ incident, steps }: BriefView): Words {
  const { containedAt, createdAt, status, targets } = incident;
  const made = ownSteps(incident, steps).filter((step) => containing(step) && inPlace(step.status));
  const changes = made.length > 0 ? `: ${named(made.map(({ describe }) => describe))}` : '';
  const soon =
    containedAt === undefined
      ? ''
      : `, ${tookWords(Date.parse(containedAt) - Date.parse(createdAt))} after the finding`;
  const how = decidedHow(incident);
  if (status === 'failed')
    return say`Tried to contain${how}, and no containment is confirmed${changes === '' ? '' : `. In place by its journal${changes}`}.`;
  const confirmed = verifiedAt(incident);
  const held = targets.filter(isHeld);
  const part =
    status === 'partial' && targets.length > 1
      ? ` ${held.length} of ${counted(targets.length, 'target')}`
      : '';
  const proof =
    confirmed === undefined
      ? say`No live read has confirmed all of it.`
      : say`Confirmed by a live read, ${{ at: confirmed }}.`;
  const verb = status === 'partial' ? 'Contained a part of it' : 'Contained';
  return say`${verb}${part}${how}${soon}${changes}. ${proof}`;
}

function decidedHow({ approval, decision }: Incident): Words {
  const given = approval?.purpose === 'contain' ? approval : undefined;
  if (given?.breakGlass) return say` (break-glass${by(given.decidedBy)})`;
  switch (given?.outcome) {
    case 'approved':
      return say`${given.chosen ? ' in part' : ''} after approval${by(given.decidedBy)}`;
    case 'expired':
      return [' automatically when the approval expired'];
    case 'denied':
    case undefined:
      return decision?.kind === 'auto' ? [' automatically'] : [];
  }
}

/** Why nothing can be done about the targets, each once. */
function refusals({ targets }: Incident): string {
  const reasons = targets.flatMap((entry) => {
    const why = entry.problem === undefined ? undefined : `cannot act, ${inShort(entry.problem)}`;
    if (why !== undefined) return [`${targetName(entry)}: ${why}`];
    const { plan, changed } = entry;
    if (plan?.kind === 'refused') return [`${targetName(entry)}: ${clause(plan.reason)}`];
    return changed ? [`${targetName(entry)}: ${clause(changed.reason)}`] : [];
  });
  return named(reasons.length > 0 ? [...new Set(reasons)] : ['Firebreak could not act on it']);
}

/** Every risk of step, plan, proof and incident; what was not contained; what came back. */
function remains({ incident, steps }: BriefView): readonly Words[] {
  const { status, targets, unhandled = [], activeAfterContainment, removedAt } = incident;
  const own = ownSteps(incident, steps);
  const risks = risksOfIncident(incident);
  const after = isContained(status) || isUndo(status) || status === 'failed';
  const lines: readonly Words[] = [
    ...exposure(incident),
    ...(removedAt === undefined
      ? []
      : [say`The containment was found removed ${{ at: removedAt }}: see the timeline.`]),
    ...(activeAfterContainment ? [['GuardDuty saw more of the activity after the containment.']] : []),
    ...own
      .filter((step) => step.status === 'failed' || step.status === 'drift')
      .map((step) => [`${step.describe}: ${stepWords(step.status)}${step.note ? `, ${step.note}` : ''}`]),
    ...risks.map((risk) => (after ? [risk] : [`Even once contained: ${risk}`])),
    // Notes repeat a risk in their own form.
    ...targets
      .flatMap(({ notes = [] }) => notes)
      .filter((note) => !risks.some((risk) => note.includes(risk)))
      .map((note) => [note]),
    ...unhandled.map((what) => [`Not contained: ${what}`]),
  ];
  return lines.length > 0 ? lines : [['No known risk remains.']];
}

/** What the attacker still has, as long as nothing, or not all of it, is contained. */
function exposure({ status, targets, sample }: Incident): readonly Words[] {
  if (sample || isProven(status)) return [];
  if (isInformation(status)) return [['Nothing is contained: whether it is an attack is for you to judge.']];
  if (isUndo(status))
    return [['What was undone works again, for the attacker as well unless the cause is fixed.']];
  if (!isContainment(status))
    return targets.some(isHeld)
      ? [['Only a part of it is contained.']]
      : [['Nothing is contained: the attacker keeps what they have.']];
  if (isRunning(status)) return [['No live read has confirmed the containment yet.']];
  if (!isContained(status)) return [['No containment is confirmed: the attacker may keep what they have.']];
  return targets
    .filter((entry) => !isHeld(entry) || entry.status === 'partial')
    .map((entry) => [`${targetName(entry)}: ${shortfall(entry)}`]);
}

const isHeld = ({ status }: IncidentTarget): boolean =>
  status !== undefined && (status === 'held' || isContained(status));
const shortfall = ({ problem, status }: IncidentTarget): string => {
  if (problem !== undefined) return inShort(problem);
  return status === undefined ? 'not contained' : statusWords(status);
};

function next(view: BriefView): Next {
  const { incident } = view;
  const { approval, id } = incident;
  const see = [`show ${id}`];
  if (incident.sample) return { text: ['Nothing to do.'], commands: [] };
  if (approval && approval.outcome === undefined) return answer(incident, approval);
  switch (incident.status) {
    case 'received':
      return incident.intakeFailed
        ? {
            text: ['Act by hand if it cannot wait: Firebreak starts again until it is decided.'],
            commands: see,
          }
        : { text: ['Nothing yet: the decision follows within seconds.'], commands: [] };
    case 'awaiting-approval':
      return { text: ['Decide on the card: it follows within seconds.'], commands: see };
    case 'containing':
    case 'verifying':
    case 'undoing':
      return { text: ['Nothing yet: the result follows here.'], commands: [] };
    case 'contained':
    case 'residual':
      return undoLater(incident);
    case 'partial':
    case 'failed':
      return { text: say`Contain by hand what is not confirmed${byHand(incident)}.`, commands: see };
    case 'escalated':
    case 'expired':
      return { text: say`Contain it by hand${byHand(incident)}.`, commands: see };
    case 'declined':
      return {
        text: ['Nothing to do. Firebreak asks again if GuardDuty raises the severity.'],
        commands: [],
      };
    case 'recorded':
    case 'notified':
      return {
        text: [
          SCAN_TYPES.get(incident.type)?.next ??
            'Review the finding. If it is an attack, contain it by hand.',
        ],
        commands: see,
      };
    case 'undone':
      return { text: ['Nothing to do, if what let the attacker in is fixed.'], commands: [] };
    case 'undo-partial':
      return {
        text: ['Compare the values that were not restored, then undo again.'],
        button: 'Undo…',
        commands: [`undo ${id} --preview`],
      };
  }
}

function answer(incident: Incident, approval: ApprovalView): Next {
  if (approval.joined)
    return {
      text: say`Decide on ${{ name: approval.joined.incident }}: its card asks for the same containment.`,
      commands: [`approve ${approval.joined.incident}`],
    };
  const undo = approval.purpose === 'undo';
  const left = approval.needed - approval.approvedBy.length;
  const people =
    approval.needed > 1
      ? ` ${approval.approvedBy.length} of ${approval.needed} approvals given, ${left} needed.`
      : '';
  return {
    text: say`${undo ? 'Approve or deny the undo' : 'Approve or deny the containment'}.${people}`,
    deadline: expiryOf(approval, incident),
    button: undo ? 'Approve undo' : 'Contain now',
    commands: [`approve ${incident.id}`, `deny ${incident.id} --reason "…"`],
  };
}

/** Contained: the cause comes first, then the containment can go. */
function undoLater(incident: Incident): Next {
  const lapse = lapseOf(incident);
  const first =
    incident.status === 'residual' ? 'Deal with what remains and' : 'Find out how they got in and fix it,';
  return {
    text: say`${first} then undo the containment.`,
    ...(lapse === undefined
      ? {}
      : {
          deadline: { before: 'Undoes automatically at', at: lapse, after: ' unless the finding goes on.' },
        }),
    button: 'Undo…',
    commands: [`undo ${incident.id} --preview`],
  };
}

/** What works where Firebreak will not act. */
function byHand({ targets }: Incident): string {
  const ways = targets.flatMap(({ plan, problem }) => {
    if (plan?.kind === 'refused') return [plan.alternative];
    const [, ...rest] = (problem ?? '').split(' · next: ');
    return rest;
  });
  return ways.length === 0 ? '' : `: ${named([...new Set(ways)])}`;
}

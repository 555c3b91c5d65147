/**
 * The one table of statuses: what people read, its tone, and the facts that code decides by. looks.ts says how a tone looks
 * on every surface. The keys stand in the table, events and JSON output: they never change.
 */
import type { StepStatus } from '../journal/playbook.ts';
import type { UndoPreviewStep } from '../journal/undo-preview.ts';
import { type Tone, toneLooks } from './looks.ts';

interface StatusFacts {
  /** On every screen: card, page, command. */
  readonly words: string;
  readonly tone: Tone;
  /** What the incident got to: a decision, only information, a containment, an undo. */
  readonly phase: 'decide' | 'inform' | 'contain' | 'undo';
  /** Who acts next. With `workflow` or `approver` an execution is running; with `none` the incident is over. */
  readonly next: 'workflow' | 'approver' | 'responder' | 'none';
  /** A live read confirmed at least part of the containment. */
  readonly contained?: true;
  /** When an update of the finding is decided again: always, or once the severity rose. */
  readonly reopens?: 'on-update' | 'on-rise';
}

const FACTS = {
  received: { words: 'received', tone: 'wait', phase: 'decide', next: 'workflow' },
  'awaiting-approval': { words: 'awaiting approval', tone: 'wait', phase: 'decide', next: 'approver' },
  containing: { words: 'containing now', tone: 'wait', phase: 'contain', next: 'workflow' },
  verifying: { words: 'verifying containment', tone: 'wait', phase: 'contain', next: 'workflow' },
  // A live read confirmed all of it, and no risk is known.
  contained: { words: 'contained', tone: 'good', phase: 'contain', next: 'none', contained: true },
  // Confirmed, with a named risk that remains.
  residual: {
    ...{ words: 'contained, residual risk', tone: 'warn', phase: 'contain', next: 'none', contained: true },
  },
  // Some of it is confirmed, some is not.
  partial: { words: 'partly contained', tone: 'bad', phase: 'contain', next: 'responder', contained: true },
  // No containing step is confirmed.
  failed: {
    ...{ words: 'containment failed', tone: 'bad', phase: 'contain', next: 'responder' },
    reopens: 'on-update',
  },
  declined: { words: 'declined', tone: 'calm', phase: 'decide', next: 'none', reopens: 'on-rise' },
  expired: { words: 'approval expired', tone: 'bad', phase: 'decide', next: 'responder', reopens: 'on-rise' },
  // Refused target, protected identity, missing role, drift.
  escalated: {
    ...{ words: 'escalated, action required', tone: 'bad', phase: 'contain', next: 'responder' },
    reopens: 'on-rise',
  },
  recorded: { words: 'recorded', tone: 'calm', phase: 'inform', next: 'none', reopens: 'on-update' },
  notified: { words: 'notified', tone: 'calm', phase: 'inform', next: 'none', reopens: 'on-update' },
  undoing: { words: 'undoing now', tone: 'wait', phase: 'undo', next: 'workflow' },
  undone: { words: 'undone', tone: 'good', phase: 'undo', next: 'none' },
  'undo-partial': { words: 'partly undone', tone: 'bad', phase: 'undo', next: 'responder' },
} as const satisfies Readonly<Record<string, StatusFacts>>;

export type IncidentStatus = keyof typeof FACTS;

/** Of one target; the incident's status is computed from these. */
export type TargetStatus =
  | Extract<
      IncidentStatus,
      'contained' | 'residual' | 'partial' | 'failed' | 'escalated' | 'declined' | 'undone' | 'undo-partial'
    >
  | 'held'; // another incident still needs the containment

export const isIncidentStatus = (text: string): text is IncidentStatus => Object.hasOwn(FACTS, text);
export const STATUSES: readonly IncidentStatus[] = Object.keys(FACTS).filter(isIncidentStatus);

const factsOf = (status: IncidentStatus): StatusFacts => FACTS[status];

const HELD = { words: 'still contained for another incident', tone: 'calm' } as const;
const shown = (status: IncidentStatus | TargetStatus): Pick<StatusFacts, 'words' | 'tone'> =>
  status === 'held' ? HELD : FACTS[status];
/** Returns what people read for a status. */
export const statusWords = (status: IncidentStatus | TargetStatus): string => shown(status).words;
export const statusTone = (status: IncidentStatus | TargetStatus): Tone => shown(status).tone;

/** Returns how it ended, at a glance; undefined while it has not, and where nothing was done. */
export const statusMark = (status: IncidentStatus): string | undefined =>
  isUndo(status) && isOver(status) ? '↩️' : toneLooks(statusTone(status)).mark;

export const isContained = (status: IncidentStatus): boolean => factsOf(status).contained === true;
/** Nothing is left to do for Firebreak or a person. */
export const isOver = (status: IncidentStatus): boolean => factsOf(status).next === 'none';
/** A workflow execution is running, or waits for its approval. */
export const isRunning = (status: IncidentStatus): boolean =>
  factsOf(status).next === 'workflow' || factsOf(status).next === 'approver';
/** All of the containment is confirmed, with or without a remaining risk. */
export const isProven = (status: IncidentStatus): boolean => isContained(status) && isOver(status);
/** Firebreak only recorded it or notified people. */
export const isInformation = (status: IncidentStatus): boolean => factsOf(status).phase === 'inform';
export const isContainment = (status: IncidentStatus): boolean => factsOf(status).phase === 'contain';
export const isUndo = (status: IncidentStatus): boolean => factsOf(status).phase === 'undo';
/** A change is known to be in place. */
export const isInPlace = (status: IncidentStatus): boolean =>
  isContained(status) || (isUndo(status) && needsResponder(status));
/** A change may be in place: what failed or was escalated can have left a step behind. */
export const mayUndo = (status: IncidentStatus): boolean =>
  isInPlace(status) || (isContainment(status) && needsResponder(status));
export const needsResponder = (status: IncidentStatus): boolean => factsOf(status).next === 'responder';
/** Returns whether an update of the finding is decided again; `rose` when its severity went up. */
export const reopens = (status: IncidentStatus, rose: boolean): boolean => {
  const when = factsOf(status).reopens;
  return when === 'on-update' || (when === 'on-rise' && rose);
};

type InProgress = {
  [S in IncidentStatus]: (typeof FACTS)[S]['next'] extends 'workflow' ? S : never;
}[IncidentStatus];
const inProgress = (status: IncidentStatus): status is InProgress => factsOf(status).next === 'workflow';

/** Statuses as lists and counters have them: what the workflow is working on is one. */
export type ListedStatus = 'open' | Exclude<IncidentStatus, InProgress>;
export const listedStatus = (status: IncidentStatus): ListedStatus => (inProgress(status) ? 'open' : status);
export const isListed = (text: string): text is ListedStatus =>
  text === 'open' || (isIncidentStatus(text) && !inProgress(text));
export const listedWords = (status: ListedStatus): string =>
  status === 'open' ? 'in progress' : statusWords(status);
export const listedTone = (status: ListedStatus): Tone => (status === 'open' ? 'wait' : statusTone(status));

const TONE_ORDER: readonly Tone[] = ['wait', 'bad', 'warn', 'good', 'calm'];
const urgency = (status: ListedStatus): number =>
  status === 'open' ? 0 : isRunning(status) ? -1 : 1 + TONE_ORDER.indexOf(statusTone(status));
/** Most urgent first: approvals, work in progress, what went wrong, the rest. */
export const LISTED: readonly ListedStatus[] = [...new Set(STATUSES.map(listedStatus))].sort(
  (a, b) => urgency(a) - urgency(b),
);

const STEPS: Readonly<Record<StepStatus, readonly [Tone, string]>> = {
  planned: ['calm', 'planned'],
  applying: ['wait', 'applying'],
  done: ['good', 'done'],
  already: ['good', 'already in place'],
  failed: ['bad', 'failed'],
  skipped: ['calm', 'skipped'],
  drift: ['bad', 'drifted'],
  undoing: ['wait', 'undoing'],
  undone: ['good', 'undone'],
  kept: ['calm', 'kept'],
};
export const stepTone = (status: StepStatus): Tone => STEPS[status][0];
export const stepWords = (status: StepStatus): string => STEPS[status][1];

const UNDO: Readonly<Record<UndoPreviewStep['will'], readonly [Tone, string]>> = {
  restore: ['good', 'will be restored'],
  nothing: ['calm', 'nothing to revert'],
  keep: ['calm', 'stays: evidence and labels'],
  leave: ['bad', 'left alone: changed since'],
  unknown: ['wait', 'cannot be read now'],
};
/** What an undo would do with a step. */
export const undoTone = (will: UndoPreviewStep['will']): Tone => UNDO[will][0];
export const undoWords = (will: UndoPreviewStep['will']): string => UNDO[will][1];

/** From GuardDuty's first event to the proof: what happened, by when, and what kind of thing it was. */
import {
  type IncidentStatus,
  isContainment,
  isOver,
  isUndo,
  needsResponder,
  STATUSES,
  statusWords,
} from '../core/incident/status.ts';
import { isJsonObject } from '../core/json.ts';
import type { Review } from './source.ts';

type MomentKind = 'detection' | 'decision' | 'change' | 'proof' | 'trouble' | 'note';
export interface Moment {
  readonly at: string;
  readonly kind: MomentKind;
  readonly text: string;
  /** Milliseconds since Firebreak had the finding; negative before. */
  readonly since: number;
}

/** A note that begins with such a status: in words, or by its key as earlier releases wrote it. */
const beginsWith = (is: (status: IncidentStatus) => boolean): RegExp =>
  new RegExp(
    `^(${STATUSES.filter(is)
      .flatMap((status) => [status, statusWords(status)])
      .join('|')})\\b`,
  );
const wentWrong = beginsWith(needsResponder);
const wasProven = beginsWith((status) => isOver(status) && (isContainment(status) || isUndo(status)));

/** Notes are sentences; their first words say what kind they are. */
const KINDS: readonly (readonly [RegExp, MomentKind])[] = [
  [/^finding (received|updated)|^severity rose/, 'detection'],
  [/fail|not contained|not proven|DRIFT|drift|refused|did not take/, 'trouble'],
  [wentWrong, 'trouble'],
  [wasProven, 'proof'],
  [/every restored value/, 'proof'],
  [/^decided|approv|declined|denied|agree|asked|owner|claimed|took it|released/, 'decision'],
  [/steps in place|^undo: |contain|snapshot|evidence/, 'change'],
];

export function momentsOf({ incident, finding, timeline }: Review): readonly Moment[] {
  const service = isJsonObject(finding?.['service']) ? finding['service'] : {};
  const guardDuty: readonly (readonly [unknown, string])[] = [
    [service['eventFirstSeen'], 'GuardDuty saw the activity for the first time'],
    [service['eventLastSeen'], 'GuardDuty saw the activity for the last time so far'],
    [finding?.['createdAt'], 'GuardDuty wrote the finding'],
  ];
  const seen = new Set<string>();
  const moments = [
    ...guardDuty.flatMap(([at, text]) => {
      const moment = typeof at === 'string' ? Date.parse(at) : Number.NaN;
      if (Number.isNaN(moment)) return [];
      const iso = new Date(moment).toISOString();
      // One event has one time for all three.
      if (seen.has(iso) && text.includes('last')) return [];
      seen.add(iso);
      return [{ at: iso, kind: 'detection' as const, text }];
    }),
    ...timeline.map(({ at, event }) => ({
      at,
      kind: KINDS.find(([form]) => form.test(event))?.[1] ?? ('note' as const),
      text: event,
    })),
  ];
  return moments
    .map((moment, index) => ({ moment, index }))
    .sort((a, b) => (a.moment.at < b.moment.at ? -1 : a.moment.at > b.moment.at ? 1 : a.index - b.index))
    .map(({ moment }) => ({ ...moment, since: Date.parse(moment.at) - Date.parse(incident.createdAt) }));
}

/** One timeline: the principal's calls, GuardDuty's events, and what Firebreak and people did, in order. */

import { isJsonObject, type JsonObject } from '../json.ts';
import { utcMinute } from '../words.ts';
import type { IncidentContext } from './context.ts';
import type { Incident, TimelineEvent } from './incident.ts';
import { shortName } from './names.ts';
import {
  type IncidentStatus,
  isContainment,
  isOver,
  isUndo,
  needsResponder,
  STATUSES,
  statusWords,
} from './status.ts';

type MomentKind = 'call' | 'detection' | 'decision' | 'change' | 'proof' | 'trouble' | 'note';
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
  [/fail|not contained|not proven|not confirmed|DRIFT|drift|refused|did not take/, 'trouble'],
  [wentWrong, 'trouble'],
  [wasProven, 'proof'],
  [/every restored value/, 'proof'],
  [/^decided|approv|declined|denied|agree|asked|requested|owner|claimed|took it|released/, 'decision'],
  [/steps in place|^undo: |contain|snapshot|evidence/, 'change'],
];

/** What the timeline is made of: the incident, its history, the finding as received, and what CloudTrail had. */
interface MomentsOf {
  readonly incident: Pick<Incident, 'createdAt'>;
  readonly timeline: readonly TimelineEvent[];
  readonly finding?: JsonObject | undefined;
  readonly context?: Pick<IncidentContext, 'activity'> | undefined;
}

/** Returns everything in order: GuardDuty's times, the calls of the principal, and what Firebreak and people did. */
export function momentsOf({ incident, finding, timeline, context }: MomentsOf): readonly Moment[] {
  return [
    ...detections(finding),
    ...calls(context?.activity),
    ...timeline.map(({ at, event }) => ({
      at,
      kind: KINDS.find(([form]) => form.test(event))?.[1] ?? ('note' as const),
      text: event,
    })),
  ]
    .map((moment, index) => ({ moment, index, time: Date.parse(moment.at) }))
    .sort((a, b) => a.time - b.time || a.index - b.index)
    .map(({ moment, time }) => ({ ...moment, since: time - Date.parse(incident.createdAt) }));
}

type Untimed = Omit<Moment, 'since'>;

function detections(finding: JsonObject | undefined): readonly Untimed[] {
  const service = isJsonObject(finding?.['service']) ? finding['service'] : {};
  const guardDuty: readonly (readonly [unknown, string])[] = [
    [service['eventFirstSeen'], 'GuardDuty saw the activity for the first time'],
    [service['eventLastSeen'], 'GuardDuty saw the activity for the last time so far'],
    [finding?.['createdAt'], 'GuardDuty wrote the finding'],
  ];
  const seen = new Set<string>();
  return guardDuty.flatMap(([at, text]) => {
    const moment = typeof at === 'string' ? Date.parse(at) : Number.NaN;
    if (Number.isNaN(moment)) return [];
    const iso = new Date(moment).toISOString();
    // One event has one time for all three.
    if (seen.has(iso) && text.includes('last')) return [];
    seen.add(iso);
    return [{ at: iso, kind: 'detection' as const, text }];
  });
}

/** Calls of the principal from CloudTrail; the same one again and again is one line. */
function calls(activity: IncidentContext['activity'] | undefined): readonly Untimed[] {
  if (activity?.kind !== 'read') return [];
  const lines: { at: string; text: string; times: number }[] = [];
  for (const { at, name, source, ip, error } of activity.events) {
    if (Number.isNaN(Date.parse(at))) continue;
    const service = source.replace(/\.amazonaws\.com(\.cn)?$/, '');
    const text = `${service}:${name}${ip === undefined ? '' : ` from ${ip}`}${error === undefined ? '' : `, refused (${error})`}`;
    const last = lines.at(-1);
    if (last?.text === text) last.times += 1;
    else lines.push({ at, text, times: 1 });
  }
  return lines.map(({ at, text, times }) => ({
    at,
    kind: 'call',
    text: `${activity.of}: ${text}${times > 1 ? `, ${times} times` : ''}`,
  }));
}

/**
 * Returns a line of the timeline for reading: hashes shortened, resources by name, moments to the minute. Whole it stands
 * in the details and in the JSON.
 */
export const readable = (text: string): string =>
  text
    .replace(/\b[0-9a-f]{40,128}\b/g, (hash) => `${hash.slice(0, 8)}…`)
    .replace(/\barn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:\d*:[^\s,;"'()]*[^\s,;:."'()]/g, shortName)
    .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z/g, utcMinute);

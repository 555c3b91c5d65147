/**
 * Everything by which a contained identity lets someone in, as one list: keys, password, sessions, roles assumed onward. Each with
 * what became of it, made from the plans of the incident and of its follow-ups. It decides nothing: each is ticked where its
 * incident asks.
 */
import type { StepRecord } from '../journal/hold.ts';
import { type IdentityPart, inPlace } from '../journal/playbook.ts';
import { sameJson } from '../json.ts';
import { ownSteps } from './brief.ts';
import { type Incident, type IncidentTarget, isAskedAgain } from './incident.ts';
import { type Tone, toneLooks } from './looks.ts';
import { shortName } from './names.ts';
import {
  isContained,
  isContainment,
  isInformation,
  isInPlace,
  isProven,
  isRunning,
  statusWords,
  stepWords,
} from './status.ts';

const STATES = {
  contained: { words: 'contained', tone: 'good' },
  asked: { words: 'awaiting approval', tone: 'wait' },
  running: { words: 'in progress', tone: 'wait' },
  unconfirmed: { words: 'in place, not confirmed', tone: 'bad' },
  left: { words: 'left', tone: 'warn' },
  none: { words: 'none known', tone: 'calm' },
} as const satisfies Readonly<Record<string, { readonly words: string; readonly tone: Tone }>>;
type IdentityState = keyof typeof STATES;

export const identityWords = (state: IdentityState): string => STATES[state].words;
export const identityTone = (state: IdentityState): Tone => STATES[state].tone;
export const identityMark = (state: IdentityState): string => toneLooks(STATES[state].tone).mark ?? '▫️';

/** Texts are untrusted. */
export interface IdentityRow {
  readonly what: string;
  readonly state: IdentityState;
  /** Why it is left, or what of it stays all the same. */
  readonly why?: string;
  /** The follow-up that it is ticked on; the incident itself without it. */
  readonly incident?: string;
}

/** Returns how much of it is contained, in words: `1 of 2 contained`. What is not known to exist is none of it. */
export function identityCount(rows: readonly IdentityRow[]): string {
  const known = rows.filter(({ state }) => state !== 'none');
  return `${known.filter(({ state }) => state === 'contained').length} of ${known.length} contained`;
}

/** Another incident of the same story, as far as this list goes. */
interface Followed {
  readonly id: string;
  /** The playbook that the incident asks about there. */
  readonly followUp?: string;
  readonly identity?: readonly IdentityRow[];
}

/** Kinds of targets that are an identity of AWS. */
const IDENTITIES: ReadonlySet<string> = new Set(['iam-user', 'role-session', 'sso-session', 'root-user']);

type Seen = Pick<Incident, 'status' | 'sample' | 'approval' | 'decision' | 'targets'>;

/** Returns the list of an incident on an identity; empty for any other. `steps`: its journal, which tells one step from another. */
export function identityOf(
  incident: Seen,
  steps: readonly StepRecord[],
  relatives: readonly Followed[],
): readonly IdentityRow[] {
  const own = ownSteps(incident, steps);
  const rows = new Map<string, IdentityRow>();
  const add = (row: IdentityRow) => {
    const known = rows.get(row.what);
    if (known === undefined || known.state === 'left') rows.set(row.what, row);
  };
  for (const row of ownRows(incident, own)) add(row);
  const followUps = relatives.filter(({ followUp }) => followUp !== undefined);
  for (const { id, identity = [] } of followUps) for (const row of identity) add({ ...row, incident: id });
  for (const { part, row } of onward(incident, own, followUps))
    if (!followUps.some(({ followUp, identity = [] }) => followUp === part.followUp && identity.length > 0))
      add(row);
  return [...rows.values()];
}

const partsOf = ({ targets }: Pick<Incident, 'targets'>) =>
  targets.flatMap((entry) =>
    entry.plan?.kind === 'plan' && entry.problem === undefined
      ? (entry.plan.identity ?? []).map((part) => ({ entry, part }))
      : [],
  );

/** Returns the rows that are the incident's own: what a follow-up is asked about is that one's. */
export function ownRows(incident: Seen, steps: readonly StepRecord[]): readonly IdentityRow[] {
  const stopped = incident.targets.flatMap((entry): readonly IdentityRow[] => {
    const why = entry.problem ?? (entry.plan?.kind === 'refused' ? entry.plan.reason : undefined);
    return why !== undefined && IDENTITIES.has(entry.target.kind)
      ? [{ what: shortName(entry.target.display), state: 'left', why }]
      : [];
  });
  const parts = partsOf(incident).filter(({ part }) => part.followUp === undefined);
  return [...parts.map(({ entry, part }) => rowOf(incident, entry, part, steps)), ...stopped];
}

/** What only a follow-up contains, where that has nothing of it to show. */
function* onward(
  incident: Seen,
  steps: readonly StepRecord[],
  followUps: readonly Followed[],
): Generator<{ readonly part: IdentityPart; readonly row: IdentityRow }> {
  for (const { entry, part } of partsOf(incident)) {
    if (part.followUp === undefined) continue;
    const opened = followUps.find(({ followUp }) => followUp === part.followUp);
    const asked = incident.decision?.followUps.includes(part.followUp) === true;
    const looked = opened ?? (asked && isContainment(incident.status) && !isRunning(incident.status));
    if (looked) {
      const why = opened
        ? 'its plan names what it does not contain'
        : 'the timeline says what was looked up in CloudTrail';
      yield {
        part,
        row: { what: part.what, state: 'none', why, ...(opened ? { incident: opened.id } : {}) },
      };
      continue;
    }
    const later = asked ? 'looked up once this is contained' : `policy does not ask for ${part.followUp}`;
    const row = rowOf(incident, entry, part, steps);
    yield { part, row: { ...row, why: part.left === undefined ? later : `${part.left}; ${later}` } };
  }
}

function rowOf(
  incident: Seen,
  entry: IncidentTarget,
  part: IdentityPart,
  steps: readonly StepRecord[],
): IdentityRow {
  const { what, by, left } = part;
  const row = (state: IdentityState, ...why: readonly (string | undefined)[]): IdentityRow => {
    const said = [...new Set([...why, left].filter((text) => text !== undefined && text !== ''))];
    return { what, state, ...(said.length > 0 ? { why: said.join('; ') } : {}) };
  };
  if (by.length === 0) return row('left');
  const ways = by.map((id) => wayOf(incident, entry, id, steps));
  const best = ORDER.find((state) => ways.some((way) => way.state === state)) ?? 'left';
  // A key that a deny holds and that could not be set Inactive is contained, and says so.
  const others = ways.filter(({ state }) => state !== best || state === 'left').map(({ why }) => why);
  return row(best, ...others);
}

const ORDER: readonly IdentityState[] = ['contained', 'unconfirmed', 'running', 'asked', 'left'];

interface Way {
  readonly state: IdentityState;
  readonly why?: string | undefined;
}

/** What became of one step: by the journal where it is at hand, else by what became of its target. */
function wayOf(incident: Seen, entry: IncidentTarget, id: string, steps: readonly StepRecord[]): Way {
  const { status, approval, sample } = incident;
  const planned = entry.plan?.kind === 'plan' ? entry.plan.steps.find((step) => step.id === id) : undefined;
  const name = planned?.describe ?? id;
  const left = (why: string): Way => ({ state: 'left', why });
  if (sample) return left('a sample: nothing is ever changed');
  if (isInformation(status)) return left(`${statusWords(status)} only: policy does not contain it`);
  if (entry.declined?.includes(id)) return left(`${name}: left out as decided`);
  if (status === 'awaiting-approval' || isAskedAgain(incident, entry))
    return approval?.outcome === undefined ? { state: 'asked' } : { state: 'running' };
  const record = steps.find(
    (step) => step.id === id && planned !== undefined && sameJson(step.args, planned.args),
  );
  if (record && !inPlace(record.status) && record.status !== 'planned' && record.status !== 'applying')
    return record.status === 'undoing'
      ? { state: 'running' }
      : left(`${name}: ${stepWords(record.status)}${record.note ? `, ${record.note}` : ''}`);
  if (isRunning(status)) return { state: 'running' };
  const { status: became } = entry;
  if (entry.driftedAt !== undefined) return { state: 'unconfirmed', why: 'found removed' };
  if (became === undefined) return left(statusWords(status));
  if (became === 'held') return { state: 'contained', why: statusWords(became) };
  if (isProven(became)) return { state: 'contained' };
  if (isContained(became)) return { state: entry.proof?.proven === true ? 'contained' : 'unconfirmed' };
  // An undo that did not end leaves some of it in place.
  if (isInPlace(became) && record && inPlace(record.status)) return { state: 'unconfirmed' };
  return left(statusWords(became));
}

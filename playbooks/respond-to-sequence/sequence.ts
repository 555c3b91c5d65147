/** `service.detection.sequence` as a view that survives items of a shape no one expects: those are named, the rest is answered. */
import { parseArn } from '../../core/aws/arn.ts';
import { isFirebreakError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding/finding.ts';
import { type Reader, reader } from '../../core/finding/reader.ts';
import type { Part, Playbook } from '../../core/journal/playbook.ts';
import { isJsonObject, type Json } from '../../core/json.ts';

export type Outcome = { readonly part: Part } | { readonly unhandled: string };

/** GuardDuty API: ResourceV2. Text is untrusted. */
export interface SequenceResource {
  readonly type: string;
  readonly uid: string;
  readonly name: string;
  /** The whole resource; `data` of it is read where it is needed, so that a broken one spoils nothing else. */
  readonly at: Reader;
  /** The finding in the account and Region that the resource says it is in: a sequence can span several. */
  readonly there: Finding;
}

/** GuardDuty API: Actor. */
export interface SequenceActor {
  readonly id: string;
  readonly at: Reader;
}

/** GuardDuty API: Signal; what it says about who did something to what. */
interface SequenceSignal {
  readonly name: string;
  readonly actors: readonly string[];
  readonly resources: readonly string[];
}

export interface Sequence {
  readonly finding: Finding;
  readonly actors: readonly SequenceActor[];
  readonly resources: readonly SequenceResource[];
  readonly signals: readonly SequenceSignal[];
  /** What could not be read, in words for people. */
  readonly unread: readonly string[];
}

/** Undefined where the finding carries none. Throws FindingInvalid where it is of another shape altogether. */
export function sequenceOf(finding: Finding): Sequence | undefined {
  const service = finding.detail['service'];
  const at = isJsonObject(service)
    ? reader(service, 'detail.service').child('detection')?.child('sequence')
    : undefined;
  if (!at) return undefined;
  const [actors, resources, signals] = (['actors', 'resources', 'signals'] as const).map((name) =>
    items(at, name),
  );
  return {
    finding,
    actors: (actors?.read ?? []).map((actor) => ({ id: actor.optionalText('id') ?? '', at: actor })),
    resources: (resources?.read ?? []).map((resource) => resourceOf(finding, resource)),
    signals: (signals?.read ?? []).map((signal) => ({
      name: signal.optionalText('name') ?? '',
      actors: signal.texts('actorIds'),
      resources: signal.texts('resourceUids'),
    })),
    // A signal is no target; without it less is known of who did what, and the rest stands.
    unread: [...(actors?.unread ?? []), ...(resources?.unread ?? [])],
  };
}

function items(at: Reader, name: string): { read: readonly Reader[]; unread: readonly string[] } {
  const value: Json | undefined = at.value[name];
  if (value === undefined || value === null || value === '') return { read: [], unread: [] };
  // One object is a list of one, as everywhere in a finding.
  const given = isJsonObject(value) ? [value] : value;
  if (!Array.isArray(given)) return { read: [], unread: [`${name} of the sequence: not a list`] };
  const broken = given.filter((item) => !isJsonObject(item)).length;
  return {
    read: given.flatMap((item) => (isJsonObject(item) ? [reader(item, `detail.sequence.${name}`)] : [])),
    unread: broken > 0 ? [`${broken} of ${name} of the sequence: not readable`] : [],
  };
}

function resourceOf(finding: Finding, at: Reader): SequenceResource {
  const uid = at.optionalText('uid') ?? '';
  const arn = parseArn(uid);
  const account = matching(at.optionalText('accountId'), ACCOUNT) ?? matching(arn?.account, ACCOUNT);
  const region = matching(at.optionalText('region'), REGION) ?? matching(arn?.region, REGION);
  return {
    type: at.optionalText('resourceType') ?? 'unknown type',
    uid,
    name: at.optionalText('name') ?? '',
    at,
    there: { ...finding, account: account ?? finding.account, region: region ?? finding.region },
  };
}

const ACCOUNT = /^\d{12}$/;
const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/;

/** The member of `data` for this type. Throws FindingInvalid where it is no object. */
export const dataOf = ({ at }: SequenceResource, name: string): Reader | undefined =>
  at.child('data')?.child(name);

/** The same of another resource, or of an actor, than the one at hand: there a broken shape says nothing. */
export function peek(at: Reader, ...path: readonly string[]): Reader | undefined {
  let value: Json | undefined = at.value;
  for (const name of path) value = isJsonObject(value) ? value[name] : undefined;
  return isJsonObject(value) ? reader(value, path.join('.')) : undefined;
}

/** The texts of a list; a list of another shape has none. */
export const textsOf = (at: Reader | undefined, name: string): readonly string[] => at?.texts(name) ?? [];

/** One item of another shape ends as named, and keeps no other from being contained. */
export function safely(what: string, work: () => readonly Outcome[]): readonly Outcome[] {
  try {
    return work();
  } catch (error) {
    if (isFirebreakError(error, 'FindingInvalid'))
      return [{ unhandled: `${shown(what)}: ${error.message}: look at it by hand` }];
    throw error;
  }
}

export function chosen(playbook: Playbook, finding: Finding): Outcome {
  const choice = playbook.targetOf(finding);
  if (choice.ok) return { part: { playbook, target: choice.target, about: finding } };
  return { unhandled: `${playbook.id}: ${choice.reason}` };
}

/** The finding as if it were about this resource: playbooks find their target in `resource`. */
export const withResource = (finding: Finding, resource: { readonly [key: string]: Json }): Finding => ({
  ...finding,
  detail: { ...finding.detail, resource },
});

export const matching = (text: string | undefined, form: RegExp): string | undefined =>
  text !== undefined && form.test(text) ? text : undefined;

/** Untrusted text in a reason: short. */
export const shown = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)}…` : text);

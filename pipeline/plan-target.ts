import { isDeepStrictEqual } from 'node:util';
import type { Aws } from '../core/aws/client.ts';
import { describeError, FirebreakError, isAccessDenied } from '../core/errors.ts';
import type { Finding } from '../core/finding/finding.ts';
import { notOfDrill } from '../core/incident/drill.ts';
import type { Incident, IncidentTarget } from '../core/incident/incident.ts';
import { holdOf } from '../core/journal/journal.ts';
import type { Plan, PlanOptions, Playbook, Target } from '../core/journal/playbook.ts';
import type { JsonObject } from '../core/json.ts';
import { type TrustedEntries, trustedEntries } from '../core/lists/list-changes.ts';
import { guardedArns } from '../core/policy/protected.ts';
import { anySpelling } from '../playbooks/common/protected.ts';
import { playbookById } from '../playbooks/index.ts';
import type { Environment } from './environment.ts';
import { type Runtime, withReach } from './runtime.ts';

/** Older live state than this is read again before anything is changed. */
const FRESH_MS = 60_000;

/** Returns the incident's finding. */
export async function findingOf({ incidents }: Runtime, id: string): Promise<Finding> {
  const finding = await incidents.normalised(id);
  if (finding) return finding;
  throw new FirebreakError('NotFound', 'the finding of this incident is not in the table', { resource: id });
}

export function playbookOf(entry: IncidentTarget): Playbook {
  const playbook = playbookById(entry.playbook);
  if (playbook) return playbook;
  throw new FirebreakError('Refused', `there is no playbook ${entry.playbook} in this version`, {
    resource: entry.target.display,
    next: 'Deploy the version that opened this incident, or contain by hand.',
  });
}

/**
 * Reads the target live and plans. What a person must fix (gone, denied, no role in the account) becomes `problem`;
 * what a retry may fix (throttling, 5xx) is thrown.
 */
export async function planTarget(
  runtime: Runtime,
  { id, drill }: { readonly id: string; readonly drill?: string | undefined },
  entry: IncidentTarget,
  { approved, aws }: { readonly approved: boolean; readonly aws: Aws },
): Promise<IncidentTarget> {
  const { now, table, policy } = runtime;
  const playbook = playbookOf(entry);
  const { problem: _problem, ...rest } = entry;
  const at = now();
  try {
    const [hold, trusted, state] = await Promise.all([
      holdOf(table, entry.target, playbook.id),
      trustedEntries(table),
      playbook.read(entry.target, aws, policy.playbookSettings(playbook.id)),
    ]);
    // Names and tags on AWS carry the incident that opened the hold, so that a joining one plans the same steps.
    const caseId = hold && hold.state !== 'released' ? hold.caseId : id;
    const options = optionsOf(runtime, playbook, trusted, { caseId, now: at, approved });
    const planned = askedByName(playbook, state, entry.target, options, [
      ...runtime.policy.protectedNames,
      ...ownArns(runtime.env),
    ]);
    const plan = withReach(runtime, playbook, entry.target, planned);
    const read: IncidentTarget = { ...rest, state, stateAt: at.toISOString(), plan };
    const problem = drill === undefined ? undefined : notOfDrill(read, drill);
    return problem === undefined ? read : { ...read, problem };
  } catch (error) {
    if (error instanceof FirebreakError || isAccessDenied(error))
      return { ...rest, problem: describeError(error) };
    throw error;
  }
}

/**
 * The plan. One that a name among `protectedNames` would change (refused, a step left out) needs a person: an attacker who
 * chooses names must not be able to choose that nothing is done.
 */
function askedByName(
  playbook: Playbook,
  state: JsonObject,
  target: Target,
  options: PlanOptions,
  protectedNames: readonly string[],
): Plan {
  const plan = playbook.plan(state, target, options);
  if (plan.kind === 'refused') return plan;
  const changedBy = (entries: readonly string[]): boolean => {
    const protectedArns = [...options.protectedArns, ...entries.map(anySpelling)];
    const other = playbook.plan(state, target, { ...options, protectedArns });
    return other.kind === 'refused' || !isDeepStrictEqual(other.steps, plan.steps);
  };
  if (!changedBy(protectedNames)) return plan;
  const asked = protectedNames
    .filter((entry) => changedBy([entry]))
    .map(
      (entry) =>
        `a name fits "${entry}", which is protected: names are for anyone to choose, so a person decides`,
    );
  return { ...plan, askBecause: [...plan.askBecause, ...asked] };
}

/** Firebreak's own resources, as entries of `protected`; others cannot create them. */
const ownArns = ({ OWN_ACCOUNT, STAGE, EVIDENCE_BUCKET }: Environment): readonly string[] => [
  ...guardedArns(OWN_ACCOUNT),
  `arn:*:lambda:*:${OWN_ACCOUNT}:function:firebreak-${STAGE}-*`,
  ...(EVIDENCE_BUCKET === undefined ? [] : [`arn:*:s3:::${EVIDENCE_BUCKET}`]),
];

type Given = Pick<PlanOptions, 'caseId' | 'now' | 'approved'>;

/** What every plan may know in addition to the live state. */
export const planOptions = async (runtime: Runtime, playbook: Playbook, given: Given): Promise<PlanOptions> =>
  optionsOf(runtime, playbook, await trustedEntries(runtime.table), given);

const optionsOf = (
  { env, policy }: Runtime,
  { id }: Playbook,
  { vouched, unvouched }: TrustedEntries,
  given: Given,
): PlanOptions => ({
  ...given,
  settings: policy.playbookSettings(id),
  protectedArns: [...policy.protectedArns, ...ownArns(env)],
  trusted: [...policy.trusted, ...vouched],
  unvouched,
});

export const isFresh = ({ stateAt, plan }: IncidentTarget, now: Date): boolean =>
  plan !== undefined && stateAt !== undefined && now.getTime() - Date.parse(stateAt) < FRESH_MS;

/** Replaces one target of the incident. */
export const withTarget = (
  incident: Incident,
  index: number,
  entry: IncidentTarget,
): Pick<Incident, 'targets'> => ({
  targets: incident.targets.map((other, position) => (position === index ? entry : other)),
});

/** What another writer made of the incident since it was read stays: the task tries again on that, or was given up on. */
export const lateFor = (id: string): FirebreakError =>
  new FirebreakError('Conflict', 'another writer changed the incident since it was read', {
    resource: id,
    next: 'The workflow tries again.',
  });

/** Replaces one target as it was read. Throws Conflict where it is another one by now. */
export function overTarget(
  incident: Incident,
  index: number,
  seen: IncidentTarget,
  entry: IncidentTarget,
): Pick<Incident, 'targets'> {
  if (!isDeepStrictEqual(targetAt(incident, index), seen)) throw lateFor(incident.id);
  return withTarget(incident, index, entry);
}

export function targetAt(incident: Incident, index: number): IncidentTarget {
  const entry = incident.targets[index];
  if (entry) return entry;
  throw new FirebreakError('InputInvalid', `incident ${incident.id} has no target ${index}`, {
    resource: incident.id,
  });
}

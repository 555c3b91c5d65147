/**
 * Who may decide, read when someone decides: policy.yml names people and Slack user groups, Slack says who is in a
 * group now, and the table holds who was taken off the list since the last deploy.
 */
import { z } from 'zod';
import type { SeverityLabel } from '../finding/finding.ts';
import type { Incident, IncidentTarget } from '../incident/incident.ts';
import { partitionKey } from '../table/partitions.ts';
import { parseRecord } from '../table/record.ts';
import type { Table } from '../table/table.ts';

/** Slack ids: users `U…` and `W…`, user groups `S…`. */
export interface ApproverRule {
  readonly who: readonly string[];
  readonly account?: readonly string[] | undefined;
  readonly environment?: readonly string[] | undefined;
  readonly severity?: readonly SeverityLabel[] | undefined;
}

/** What of an incident decides who may approve it. */
export interface Subject {
  readonly account: string;
  readonly label: SeverityLabel;
  /** Value of the environment tag of one target; undefined where it has none or was not read. */
  readonly environment: string | undefined;
}

/** Tag keys that name an environment, the first that a resource has counts; compared without regard to case. */
const ENVIRONMENT_TAGS = ['environment', 'env', 'stage'];

export function environmentOf(tags: Readonly<Record<string, string>>): string | undefined {
  const entries = Object.entries(tags).map(([name, value]) => [name.toLowerCase(), value] as const);
  const found = ENVIRONMENT_TAGS.flatMap((name) => entries.filter(([tag]) => tag === name))[0];
  return found?.[1].toLowerCase();
}

/** Returns the environment as the decision saw it: a tag that the attacker has changed since must not choose the approvers. */
export function environmentAtDecision({ environment, plan }: IncidentTarget): string | undefined {
  if (environment !== undefined) return environment ?? undefined;
  return plan?.kind === 'plan' ? environmentOf(plan.tags) : undefined;
}

/** One per target: the person who decides must be allowed for every one of them. */
export function subjectsOf({ account, label, targets }: Incident): readonly Subject[] {
  const environments = targets.map(environmentAtDecision);
  return (environments.length > 0 ? environments : [undefined]).map((environment) => ({
    account,
    label,
    environment,
  }));
}

/** Ids of the first rule that fits: no one where none does. */
export function idsFor(rules: readonly ApproverRule[], subject: Subject): readonly string[] {
  const rule = rules.find(
    ({ account, environment, severity }) =>
      (account === undefined || account.includes(subject.account)) &&
      (environment === undefined ||
        (subject.environment !== undefined && environment.includes(subject.environment))) &&
      (severity === undefined || severity.includes(subject.label)),
  );
  return rule?.who ?? [];
}

/** Ids that may decide this incident: those allowed for every one of its targets. */
export function approverIdsOf(
  policy: { readonly approversFor: (subject: Subject) => readonly string[] },
  incident: Incident,
): readonly string[] {
  const [first = [], ...others] = subjectsOf(incident).map((subject) => policy.approversFor(subject));
  return first.filter((id) => others.every((ids) => ids.includes(id)));
}

/** The same without those taken off every list since the last deploy: who is named to people. */
export async function namedApprovers(
  table: Table,
  policy: { readonly approversFor: (subject: Subject) => readonly string[] },
  incident: Incident,
): Promise<readonly string[]> {
  const gone = await removedApprovers(table);
  return approverIdsOf(policy, incident).filter((id) => !gone.includes(id));
}

/** Gives a Slack user group's members as they are now. Throws where Slack does not say. */
export type MembersOf = (group: string) => Promise<readonly string[]>;

export type Standing =
  | { readonly ok: true }
  /** `unread`: groups that Slack did not give; anyone who is named by id can decide meanwhile. */
  | { readonly ok: false; readonly reason: string; readonly unread: readonly string[] };

/** A Slack user group. */
export const isGroup = (id: string): boolean => id.startsWith('S');

/** Is this person among these ids? A group that cannot be read lets no one in. */
export async function standing(
  user: string,
  ids: readonly string[],
  membersOf: MembersOf,
  reason = 'not on the list of approvers',
): Promise<Standing> {
  if (ids.includes(user)) return { ok: true };
  const unread: string[] = [];
  const inside = await Promise.all(
    ids.filter(isGroup).map(async (group) => {
      try {
        return (await membersOf(group)).includes(user);
      } catch {
        unread.push(group); // said below, and by the caller's metric
        return false;
      }
    }),
  );
  if (inside.includes(true)) return { ok: true };
  const why =
    unread.length > 0
      ? `${reason}; Slack did not say who is in ${unread.join(', ')}, so only people named by id can decide`
      : reason;
  return { ok: false, reason: why, unread };
}

const REMOVED = { pk: partitionKey('config'), sk: 'REMOVED-APPROVERS' };

const removed = z.object({ people: z.array(z.string()) });

/** People taken off every list at once, without a deploy. */
export async function removedApprovers(table: Table): Promise<readonly string[]> {
  const item = await table.get(REMOVED);
  return item ? parseRecord(removed, item).people : [];
}

export async function setRemovedApprovers(
  table: Table,
  people: readonly string[],
  by: string,
  now: Date,
): Promise<void> {
  await table.put({ ...REMOVED, people: [...new Set(people)].sort(), by, at: now.toISOString() });
}

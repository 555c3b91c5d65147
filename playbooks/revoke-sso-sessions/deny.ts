/**
 * Our statement in a policy that belongs to others: put in beside theirs, found again by its Sid, taken out alone. Pure.
 */
import { isJsonObject, type Json, type JsonObject, sameJson } from '../../core/json.ts';

/** Who is denied: the user's id in the identity store, or the session's name where the store does not know it. */
export type Denied = { readonly userId: string } | { readonly sessionName: string };

/**
 * Denies everything to one user, whatever else the permission set gives. With `before`, only in sessions issued before
 * that time. The id of the identity store is the user's for ever; a session's name changes with the user's name
 * (IAM Identity Center guide, revoking active sessions).
 */
export function denyStatement(sid: string, denied: Denied, before: Date | undefined): JsonObject {
  const who =
    'userId' in denied
      ? { StringEquals: { 'identitystore:userId': denied.userId } }
      : { StringLike: { 'aws:userid': `*:${denied.sessionName}` } };
  return {
    Sid: sid,
    Effect: 'Deny',
    Action: '*',
    Resource: '*',
    Condition: {
      ...who,
      ...(before ? { DateLessThan: { 'aws:TokenIssueTime': before.toISOString() } } : {}),
    },
  };
}

/** A Sid takes letters and digits only. */
export const sidOf = (caseId: string, number: number): string =>
  `Firebreak${caseId.replace(/[^A-Za-z0-9]/g, '')}n${number}`;

/** Statements of a policy's text; undefined where it is no policy. A missing policy has none. */
export function statementsOf(text: string | null): readonly JsonObject[] | undefined {
  if (text === null) return [];
  const document = parsed(text);
  if (!isJsonObject(document)) return undefined;
  const given = document['Statement'];
  const list = Array.isArray(given) ? (given as readonly Json[]) : given === undefined ? [] : [given];
  return list.every(isJsonObject) ? list : undefined;
}

export const statementWith = (text: string | null, sid: string): JsonObject | undefined =>
  statementsOf(text)?.find((statement) => statement['Sid'] === sid);

/** The text with our statement beside the others. Throws on a text that is no policy. */
export function withStatement(text: string | null, statement: JsonObject): string {
  const others = without(text, String(statement['Sid']));
  const document = text === null ? { Version: '2012-10-17' } : (parsed(text) as JsonObject);
  return JSON.stringify({ ...document, Statement: [...others, statement] });
}

/**
 * The text to put back: without our statement, and letter for letter what was before where nobody else changed the rest.
 * Null: no policy is left.
 */
export function restoredText(live: string | null, sid: string, before: string | null): string | null {
  const others = without(live, sid);
  const was = statementsOf(before) ?? [];
  if (sameJson([...others], [...was])) return before;
  if (others.length === 0) return null;
  return JSON.stringify({ ...(parsed(live ?? '{}') as JsonObject), Statement: others });
}

function without(text: string | null, sid: string): readonly JsonObject[] {
  const statements = statementsOf(text);
  if (!statements) throw new Error('the inline policy of the permission set is no policy document');
  return statements.filter((statement) => statement['Sid'] !== sid);
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

/** How many of our statements on this user revoke only sessions from before `seenAt`: it was active again since. */
export function outlived(text: string | null, denied: Denied, seenAt: string): number {
  const who = denyStatement('', denied, undefined)['Condition'] as JsonObject;
  return (statementsOf(text) ?? []).filter((statement) => {
    const condition = statement['Condition'];
    const sid = statement['Sid'];
    if (typeof sid !== 'string' || !sid.startsWith('Firebreak') || !isJsonObject(condition)) return false;
    const { DateLessThan, ...rest } = condition;
    const at = isJsonObject(DateLessThan) ? DateLessThan['aws:TokenIssueTime'] : undefined;
    return sameJson(rest, who) && typeof at === 'string' && Date.parse(at) < Date.parse(seenAt);
  }).length;
}

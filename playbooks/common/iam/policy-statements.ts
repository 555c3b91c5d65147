/**
 * Our statement in a policy that belongs to others: put in next to theirs, found again by its Sid, taken out alone. What is
 * written is the live policy with or without that statement, never a policy that a record holds. Pure.
 */
import { isJsonObject, type Json, type JsonObject, sameJson } from '../../../core/json.ts';

/** A policy document with its statements as a list: one may stand without its list. */
interface PolicyDocument {
  readonly rest: JsonObject;
  readonly statements: readonly Json[];
}

/** Undefined for text that is not a policy document. */
export function parsedPolicy(text: string): PolicyDocument | undefined {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const { Statement, ...rest } = value;
  const statements: readonly Json[] = Array.isArray(Statement)
    ? Statement
    : Statement === undefined
      ? []
      : [Statement];
  return statements.every(isJsonObject) ? { rest, statements } : undefined;
}

const hasSid =
  (sid: string) =>
  (statement: Json): boolean =>
    isJsonObject(statement) && statement['Sid'] === sid;

/** The statement of that Sid, or null. */
export const statementIn = (text: string | null, sid: string): Json =>
  (text === null ? undefined : parsedPolicy(text))?.statements.find(hasSid(sid)) ?? null;

const EMPTY: PolicyDocument = { rest: { Version: '2012-10-17' }, statements: [] };

/** The policy with the statement; one of the same Sid is replaced. Undefined for text that is not a policy document. */
export function withStatement(text: string | null, sid: string, statement: JsonObject): string | undefined {
  const policy = text === null ? EMPTY : parsedPolicy(text);
  if (!policy) return undefined;
  const others = policy.statements.filter((one) => !hasSid(sid)(one));
  return JSON.stringify({ ...policy.rest, Statement: [...others, statement] });
}

/**
 * The live policy without the statement, null for no policy. `before`: the recorded text, restored letter for letter where it
 * says exactly what is left, so that undo restores every byte and yet nothing that only a record says.
 */
export function withoutStatement(live: string | null, sid: string, before: string | null): string | null {
  const policy = live === null ? undefined : parsedPolicy(live);
  if (!policy) return live;
  const left: PolicyDocument = {
    ...policy,
    statements: policy.statements.filter((one) => !hasSid(sid)(one)),
  };
  if (before !== null && saysTheSame(before, left)) return before;
  return left.statements.length === 0 ? null : JSON.stringify({ ...left.rest, Statement: left.statements });
}

function saysTheSame(text: string, wanted: PolicyDocument): boolean {
  const policy = parsedPolicy(text);
  if (!policy || !isPlain(text)) return false;
  return sameJson(policy.rest, wanted.rest) && sameJson([...policy.statements], [...wanted.statements]);
}

/** The text has nothing that parsing drops: of a member written twice, another reader may take the first. */
const isPlain = (text: string): boolean =>
  text.replace(/("(?:\\.|[^"\\])*")|\s+/g, (_all, quoted: string | undefined) => quoted ?? '') ===
  JSON.stringify(JSON.parse(text));

/** A bucket policy with one statement more or less, as data. The text is kept, so that undo gives back every byte. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isJsonObject, type Json, type JsonObject, sameJson } from '../../core/json.ts';
import type { PrincipalFacts } from '../common/s3/principal-target.ts';

/** S3 takes bucket policies up to 20 KB. */
export const MOST_BYTES = 20_480;

/** `Sid` is how the statement is found again; one case can deny several principals on a bucket. */
export const sidFor = (caseId: string, principal: string): string =>
  `Firebreak${caseId.replace(/[^A-Za-z0-9]/g, '')}${createHash('sha256').update(principal).digest('hex').slice(0, 8)}`;

/**
 * Denies everything on the bucket to exactly one principal. `Principal` is `*` because a principal of another account
 * may have been deleted or live behind Identity Center; the condition is what makes it one. Without it the bucket would
 * be shut for everybody, so the statement is only ever made here, with a checked value.
 */
export function denyStatement(
  sid: string,
  bucketArn: string,
  { key, value }: Pick<PrincipalFacts, 'key' | 'value'>,
): JsonObject {
  const operator = key === 'aws:PrincipalArn' ? 'ArnEquals' : 'StringEquals';
  return {
    Sid: sid,
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: [bucketArn, `${bucketArn}/*`],
    Condition: { [operator]: { [key]: value } },
  };
}

const document = z.looseObject({ Statement: z.custom<Json>((value) => typeof value === 'object') });

/** The policy as an object with a list of statements; undefined for text that is none. */
export function parsedPolicy(text: string): { rest: JsonObject; statements: readonly Json[] } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = document.safeParse(value);
  if (!parsed.success || !isJsonObject(value)) return undefined;
  const { Statement } = parsed.data;
  // One statement may stand without its list.
  return { rest: value, statements: Array.isArray(Statement) ? Statement : [Statement] };
}

const hasSid =
  (sid: string) =>
  (statement: Json): boolean =>
    isJsonObject(statement) && statement['Sid'] === sid;

export const statementIn = (text: string | null, sid: string): Json =>
  (text === null ? undefined : parsedPolicy(text))?.statements.find(hasSid(sid)) ?? null;

/** The policy with the statement; one of the same Sid is replaced. */
export function withStatement(text: string | null, sid: string, statement: Json): string {
  const policy = text === null ? undefined : parsedPolicy(text);
  if (!policy) return JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  const others = policy.statements.filter((one) => !hasSid(sid)(one));
  return JSON.stringify({ ...policy.rest, Statement: [...others, statement] });
}

/**
 * The policy without the statement, null for "no policy". Where nobody else changed it meanwhile that is the text of
 * before, byte by byte; otherwise what others wrote stays.
 */
export function withoutStatement(live: string | null, sid: string, before: string | null): string | null {
  const policy = live === null ? undefined : parsedPolicy(live);
  if (!policy) return live;
  const left = policy.statements.filter((one) => !hasSid(sid)(one));
  const was = before === null ? undefined : parsedPolicy(before);
  if (before !== null && was && sameJson([...left], [...was.statements])) return before;
  return left.length === 0 ? null : JSON.stringify({ ...policy.rest, Statement: left });
}

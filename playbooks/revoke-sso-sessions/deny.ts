/** The statement that denies one user of a permission set, made from who and since when. Pure. */
import { z } from 'zod';
import { isJsonObject, type JsonObject, sameJson } from '../../core/json.ts';
import { parsedPolicy } from '../common/iam/policy-statements.ts';

/** Who is denied: the user's id in the identity store, or the session's name where the store does not know it. */
export const denied = z.union([
  // Compared letter for letter by IAM: no policy variable, which would match everyone.
  z.strictObject({ userId: z.string().regex(/^[\w-]{1,47}$/) }),
  // Compared with wildcards, of which a name has none.
  z.strictObject({ sessionName: z.string().regex(/^[\w+=,.@-]{2,64}$/) }),
]);
export type Denied = z.infer<typeof denied>;

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

const written = z.looseObject({
  Condition: z.union([
    z.strictObject({
      StringEquals: z.strictObject({ 'identitystore:userId': z.string() }),
      DateLessThan: z.strictObject({ 'aws:TokenIssueTime': z.iso.datetime() }).exactOptional(),
    }),
    z.strictObject({
      StringLike: z.strictObject({ 'aws:userid': z.string().startsWith('*:') }),
      DateLessThan: z.strictObject({ 'aws:TokenIssueTime': z.iso.datetime() }).exactOptional(),
    }),
  ]),
});

/** Who and since when a statement of `denyStatement` denies; undefined for any other. */
export function deniedBy(
  statement: unknown,
): { readonly denied: Denied; readonly issuedBefore: string | null } | undefined {
  const condition = written.safeParse(statement).data?.Condition;
  if (!condition) return undefined;
  const who = denied.safeParse(
    'StringEquals' in condition
      ? { userId: condition.StringEquals['identitystore:userId'] }
      : { sessionName: condition.StringLike['aws:userid'].slice(2) },
  );
  if (!who.success) return undefined;
  return { denied: who.data, issuedBefore: condition.DateLessThan?.['aws:TokenIssueTime'] ?? null };
}

/** A Sid takes letters and digits only. */
export const sidOf = (caseId: string, number: number): string =>
  `Firebreak${caseId.replace(/[^A-Za-z0-9]/g, '')}n${number}`;

/** Whether the Sid is one of the case's statements. */
export function isSidOf(sid: string, caseId: string): boolean {
  const prefix = sidOf(caseId, 0).slice(0, -1);
  return sid.startsWith(prefix) && /^\d+$/.test(sid.slice(prefix.length));
}

/** How many of our statements on this user revoke only sessions from before `seenAt`: it was active again since. */
export function outlived(text: string | null, denied: Denied, seenAt: string): number {
  const who = denyStatement('', denied, undefined)['Condition'] as JsonObject;
  const { statements = [] } = text === null ? {} : (parsedPolicy(text) ?? {});
  return statements.filter((statement) => {
    if (!isJsonObject(statement)) return false;
    const condition = statement['Condition'];
    const sid = statement['Sid'];
    if (typeof sid !== 'string' || !sid.startsWith('Firebreak') || !isJsonObject(condition)) return false;
    const { DateLessThan, ...rest } = condition;
    const at = isJsonObject(DateLessThan) ? DateLessThan['aws:TokenIssueTime'] : undefined;
    return sameJson(rest, who) && typeof at === 'string' && Date.parse(at) < Date.parse(seenAt);
  }).length;
}

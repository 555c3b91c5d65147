/**
 * Policies of resources: when two say the same, whom they let in from outside the account, and what remains of one without that.
 * A reversal lets no one in again: that is for a person, and for undo.
 */
import { z } from 'zod';
import type { Scope } from '../../../core/aws/arn.ts';
import { canonicalJson, isJsonObject, type Json, type JsonObject, sameJson } from '../../../core/json.ts';
import { anyJson } from '../step-kind.ts';

/** A policy as text, which undo writes letter for letter; null where there is none. No service takes more characters. */
export const policyValue = z.string().max(65_536).nullable();

function documentOf(text: string): JsonObject | undefined {
  try {
    const document = anyJson.parse(JSON.parse(text));
    return isJsonObject(document) ? document : undefined;
  } catch {
    return undefined;
  }
}

const ROOT = /^arn:[a-z-]+:iam::(\d{12}):root$/;

/** Services write an account as the ARN of its root, lists of one as a text, and lists in an order of their own [M-LAB]. */
function plain(value: Json): Json {
  if (Array.isArray(value)) {
    const all = value.map(plain).sort((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1));
    return all.length === 1 ? (all[0] ?? null) : all;
  }
  if (isJsonObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
  return typeof value === 'string' ? value.replace(ROOT, '$1') : value === null ? null : String(value);
}

/** Whether two policies say the same. */
export function samePolicy(a: string | null, b: string | null): boolean {
  if (a === b) return true;
  const [one, other] = [a, b].map((text) => (text === null ? undefined : documentOf(text)));
  return one !== undefined && other !== undefined && sameJson(plain(one), plain(other));
}

const statementsOf = (text: string | null): readonly JsonObject[] => {
  const statements = (text === null ? undefined : documentOf(text))?.['Statement'];
  return [statements ?? []].flat().filter(isJsonObject);
};

const textsIn = (value: Json | undefined): readonly string[] =>
  [value ?? []].flat().filter((one) => typeof one === 'string');

/** Whether a statement lets someone in who is not of the account. AWS's own services are not meant. */
function letsOthersIn(statement: JsonObject, account: string): boolean {
  if (statement['Effect'] !== 'Allow') return false;
  const { Principal: principal } = statement;
  if (principal === undefined) return statement['NotPrincipal'] !== undefined;
  if (!isJsonObject(principal)) return true;
  const { AWS, Federated, CanonicalUser } = principal;
  if (Federated !== undefined || CanonicalUser !== undefined) return true;
  return textsIn(AWS).some((one) => one !== account && one.split(':')[4] !== account);
}

const outside = (text: string | null, account: string): readonly string[] =>
  statementsOf(text)
    .filter((statement) => letsOthersIn(statement, account))
    .map((statement) => canonicalJson(plain(statement)));

/** Returns why a person must write the policy: others than the live one lets in would be let in. */
export function letsInAgain(
  wanted: string | null,
  left: string | null,
  { account }: Pick<Scope, 'account'>,
): string | undefined {
  const already = new Set(outside(left, account));
  return outside(wanted, account).some((one) => !already.has(one))
    ? 'it would let others than the account in again'
    : undefined;
}

/** Returns the policy without what lets others in; null where nothing remains, undefined where nothing has to go. */
function withoutOthers(text: string, { account }: Pick<Scope, 'account'>): string | null | undefined {
  const document = documentOf(text);
  const all = statementsOf(text);
  const kept = all.filter((statement) => !letsOthersIn(statement, account));
  if (!document || kept.length === all.length) return undefined;
  return kept.length === 0 ? null : JSON.stringify({ ...document, Statement: kept });
}

/** What a call is taken to have changed where nothing shows the policy before: it let others in. */
export const policyEffect = (resource: unknown, left: string | null | undefined, scope: Scope) => ({
  resource,
  left,
  guess: typeof left === 'string' ? withoutOthers(left, scope) : undefined,
});

/** Whether the account itself may change the policy of a key: without that, no one may any more. */
export const letsRootIn = (text: string | null, { account }: Pick<Scope, 'account'>): boolean =>
  statementsOf(text).some((statement) => {
    const { Principal: principal, Condition: condition } = statement;
    const who = isJsonObject(principal) ? textsIn(principal['AWS']) : [];
    return (
      statement['Effect'] === 'Allow' &&
      condition === undefined &&
      who.some((one) => one.replace(ROOT, '$1') === account) &&
      textsIn(statement['Action']).some((action) => ['*', 'kms:*', 'kms:PutKeyPolicy'].includes(action))
    );
  });

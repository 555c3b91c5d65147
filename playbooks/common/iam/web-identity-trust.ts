/** Whether a role's trust policy lets the tokens of one Kubernetes service account in (IRSA). Pure. */
import { z } from 'zod';
import { type Json, own } from '../../../core/json.ts';

/** Who presents the token, as IAM sees it. */
export interface TokenHolder {
  /** ARN of the identity provider that stands for the cluster's issuer in the account of the role. */
  readonly provider: string;
  /** `system:serviceaccount:NAMESPACE:NAME`, the token's `sub`. */
  readonly subject: string;
}

const many = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const statement = z.object({
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.union([z.literal('*'), z.record(z.string(), many)]).optional(),
  Action: many.optional(),
  Condition: z.record(z.string(), z.record(z.string(), many)).default({}),
});
const trustPolicy = z.object({
  Statement: z.union([statement, z.array(statement)]).transform((value) => [value].flat()),
});

/** False for a policy that cannot be read. Conditions on anything but the subject are not weighed: they may hold. */
export function trustsTokenOf(document: Json, holder: TokenHolder): boolean {
  const { data } = trustPolicy.safeParse(document);
  const about = (data?.Statement ?? []).filter(
    ({ Principal, Action = [] }) =>
      Action.some((action) => like(action.toLowerCase(), 'sts:assumerolewithwebidentity')) &&
      (Principal === '*' ||
        (Principal?.['Federated'] ?? []).some((one) => one === '*' || one === holder.provider)),
  );
  const holds = (effect: string, unweighed: boolean) =>
    about.some(
      ({ Effect, Condition }) =>
        Effect === effect &&
        Object.entries(Condition).every(([operator, tests]) =>
          Object.entries(tests).every(
            ([key, values]) => subjectHolds(operator, key, values, holder) ?? unweighed,
          ),
        ),
    );
  return holds('Allow', true) && !holds('Deny', false);
}

/** Undefined where the condition is not about a subject, or in an operator that is not weighed. */
function subjectHolds(
  operator: string,
  key: string,
  values: readonly string[],
  { provider, subject }: TokenHolder,
): boolean | undefined {
  if (!/:sub$/i.test(key)) return undefined;
  const [, plain = '', ifExists] = /^(?:ForAllValues:|ForAnyValue:)?(.+?)(IfExists)?$/i.exec(operator) ?? [];
  const [, negated, kind = ''] =
    /^string(not)?(equals|like|equalsignorecase)$/.exec(plain.toLowerCase()) ?? [];
  const test = own(TESTS, kind);
  if (!test) return undefined;
  const issuer = provider.slice(provider.indexOf('/') + 1);
  // A token has one issuer, so the subject of another one is an absent key.
  if (key.toLowerCase() !== `${issuer}:sub`.toLowerCase())
    return negated !== undefined || ifExists !== undefined;
  return values.some((value) => test(value, subject)) === (negated === undefined);
}

const like = (pattern: string, text: string): boolean => {
  const source = pattern
    .split(/([*?])/)
    .map((part) => (part === '*' ? '.*' : part === '?' ? '.' : part.replace(/[.+^${}()|[\]\\]/g, '\\$&')))
    .join('');
  return new RegExp(`^${source}$`, 's').test(text);
};

const TESTS: Readonly<Record<string, (value: string, subject: string) => boolean>> = {
  equals: (value, subject) => value === subject,
  equalsignorecase: (value, subject) => value.toLowerCase() === subject.toLowerCase(),
  like,
};

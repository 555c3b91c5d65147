/**
 * IAM's evaluation of identity policies, as far as containment relies on it: explicit deny, then allow, then implicit
 * deny; conditions AND together; a negated operator matches when the key is absent. An operator or key form it does not
 * know throws: it never matches in silence.
 */
import { compileGlob } from '../../core/glob.ts';

export interface RequestContext {
  readonly action: string;
  readonly resource: string;
  /** Condition keys by name in lower case; an absent key is absent. */
  readonly keys: Readonly<Record<string, string>>;
}
export type Evaluation =
  | { readonly decision: 'allowed' | 'explicitDeny'; readonly by: string }
  | { readonly decision: 'implicitDeny'; readonly by?: undefined };

interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Evaluates named policy documents (JSON text). `by` names the policy that decided. */
export function evaluate(policies: ReadonlyMap<string, string>, request: RequestContext): Evaluation {
  let allowedBy: string | undefined;
  for (const [name, text] of policies) {
    const { Statement } = JSON.parse(text) as { Statement: Statement | readonly Statement[] };
    for (const statement of [Statement].flat() as readonly Statement[]) {
      if (!matches(statement, request)) continue;
      if (statement.Effect === 'Deny') return { decision: 'explicitDeny', by: name };
      allowedBy ??= name;
    }
  }
  return allowedBy === undefined ? { decision: 'implicitDeny' } : { decision: 'allowed', by: allowedBy };
}

const list = (value: unknown): readonly string[] => [value ?? []].flat().map(String);

function matches(statement: Statement, { action, resource, keys }: RequestContext): boolean {
  const any = (patterns: unknown, text: string) =>
    list(patterns).some((pattern) => compileGlob(pattern)(text));
  const lower = (patterns: unknown) => list(patterns).map((pattern) => pattern.toLowerCase());
  if (statement.Action && !any(lower(statement.Action), action.toLowerCase())) return false;
  if (statement.NotAction && any(lower(statement.NotAction), action.toLowerCase())) return false;
  if (statement.Resource && !any(statement.Resource, resource)) return false;
  if (statement.NotResource && any(statement.NotResource, resource)) return false;
  return Object.entries(statement.Condition ?? {}).every(([operator, tests]) =>
    Object.entries(tests).every(([key, wanted]) =>
      holds(operator, keys[key.toLowerCase()], list(wanted), keys),
    ),
  );
}

function holds(
  operator: string,
  given: string | undefined,
  wanted: readonly string[],
  keys: Readonly<Record<string, string>>,
): boolean {
  if (operator === 'Null') return wanted.some((value) => (value === 'true') === (given === undefined));
  const ifExists = operator.endsWith('IfExists');
  const name = ifExists ? operator.slice(0, -'IfExists'.length) : operator;
  if (given === undefined && ifExists) return true;
  const negated = /^(String|Arn|Numeric|Date)Not|^NotIpAddress$/.test(name);
  if (given === undefined) return negated;
  const values = wanted.flatMap((value) => substitute(value, keys) ?? []);
  const test =
    TESTS[name.replace('NotIpAddress', 'IpAddress').replace(/^(String|Arn|Numeric|Date)Not/, '$1')];
  if (!test) throw new Error(`the twin does not evaluate the condition operator ${operator}`);
  const found = values.some((value) => test(given, value));
  return negated ? !found : found;
}

const TESTS: Readonly<Record<string, (given: string, wanted: string) => boolean>> = {
  StringEquals: (given, wanted) => given === wanted,
  StringLike: (given, wanted) => compileGlob(wanted)(given),
  ArnEquals: (given, wanted) => compileGlob(wanted)(given),
  ArnLike: (given, wanted) => compileGlob(wanted)(given),
  Bool: (given, wanted) => given === wanted,
  IpAddress: (given, wanted) => inRange(given, wanted),
  DateLessThan: (given, wanted) => Date.parse(given) < Date.parse(wanted),
  DateGreaterThan: (given, wanted) => Date.parse(given) > Date.parse(wanted),
};

/** A value with a variable whose key is absent matches nothing. */
function substitute(value: string, keys: Readonly<Record<string, string>>): string | undefined {
  let missing = false;
  const text = value.replace(/\$\{([^}]+)\}/g, (_all, key: string) => {
    const found = keys[key.toLowerCase()];
    if (found === undefined) missing = true;
    return found ?? '';
  });
  return missing ? undefined : text;
}

function inRange(address: string, range: string): boolean {
  const [base = '', bits] = range.split('/');
  if (address.includes(':') || base.includes(':')) return address.toLowerCase() === base.toLowerCase();
  const number = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits ?? 32));
  return Math.floor(number(address) / size) === Math.floor(number(base) / size);
}

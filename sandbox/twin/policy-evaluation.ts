/**
 * IAM's evaluation of policy documents, as far as containment and the proof of Firebreak's own roles rely on it:
 * explicit deny, then allow, then implicit deny; conditions AND together; a negated operator matches when the key is
 * absent. In Resource and in values `*` is any run of characters, `?` is one, and `${...}` a policy variable. An operator or key
 * form it does not know throws: it never matches in silence.
 */
export interface RequestContext {
  readonly action: string;
  readonly resource: string;
  /** Condition keys by name in lower case; an absent key is absent. A list is the value of a multivalued key. */
  readonly keys: Readonly<Record<string, string | readonly string[]>>;
}
export type Evaluation =
  | { readonly decision: 'allowed' | 'explicitDeny'; readonly by: string }
  | { readonly decision: 'implicitDeny'; readonly by?: undefined };

export interface PolicyStatement {
  readonly Sid?: string;
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
    const { Statement } = JSON.parse(text) as {
      Statement: PolicyStatement | readonly PolicyStatement[];
    };
    for (const statement of [Statement].flat() as readonly PolicyStatement[]) {
      if (!matches(statement, request)) continue;
      if (statement.Effect === 'Deny') return { decision: 'explicitDeny', by: name };
      allowedBy ??= name;
    }
  }
  return allowedBy === undefined ? { decision: 'implicitDeny' } : { decision: 'allowed', by: allowedBy };
}

type Keys = RequestContext['keys'];

/** `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, or the fixed `${*}`, `${?}` and `${$}`; outside of them, wildcards. */
const VARIABLE_OR_WILDCARD = /\$\{([*?$])\}|\$\{([^},]+)(?:, *'([^']*)')?\}|(\*+|\?)/g;

/** The value with `plain` over what stands for itself and `wild` over `*` and `?`; undefined where a variable has no single value. */
function expand(
  value: string,
  keys: Keys,
  plain: (text: string) => string,
  wild: (text: string) => string,
): string | undefined {
  let expanded = '';
  let end = 0;
  for (const match of value.matchAll(VARIABLE_OR_WILDCARD)) {
    const [whole, fixed, key, otherwise, wildcard] = match;
    expanded += plain(value.slice(end, match.index));
    end = match.index + whole.length;
    if (wildcard !== undefined) {
      expanded += wild(wildcard);
      continue;
    }
    const given = key === undefined ? fixed : (keys[key.trim().toLowerCase()] ?? otherwise);
    if (typeof given !== 'string') return undefined;
    expanded += plain(given);
  }
  return expanded + plain(value.slice(end));
}

const same = (text: string): string => text;
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const wildcard = (text: string): string => (text === '?' ? '.' : '.*');

/** The same few patterns are asked of every request. */
const compiled = new Map<string, RegExp>();
function fits(pattern: string, text: string, keys: Keys): boolean {
  const source = expand(pattern, keys, escaped, wildcard);
  if (source === undefined) return false;
  const made = compiled.get(source) ?? new RegExp(`^${source}$`, 'su');
  if (compiled.size < 5000) compiled.set(source, made);
  return made.test(text);
}

const list = (value: unknown): readonly string[] => [value ?? []].flat().map(String);

/** Whether a statement speaks of this request, for or against. */
export function matches(statement: PolicyStatement, { action, resource, keys }: RequestContext): boolean {
  const any = (patterns: unknown, text: string) =>
    list(patterns).some((pattern) => fits(pattern, text, keys));
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

/** A set operator asks each value of a multivalued key; without one the key has a single value. */
function holds(operator: string, given: Keys[string] | undefined, wanted: readonly string[], keys: Keys) {
  const [, set, plain = operator] = /^(ForAllValues|ForAnyValue):(.+)$/.exec(operator) ?? [];
  if (set === undefined) {
    // Whether a key is there is asked of any key.
    if (operator === 'Null') return holdsFor(plain, given === undefined ? undefined : '', wanted, keys);
    if (typeof given === 'object') throw new Error(`${operator} is asked of a key with many values`);
    return holdsFor(plain, given, wanted, keys);
  }
  const values = given === undefined ? [] : [given].flat();
  return set === 'ForAllValues'
    ? values.every((value) => holdsFor(plain, value, wanted, keys))
    : values.some((value) => holdsFor(plain, value, wanted, keys));
}

function holdsFor(
  operator: string,
  given: string | undefined,
  wanted: readonly string[],
  keys: Keys,
): boolean {
  if (operator === 'Null') return wanted.some((value) => (value === 'true') === (given === undefined));
  const ifExists = operator.endsWith('IfExists');
  const name = ifExists ? operator.slice(0, -'IfExists'.length) : operator;
  if (given === undefined && ifExists) return true;
  const negated = /^(String|Arn|Numeric|Date)Not|^NotIpAddress$/.test(name);
  if (given === undefined) return negated;
  const test =
    TESTS[name.replace('NotIpAddress', 'IpAddress').replace(/^(String|Arn|Numeric|Date)Not/, '$1')];
  if (!test) throw new Error(`the condition operator ${operator} is not evaluated here`);
  const found = wanted.some((value) => test(given, value, keys));
  return negated ? !found : found;
}

type Test = (given: string, wanted: string, keys: Keys) => boolean;
const like: Test = (given, wanted, keys) => fits(wanted, given, keys);
/** Part by part: a wildcard in one part of an ARN does not reach into the next. */
const arnLike: Test = (given, wanted, keys) => {
  const [parts, patterns] = [partsOf(given), partsOf(wanted)];
  return (
    parts.length === patterns.length && patterns.every((each, index) => fits(each, parts[index] ?? '', keys))
  );
};
const partsOf = (arn: string): readonly string[] => {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), ...(parts.length > 5 ? [parts.slice(5).join(':')] : [])];
};
/** The test of a value in which wildcards stand for themselves. */
const literal =
  (test: (given: string, wanted: string) => boolean): Test =>
  (given, wanted, keys) => {
    const value = expand(wanted, keys, same, same);
    return value !== undefined && test(given, value);
  };

const TESTS: Readonly<Record<string, Test>> = {
  StringEquals: literal((given, wanted) => given === wanted),
  StringEqualsIgnoreCase: literal((given, wanted) => given.toLowerCase() === wanted.toLowerCase()),
  StringLike: like,
  ArnEquals: arnLike,
  ArnLike: arnLike,
  Bool: literal((given, wanted) => given === wanted),
  IpAddress: literal(inRange),
  DateLessThan: literal((given, wanted) => Date.parse(given) < Date.parse(wanted)),
  DateGreaterThan: literal((given, wanted) => Date.parse(given) > Date.parse(wanted)),
};

function inRange(address: string, range: string): boolean {
  const [base = '', bits] = range.split('/');
  if (address.includes(':') || base.includes(':')) return address.toLowerCase() === base.toLowerCase();
  const number = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits ?? 32));
  return Math.floor(number(address) / size) === Math.floor(number(base) / size);
}

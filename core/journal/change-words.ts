/**
 * A change of a step in words: which setting, its old and new value as people say it, and why it matters. One table for every
 * kind of step, so that card, page, command and post-mortem say the same; the JSON stays behind it.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { counted, firstOf, shortened } from '../words.ts';
import inverseWords from './inverse-words.json' with { type: 'json' };

/** A step as planned or as recorded. */
export interface ChangedStep {
  readonly kind: string;
  readonly args: JsonObject;
  readonly before?: Json | undefined;
  readonly after?: Json | undefined;
}

/** Values are untrusted. */
export interface ChangeWords {
  readonly setting: string;
  readonly before: string;
  readonly after: string;
  readonly why: string;
}

interface KindWords {
  readonly setting: string;
  readonly why: string;
  /** What a text or a boolean stands for; `null` and what is not named here are said as every value is. */
  readonly values?: Readonly<Record<string, string>>;
}

const YES_NO = { true: 'yes', false: 'no' } as const;
const SESSION_POLICY = {
  setting: 'Inline policy on the role',
  why: 'it denies the stolen session every action; other sessions of the role go on',
} as const;

/** By the kind of step, as the journal has it. */
const KINDS: Readonly<Record<string, KindWords>> = {
  ...(inverseWords as Readonly<Record<string, KindWords>>),
  'deny-session': SESSION_POLICY,
  'revoke-older-sessions': {
    setting: 'Inline policy on the role',
    why: 'it denies every session of the role that began before the cut-off',
  },
  'deny-user': {
    setting: 'Inline policy of the permission set',
    why: 'it denies the user of Identity Center every action',
  },
  'deny-user-everywhere': {
    setting: 'Service control policy firebreak-denied-users',
    why: 'it denies the user of Identity Center every action in every account, whatever the permission set',
  },
  'deny-policy': { setting: 'Inline policy on the user', why: 'it denies the user every action' },
  'deny-attached': {
    setting: 'AWSDenyAll attached to the user',
    why: 'it denies the user every action',
    values: YES_NO,
  },
  'deny-model-calls': {
    setting: 'Inline policy on the identity',
    why: 'it denies the invocation of AI models, and nothing else',
  },
  'prompt-attacks': {
    setting: 'Prompt attack filter of the guardrail draft',
    why: 'a prompt attack is then blocked before it reaches the model',
    values: { BLOCK: 'block', NONE: 'detect only' },
  },
  'bedrock-key': {
    setting: 'API key of Bedrock',
    why: 'an inactive key invokes no model',
    values: { Inactive: 'inactive', Active: 'active', Expired: 'expired' },
  },
  credential: {
    setting: 'Credential of the user',
    why: 'an inactive credential lets no one in',
    values: { Inactive: 'inactive', Active: 'active', Expired: 'expired' },
  },
  'sign-in-sessions': {
    setting: 'Sign-in sessions of the user',
    why: 'an ended session gives no more credentials; the owner signs in again',
  },
  'root-policy': {
    setting: 'Policy on the account that denies its root',
    why: 'it denies the root user everything, whatever credentials it comes with',
    values: { true: 'attached', false: 'not attached' },
  },
  'account-policy': {
    setting: 'Quarantine policy on the account',
    why: 'it denies everyone in the account everything, Firebreak’s roles excepted',
    values: { true: 'attached', false: 'not attached' },
  },
  'deny-principal': {
    setting: 'Statement in the bucket policy',
    why: 'it denies the principal this bucket',
  },
  key: {
    setting: 'Access key',
    why: 'an inactive key signs nothing',
    values: { Inactive: 'inactive', Active: 'active' },
  },
  profile: {
    setting: 'Instance profile',
    why: 'without it the instance is given no new AWS credentials',
  },
  stop: { setting: 'Task', why: 'stopping it ends what runs in it' },
  'suspend-scaling': {
    setting: 'Automatic scaling of the service',
    why: 'scaling would start the tasks again',
    values: { true: 'suspended', false: 'running' },
  },
  'desired-count': { setting: 'Desired tasks', why: 'with none the service starts no task again' },
  policy: { setting: 'EKS access policy', why: 'without it the identity has no rights in the cluster' },
  groups: { setting: 'Groups', why: 'they decide what can be reached' },
  binding: { setting: 'Role binding', why: 'without it the identity has no rights in the cluster' },
  'network-policy': {
    setting: 'Network policy',
    why: 'it cuts the quarantined pod off from every connection',
  },
  quarantine: { setting: 'Labels of the pod', why: 'the network policy applies to the pod by its label' },
  cordon: {
    setting: 'Scheduling on the node',
    why: 'no new pod is placed next to the attacker',
    values: { true: 'stopped', false: 'open' },
  },
  scale: { setting: 'Replicas', why: 'with none no pod is started again' },
  mark: { setting: 'Quarantine tag', why: 'it warns everyone who would start something from the image' },
  tag: {
    setting: 'Tags of the object',
    why: 'the bucket policy can deny reading what carries the quarantine tag',
  },
  'termination-protection': {
    setting: 'Termination protection',
    why: 'the instance and its evidence are not deleted by mistake',
    values: { true: 'on', false: 'off' },
  },
  'shutdown-behaviour': {
    setting: 'Shutdown behavior',
    why: 'a shutdown from inside must not delete the instance',
  },
  'keep-volume': {
    setting: 'Delete the volume on termination',
    why: 'the volume is evidence',
    values: YES_NO,
  },
  label: { setting: 'Tags of the instance', why: 'they say which incident isolated it' },
  snapshots: {
    setting: 'Snapshot',
    why: 'it keeps the disk as it is now',
    values: { missing: 'none', complete: 'taken' },
  },
  'detach-from-group': {
    setting: 'Auto Scaling group',
    why: 'the group would replace the instance and delete the evidence',
  },
  deregister: {
    setting: 'Load balancer target',
    why: 'no more requests are sent to it',
    values: { out: 'deregistered' },
  },
  'security-group': {
    setting: 'Security group',
    why: 'isolation needs a group whose rules are exactly these',
    values: { absent: 'not there', wrong: 'with other rules', right: 'with Firebreak’s rules only' },
  },
  'interface-groups': { setting: 'Security groups', why: 'the quarantine group lets nothing in or out' },
  'acl-entry': {
    setting: 'Entry in the network ACL',
    why: 'it cuts connections that security groups no longer see',
    values: { absent: 'none', denied: 'deny' },
  },
  'ip-set': {
    setting: 'Address in the WAF IP set',
    why: 'requests from it are blocked',
    values: { absent: 'not listed' },
  },
  'domain-list': { setting: 'Domains on the DNS Firewall list', why: 'look-ups of them are blocked' },
  group: {
    setting: 'Security group of the database',
    why: 'it admits the known clients only',
    values: { right: 'with the kept rules only' },
  },
  'deny-database-logins': {
    setting: 'Logins to the database by token',
    why: 'no token of the role or user opens the database',
  },
  'rotate-password': {
    setting: 'Password in the secret',
    why: 'the one that the attacker has is refused',
    values: { same: 'the known one', rotated: 'a new one' },
  },
  'require-tls': {
    setting: 'TLS of database connections',
    why: 'passwords and data are not sent in the clear',
    values: { '0': 'optional', OFF: 'optional', '1': 'required', ON: 'required' },
  },
  'end-sessions': { setting: 'Sessions of the database user', why: 'open connections end' },
  snapshot: { setting: 'Database snapshot', why: 'it keeps the data as it is now' },
  'public-access-block': {
    setting: 'Block Public Access',
    why: 'it overrides every policy and ACL that makes something public',
    values: { true: 'on', false: 'off' },
  },
  concurrency: {
    setting: 'Reserved concurrency',
    why: 'with 0 the function cannot be invoked',
  },
  provisioned: { setting: 'Provisioned concurrency', why: 'it must be gone before concurrency can be 0' },
  'rule-status': { setting: 'Lifecycle rule', why: 'a disabled rule deletes nothing more' },
  logging: {
    setting: 'Trail',
    why: 'the attacker’s calls are recorded again',
    values: { true: 'logging', false: 'stopped' },
  },
  'event-selectors': { setting: 'Event selectors', why: 'they decide which calls are recorded' },
  'flow-log': { setting: 'VPC flow log', why: 'connections are recorded again', values: { there: 'there' } },
  'bucket-access-logs': { setting: 'Server access logging', why: 'reads of the bucket are recorded again' },
  'password-policy': { setting: 'Account password policy', why: 'weak passwords are refused again' },
  'model-invocation-logging': { setting: 'Model invocation logging', why: 'prompts are recorded again' },
  copy: { setting: 'Copy of the object', why: 'it keeps the evidence in a bucket of its own' },
  detection: { setting: 'GuardDuty detection', why: 'findings are made again' },
  'guardduty-detector': { setting: 'GuardDuty detector', why: 'findings are made again' },
};

/** Returns a value without its setting: what no kind is known of. Untrusted. */
export const plainValue = (value: Json | undefined): string => valueWords(value, {}, {});

export const describesKind = (kind: string): boolean => Object.hasOwn(KINDS, kind);

/** Returns the change in words. `names` says what people call an id (`sg-0abc`): the name goes first. */
export function changeWords(
  { kind, args, before, after }: ChangedStep,
  names: Readonly<Record<string, string>> = {},
): ChangeWords {
  const { setting, why, values = {} } = (describesKind(kind) ? KINDS[kind] : undefined) ?? OTHER;
  const about = subjectOf(args);
  const said = (value: Json | undefined) => valueWords(value, values, names);
  return {
    setting: about === undefined ? setting : `${setting} (${about})`,
    before: said(before),
    after: said(after),
    why,
  };
}

/** A kind of another release. */
const OTHER: KindWords = { setting: 'Value', why: 'part of the containment' };

/** What a step is about where its target has several of them: an interface, a volume, a key. */
function subjectOf(args: JsonObject): string | undefined {
  for (const name of [
    'eni',
    'volume',
    'keyId',
    'flavour',
    'qualifier',
    'registration',
    'entry',
    'policyName',
  ]) {
    const value = args[name];
    if (typeof value === 'string') return value;
  }
  return undefined;
}

/** Enough for a line of a card. */
const LONGEST = 160;
const MOST = 4;

function valueWords(
  value: Json | undefined,
  values: Readonly<Record<string, string>>,
  names: Readonly<Record<string, string>>,
): string {
  const said = (given: Json): string => {
    if (given === null) return 'none';
    if (isJsonObject(given)) return cut(object(given));
    if (typeof given === 'object') return cut(list(given));
    const text = String(given);
    if (Object.hasOwn(values, text)) return values[text] ?? text;
    if (typeof given === 'boolean') return given ? 'on' : 'off';
    return policyWords(text) ?? cut(Object.hasOwn(names, text) ? `${names[text]} (${text})` : shortArn(text));
  };
  const list = (all: readonly Json[]): string => (all.length === 0 ? 'none' : firstOf(all, MOST, said));
  const object = (given: JsonObject): string => {
    const policy = policyObject(given);
    if (policy !== undefined) return policy;
    const pairs = Object.entries(given).filter(([, member]) => member !== undefined);
    if (pairs.length === 0) return 'none';
    return firstOf(
      pairs,
      MOST,
      ([name, member]) => `${spaced(name)} ${member === undefined ? '' : said(member)}`,
    );
  };
  return value === undefined ? 'not read yet' : said(value);
}

const cut = (text: string): string => shortened(text, LONGEST);
/** `BlockPublicAcls` -> `block public acls`; a tag's key stays. */
const spaced = (name: string): string =>
  /^[A-Za-z]+$/.test(name) ? name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase() : name;
/** The resource of an ARN: account and Region stand with the incident. */
const shortArn = (text: string): string => /^arn:[^:]*:[^:]*:[^:]*:[^:]*:(.+)$/s.exec(text)?.[1] ?? text;

function policyWords(text: string): string | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return isJsonObject(parsed) ? policyObject(parsed) : undefined;
  } catch {
    return undefined; // looks like JSON and is not
  }
}

/** `deny every action if aws:userid is AROA…:i-0abc`, of an IAM policy or one statement of it. */
function policyObject(given: JsonObject): string | undefined {
  const inner = given['Statement'] ?? (given['Effect'] === undefined ? undefined : given);
  const statements = (Array.isArray(inner) ? inner : [inner]).filter(isJsonObject);
  const [first, ...others] = statements;
  if (!first) return undefined;
  const more = others.length > 0 ? `; and ${counted(others.length, 'more statement')}` : '';
  return cut(`${statementWords(first)}${more}`);
}

function statementWords(statement: JsonObject): string {
  const effect = statement['Effect'] === 'Allow' ? 'allow' : 'deny';
  const actions = [statement['Action'] ?? '*'].flat().map(String);
  const what = actions.includes('*') ? 'every action' : actions.slice(0, 2).join(', ');
  const condition = isJsonObject(statement['Condition']) ? Object.values(statement['Condition']) : [];
  const terms = condition
    .filter(isJsonObject)
    .flatMap((keys) =>
      Object.entries(keys).map(
        ([key, value]) => `${key} is ${[value ?? ''].flat().map(String).join(' or ')}`,
      ),
    );
  return `${effect} ${what}${terms.length > 0 ? ` if ${terms.join(' and ')}` : ''}`;
}

/** What people call ids, from the states that playbooks read. Untrusted. */
export function namesIn(values: readonly (Json | undefined)[]): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  const walk = (value: Json | undefined): void => {
    if (Array.isArray(value)) for (const member of value) walk(member);
    else if (isJsonObject(value)) {
      const { id, name } = value;
      if (typeof id === 'string' && typeof name === 'string' && /^[a-z]+-[0-9a-f]+$/.test(id))
        found[id] = name.replace(/[()]/g, '').slice(0, 80);
      for (const member of Object.values(value)) walk(member);
    }
  };
  for (const value of values) walk(value);
  return found;
}

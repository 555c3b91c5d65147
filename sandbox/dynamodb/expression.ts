/**
 * DynamoDB's expressions, as far as Firebreak's table uses them: attributes of the item itself, no path into one. Parsed
 * once for each text; names and values are put in when one is evaluated.
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { invalid } from './refusal.ts';
import { RESERVED } from './reserved-words.ts';

/** An attribute by its name, or by the placeholder that stands for it. */
interface Path {
  readonly kind: 'path';
  readonly name: string;
}
interface Value {
  readonly kind: 'value';
  readonly name: string;
}
interface Size {
  readonly kind: 'size';
  readonly of: Operand;
}
export type Operand = Path | Value | Size;

const COMPARATORS = ['=', '<>', '<', '<=', '>', '>='] as const;
export type Comparator = (typeof COMPARATORS)[number];
const FUNCTIONS = ['attribute_exists', 'attribute_not_exists', 'begins_with', 'contains'] as const;
type ConditionFunction = (typeof FUNCTIONS)[number];

export type Condition =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly [Condition, Condition] }
  | { readonly kind: 'not'; readonly part: Condition }
  | { readonly kind: 'compare'; readonly by: Comparator; readonly args: readonly [Operand, Operand] }
  | { readonly kind: 'between'; readonly args: readonly [Operand, Operand, Operand] }
  | { readonly kind: 'in'; readonly args: readonly Operand[] }
  | { readonly kind: 'function'; readonly name: ConditionFunction; readonly args: readonly Operand[] };

/** What `SET` gives an attribute. */
export type Assigned =
  | Path
  | Value
  | { readonly kind: 'plus' | 'minus'; readonly args: readonly [Assigned, Assigned] }
  | { readonly kind: 'if_not_exists'; readonly path: Path; readonly otherwise: Assigned }
  | { readonly kind: 'list_append'; readonly args: readonly [Assigned, Assigned] };

export type Change =
  | { readonly kind: 'SET'; readonly path: Path; readonly to: Assigned }
  | { readonly kind: 'REMOVE'; readonly path: Path }
  | { readonly kind: 'ADD' | 'DELETE'; readonly path: Path; readonly value: Value };

interface Parsed<T> {
  readonly tree: T;
  /** Placeholders of names and values in it. */
  readonly placeholders: readonly string[];
}

export const KINDS = [
  'UpdateExpression',
  'ConditionExpression',
  'KeyConditionExpression',
  'FilterExpression',
  'ProjectionExpression',
] as const;
export type Kind = (typeof KINDS)[number];

class Reader {
  readonly placeholders: string[] = [];
  readonly #tokens: readonly string[];
  readonly #kind: Kind;
  #at = 0;

  constructor(text: string, kind: Kind) {
    this.#kind = kind;
    if (text.trim() === '') throw this.refused('The expression can not be empty;');
    const tokens = text.match(/[#:]?\w+|<>|<=|>=|[=<>()+,-]|\S/g) ?? [];
    this.#tokens = tokens;
  }
  refused(problem: string): Error {
    return invalid(`Invalid ${this.#kind}: ${problem}`);
  }
  syntaxError(): Error {
    return this.refused(`Syntax error; token: ${this.#tokens[this.#at] ?? '<EOF>'}`);
  }
  peek(): string | undefined {
    return this.#tokens[this.#at];
  }
  /** The next token where it is this word or mark, in any case. */
  take(wanted: string): boolean {
    if (this.peek()?.toUpperCase() !== wanted.toUpperCase()) return false;
    this.#at += 1;
    return true;
  }
  need(wanted: string): void {
    if (!this.take(wanted)) throw this.syntaxError();
  }
  next(): string {
    const token = this.peek();
    if (token === undefined) throw this.syntaxError();
    this.#at += 1;
    return token;
  }
  end(): void {
    if (this.peek() !== undefined) throw this.syntaxError();
  }
  list<T>(one: () => T): T[] {
    const found = [one()];
    while (this.take(',')) found.push(one());
    return found;
  }
  placeholder(name: string): string {
    this.placeholders.push(name);
    return name;
  }
  path(): Path {
    const name = this.peek() ?? '';
    if (!/^(?:#\w+|[a-zA-Z_]\w*)$/.test(name)) throw this.syntaxError();
    this.next();
    if (name.startsWith('#')) return { kind: 'path', name: this.placeholder(name) };
    if (RESERVED.has(name.toUpperCase()))
      throw this.refused(`Attribute name is a reserved keyword; reserved keyword: ${name}`);
    return { kind: 'path', name };
  }
  value(): Value {
    const name = this.peek() ?? '';
    if (!/^:\w+$/.test(name)) throw this.syntaxError();
    this.next();
    return { kind: 'value', name: this.placeholder(name) };
  }
  isValue(): boolean {
    return this.peek()?.startsWith(':') === true;
  }
  /** Whether a function is called here. */
  calls(): boolean {
    return this.#tokens[this.#at + 1] === '(' && /^\w/.test(this.peek() ?? '');
  }
}

function disjunction(reader: Reader): Condition {
  let tree = conjunction(reader);
  while (reader.take('OR')) tree = { kind: 'or', parts: [tree, conjunction(reader)] };
  return tree;
}
function conjunction(reader: Reader): Condition {
  let tree = negation(reader);
  while (reader.take('AND')) tree = { kind: 'and', parts: [tree, negation(reader)] };
  return tree;
}
function negation(reader: Reader): Condition {
  if (reader.take('NOT')) return { kind: 'not', part: negation(reader) };
  if (reader.take('(')) {
    const tree = disjunction(reader);
    reader.need(')');
    return tree;
  }
  return comparison(reader);
}

function comparison(reader: Reader): Condition {
  const name = FUNCTIONS.find((known) => reader.peek() === known);
  if (reader.calls() && name) return called(reader, name);
  const first = operand(reader);
  if (reader.take('BETWEEN')) {
    const from = operand(reader);
    reader.need('AND');
    return { kind: 'between', args: [first, from, operand(reader)] };
  }
  if (reader.take('IN')) {
    reader.need('(');
    const args = reader.list(() => operand(reader));
    reader.need(')');
    return { kind: 'in', args: [first, ...args] };
  }
  const by = COMPARATORS.find((mark) => mark === reader.peek());
  if (!by) throw reader.syntaxError();
  reader.next();
  return { kind: 'compare', by, args: [first, operand(reader)] };
}

function called(reader: Reader, name: ConditionFunction): Condition {
  const args = argumentsOf(reader, () => operand(reader));
  const wanted = name.startsWith('attribute') ? 1 : 2;
  if (args.length !== wanted) throw wrongCount(reader, name, args.length);
  if (wanted === 1 && args[0]?.kind !== 'path')
    throw reader.refused(`Operator or function requires a document path; operator or function: ${name}`);
  return { kind: 'function', name, args };
}

/** After the function's name, which it takes as well. */
function argumentsOf<T>(reader: Reader, one: () => T): T[] {
  reader.next();
  reader.need('(');
  const args = reader.list(one);
  reader.need(')');
  return args;
}
const wrongCount = (reader: Reader, name: string, count: number): Error =>
  reader.refused(
    `Incorrect number of operands for operator or function; operator or function: ${name}, number of operands: ${count}`,
  );

function operand(reader: Reader): Operand {
  if (reader.isValue()) return reader.value();
  if (!reader.calls()) return reader.path();
  const name = reader.peek() ?? '';
  if (name !== 'size') throw reader.refused(`Invalid function name; function: ${name}`);
  const [of, ...more] = argumentsOf(reader, () => operand(reader));
  if (!of || more.length > 0) throw wrongCount(reader, name, more.length + 1);
  return { kind: 'size', of };
}

const SECTIONS = ['SET', 'REMOVE', 'ADD', 'DELETE'] as const;

function changes(reader: Reader): readonly Change[] {
  const seen = new Set<string>();
  const found: Change[] = [];
  do {
    const section = SECTIONS.find((one) => reader.take(one));
    if (!section) throw reader.syntaxError();
    if (seen.has(section))
      throw reader.refused(`The "${section}" section can only be used once in an update expression;`);
    seen.add(section);
    found.push(...reader.list(() => change(reader, section)));
  } while (reader.peek() !== undefined);
  return found;
}

function change(reader: Reader, section: (typeof SECTIONS)[number]): Change {
  const path = reader.path();
  if (section === 'REMOVE') return { kind: section, path };
  if (section !== 'SET') return { kind: section, path, value: reader.value() };
  reader.need('=');
  const first = assigned(reader);
  if (reader.take('+')) return { kind: 'SET', path, to: { kind: 'plus', args: [first, assigned(reader)] } };
  if (reader.take('-')) return { kind: 'SET', path, to: { kind: 'minus', args: [first, assigned(reader)] } };
  return { kind: 'SET', path, to: first };
}

function assigned(reader: Reader): Assigned {
  if (reader.isValue()) return reader.value();
  if (!reader.calls()) return reader.path();
  const name = reader.peek() ?? '';
  if (name !== 'if_not_exists' && name !== 'list_append')
    throw reader.refused(`Invalid function name; function: ${name}`);
  const args = argumentsOf(reader, () => assigned(reader));
  const [first, second] = args;
  if (!first || !second || args.length > 2) throw wrongCount(reader, name, args.length);
  if (name === 'list_append') return { kind: name, args: [first, second] };
  if (first.kind !== 'path')
    throw reader.refused(`Operator or function requires a document path; operator or function: ${name}`);
  return { kind: name, path: first, otherwise: second };
}

const kept = new Map<string, Parsed<unknown>>();

function parsed<T>(kind: Kind, text: string, read: (reader: Reader) => T): Parsed<T> {
  const key = `${kind} ${text}`;
  const found = kept.get(key);
  if (found) return found as Parsed<T>;
  const reader = new Reader(text, kind);
  const tree = read(reader);
  reader.end();
  const made = { tree, placeholders: reader.placeholders };
  kept.set(key, made);
  return made;
}

/** The parameters of a request that its expressions use. */
export interface Parameters {
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>> | undefined;
  readonly ExpressionAttributeValues?: Readonly<Record<string, AttributeValue>> | undefined;
}

/** The expressions of one request: reads them, and afterwards holds that they used everything that the request gave. */
export class Expressions {
  readonly #given: Parameters;
  readonly #used = new Set<string>();

  constructor(given: Parameters) {
    this.#given = given;
  }
  condition(kind: Kind, text: string): Condition {
    return this.#uses(kind, parsed(kind, text, disjunction));
  }
  changes(text: string): readonly Change[] {
    return this.#uses('UpdateExpression', parsed('UpdateExpression', text, changes));
  }
  paths(text: string): readonly Path[] {
    const kind = 'ProjectionExpression';
    return this.#uses(
      kind,
      parsed(kind, text, (reader) => reader.list(() => reader.path())),
    );
  }
  #uses<T>(kind: Kind, { tree, placeholders }: Parsed<T>): T {
    const { ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {} } = this.#given;
    for (const name of placeholders) {
      const isName = name.startsWith('#');
      if (!Object.hasOwn(isName ? names : values, name))
        throw invalid(
          isName
            ? `Invalid ${kind}: An expression attribute name used in the document path is not defined; attribute name: ${name}`
            : `Invalid ${kind}: An expression attribute value used in expression is not defined; attribute value: ${name}`,
        );
      this.#used.add(name);
    }
    return tree;
  }
  name({ name }: Path): string {
    return name.startsWith('#') ? (this.#given.ExpressionAttributeNames?.[name] ?? '') : name;
  }
  value({ name }: Value): AttributeValue {
    const value = this.#given.ExpressionAttributeValues?.[name];
    if (!value) throw new Error(`${name} was not checked`);
    return value;
  }
  /** Throws where a name or a value was given that no expression uses. */
  finish(): void {
    for (const given of ['ExpressionAttributeNames', 'ExpressionAttributeValues'] as const) {
      const members = this.#given[given];
      if (!members) continue;
      const all = Object.keys(members);
      if (all.length === 0) throw invalid(`${given} must not be empty`);
      const unused = all.filter((name) => !this.#used.has(name));
      if (unused.length > 0)
        throw invalid(`Value provided in ${given} unused in expressions: keys: {${unused.join(', ')}}`);
    }
  }
}

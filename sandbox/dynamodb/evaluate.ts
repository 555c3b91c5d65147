/** Conditions and updates on one item. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Assigned, Change, Comparator, Condition, Expressions, Operand } from './expression.ts';
import { invalid } from './refusal.ts';
import { type Attributes, compareValues, containsValue, lengthOf, sameValue, sum, typeOf } from './values.ts';

/** An item that is not there has no attribute. */
export type Existing = Attributes | undefined;

export function holds(condition: Condition, item: Existing, given: Expressions): boolean {
  const value = (operand: Operand) => resolved(operand, item, given);
  switch (condition.kind) {
    case 'and':
      return condition.parts.every((part) => holds(part, item, given));
    case 'or':
      return condition.parts.some((part) => holds(part, item, given));
    case 'not':
      return !holds(condition.part, item, given);
    case 'compare':
      return compared(condition.by, value(condition.args[0]), value(condition.args[1]));
    case 'between': {
      const [tested, from, to] = condition.args.map(value);
      return compared('>=', tested, from) && compared('<=', tested, to);
    }
    case 'in': {
      const [tested, ...others] = condition.args.map(value);
      return others.some((other) => compared('=', tested, other));
    }
    case 'function':
      return calledWith(condition.name, condition.args.map(value));
  }
}

type Resolved = AttributeValue | undefined;

function resolved(operand: Operand, item: Existing, given: Expressions): Resolved {
  switch (operand.kind) {
    case 'value':
      return given.value(operand);
    case 'path':
      return item?.[given.name(operand)];
    case 'size': {
      const value = resolved(operand.of, item, given);
      const length = value && lengthOf(value);
      return length === undefined ? undefined : { N: `${length}` };
    }
  }
}

function compared(by: Comparator, a: Resolved, b: Resolved): boolean {
  if (by === '<>') return !a || !b || !sameValue(a, b);
  if (!a || !b) return false;
  if (by === '=') return sameValue(a, b);
  const order = compareValues(a, b);
  if (order === undefined) return false;
  switch (by) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

function calledWith(
  name: (Condition & { kind: 'function' })['name'],
  [first, second]: readonly Resolved[],
): boolean {
  switch (name) {
    case 'attribute_exists':
      return first !== undefined;
    case 'attribute_not_exists':
      return first === undefined;
    case 'begins_with':
      return first?.S !== undefined && second?.S !== undefined && first.S.startsWith(second.S);
    case 'contains':
      return first !== undefined && second !== undefined && containsValue(first, second);
  }
}

const wrongOperand = (kind: string, name: string, type: string): Error =>
  invalid(
    `Invalid ${kind}: Incorrect operand type for operator or function; operator or function: ${name}, operand type: ${type}`,
  );

/** Throws what DynamoDB says of a value that stands where it cannot, before it looks at any item. */
export function checkOperands(kind: string, condition: Condition, given: Expressions): void {
  switch (condition.kind) {
    case 'and':
    case 'or':
      for (const part of condition.parts) checkOperands(kind, part, given);
      return;
    case 'not':
      checkOperands(kind, condition.part, given);
      return;
    case 'between':
      checkBounds(kind, condition.args, given);
      return;
    case 'function':
      if (condition.name !== 'begins_with') return;
      for (const operand of condition.args) {
        const type = operand.kind === 'value' ? typeOf(given.value(operand)) : 'S';
        if (type !== 'S' && type !== 'B') throw wrongOperand(kind, condition.name, type);
      }
      return;
    case 'compare':
    case 'in':
      return;
  }
}

function checkBounds(
  kind: string,
  [, lower, upper]: readonly [Operand, Operand, Operand],
  given: Expressions,
): void {
  if (lower.kind !== 'value' || upper.kind !== 'value') return;
  const [from, to] = [given.value(lower), given.value(upper)];
  const wrong =
    typeOf(from) === typeOf(to)
      ? 'upper bound to be greater than or equal to lower bound'
      : 'same data type for lower and upper bounds';
  if (typeOf(from) === typeOf(to) && (compareValues(from, to) ?? 0) <= 0) return;
  const bound = (value: AttributeValue) =>
    `operand: AttributeValue: {${typeOf(value)}:${value.S ?? value.N ?? Buffer.from(value.B ?? []).toString('base64')}}`;
  throw invalid(
    `Invalid ${kind}: The BETWEEN operator requires ${wrong}; lower bound ${bound(from)}, upper bound ${bound(to)}`,
  );
}

const UNKNOWN_ATTRIBUTE = 'The provided expression refers to an attribute that does not exist in the item';
const WRONG_TYPE = 'An operand in the update expression has an incorrect data type';

/** Returns the item after the changes, which all start from what it was before. */
export function changed(
  changes: readonly Change[],
  item: Attributes,
  given: Expressions,
): Record<string, AttributeValue> {
  const next: Record<string, AttributeValue> = Object.assign(Object.create(null), item);
  for (const one of changes) {
    const name = given.name(one.path);
    if (one.kind === 'REMOVE') delete next[name];
    else if (one.kind === 'SET') next[name] = assignedValue(one.to, item, given);
    else {
      const made = withOperand(one.kind, item[name], given.value(one.value));
      if (made) next[name] = made;
      else delete next[name];
    }
  }
  return next;
}

function assignedValue(to: Assigned, item: Attributes, given: Expressions): AttributeValue {
  switch (to.kind) {
    case 'value':
      return given.value(to);
    case 'path': {
      const value = item[given.name(to)];
      if (!value) throw invalid(UNKNOWN_ATTRIBUTE);
      return value;
    }
    case 'if_not_exists':
      return item[given.name(to.path)] ?? assignedValue(to.otherwise, item, given);
    case 'plus':
    case 'minus': {
      const [a, b] = to.args.map((one) => assignedValue(one, item, given).N);
      if (a === undefined || b === undefined) throw invalid(WRONG_TYPE);
      return { N: sum(a, b, to.kind === 'plus' ? 1 : -1) };
    }
    case 'list_append': {
      const [a, b] = to.args.map((one) => assignedValue(one, item, given).L);
      if (!a || !b) throw invalid(WRONG_TYPE);
      return { L: [...a, ...b] };
    }
  }
}

/** `ADD` and `DELETE`; undefined where nothing is left. */
function withOperand(
  kind: 'ADD' | 'DELETE',
  before: AttributeValue | undefined,
  value: AttributeValue,
): AttributeValue | undefined {
  if (before && typeOf(before) !== typeOf(value)) throw invalid(WRONG_TYPE);
  if (value.N !== undefined) return { N: sum(before?.N ?? '0', value.N) };
  const type = value.SS ? 'SS' : 'NS';
  const [old, own] = [before?.[type] ?? [], value[type] ?? []];
  const left =
    kind === 'ADD'
      ? [...old, ...own.filter((one) => !old.includes(one))]
      : old.filter((one) => !own.includes(one));
  if (left.length === 0) return undefined;
  return type === 'SS' ? { SS: left } : { NS: left };
}

const SPOKEN: Readonly<Record<string, string>> = {
  ...{ S: 'STRING', N: 'NUMBER', B: 'BINARY', NULL: 'NULL', BOOL: 'BOOLEAN', L: 'LIST', M: 'MAP' },
};

/** Throws where two changes are of one attribute, or a value cannot be added or taken away. */
export function checkChanges(changes: readonly Change[], given: Expressions): void {
  const seen = new Set<string>();
  for (const { path } of changes) {
    const name = given.name(path);
    if (seen.has(name))
      throw invalid(
        `Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [${name}], path two: [${name}]`,
      );
    seen.add(name);
  }
  for (const one of changes) {
    if (one.kind === 'SET') checkAssigned(one.to, given);
    if (one.kind !== 'ADD' && one.kind !== 'DELETE') continue;
    const type = SPOKEN[typeOf(given.value(one.value))];
    if (type !== undefined && !(one.kind === 'ADD' && type === 'NUMBER'))
      throw invalid(
        `Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ${one.kind}, operand type: ${type}`,
      );
  }
}

const SIGNS = { plus: '+', minus: '-', list_append: 'list_append' } as const;

function checkAssigned(to: Assigned, given: Expressions): void {
  if (to.kind !== 'plus' && to.kind !== 'minus' && to.kind !== 'list_append') return;
  for (const one of to.args) {
    const wanted = to.kind === 'list_append' ? 'L' : 'N';
    const type = one.kind === 'value' ? typeOf(given.value(one)) : wanted;
    if (type !== wanted) throw wrongOperand('UpdateExpression', SIGNS[to.kind], type);
  }
}

/** The values that the changes give attributes whatever the item is, by the attribute's name. */
export const givenValues = (changes: readonly Change[], given: Expressions): Attributes =>
  Object.fromEntries(
    changes.flatMap((one) => {
      const value = one.kind === 'SET' ? one.to : one.kind === 'REMOVE' ? undefined : one.value;
      return value?.kind === 'value' ? [[given.name(one.path), given.value(value)]] : [];
    }),
  );

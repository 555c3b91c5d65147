/** One page of a query or a scan. */
import type { AttributeValue, QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { holds } from './evaluate.ts';
import type { Condition, Expressions, Operand } from './expression.ts';
import { invalid } from './refusal.ts';
import type { Table } from './table.ts';
import { type Attributes, itemSize } from './values.ts';

const PAGE_BYTES = 1024 * 1024;

export interface Found {
  readonly table: Table;
  readonly at: Table['base'];
  readonly expressions: Expressions;
  readonly filter: Condition | undefined;
}

/** The partition that a query reads, and the condition on its sort key. */
interface KeyCondition {
  readonly hash: AttributeValue;
  readonly range: Condition | undefined;
}

/** Throws where a condition is none that a query can be made by. */
export function keyCondition({ at, expressions }: Found, condition: Condition): KeyCondition {
  const parts = condition.kind === 'and' ? condition.parts : [condition];
  const byName = new Map(parts.map((part) => [keyName(part, expressions), part]));
  if (byName.size < parts.length)
    throw invalid('KeyConditionExpressions must only contain one condition per key');
  const hash = byName.get(at.hash);
  if (!hash) throw invalid(`Query condition missed key schema element: ${at.hash}`);
  const [, value] = hash.kind === 'compare' ? hash.args : [];
  if (hash.kind !== 'compare' || hash.by !== '=' || value?.kind !== 'value')
    throw invalid('Query key condition not supported');
  const range = byName.get(at.range);
  if (parts.length > 1 && !range) throw invalid(`Query condition missed key schema element: ${at.range}`);
  return { hash: expressions.value(value), range };
}

function keyName(condition: Condition, expressions: Expressions): string {
  const refused = (name: string) => invalid(`Invalid operator used in KeyConditionExpression: ${name}`);
  switch (condition.kind) {
    case 'and':
      throw invalid('Conditions can be of length 1 or 2 only');
    case 'or':
    case 'not':
    case 'in':
      throw refused(condition.kind.toUpperCase());
    case 'function':
      if (condition.name !== 'begins_with') throw refused(condition.name);
      return nameOf(condition.args[0], expressions);
    case 'compare':
      if (condition.by === '<>') throw refused('<>');
      return nameOf(condition.args[0], expressions);
    case 'between':
      return nameOf(condition.args[0], expressions);
  }
}

function nameOf(operand: Operand | undefined, expressions: Expressions): string {
  if (operand?.kind === 'path') return expressions.name(operand);
  throw invalid('Invalid condition in KeyConditionExpression: No key attribute specified');
}

type Input = Pick<
  QueryCommandInput,
  'ExclusiveStartKey' | 'IndexName' | 'Limit' | 'ScanIndexForward' | 'ProjectionExpression' | 'Select'
>;

/** `key`: what a query asks for; a scan reads everything. */
export function pageOf(input: Input, found: Found, key: KeyCondition | undefined): object {
  const { Limit, ExclusiveStartKey: start } = input;
  if (input.ProjectionExpression !== undefined || input.Select !== undefined)
    throw new Error('the sandbox returns whole items of a query');
  const { table, at, expressions, filter } = found;
  if (filter) checkFilter(found, filter);
  const keys = [...new Set([table.base.hash, table.base.range, at.hash, at.range])];
  if (start) checkStart(start, keys, key, found);
  const Items: Attributes[] = [];
  let [read, size] = [0, 0];
  let last: Attributes | undefined;
  for (const item of candidates(input, found, key)) {
    if (read === Limit || size >= PAGE_BYTES) break;
    last = item;
    read += 1;
    size += itemSize(item);
    if (!filter || holds(filter, item, expressions)) Items.push(item);
  }
  const more = last && (read === Limit || size >= PAGE_BYTES);
  return {
    ...{ Items, Count: Items.length, ScannedCount: read },
    ...(more && last ? { LastEvaluatedKey: keyOf(last, keys) } : {}),
  };
}

const keyOf = (item: Attributes, keys: readonly string[]): Attributes =>
  Object.fromEntries(keys.map((name) => [name, item[name] as AttributeValue]));

/** The items after the start, in the order that is asked for, before any filter. */
function* candidates(
  { ExclusiveStartKey: start, ScanIndexForward: forward = true }: Input,
  { table, at, expressions }: Found,
  key: KeyCondition | undefined,
): Generator<Attributes> {
  const place = start && table.place(at, start);
  if (key) {
    const partition = at.partitions.get(key.hash.S ?? '');
    for (const item of partition?.after(place, forward) ?? [])
      if (!key.range || holds(key.range, item, expressions)) yield item;
    return;
  }
  let begun = start === undefined;
  for (const [hash, partition] of at.partitions) {
    const own = !begun && start?.[at.hash]?.S === hash;
    if (begun || own) yield* partition.after(own ? place : undefined, true);
    begun ||= own;
  }
}

function checkStart(
  start: Attributes,
  keys: readonly string[],
  key: KeyCondition | undefined,
  { at }: Found,
): void {
  const wrong = Object.keys(start).length !== keys.length || keys.some((name) => !start[name]);
  if (wrong) throw invalid('The provided starting key is invalid');
  if (key && start[at.hash]?.S !== key.hash.S)
    throw invalid(
      key.range
        ? 'The query can return at most one row and cannot be restarted'
        : 'The provided starting key is outside query boundaries based on provided conditions',
    );
}

/** A filter is of what the key condition cannot say. */
function checkFilter(found: Found, filter: Condition): void {
  switch (filter.kind) {
    case 'not':
      checkFilter(found, filter.part);
      return;
    case 'and':
    case 'or':
      for (const part of filter.parts) checkFilter(found, part);
      return;
    default:
      for (const operand of filter.args) checkFiltered(found, operand);
  }
}

function checkFiltered({ at, expressions }: Found, operand: Operand): void {
  const path = operand.kind === 'size' ? operand.of : operand;
  const name = path.kind === 'path' ? expressions.name(path) : undefined;
  if (name === at.hash || name === at.range)
    throw invalid(
      `Filter Expression can only contain non-primary key attributes: Primary key attribute: ${name}`,
    );
}

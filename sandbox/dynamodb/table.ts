/** One table and its indexes, in memory. */
import type { AttributeValue, CreateTableCommandInput, KeySchemaElement } from '@aws-sdk/client-dynamodb';
import { invalid } from './refusal.ts';
import { type Place, Sorted } from './sorted.ts';
import { type Attributes, itemSize, typeOf } from './values.ts';

const LARGEST_ITEM = 409_600;

/** A partition and, within it, an order: the table itself or one of its indexes. */
interface Keyed {
  readonly hash: string;
  readonly range: string;
  readonly partitions: Map<string, Sorted>;
}
interface Index extends Keyed {
  readonly name: string;
  /** Attributes that it carries. */
  readonly projected: readonly string[];
}

export type Definition = Pick<
  CreateTableCommandInput,
  'AttributeDefinitions' | 'KeySchema' | 'GlobalSecondaryIndexes'
>;

export class Table {
  readonly definition: Definition;
  readonly base: Keyed;
  readonly indexes: readonly Index[];
  readonly #types: ReadonlyMap<string, string>;

  constructor(definition: Definition) {
    this.definition = definition;
    this.#types = new Map(
      (definition.AttributeDefinitions ?? []).map(({ AttributeName = '', AttributeType = '' }) => [
        AttributeName,
        AttributeType,
      ]),
    );
    this.base = keyed(definition.KeySchema);
    this.indexes = (definition.GlobalSecondaryIndexes ?? []).map(({ IndexName, KeySchema, Projection }) => {
      const own = keyed(KeySchema);
      const { hash, range } = this.base;
      const carried = [own.hash, own.range, hash, range, ...(Projection?.NonKeyAttributes ?? [])];
      return { ...own, name: IndexName ?? '', projected: [...new Set(carried)] };
    });
  }

  get(key: Attributes): Attributes | undefined {
    const { base } = this;
    return partition(base, key)?.get([valueAt(key, base.range)]);
  }
  /** Puts an item that was checked in the place of the one that was there. */
  put(item: Attributes): void {
    const { base } = this;
    const before = this.get(item);
    open(base, item).put([valueAt(item, base.range)], item);
    for (const index of this.indexes) {
      if (before) this.#leave(index, before);
      if (item[index.hash] && item[index.range])
        open(index, item).put(this.place(index, item), projection(index, item));
    }
  }
  delete(key: Attributes): void {
    const before = this.get(key);
    if (!before) return;
    partition(this.base, key)?.delete([valueAt(key, this.base.range)]);
    for (const index of this.indexes) this.#leave(index, before);
  }
  #leave(index: Index, item: Attributes): void {
    if (item[index.hash] && item[index.range]) partition(index, item)?.delete(this.place(index, item));
  }
  /** Where an item, or the start of a page, stands in a partition. */
  place(at: Keyed, item: Attributes): Place {
    const { hash, range } = this.base;
    if (at === this.base) return [valueAt(item, range)];
    return [valueAt(item, at.range), valueAt(item, hash), valueAt(item, range)];
  }
  *items(): Generator<Attributes> {
    for (const { entries } of this.base.partitions.values()) for (const { item } of entries) yield item;
  }

  /** Throws where this is not the key of an item. */
  checkKey(key: Attributes): void {
    const { hash, range } = this.base;
    const wrong = () => invalid('The provided key element does not match the schema');
    if (Object.keys(key).length !== 2) throw wrong();
    for (const name of [hash, range]) {
      const value = key[name];
      if (!value || typeOf(value) !== this.#types.get(name)) throw wrong();
      if (value.S === '')
        throw invalid(
          `One or more parameter values were invalid: The AttributeValue for a key attribute cannot contain an empty string value. Key: ${name}`,
        );
      this.#checkKeySize(name, value);
    }
  }
  #checkKeySize(name: string, value: AttributeValue): void {
    const size = Buffer.byteLength(value.S ?? '');
    if (name === this.base.hash && size > 2048)
      throw invalid(
        'One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes',
      );
    if (name === this.base.range && size > 1024)
      throw invalid(
        'One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes',
      );
  }

  /** Throws where the table does not take this item. */
  checkItem(item: Attributes): void {
    if (itemSize(item) > LARGEST_ITEM) throw invalid('Item size has exceeded the maximum allowed size');
    const { hash, range } = this.base;
    for (const name of [hash, range]) {
      const value = item[name];
      const type = this.#types.get(name);
      if (!value)
        throw invalid(`One or more parameter values were invalid: Missing the key ${name} in the item`);
      if (typeOf(value) !== type)
        throw invalid(
          `One or more parameter values were invalid: Type mismatch for key ${name} expected: ${type} actual: ${typeOf(value)}`,
        );
      if (value.S === '')
        throw invalid(
          `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: ${name}`,
        );
      this.#checkKeySize(name, value);
    }
    this.checkIndexKeys(item);
  }
  /** Throws where an attribute has a value that the key of an index cannot have. */
  checkIndexKeys(item: Attributes): void {
    for (const index of this.indexes)
      for (const name of [index.hash, index.range]) {
        const value = item[name];
        const type = this.#types.get(name);
        if (value && typeOf(value) !== type)
          throw invalid(
            `One or more parameter values were invalid: Type mismatch for Index Key ${name} Expected: ${type} Actual: ${typeOf(value)} IndexName: ${index.name}`,
          );
        if (value?.S === '')
          throw invalid(
            `One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: ${index.name}, IndexKey: ${name}`,
          );
      }
  }
  /** Throws where an update cannot leave this item. */
  checkUpdated(item: Attributes): void {
    if (itemSize(item) > LARGEST_ITEM)
      throw invalid('Item size to update has exceeded the maximum allowed size');
    this.checkIndexKeys(item);
  }
}

function keyed(schema: readonly KeySchemaElement[] = []): Keyed {
  const [hash, range] = ['HASH', 'RANGE'].map(
    (type) => schema.find(({ KeyType }) => KeyType === type)?.AttributeName,
  );
  if (hash === undefined || range === undefined)
    throw new Error('the sandbox has tables with both keys only');
  return { hash, range, partitions: new Map() };
}

function valueAt(item: Attributes, name: string): AttributeValue {
  const value = item[name];
  if (!value) throw invalid('The provided starting key is invalid');
  return value;
}

const partition = ({ partitions, hash }: Keyed, item: Attributes): Sorted | undefined =>
  partitions.get(valueAt(item, hash).S ?? '');

function open(at: Keyed, item: Attributes): Sorted {
  const found = partition(at, item);
  if (found) return found;
  const made = new Sorted();
  at.partitions.set(valueAt(item, at.hash).S ?? '', made);
  return made;
}

function projection({ projected }: Index, item: Attributes): Attributes {
  const found: Record<string, AttributeValue> = Object.create(null);
  for (const name of projected) {
    const value = item[name];
    if (value) found[name] = value;
  }
  return found;
}

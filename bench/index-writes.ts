/** What a write to the table writes into its indexes, as DynamoDB bills and limits it. */
import { z } from 'zod';
import { TABLE_DEFINITION } from '../core/table/table-definition.ts';

export type Item = Readonly<Record<string, unknown>>;

/** Write units of an item, one for each kilobyte begun. */
export const unitsOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / 1024));

const shown = z.object({
  NonKeyAttributes: z.array(z.string()),
});

/** What an index shows of a record, and under which keys; undefined where it is not in the index. */
function entryOf(index: (typeof TABLE_DEFINITION.GlobalSecondaryIndexes)[number], item: Item | undefined) {
  if (item === undefined) return undefined;
  const keys = index.KeySchema.map(({ AttributeName }) => item[AttributeName]);
  if (keys.some((key) => key === undefined)) return undefined;
  const { NonKeyAttributes } = shown.parse(index.Projection);
  return { keys: JSON.stringify(keys), text: JSON.stringify(NonKeyAttributes.map((name) => item[name])) };
}

/** The part of an index that is written, and with how many units. */
export interface IndexWrite {
  readonly index: string;
  /** Its partition key. */
  readonly partition: string;
  readonly units: number;
}

/** Returns what becomes of the indexes where `after` takes the place of `before`. */
export function indexWrites(before: Item | undefined, after: Item | undefined): readonly IndexWrite[] {
  return TABLE_DEFINITION.GlobalSecondaryIndexes.flatMap((index) => {
    const { IndexName, KeySchema } = index;
    const [hash] = KeySchema;
    const at = (item: Item | undefined) => String(item?.[hash?.AttributeName ?? '']);
    const [was, is] = [entryOf(index, before), entryOf(index, after)];
    if (was && is && was.keys === is.keys && was.text === is.text) return [];
    const put = is
      ? [{ index: IndexName, partition: at(after), units: unitsOf(Buffer.byteLength(is.text)) }]
      : [];
    const gone = was && was.keys !== is?.keys ? [{ index: IndexName, partition: at(before), units: 1 }] : [];
    return [...gone, ...put];
  });
}

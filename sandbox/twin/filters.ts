/** EC2's filters: every one must fit, any of its values will do. */
import type { TwinCall } from './twin.ts';

interface Filter {
  readonly Name: string;
  readonly Values: readonly string[];
}
type Fields = Readonly<Record<string, string | readonly string[] | null>>;

/** Keeps what fits every filter; a filter the twin does not know throws instead of matching everything. */
export function filtered<T>(
  items: readonly T[],
  input: TwinCall['input'],
  fields: (item: T) => Fields,
  tags?: (item: T) => Record<string, string>,
): T[] {
  const filters = (input['Filters'] ?? input['Filter'] ?? []) as readonly Filter[];
  return items.filter((item) =>
    filters.every(({ Name, Values }) => {
      const all = fields(item);
      const tag = Name.startsWith('tag:') ? [tags?.(item)[Name.slice(4)] ?? ''] : undefined;
      if (Name === 'tag-key' && tags) return Values.some((key) => Object.hasOwn(tags(item), key));
      if (tag === undefined && !(Name in all)) throw new Error(`the twin does not know the filter ${Name}`);
      const found = tag ?? [all[Name] ?? []].flat();
      return found.some((value) => Values.includes(value));
    }),
  );
}

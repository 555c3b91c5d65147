/** What takes two people: the first one's word is good for a quarter of an hour, and the same person twice is one. */

/** A second person has this long to agree. */
const AGREE_MS = 15 * 60_000;

export type TwoPeople =
  | { readonly kind: 'agreed'; readonly first: string }
  /** `again`: the same person, whose word counts from when it was first given. */
  | { readonly kind: 'asked'; readonly since: string; readonly until: string; readonly again: boolean };

/** Returns what `by` adds to what was asked before, `before` being the one whose word the record holds. */
export function secondOfTwo(
  before: { readonly by: string | undefined; readonly at: string | undefined },
  by: string,
  now: Date,
): TwoPeople {
  const { by: first, at } = before;
  const open = at !== undefined && now.getTime() - Date.parse(at) < AGREE_MS;
  if (open && first !== undefined && first !== by) return { kind: 'agreed', first };
  const again = open && first === by;
  const since = again && at !== undefined ? at : now.toISOString();
  return { kind: 'asked', since, until: new Date(Date.parse(since) + AGREE_MS).toISOString(), again };
}

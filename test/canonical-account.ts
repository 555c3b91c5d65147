/** Accounts compared by what is in them, not by the ids and the order that things got. */

/**
 * The account with ids made since `born` named by what they stand for, and lists in an order of their own: steps that run
 * together make things in any order.
 */
export function canonical(account: unknown, born: number): unknown {
  const isNew = (id: string) => Number.parseInt(id.slice(id.lastIndexOf('-') + 1), 16) > born;
  const masked = (value: unknown) =>
    JSON.stringify(value).replace(/[a-z]+-[0-9a-f]{17}/g, (id) => (isNew(id) ? 'new' : id));
  const byMask = (a: unknown, b: unknown) => (masked(a) < masked(b) ? -1 : 1);
  const ordered = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(ordered).sort(byMask);
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, ordered(member)]));
  };
  const names = new Map<string, string>();
  const learn = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, member] of Object.entries(value)) {
      const made = /Id$/.test(key) && typeof member === 'string' && /-[0-9a-f]{17}$/.test(member);
      if (made && isNew(member) && !names.has(member)) names.set(member, masked(ordered(value)));
      learn(member);
    }
  };
  learn(account);
  const canonical = (value: unknown): unknown => {
    if (typeof value === 'string') return names.get(value) ?? value;
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(canonical).sort(byMask);
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [names.get(key) ?? key, canonical(member)]),
    );
  };
  return canonical(account);
}

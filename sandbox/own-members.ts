/** `Object.fromEntries(Object.entries(value).map(…))`, several times as fast: most of what the sandbox does is to copy. */

/** Returns an object with the same names and what `change` makes of each member. A name such as `__proto__` is a name. */
export function ownMembers(
  value: object,
  change: (member: unknown, name: string) => unknown,
): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const given = change(member, name);
    if (name !== '__proto__') copy[name] = given;
    else
      Object.defineProperty(copy, name, {
        ...{ value: given, enumerable: true, writable: true, configurable: true },
      });
  }
  return copy;
}

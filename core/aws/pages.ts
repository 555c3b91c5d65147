/** Every item of a paginated answer. */
export async function allPages<T>(
  fetch: (
    token: string | undefined,
  ) => Promise<{ items: readonly T[] | undefined; next: string | undefined }>,
): Promise<T[]> {
  const all: T[] = [];
  let token: string | undefined;
  do {
    const { items, next } = await fetch(token);
    all.push(...(items ?? []));
    token = next || undefined;
  } while (token !== undefined);
  return all;
}

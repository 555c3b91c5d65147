/** `*` matches any run of characters, everything else stands for itself; the whole text must match. */
export function compileGlob(pattern: string): (text: string) => boolean {
  if (!pattern.includes('*')) return (text) => text === pattern;
  const source = pattern
    .split(/\*+/)
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  const form = new RegExp(`^${source}$`, 's');
  return (text) => form.test(text);
}

export function compileGlobs(patterns: readonly string[]): (text: string) => boolean {
  const matchers = patterns.map(compileGlob);
  return (text) => matchers.some((matches) => matches(text));
}

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

/** Texts come from outside: a stream of made-up ones must not fill the memory. */
const REMEMBERED = 2000;

/** The same answer for the same text without asking again; for few texts that come often, such as finding types. */
export function remembered(matches: (text: string) => boolean): (text: string) => boolean {
  const answers = new Map<string, boolean>();
  return (text) => {
    const known = answers.get(text);
    if (known !== undefined) return known;
    const answer = matches(text);
    if (answers.size < REMEMBERED) answers.set(text, answer);
    return answer;
  };
}

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

/** Texts come from outside: neither many made-up ones nor long ones may fill the memory. */
const REMEMBERED = 2000;
const LONGEST_REMEMBERED = 200;

/** Returns the same answer for the same text without asking again; for few texts that come often, such as finding types. */
export function remembered<T extends NonNullable<unknown>>(
  answerTo: (text: string) => T,
): (text: string) => T {
  const answers = new Map<string, T>();
  return (text) => {
    const known = answers.get(text);
    if (known !== undefined) return known;
    const answer = answerTo(text);
    if (answers.size < REMEMBERED && text.length <= LONGEST_REMEMBERED) answers.set(text, answer);
    return answer;
  };
}

/**
 * Names as resource patterns of a session policy. An uploader chooses the key of an object: what IAM reads as a wildcard or a
 * variable is escaped, and what the text of a policy cannot hold becomes `?`.
 */

/**
 * What AssumeRole takes in `Policy` but for tab and line ends, which JSON text holds as escapes only. No source proves that
 * IAM reads `\u` escapes, so none is written.
 */
const WRITABLE = /[\x20-\xff]/;
/** Each takes up more than one character when it is written exactly. */
const COSTLY = /[*?$"\\]/;

/**
 * The patterns that match exactly this name, or one character for each that cannot be written. Two patterns where `?` may mean
 * a character or a UTF-16 unit of it: AWS does not say which [M-LAB].
 */
export function exactPatterns(name: string): readonly string[] {
  const written = (unknown: (character: string) => string) =>
    [...name]
      .map((character) => {
        if (!WRITABLE.test(character)) return unknown(character);
        return /[*?$]/.test(character) ? `\${${character}}` : character;
      })
      .join('');
  return [...new Set([written(() => '?'), written(({ length }) => '?'.repeat(length))])];
}

export const isExact = (patterns: readonly string[]): boolean =>
  patterns.length === 1 && patterns.every((pattern) => !/[*?]/.test(pattern.replace(/\$\{[*?$]\}/g, '')));

/** A shorter pattern that matches the name: one wildcard for each costly character, cut off after `most` characters. */
export function shortPattern(name: string, most = Number.POSITIVE_INFINITY): string {
  const characters = [...name].map((character) => {
    if (character.length > 1) return '*';
    return COSTLY.test(character) || !WRITABLE.test(character) ? '?' : character;
  });
  const kept = Math.max(most, headOf(name));
  const text = characters.length > kept ? `${characters.slice(0, kept).join('')}*` : characters.join('');
  return text.replace(/\*+/g, '*');
}

/** Bucket, type of resource or the like: what is never cut off. All of a name without parts. */
const headOf = (name: string): number => /^(?:[^:]*:){5}[^:/]*[:/]/.exec(name)?.[0].length ?? name.length;

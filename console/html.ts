/**
 * Control, format and direction characters as their code: nothing of an attacker's text is invisible, turns the line
 * around or reaches a terminal. Line feeds stay.
 */
export const visible = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (char) =>
    char === '\n'
      ? '\n'
      : Array.from({ length: char.length }, (_, index) => escaped(char.charCodeAt(index))).join(''),
  );
const escaped = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;

/** HTML text: markup escaped, what cannot be seen shown as its code. */
export const html = (text: string): string =>
  visible(text).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

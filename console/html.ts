/** HTML text: markup escaped, control characters and direction marks shown as their code. */
export const html = (text: string): string =>
  text
    .replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (char) =>
      char === '\n' ? '\n' : `\\u${char.codePointAt(0)?.toString(16).padStart(4, '0')}`,
    )
    .replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

/** What a reader cannot see in a text of others: control, format, direction and tag characters, selectors and fillers. */

/**
 * Variation selectors 15 and 16 are left out: they choose between the two forms of an emoji, and Firebreak writes them itself.
 * Default_Ignorable_Code_Point covers what Unicode lets a font draw as nothing, which is more than its format characters.
 */
export const INVISIBLE =
  /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]|(?![\ufe0e\ufe0f])\p{Default_Ignorable_Code_Point}/gu;

/** Returns the text with its invisible characters as their code, as JSON writes them. Line feeds stay. */
export const visible = (text: string): string =>
  text.replace(INVISIBLE, (char) =>
    char === '\n'
      ? '\n'
      : Array.from({ length: char.length }, (_, index) => escaped(char.charCodeAt(index))).join(''),
  );
const escaped = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;

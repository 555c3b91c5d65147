/** Untrusted text for Slack: escaped, without control characters, cut with a visible mark. */

/** Slack's own limits, in characters [S24]. */
export const LIMITS = {
  blocks: 50,
  section: 3000,
  field: 2000,
  fields: 10,
  header: 150,
  /** Of a context block and of an actions block. */
  contextElements: 10,
  elements: 25,
  button: 75,
  value: 2000,
  id: 255,
  confirmTitle: 100,
  confirm: 300,
  confirmButton: 30,
  /** Text, and description, of a choice; its value. */
  option: 75,
  optionValue: 75,
  selectOptions: 100,
  overflowOptions: 5,
  checkboxes: 10,
  placeholder: 150,
  label: 2000,
  input: 3000,
  viewBlocks: 100,
  viewTitle: 24,
  viewBytes: 250_000,
  metadata: 3000,
  /** `text` of a message, beside its blocks. */
  message: 40_000,
} as const;

/**
 * `&`, `<` and `>` are what Slack's markup is made of: escaped, no mention, link or channel call can be injected.
 * Emphasis marks get a zero-width space so that a user agent cannot restyle the card; control characters, among them
 * right-to-left overrides, are shown as their code.
 */
export function untrusted(text: string): string {
  return text
    .replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (char) =>
      char === '\n' ? '\n' : `\\u${char.codePointAt(0)?.toString(16).padStart(4, '0')}`,
    )
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/([*_~`])/g, '$1\u200b');
}

/** At most `limit` characters, with a mark that something was cut; never in the middle of an escape. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const mark = '… (cut)';
  return `${text.slice(0, limit - mark.length).replace(/&[a-z]*$|[\ud800-\udbff]$/, '')}${mark}`;
}

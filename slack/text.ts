/** Untrusted text for Slack: escaped, without control characters, cut with a visible mark. */
import { visible } from '../core/invisible.ts';

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
  /** Text in the place of an image; and its title. */
  altText: 2000,
  /** `text` of a message, next to its blocks. */
  message: 40_000,
} as const;

/** `&`, `<` and `>` are what Slack's markup is made of: escaped, no mention, link or channel call can be injected. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Looks like a backtick and begins no code. */
const NO_BACKTICK = '\u02cb';

/**
 * Prose of others. Emphasis marks get a zero-width space so that a user agent cannot restyle the card; what must be copied
 * exactly stands in code marks instead.
 */
export const untrusted = (text: string): string =>
  escaped(visible(text))
    .replaceAll('`', NO_BACKTICK)
    .replace(/([*_~])/g, '$1\u200b');

/**
 * An ARN, id or address of others, in code marks: nothing in it is styled, and what is copied off a phone is exactly
 * what it says. Only a backtick could end it early.
 */
/** Opens a message in Slack, whatever the workspace is called. */
export const messageUrl = ({ channel, ts }: { readonly channel: string; readonly ts: string }): string =>
  `https://slack.com/app_redirect?${new URLSearchParams({ channel, message_ts: ts })}`;

export const code = (text: string): string =>
  `\`${escaped(visible(text).replaceAll('\n', '\\n')).replaceAll('`', NO_BACKTICK) || '-'}\``;

/** Lines of others as they are, in a code block. Escaped, not cut: see `chunks`. */
export const preformatted = (text: string): string => escaped(visible(text)).replaceAll('`', NO_BACKTICK);

/** At most `limit` characters, with a mark that something was cut; never in the middle of an escape. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  // A code mark that was opened is closed again, or the rest of the message would be in code.
  const head = whole(text.slice(0, limit - MARK.length - 1));
  const open = (head.match(/`/g) ?? []).length % 2 === 1 ? '`' : '';
  return `${head}${open}${MARK}`;
}
const MARK = '… (cut)';

/** At most `limit` characters with the middle left out: names that begin alike end differently. Before escaping. */
export function middle(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const half = Math.floor((limit - 1) / 2);
  return `${text.slice(0, half).replace(/[\ud800-\udbff]$/, '')}…${text.slice(-half).replace(/^[\udc00-\udfff]/, '')}`;
}

/** Escaped text in pieces of at most `limit` characters, no escape or character divided. */
export function chunks(text: string, limit: number): readonly string[] {
  const pieces: string[] = [];
  for (let rest = text; rest !== ''; ) {
    let piece = rest.length <= limit ? rest : whole(rest.slice(0, limit));
    const line = piece.lastIndexOf('\n');
    if (piece.length < rest.length && line > limit / 2) piece = piece.slice(0, line + 1);
    pieces.push(piece);
    rest = rest.slice(piece.length);
  }
  return pieces;
}

/** Without the begun escape, half character or half link at its end. */
const whole = (text: string): string => text.replace(/<[^>]*$|&[a-z]{0,3}$|[\ud800-\udbff]$/, '');

/** Slack shows each reader their own time zone; the fallback is UTC. */
export function when(iso: string): string {
  const seconds = Math.floor(Date.parse(iso) / 1000);
  if (!Number.isFinite(seconds)) return untrusted(iso);
  return `<!date^${seconds}^{date_short_pretty} {time}|${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC>`;
}

/** A Slack user's id. */
export const isUser = (id: string): boolean => /^[UW][A-Z0-9]+$/.test(id);

/** Slack ids become mentions; anything else is text. */
export function person(id: string): string {
  if (isUser(id)) return `<@${id}>`;
  return /^S[A-Z0-9]+$/.test(id) ? `<!subteam^${id}>` : untrusted(id);
}

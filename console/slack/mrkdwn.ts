/** Slack's markup as HTML: what Slack would show for a text, with every string of others escaped for HTML again. */
import { html } from '../html.ts';

export type NameOf = (id: string) => string;

/** `text` of a mrkdwn object. Code first, since nothing inside code is markup. */
export function mrkdwn(text: string, nameOf: NameOf): string {
  return text
    .split(/(```[\s\S]*?```)/)
    .map((part) =>
      part.startsWith('```') && part.length >= 6
        ? `<pre tabindex="0">${html(plainly(part.slice(3, -3).replace(/^\n|\n$/g, '')))}</pre>`
        : part
            .split(/(`[^`\n]+`)/)
            .map((piece) =>
              /^`[^`\n]+`$/.test(piece)
                ? `<code>${html(plainly(piece.slice(1, -1)))}</code>`
                : inline(piece, nameOf),
            )
            .join(''),
    )
    .join('');
}

/** Slack's entities undone. */
const plainly = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&').replaceAll('\u200b', '');

function inline(text: string, nameOf: NameOf): string {
  return text
    .split(/(<[^<>]+>)/)
    .map((part) => (/^<[^<>]+>$/.test(part) ? token(part.slice(1, -1), nameOf) : emphasis(part)))
    .join('');
}

/** What stands between `<` and `>`: a mention, a time or a link. */
function token(inner: string, nameOf: NameOf): string {
  const [target = '', label] = [inner.split('|')[0], inner.split('|')[1]];
  const [, user] = /^@([UW][A-Z0-9]+)$/.exec(target) ?? [];
  if (user) return `<span class="mention">@${html(nameOf(user))}</span>`;
  const [, group] = /^!subteam\^(S[A-Z0-9]+)$/.exec(target) ?? [];
  if (group) return `<span class="mention">@${html(nameOf(group))}</span>`;
  const [, seconds] = /^!date\^(\d+)\^/.exec(target) ?? [];
  if (seconds) return time(new Date(Number(seconds) * 1000));
  if (/^https?:\/\//.test(target)) {
    return `<a href="${html(plainly(target))}" rel="noreferrer noopener" target="_blank">${html(plainly(label ?? target))}</a>`;
  }
  return html(plainly(`<${inner}>`));
}

const SHORT = new Intl.DateTimeFormat('en-GB', {
  ...{ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', timeZone: 'UTC' },
});
export const time = (at: Date): string =>
  `<time datetime="${at.toISOString()}" title="UTC">${html(SHORT.format(at))}</time>`;

/** The names of emoji that Firebreak writes; Slack knows hundreds. */
const EMOJI: Readonly<Record<string, string>> = { octagonal_sign: '🛑', rotating_light: '🚨' };
const emoji = (text: string): string =>
  text.replace(
    /:([a-z_]+):/g,
    (whole, name: string) => (Object.hasOwn(EMOJI, name) ? EMOJI[name] : undefined) ?? whole,
  );

/** A mark that the app broke with a zero-width space is text. */
function emphasis(text: string): string {
  return text
    .split(/(\*(?!\u200b)[^*\n]+\*(?!\u200b))/)
    .map((part) =>
      /^\*(?!\u200b)[^*\n]+\*$/.test(part)
        ? `<strong>${italics(emoji(part.slice(1, -1)))}</strong>`
        : italics(emoji(part)),
    )
    .join('')
    .replaceAll('\n', '<br>');
}
const italics = (text: string): string =>
  text
    .split(/(\b_(?!\u200b)[^_\n]+_(?!\u200b)\b|(?<=^|\s)_(?!\u200b)[^_\n]+_(?=$|\s|[.,]))/)
    .map((part) =>
      /^_(?!\u200b)[^_\n]+_$/.test(part)
        ? `<em>${html(plainly(part.slice(1, -1)))}</em>`
        : html(plainly(part)),
    )
    .join('');

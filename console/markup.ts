/** HTML from templates: every value is escaped unless it is markup already, so that a forgotten escape is impossible. */
import { html } from './html.ts';

export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

export type Value = string | number | Markup | readonly Value[] | undefined | null | false;

/** `markup`<p>${text}</p>``: text is escaped, markup and lists of it are taken as they are, nothing is left out. */
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  let text = parts[0] ?? '';
  values.forEach((value, index) => {
    text += written(value) + (parts[index + 1] ?? '');
  });
  return new Markup(text);
}

function written(value: Value): string {
  if (value === undefined || value === null || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(written).join('');
  return html(String(value));
}

/** May wrap where a person would break it: ARNs and finding types are longer than a column. */
export const breakable = (text: string): Markup =>
  new Markup(html(text).replace(/([:/.-])(?!$)/g, '$1<wbr>'));

import { describe, expect, it } from 'vitest';
import { plainText } from '../cli/terminal.ts';
import { html } from '../console/html.ts';
import { visible } from '../core/invisible.ts';
import { code, preformatted, untrusted } from '../slack/text.ts';

/** Characters that hide text from a reader, and from nothing that copies or parses it. */
const HIDING: Readonly<Record<string, string>> = {
  'tag space': '\u{e0020}',
  'tag letter': '\u{e0041}',
  'language tag': '\u{e0001}',
  'variation selector 17': '\u{e0100}',
  'variation selector 1': '\ufe00',
  'zero-width joiner': '\u200d',
  'word joiner': '\u2060',
  'soft hyphen': '\u00ad',
  'Arabic letter mark': '\u061c',
  'combining grapheme joiner': '\u034f',
  'Hangul filler': '\u3164',
  'Mongolian vowel separator': '\u180e',
  'line separator': '\u2028',
  'right-to-left override': '\u202e',
  'right-to-left isolate': '\u2067',
  'interlinear annotation': '\ufff9',
  escape: '\u001b',
  'half of a pair': '\udc20',
};

describe('invisible characters', () => {
  it.each(Object.entries(HIDING))('shows %s as its code wherever text is shown', (_, char) => {
    const codes = [...Array(char.length).keys()].map(
      (at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`,
    );
    for (const show of [visible, untrusted, code, preformatted, html]) {
      const shown = show(`a${char}b`);
      expect(shown).not.toContain(char);
      expect(shown).toContain(`a${codes.join('')}b`);
    }
    expect(plainText(`a${char}b`)).not.toContain(char);
  });

  it('leaves line feeds, letters of every script and the form of an emoji alone', () => {
    for (const text of ['a\nb', 'Zoë', '名前', 'שלום', 'ｱ', '⚠️', '😀']) expect(visible(text)).toBe(text);
  });
});

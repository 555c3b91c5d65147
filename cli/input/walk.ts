/**
 * One walk along the grammar of JSON from an opening bracket: where its value ends, or where it breaks. A walk that breaks
 * also knows which values inside it are complete, because a finding may stand whole in a document that was cut.
 */

/** A value that is complete although the document around it may not be. Positions are offsets into the text. */
export type Complete =
  | { readonly kind: 'value'; start: number; end: number }
  /** A text member, from its key on: it may carry a finding as JSON or base64. */
  | { readonly kind: 'member'; start: number; end: number }
  /** A brace at the end of a text: where a document was cut inside a text, the next document begins here. */
  | { readonly kind: 'brace'; start: number; end: number };

interface Container {
  start: number;
  readonly object: boolean;
  /** How many complete values stood before it: those inside a complete container are part of it. */
  readonly before: number;
}

type Expects = 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'next' | 'key text' | 'text';

export type Outcome = 'more' | 'whole' | 'broken';

const LITERAL = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|NaN|-?Infinity/y;
const LITERAL_MAY_GO_ON = /[-+.\w]*$/y;
/** A text shorter than this carries no finding. */
const SHORTEST_CARRIER = 60;

export class Walk {
  /** Where the value starts. */
  start: number;
  /** How far it was followed: the end of a whole value, or where a broken one breaks. */
  at: number;
  /** NaN, NUL bytes or control characters, which JSON.parse does not take. */
  loose = false;
  readonly open: Container[] = [];
  readonly complete: Complete[] = [];
  #expects: Expects = 'value';
  #text = 0;
  #key = 0;

  constructor(start: number) {
    this.start = start;
    this.at = start;
  }

  /** A walk that stands behind the first member of an object: the rest of an answer whose list was taken apart. */
  static behindMember(at: number): Walk {
    const walk = new Walk(at);
    walk.open.push({ start: at, object: true, before: 0 });
    walk.#expects = 'next';
    return walk;
  }

  /** Moves every position `by` characters to the front, as the text before them is dropped. */
  shift(by: number): void {
    this.start -= by;
    this.at -= by;
    this.#text -= by;
    this.#key -= by;
    for (const container of this.open) container.start -= by;
    for (const value of this.complete) {
      value.start -= by;
      value.end -= by;
    }
  }

  /** Goes on as far as the text reaches; `ended` says that no more will come. */
  follow(text: string, ended: boolean): Outcome {
    while (this.at < text.length) {
      const outcome =
        this.#expects === 'text' || this.#expects === 'key text'
          ? this.#insideText(text, ended)
          : this.#token(text, ended);
      if (outcome !== undefined) return outcome;
    }
    return ended ? 'broken' : 'more';
  }

  #token(text: string, ended: boolean): Outcome | undefined {
    const char = text.charCodeAt(this.at);
    if (char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09) {
      this.at += 1;
      return undefined;
    }
    if (char === 0) {
      if (isHole(text, this.at)) return 'broken';
      this.loose = true;
      this.at += 1;
      return undefined;
    }
    switch (this.#expects) {
      case 'first key':
        if (char === 0x7d) return this.#close();
        return this.#startText(char, 'key text');
      case 'key':
        return this.#startText(char, 'key text');
      case 'colon':
        if (char !== 0x3a) return 'broken';
        this.#step('value');
        return undefined;
      case 'next':
        return this.#next(char);
      case 'first value':
        if (char === 0x5d) return this.#close();
        return this.#value(text, char, ended);
      default:
        return this.#value(text, char, ended);
    }
  }

  #next(char: number): Outcome | undefined {
    const object = this.open.at(-1)?.object === true;
    if (char === 0x2c) this.#step(object ? 'key' : 'value');
    else if (char === (object ? 0x7d : 0x5d)) return this.#close();
    else return 'broken';
    return undefined;
  }

  #value(text: string, char: number, ended: boolean): Outcome | undefined {
    if (char === 0x22) return this.#startText(char, 'text');
    if (char === 0x7b || char === 0x5b) {
      const object = char === 0x7b;
      this.open.push({ start: this.at, object, before: this.complete.length });
      this.#step(object ? 'first key' : 'first value');
      return undefined;
    }
    LITERAL_MAY_GO_ON.lastIndex = this.at;
    if (!ended && LITERAL_MAY_GO_ON.test(text)) return 'more';
    LITERAL.lastIndex = this.at;
    const [literal] = LITERAL.exec(text) ?? [];
    if (literal === undefined) return 'broken';
    if (literal === 'NaN' || literal.endsWith('y')) this.loose = true;
    this.at += literal.length;
    return this.#ended();
  }

  #step(expects: Expects): void {
    this.at += 1;
    this.#expects = expects;
  }

  #startText(char: number, expects: 'text' | 'key text'): Outcome | undefined {
    if (char !== 0x22) return 'broken';
    this.#text = this.at;
    if (expects === 'key text') this.#key = this.at;
    this.#step(expects);
    return undefined;
  }

  #insideText(text: string, ended: boolean): Outcome | undefined {
    let at = this.at;
    for (; at < text.length; at++) {
      const char = text.charCodeAt(at);
      if (char === 0x22) break;
      if (char === 0x5c) {
        const next = text.charCodeAt(at + 1);
        const length = next === 0x75 ? 6 : 2;
        if (at + length > text.length) {
          this.at = ended ? text.length : at;
          return ended ? 'broken' : 'more';
        }
        const escaped = text.slice(at, at + length);
        if (!/^\\(?:["\\/bfnrt]|u[\da-fA-F]{4})$/.test(escaped)) return this.#brokenAt(text, at);
        at += length - 1;
      } else if (char < 0x20) {
        // A line or a record that ends inside a text was cut; other control characters only JSON.parse refuses.
        if (char === 0x0a || char === 0x0d || char === 0x1e || isHole(text, at))
          return this.#brokenAt(text, at);
        this.loose = true;
      }
    }
    this.at = at;
    if (at === text.length) return ended ? 'broken' : 'more';
    this.#braceBefore(text, at);
    const key = this.#expects === 'key text';
    this.at += 1;
    if (key) {
      this.#expects = 'colon';
      return undefined;
    }
    if (this.open.at(-1)?.object === true && at - this.#text >= SHORTEST_CARRIER)
      this.complete.push({ kind: 'member', start: this.#key, end: this.at });
    return this.#ended();
  }

  #brokenAt(text: string, at: number): 'broken' {
    this.at = at;
    this.#braceBefore(text, at);
    return 'broken';
  }

  #braceBefore(text: string, at: number): void {
    const brace = lastBrace(text, this.#text, at);
    if (brace !== undefined) this.complete.push({ kind: 'brace', start: brace, end: brace });
  }

  #close(): Outcome | undefined {
    this.at += 1;
    const closed = this.open.pop();
    if (closed) {
      this.complete.length = closed.before;
      this.complete.push({ kind: 'value', start: closed.start, end: this.at });
    }
    return this.#ended();
  }

  /** A value has ended; it is the whole one where nothing is open around it. */
  #ended(): Outcome | undefined {
    this.#expects = 'next';
    return this.open.length === 0 ? 'whole' : undefined;
  }
}

/** One NUL byte is passed over; from the second on it is a hole, and what stands behind it may be of another document. */
const isHole = (text: string, at: number): boolean =>
  text.charCodeAt(at) === 0 && text.charCodeAt(at - 1) === 0;

/** The brace that a text ends in, save for whitespace. */
function lastBrace(text: string, from: number, to: number): number | undefined {
  let at = to - 1;
  while (at > from && (text.charCodeAt(at) === 0x20 || text.charCodeAt(at) === 0x09)) at -= 1;
  return at > from && text.charCodeAt(at) === 0x7b ? at : undefined;
}

/** Parses a whole value; `loose` where NaN, NUL bytes or control characters stand in it. */
export function parseWhole(text: string, loose: boolean): unknown {
  return JSON.parse(loose ? strict(text) : text);
}

/** NaN and the infinities as null, NUL bytes as whitespace, control characters in texts as JSON writes them. */
const strict = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"|NaN|-?Infinity|\0/gs, (part) => {
    if (part === '\0') return ' ';
    if (!part.startsWith('"')) return 'null';
    return part.replace(
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
      /[\u0000-\u001f]/g,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  });

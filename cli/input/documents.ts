/**
 * The JSON documents in a stream of text, however they are framed: one a line, one after the other, pretty-printed, members
 * of a list or of a GetFindings answer of any length, after a log prefix, behind record separators. Damage costs what is
 * damaged: reading goes on at the next document, and each damaged part is one problem with its place.
 */
import { type Complete, parseWhole, Walk } from './walk.ts';

/** A single document longer than this is not a finding. */
const LONGEST = 64 * 1024 * 1024;
/** A line is waited for up to this; then its documents are taken as they come, so that a file of one line needs no memory. */
const LONGEST_WAIT = 256 * 1024;
/** Enough to tell a list or a GetFindings answer by its beginning. */
const BEGINNING = 256;

const ANSWER = /\{\s*"[Ff]indings"\s*:\s*\[/y;
const LIST = /\[\s*(?:[[{\]]|"|(?:null|true|false|-?\d+(?:\.\d+)?)\s*,)/y;
/** In a log prefix, `app[7]` and `[]` are no lists. */
const LIST_BEHIND_TEXT = /\[\s*\{\s*"/y;
/** A log prefix is shorter than this. */
const LONGEST_PREFIX = 4096;
/** What may stand behind the brace that opens a document, or that was left of one. */
const BEHIND_BRACE = new Set(['', ' ', '\t', '\n', '\r', '\0', '\u001e', '"', '}', '{', '[']);
const SEPARATORS = new Set([0x20, 0x09, 0x0b, 0x0c, 0x2c, 0xfeff]);
const HEAD = /\{[\s\0]*"[^"\\]{1,60}"/y;

interface Problem {
  readonly problem: string;
  /** Both from 1; a column is a character. */
  readonly line: number;
  readonly column: number;
}
export type Part = { readonly value: unknown } | Problem;

/** What a stream may be in the middle of. */
type Around = 'nothing' | 'list' | 'answer' | 'tail';

interface Place {
  readonly line: number;
  readonly column: number;
}

export class Documents {
  /** Whether a value, or something in it, is worth saving from a damaged document. */
  readonly #worth: (value: unknown) => boolean;
  readonly #out: Part[] = [];
  #text = '';
  #pending: string[] = [];
  #pendingLength = 0;
  #ended = false;
  #at = 0;
  /** Line and column of a position that only moves forward. */
  #mark = { at: 0, line: 1, column: 1 };
  #before = 0x0a;
  #lineFeeds = false;
  #around: Around = 'nothing';
  #listAt: Place = { line: 1, column: 1 };
  /** A damaged list may lack its commas and its end: that was said once. */
  #listDamaged = false;
  #afterMember = false;
  #walk: Walk | undefined;
  /** What the walk is over: the rest of an answer, or a document that may begin inside a text of a damaged one. */
  #walks: 'document' | 'tail' | 'saved' = 'document';
  /** Between damage and the next document. */
  #damaged = false;
  /** Closing brackets may be left over from what was damaged. */
  #leftovers = false;
  /** Text that is not JSON: a problem of its own unless a document on the same line follows it. */
  #stray: { readonly from: number; readonly place: Place; readonly lineStart: boolean } | undefined;
  /** What may be saved from the damaged document, in order. */
  #saved: Complete[] = [];
  /** Openings that are known to break. */
  readonly #broken = new Set<number>();
  /** How documents of this stream begin: `{"schemaVersion"`. */
  #head: string | undefined;
  #nuls: { count: number; readonly place: Place } | undefined;
  /** Why the input broke off, while that is worked off. */
  #reason: string | undefined;
  #problems = 0;
  #found = 0;

  constructor(worth: (value: unknown) => boolean) {
    this.#worth = worth;
  }

  /** The documents that end in this text, each as it is read: what was parsed of a million of them is not kept. */
  push(text: string): Iterable<Part> {
    this.#pending.push(text);
    this.#pendingLength += text.length;
    // A long document is looked at again only when it has grown by half, or joining its pieces would take forever.
    if (this.#pendingLength >= Math.min(this.#text.length, LONGEST) / 2 || this.#text.length < 1 << 20) {
      this.#join();
      return this.#advance();
    }
    return [];
  }

  /** The input broke off here for a reason of its own: what was begun is damaged, what follows is a new beginning. */
  interrupt(problem: string): Generator<Part> {
    return this.#finish(problem);
  }

  *end(): Generator<Part> {
    yield* this.#finish(undefined);
    if (this.#found === 0) yield { problem: 'empty: there is no finding in it', line: 1, column: 1 };
  }

  #join(): void {
    const text = this.#pending.length === 1 ? (this.#pending[0] ?? '') : this.#pending.join('');
    this.#pending = [];
    this.#pendingLength = 0;
    this.#text = this.#text === '' ? text : this.#text + text;
    if (!this.#lineFeeds) this.#lineFeeds = text.includes('\n');
  }

  *#finish(reason: string | undefined): Generator<Part> {
    const problems = this.#problems;
    this.#join();
    this.#ended = true;
    this.#reason = reason;
    yield* this.#advance();
    this.#strayEnds();
    this.#nulsEnd();
    const { line, column } = this.#listAt;
    const here = this.#place(this.#text.length);
    if ((this.#around === 'list' || this.#around === 'answer') && !this.#listDamaged)
      this.#problem(
        `${reason ?? 'JSON ends early'}; the list is not closed: it starts at line ${line}, column ${column}`,
        here,
      );
    else if (reason !== undefined && this.#problems === problems) this.#problem(reason, here);
    yield* this.#given();
    this.#drop(this.#text.length);
    this.#ended = false;
    this.#reason = undefined;
    this.#around = 'nothing';
    this.#listDamaged = false;
    this.#afterMember = false;
    this.#damaged = false;
    this.#before = 0x0a;
  }

  /** Reads on until the text is used up or more of it is needed. */
  *#advance(): Generator<Part> {
    for (;;) {
      for (let part = this.#out.shift(); part !== undefined; part = this.#out.shift()) yield part;
      if (this.#walk) {
        if (!this.#follow(this.#walk)) break;
      } else if (this.#saved.length > 0) this.#save();
      else if (this.#at >= this.#text.length || !this.#begin()) break;
    }
    yield* this.#given();
    if (this.#saved.length === 0)
      this.#drop(Math.min(this.#at, this.#walk?.start ?? this.#at, this.#stray?.from ?? this.#at));
  }

  #drop(count: number): void {
    if (count <= 0) return;
    this.#place(count);
    this.#before = this.#text.charCodeAt(count - 1);
    this.#text = this.#text.slice(count);
    this.#at = Math.max(0, this.#at - count);
    this.#mark.at -= count;
    this.#walk?.shift(count);
    if (this.#stray) this.#stray = { ...this.#stray, from: this.#stray.from - count };
    if (this.#broken.size === 0) return;
    const ahead = [...this.#broken].filter((at) => at >= count);
    this.#broken.clear();
    for (const at of ahead) this.#broken.add(at - count);
  }

  // --- where something begins ---

  /** Takes what stands at the position; false where more text is needed to tell. */
  #begin(): boolean {
    const char = this.#text.charCodeAt(this.#at);
    if (char === 0) return this.#nul();
    this.#nulsEnd();
    if (this.#separates(char)) return true;
    if (this.#around === 'nothing' && !this.#stray && this.#lineBegins(this.#at)) {
      const line = this.#line(char);
      if (line !== 'slow') return line === 'read';
    }
    const opens = char === 0x7b || char === 0x5b;
    if (opens && !this.#ended && this.#text.length - this.#at < BEGINNING) return false;
    if (opens && this.#opens(char)) return true;
    if (!this.#damaged && !this.#stray && this.#closes(char)) return true;
    this.#strayFrom(this.#at);
    this.#at = this.#next(this.#at + 1);
    if (this.#stray && this.#at - this.#stray.from > LONGEST_PREFIX) this.#strayEnds();
    return true;
  }

  /** A line that is a whole document is parsed at once: NDJSON is what most people have, and a million lines of it. */
  #line(char: number): 'read' | 'wait' | 'slow' {
    const from = this.#at;
    // Between damage and the next document, an indented line is a part of what was damaged.
    if (this.#damaged && char !== 0x7b && char !== 0x5b) return 'slow';
    let end = this.#text.indexOf('\n', from);
    if (end === -1) {
      if (!this.#ended) return this.#text.length - from < LONGEST_WAIT ? 'wait' : 'slow';
      end = this.#text.length;
    }
    let value: unknown;
    try {
      value = JSON.parse(this.#text.slice(from, end));
    } catch {
      return 'slow';
    }
    this.#take(value, from);
    this.#at = Math.min(end + 1, this.#text.length);
    return 'read';
  }

  #lineBegins(at: number): boolean {
    const before = at === 0 ? this.#before : this.#text.charCodeAt(at - 1);
    return before === 0x0a;
  }

  /** Whether a document here is one that stands on its own: at the beginning of a line or of a record. */
  #standsAlone(at: number): boolean {
    const before = at === 0 ? this.#before : this.#text.charCodeAt(at - 1);
    return before === 0x0a || before === 0x0d || before === 0x1e || before === 0 || before === 0xfeff;
  }

  /** Whitespace, commas, record separators and byte order marks between documents. */
  #separates(char: number): boolean {
    if (char === 0x0a || char === 0x0d || char === 0x1e) this.#strayEnds();
    else if (this.#stray || !SEPARATORS.has(char)) return false;
    if (char === 0x2c) this.#afterMember = false;
    this.#at += 1;
    return true;
  }

  /** One NUL byte separates documents, as `find -print0` does; many are a hole that a crash left in the file. */
  #nul(): boolean {
    this.#strayEnds();
    this.#nuls ??= { count: 0, place: this.#place(this.#at) };
    while (this.#at < this.#text.length && this.#text.charCodeAt(this.#at) === 0) {
      this.#at += 1;
      this.#nuls.count += 1;
    }
    return true;
  }

  #nulsEnd(): void {
    if (!this.#nuls) return;
    const { count, place } = this.#nuls;
    this.#nuls = undefined;
    if (count === 1) return;
    if (!this.#damaged)
      this.#problem(`${count} NUL bytes: a hole in the input; what stood there is lost`, place);
    this.#isDamaged();
  }

  /** Enters a list or starts a walk; false where the bracket begins nothing. */
  #opens(char: number): boolean {
    const at = this.#at;
    if (this.#broken.delete(at)) return false;
    if (char === 0x7b && !BEHIND_BRACE.has(this.#text.charAt(at + 1))) return false;
    const alone = this.#standsAlone(at);
    // A list that was cut ends where documents stand on lines of their own again.
    if (this.#listDamaged && alone) {
      this.#around = 'nothing';
      this.#listDamaged = false;
    }
    const answer = matches(ANSWER, this.#text, at);
    if (answer !== undefined && (this.#around === 'nothing' || this.#listDamaged || this.#damaged)) {
      this.#enter('answer', at, answer);
      return true;
    }
    const list = char === 0x5b ? matches(this.#stray ? LIST_BEHIND_TEXT : LIST, this.#text, at) : undefined;
    if (char === 0x5b && (list === undefined || (this.#damaged && !alone))) return false;
    if (list !== undefined && this.#around === 'nothing') {
      this.#enter('list', at, 1);
      return true;
    }
    if (this.#afterMember && this.#around !== 'nothing') this.#commaMissing(at);
    this.#walk = new Walk(at);
    this.#walks = 'document';
    return true;
  }

  #enter(around: 'list' | 'answer', at: number, length: number): void {
    this.#prefixEnds(at);
    this.#found += 1;
    this.#around = around;
    this.#listAt = this.#place(at);
    this.#listDamaged = false;
    this.#afterMember = false;
    this.#damaged = false;
    this.#at = at + length;
  }

  #commaMissing(at: number): void {
    if (!this.#listDamaged && !this.#damaged)
      this.#problem('not JSON: expected "," or "]" between members of a list', this.#place(at));
    this.#listDamaged = true;
    this.#leftovers = true;
  }

  /** Closing brackets of the list, and members of a list that are texts. */
  #closes(char: number): boolean {
    const inList = this.#around === 'list' || this.#around === 'answer';
    if (inList && char === 0x22) {
      if (this.#afterMember) this.#commaMissing(this.#at);
      this.#walk = new Walk(this.#at);
      this.#walks = 'document';
      return true;
    }
    if (inList && char === 0x5d) {
      this.#at += 1;
      this.#afterMember = false;
      if (this.#around === 'answer') {
        this.#around = 'tail';
        this.#walk = Walk.behindMember(this.#at);
        this.#walks = 'tail';
      } else this.#around = 'nothing';
      this.#listDamaged = false;
      return true;
    }
    if (!this.#leftovers || (char !== 0x5d && char !== 0x7d)) return false;
    this.#at += 1;
    return true;
  }

  // --- text that is not JSON ---

  #strayFrom(at: number): void {
    if (this.#damaged || this.#stray) return;
    const lineStart = this.#around === 'nothing' && this.#standsAlone(at);
    this.#stray = { from: at, place: this.#place(at), lineStart };
  }

  /** The next place where a document or a line may begin. */
  #next(from: number): number {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 7464 separates records by one
    const next = /[{[\n\r\u001e\0]/g;
    next.lastIndex = from;
    return next.exec(this.#text)?.index ?? this.#text.length;
  }

  /** A line without a document in it. */
  #strayEnds(): void {
    if (!this.#stray) return;
    const { from, place } = this.#stray;
    this.#stray = undefined;
    const text = this.#text.slice(from, Math.min(this.#at, from + 60));
    this.#problem(`not JSON: ${JSON.stringify(text)}`, place);
    this.#isDamaged();
  }

  /** What a log writes before a document on the same line is no damage; anything else before it is. */
  #prefixEnds(at: number): void {
    if (!this.#stray) return;
    const { from, lineStart } = this.#stray;
    if (lineStart && isLogPrefix(this.#text.slice(from, at))) this.#stray = undefined;
    else this.#strayEnds();
  }

  // --- a document ---

  /** Goes on with the walk; false where more text is needed. */
  #follow(walk: Walk): boolean {
    const outcome = walk.follow(this.#text, this.#ended);
    if (outcome === 'more' && walk.at - walk.start <= LONGEST) return false;
    this.#walk = undefined;
    if (outcome !== 'whole') this.#breaks(walk, outcome);
    else if (this.#walks === 'tail') {
      this.#around = 'nothing';
      this.#at = walk.at;
    } else this.#closed(walk);
    return true;
  }

  #closed({ start, at, loose }: Walk): void {
    const value = parseWhole(this.#text.slice(start, at), loose);
    const saved = this.#walks === 'saved';
    if (!saved) this.#prefixOf(start);
    if (this.#damaged && !this.#accepts(value, start, saved)) this.#takeInside(value);
    else this.#take(value, start);
    this.#passed(at);
  }

  /** Nothing before this position is looked at again. */
  #passed(at: number): void {
    this.#at = Math.max(this.#at, at);
    this.#saved = this.#saved.filter(({ start }) => start >= at);
  }

  /** Stray text before a document: a log prefix, or the rest of one whose beginning is missing. */
  #prefixOf(start: number): void {
    if (!this.#stray) return;
    this.#at = start;
    this.#prefixEnds(start);
  }

  /** Between damage and the next document stand the members of what was damaged: they are no documents. */
  #accepts(value: unknown, start: number, saved: boolean): boolean {
    if (this.#standsAlone(start) || this.#worth(value)) return true;
    return !saved && this.#head !== undefined && this.#head === headOf(this.#text, start);
  }

  #take(value: unknown, start: number): void {
    this.#found += 1;
    this.#out.push({ value });
    if (this.#damaged) {
      this.#damaged = false;
      this.#listDamaged = this.#around !== 'nothing';
    }
    if (this.#around !== 'nothing') this.#afterMember = true;
    this.#head ??= headOf(this.#text, start);
  }

  /** Findings inside a value that is no document itself. */
  #takeInside(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    for (const inner of Object.values(value)) {
      if (typeof inner !== 'object' || inner === null) continue;
      if (this.#worth(inner)) this.#out.push({ value: inner });
      else this.#takeInside(inner);
    }
  }

  // --- damage ---

  #breaks(walk: Walk, outcome: 'more' | 'broken'): void {
    const { start, at, complete, open } = walk;
    const walked = this.#walks;
    if (walked === 'tail') this.#around = 'nothing';
    if (walked !== 'saved') this.#reportBreak(walk, outcome, walked === 'tail');
    this.#isDamaged();
    for (const { start: opened } of open) if (opened > start) this.#broken.add(opened);
    if (walked !== 'saved') this.#at = Math.max(at, start + 1);
    this.#saved = [...this.#saved, ...complete].sort((a, b) => a.start - b.start);
  }

  #reportBreak({ start, at, open }: Walk, outcome: 'more' | 'broken', tail: boolean): void {
    this.#stray = undefined;
    const head = headOf(this.#text, start);
    // Another document that is damaged as well is another problem.
    const another = this.#standsAlone(start) || (head !== undefined && head === this.#head);
    if (this.#damaged && !another) return;
    this.#head ??= head;
    const from = this.#place(start);
    const what = tail ? 'the answer whose end starts' : 'the document that starts';
    const where = `${what} at line ${from.line}, column ${from.column}`;
    const place = this.#placeAhead(at);
    if (outcome === 'more') this.#problem(`longer than ${LONGEST / 1024 / 1024} MiB: ${where}`, from);
    else if (at >= this.#text.length)
      this.#problem(`${this.#reason ?? 'JSON ends early'}; ${where} is not closed`, place);
    else {
      const char = this.#text.charAt(at);
      const found = char === '\n' || char === '\r' ? 'end of the line' : JSON.stringify(char);
      this.#problem(`not JSON: unexpected ${found} in ${where}`, place);
    }
    for (const { start: opened } of open) {
      if (opened > start && this.#standsAlone(opened))
        this.#problem('JSON ends early; the document that starts here is not closed', this.#place(opened));
    }
  }

  #isDamaged(): void {
    this.#damaged = true;
    this.#leftovers = true;
    if (this.#around === 'list' || this.#around === 'answer') this.#listDamaged = true;
  }

  /** Takes the next value that is complete in the damaged document. */
  #save(): void {
    const next = this.#saved.shift();
    if (!next) return;
    if (next.kind === 'brace') {
      if (this.#broken.has(next.start)) return;
      this.#walk = new Walk(next.start);
      this.#walks = 'saved';
      return;
    }
    const text = this.#text.slice(next.start, next.end);
    const value = parseWhole(next.kind === 'member' ? `{${text}}` : text, true);
    const alone = next.kind === 'value' && this.#standsAlone(next.start);
    if (!alone && !this.#worth(value)) {
      this.#takeInside(value);
      return;
    }
    this.#found += 1;
    this.#out.push({ value });
    // A document may still begin in the end of a text.
    if (next.kind === 'value') this.#passed(next.end);
  }

  // --- what is said ---

  #problem(problem: string, { line, column }: Place): void {
    this.#found += 1;
    this.#problems += 1;
    this.#out.push({ problem, line, column });
  }

  *#given(): Generator<Part> {
    for (let part = this.#out.shift(); part !== undefined; part = this.#out.shift()) yield part;
  }

  /** Line and column of a position; remembers it, so positions are asked for in order. */
  #place(at: number): Place {
    if (at < this.#mark.at) return this.#mark;
    this.#mark = this.#placed(at);
    return { line: this.#mark.line, column: this.#mark.column };
  }

  /** The same, for a position before which others will be asked for. */
  #placeAhead(at: number): Place {
    return this.#placed(Math.max(at, this.#mark.at));
  }

  #placed(at: number): { at: number; line: number; column: number } {
    let { at: from, line, column } = this.#mark;
    // Only files without any line feed end their lines in carriage returns.
    const end = this.#lineFeeds ? '\n' : '\r';
    for (
      let next = this.#text.indexOf(end, from);
      next !== -1 && next < at;
      next = this.#text.indexOf(end, from)
    ) {
      line += 1;
      column = 1;
      from = next + 1;
    }
    return { at, line, column: column + at - from };
  }
}

function matches(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length;
}

function headOf(text: string, at: number): string | undefined {
  HEAD.lastIndex = at;
  return HEAD.exec(text)?.[0].replace(/[\s\0]/g, '');
}

/** `2026-01-05T10:06:00Z host app[7]: `, not `,"severity":8}` or `"resource":`, which a cut document leaves behind. */
const isLogPrefix = (text: string): boolean =>
  !/["}]\s*[:,]?\s*$|[\d\]]\s*,\s*$|[{}]/.test(text.replace(/\{[^{}"]*\}/g, ''));

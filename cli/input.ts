/**
 * Findings from files or standard input, one after the other, in constant memory: NDJSON, pretty-printed documents,
 * several in a row, and lists (also `{"Findings": [...]}`) of any length.
 */
import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { unwrapFindings } from '../core/finding/shape.ts';

/** A single document longer than this is no finding. */
const LONGEST = 64 * 1024 * 1024;

export type InputItem = { readonly raw: unknown } | { readonly error: string };

/** Reads every source in turn; `-` is standard input. What cannot be read is one error item, and the rest still runs. */
export async function* readFindings(
  sources: readonly string[],
  stdin: Readable = process.stdin,
): AsyncGenerator<InputItem> {
  for await (const batch of readBatches(sources, stdin)) yield* batch;
}

/** The same, as many at a time as a chunk of the input holds: waiting for each of a million costs more than deciding it. */
export async function* readBatches(
  sources: readonly string[],
  stdin: Readable = process.stdin,
): AsyncGenerator<Iterable<InputItem>> {
  for (const source of sources) {
    const name = source === '-' ? 'standard input' : source;
    const stream = source === '-' ? stdin : createReadStream(source, { highWaterMark: 1 << 20 });
    yield* readStream(unzipped(stream), name);
  }
}

/** GuardDuty exports findings to S3 as `.jsonl.gz`; no JSON begins with the first byte of gzip. */
async function* unzipped(stream: Readable): AsyncGenerator<string | Uint8Array> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<string | Uint8Array>;
  const first = await chunks.next();
  if (first.done) return;
  const all = async function* () {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => chunks };
  };
  if (typeof first.value === 'string' || first.value[0] !== 0x1f) yield* all();
  else yield* pipeline(Readable.from(all()), createGunzip(), () => {}) as AsyncIterable<Uint8Array>;
}

async function* readStream(
  stream: AsyncIterable<string | Uint8Array>,
  name: string,
): AsyncGenerator<Iterable<InputItem>> {
  const splitter = new Splitter(name);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: false });
  try {
    for await (const chunk of stream) {
      const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
      yield splitter.push(text);
    }
    yield splitter.push(decoder.decode());
    yield splitter.end();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    yield [{ error: `${name}: ${code === 'ENOENT' ? 'there is no such file' : message}` }];
  }
}

/**
 * Cuts a stream of text into documents. A line that is a whole document is parsed at once (NDJSON is the fast path);
 * otherwise lines are gathered until the brackets close. The members of a top-level list are documents themselves, so a
 * list may be longer than memory.
 */
class Splitter {
  readonly #name: string;
  #out: InputItem[] = [];
  #rest = '';
  #line = 0;
  #document = '';
  #scanned = 0;
  #depth = 0;
  #inText = false;
  #escaped = false;
  #startLine = 0;
  #found = 0;
  /** Inside a list that is taken apart: `[` or `{"Findings": [`. */
  #inList = false;
  /** Behind the list of a GetFindings answer: `, "NextToken": "..."}` up to the bracket that closes the answer. */
  #inTail = false;
  #ofAnswer = false;

  constructor(name: string) {
    this.#name = name;
  }

  /** The findings that end in this text. */
  push(text: string): readonly InputItem[] {
    let from = 0;
    for (;;) {
      const end = text.indexOf('\n', from);
      if (end === -1) break;
      this.#line += 1;
      const line = this.#rest + text.slice(from, end);
      this.#rest = '';
      this.#take(line);
      from = end + 1;
    }
    this.#rest += text.slice(from);
    if (this.#rest.length > LONGEST) {
      this.#problem(`line ${this.#line + 1} is longer than ${LONGEST / 1024 / 1024} MiB`);
      this.#rest = '';
    }
    return this.#given();
  }

  end(): readonly InputItem[] {
    if (this.#rest.trim() !== '') {
      this.#line += 1;
      this.#take(this.#rest);
    }
    this.#rest = '';
    if (this.#document.trim() !== '') {
      this.#problem(
        `line ${this.#line}: JSON ends early; the document that starts at line ${this.#startLine} is not closed`,
      );
    } else if (this.#inList) this.#problem(`line ${this.#line}: JSON ends early; the list is not closed`);
    else if (this.#found === 0) this.#problem('empty: there is no finding in it');
    return this.#given();
  }

  /** Leaves the tail at its closing bracket; what stands there is no finding. */
  #tail(text: string): void {
    this.#document = `{${text}`;
    const closed = this.#scan(true) !== undefined;
    this.#reset();
    if (closed) this.#inTail = false;
  }

  #take(line: string): void {
    if (this.#inTail) {
      this.#tail(line);
      return;
    }
    if (this.#document === '' && !this.#inList) {
      const text = line.trim();
      if (text === '') return;
      const whole = parse(text);
      if (whole.ok) {
        this.#found += 1;
        for (const raw of unwrapFindings(whole.value)) this.#out.push({ raw });
        return;
      }
      if (!/^[[{]/.test(text)) {
        this.#problem(`line ${this.#line}: not JSON: ${JSON.stringify(text.slice(0, 60))}`);
        return;
      }
      // A line that closes its brackets and still does not parse is broken by itself; the next line is another document.
      const opened = /^(?:\[|\{\s*"[Ff]indings"\s*:\s*\[)(.*)$/s.exec(text);
      if (opened && !balanced(text)) {
        this.#inList = true;
        this.#ofAnswer = text.startsWith('{');
        this.#list(opened[1] ?? '');
        return;
      }
      if (/^\{"/.test(text) && text.length > 40) {
        this.#problem(`line ${this.#line}: ${whole.message}`);
        return;
      }
    }
    if (this.#inList) this.#list(`${line}\n`);
    else this.#gather(`${line}\n`);
  }

  /** A pretty-printed document, line by line. */
  #gather(line: string): void {
    if (this.#document === '') this.#startLine = this.#line;
    this.#document += line;
    this.#scan();
    if (this.#depth === 0 && !this.#inText) {
      const text = this.#reset();
      const whole = parse(text);
      if (whole.ok) {
        this.#found += 1;
        for (const raw of unwrapFindings(whole.value)) this.#out.push({ raw });
      } else this.#problem(`line ${this.#startLine}: ${whole.message}`);
      return;
    }
    const opened = /^\s*\{\s*"[Ff]indings"\s*:\s*\[/.exec(this.#document);
    if (opened) {
      const body = this.#reset().slice(opened[0].length);
      this.#inList = true;
      this.#ofAnswer = true;
      this.#list(body);
    } else if (this.#document.length > LONGEST) {
      this.#reset();
      this.#problem(`line ${this.#startLine}: a document is longer than ${LONGEST / 1024 / 1024} MiB`);
    }
  }

  /** Members of a list: gathered one at a time. */
  #list(text: string): void {
    let rest = text;
    while (rest !== '') {
      if (this.#document === '') {
        rest = rest.replace(/^[\s,]+/, '');
        if (rest === '') return;
        if (rest.startsWith(']')) {
          this.#inList = false;
          this.#inTail = this.#ofAnswer;
          if (this.#inTail) this.#tail(rest.slice(1));
          return;
        }
        this.#startLine = this.#line;
      }
      const before = this.#document.length;
      this.#document += rest;
      const end = this.#scan(true);
      if (end === undefined) return;
      rest = rest.slice(end - before);
      const member = this.#reset().slice(0, end);
      const whole = parse(member);
      this.#found += 1;
      if (whole.ok) for (const raw of unwrapFindings(whole.value)) this.#out.push({ raw });
      else this.#problem(`line ${this.#startLine}: ${whole.message}`);
    }
  }

  /** Follows brackets and texts over what is new; with `first`, gives the end of the first closed value. */
  #scan(first = false): number | undefined {
    const text = this.#document;
    for (let index = this.#scanned; index < text.length; index++) {
      const char = text.charCodeAt(index);
      if (this.#inText) {
        if (this.#escaped) this.#escaped = false;
        else if (char === 0x5c) this.#escaped = true;
        else if (char === 0x22) this.#inText = false;
      } else if (char === 0x22) this.#inText = true;
      else if (char === 0x7b || char === 0x5b) this.#depth += 1;
      else if (char === 0x7d || char === 0x5d) {
        this.#depth -= 1;
        if (first && this.#depth <= 0) return this.#depth < 0 ? index : index + 1;
      } else if (first && this.#depth === 0 && char === 0x2c) return index;
    }
    this.#scanned = text.length;
    return undefined;
  }

  #reset(): string {
    const text = this.#document;
    this.#document = '';
    this.#scanned = 0;
    this.#depth = 0;
    this.#inText = false;
    this.#escaped = false;
    return text;
  }

  #problem(what: string): void {
    this.#found += 1;
    this.#out.push({ error: `${this.#name}: ${what}` });
  }

  #given(): readonly InputItem[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }
}

type Parsed =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

function parse(text: string): Parsed {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      ok: false,
      message: /end of JSON|Unterminated/i.test(message)
        ? 'JSON ends early'
        : `not JSON: ${message.slice(0, 120)}`,
    };
  }
}

function balanced(text: string): boolean {
  let depth = 0;
  let inText = false;
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (inText) {
      if (char === '\\') index += 1;
      else if (char === '"') inText = false;
    } else if (char === '"') inText = true;
    else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
  }
  return depth === 0 && !inText;
}

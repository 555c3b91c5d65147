/**
 * Bytes to text: gzip members, one after the other or next to plain text, and UTF-8 or UTF-16 of either order. A member
 * that is damaged ends with a problem, and reading goes on at the next one.
 */
import { once } from 'node:events';
import { TextDecoder } from 'node:util';
import { constants, crc32, createInflateRaw, type InflateRaw, inflateRawSync } from 'node:zlib';

/** An uncompressed batch of CloudWatch Logs is far below this; more is an attack on the reader. */
const LARGEST_RECORD = 64 * 1024 * 1024;
/** What is inflated at a time: gzip makes a thousand bytes of one at most. */
const PIECE = 64 * 1024;

export type TextPiece = { readonly text: string } | { readonly problem: string };
type BytesPiece = { readonly bytes: Uint8Array } | { readonly problem: string };

/** The text of a stream, piece by piece. */
export async function* textOf(stream: AsyncIterable<string | Uint8Array>): AsyncGenerator<TextPiece> {
  const decoder = new Decoder();
  for await (const piece of inflated(stream)) {
    if ('problem' in piece) {
      yield { text: decoder.end() };
      yield piece;
    } else yield { text: decoder.decode(piece.bytes) };
  }
  yield { text: decoder.end() };
}

/** The text of a record that was base64; at most 64 MiB of it. */
export function inflatedRecord(bytes: Uint8Array): readonly TextPiece[] {
  const pieces: TextPiece[] = [];
  const decoder = new Decoder();
  let rest = bytes;
  while (rest.length > 0) {
    const header = gzipHeader(rest);
    if (typeof header !== 'number') {
      const next = nextMember(rest, 1);
      pieces.push({ text: decoder.decode(rest.subarray(0, next)) + decoder.end() });
      rest = rest.subarray(next);
      continue;
    }
    const { text, used, problem } = inflateMember(rest.subarray(header));
    pieces.push({ text: decoder.decode(text) + decoder.end() });
    if (problem !== undefined) pieces.push({ problem });
    rest = rest.subarray(problem === undefined ? header + used + 8 : nextMember(rest, 1));
  }
  return pieces;
}

function inflateMember(bytes: Uint8Array): {
  readonly text: Uint8Array;
  readonly used: number;
  readonly problem?: string;
} {
  const options = { info: true, maxOutputLength: LARGEST_RECORD, finishFlush: constants.Z_SYNC_FLUSH };
  try {
    // With `info` the engine comes along, which says how many bytes it took.
    const result: unknown = inflateRawSync(bytes, options);
    if (!isInflated(result)) return { text: new Uint8Array(), used: 0, problem: 'gzip: cannot be read' };
    const used = result.engine.bytesWritten;
    const wrong = trailerProblem(bytes.subarray(used, used + 8), crc32(result.buffer), result.buffer.length);
    return { text: result.buffer, used, ...(wrong === undefined ? {} : { problem: wrong }) };
  } catch (error) {
    return { text: new Uint8Array(), used: 0, problem: `gzip: ${messageOf(error)}` };
  }
}

const isInflated = (
  value: unknown,
): value is { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } } =>
  typeof value === 'object' && value !== null && 'buffer' in value && 'engine' in value;

/**
 * UTF-8 unless a byte order mark, or a NUL byte in every other place, says otherwise; at the start and again where what was
 * appended is in another encoding, as PowerShell's `>>` writes UTF-16 behind UTF-8.
 */
class Decoder {
  #encoding: Encoding | undefined;
  #decoder = new TextDecoder();
  #held: Uint8Array = new Uint8Array();

  decode(bytes: Uint8Array): string {
    return this.#take(this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]), false);
  }

  end(): string {
    const text = this.#take(this.#held, true);
    this.#encoding = undefined;
    return text;
  }

  #take(bytes: Uint8Array, last: boolean): string {
    let text = '';
    let rest = bytes;
    // Where a marker can begin in what is left, so much must be there to know it.
    while (rest.length >= MARKER || (last && rest.length > 0)) {
      let marker = 0;
      if (this.#encoding === undefined) {
        this.#encoding = encodingOf(rest);
        this.#decoder = new TextDecoder(this.#encoding);
        marker = 2;
      }
      const next = otherEncodingAt(this.#encoding, rest, marker);
      if (next === undefined) break;
      text += this.#decoder.decode(rest.subarray(0, next));
      this.#encoding = undefined;
      rest = rest.subarray(next);
    }
    // Nothing is held of text in which nothing begins: joining every chunk to a few bytes would copy all of them.
    const all = last || (this.#encoding === 'utf-8' && !mayBeginOther(rest.subarray(-MARKER)));
    // Whole units of two bytes are passed on.
    const passed = all ? rest.length : Math.max(0, rest.length - MARKER) & ~1;
    this.#held = rest.subarray(passed);
    return text + this.#decoder.decode(rest.subarray(0, passed), { stream: !last });
  }
}

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';
/** Bytes by which the beginning of another encoding is known: a line's end of UTF-16, and what comes behind it. */
const MARKER = 5;

/** Where text in another encoding begins. Never inside a JSON string: nothing that a finding quotes can change the reading. */
function otherEncodingAt(encoding: Encoding, bytes: Uint8Array, from: number): number | undefined {
  return encoding === 'utf-8' ? utf16At(bytes, from) : otherThanUtf16At(encoding, bytes, from);
}

const OPENS = new Set([0x5b, 0x7b]);

/**
 * UTF-8 has neither of a byte order mark's two bytes, and JSON no NUL byte: `{` with one behind is UTF-16. Without a mark
 * it is taken for little-endian, as PowerShell writes it: the other order is the same bytes behind a line's end.
 */
function utf16At(bytes: Uint8Array, from: number): number | undefined {
  const found = [marked(bytes, 0xff, 0xfe, from), marked(bytes, 0xfe, 0xff, from)];
  for (let at = bytes.indexOf(0, from); at !== -1; at = bytes.indexOf(0, at + 1)) {
    const [before = 0, behind = 0, second = 1] = [-1, 1, 2].map((step) => bytes[at + step]);
    if (at === from || !OPENS.has(before) || behind === 0 || second !== 0) continue;
    found.push(at - 1);
    break;
  }
  const places = found.filter((at) => at !== undefined);
  return places.length === 0 ? undefined : Math.min(...places);
}

/** Whether the beginning of UTF-16 may stand in these last bytes of UTF-8. */
const mayBeginOther = (bytes: Uint8Array): boolean =>
  bytes.some((byte) => byte === 0 || byte >= 0xfe || OPENS.has(byte));

function marked(bytes: Uint8Array, first: number, second: number, from: number): number | undefined {
  for (let at = bytes.indexOf(first, from); at !== -1; at = bytes.indexOf(first, at + 1))
    if (bytes[at + 1] === second) return at;
  return undefined;
}

/** Behind the end of a line, which no JSON string contains: a byte order mark, or two ASCII bytes in one unit. */
function otherThanUtf16At(encoding: Encoding, bytes: Uint8Array, from: number): number | undefined {
  const low = encoding === 'utf-16le' ? 0 : 1;
  for (let at = bytes.indexOf(0x0a, from); at !== -1; at = bytes.indexOf(0x0a, at + 1)) {
    const unit = at - low;
    if (unit < 0 || unit % 2 !== 0 || bytes[unit + 1 - low] !== 0) continue;
    const [a = 0, b = 0, c = 0] = [2, 3, 4].map((step) => bytes[unit + step]);
    const mark = (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff);
    if (mark || (a === 0xef && b === 0xbb && c === 0xbf) || (ascii(a) && ascii(b))) return unit + 2;
  }
  return undefined;
}

const ascii = (byte: number): boolean => byte > 8 && byte < 0x7f;

function encodingOf(bytes: Uint8Array): Encoding {
  const [a = 1, b = 1, c = 1, d = 1] = bytes;
  if ((a === 0xff && b === 0xfe) || (a !== 0 && b === 0 && c !== 0 && d === 0)) return 'utf-16le';
  if ((a === 0xfe && b === 0xff) || (a === 0 && b !== 0 && c === 0 && d !== 0)) return 'utf-16be';
  return 'utf-8';
}

// --- gzip (RFC 1952) ---

/** Takes gzip members out of a stream and passes on what stands between them. */
async function* inflated(stream: AsyncIterable<string | Uint8Array>): AsyncGenerator<BytesPiece> {
  const source = new Source(stream);
  while (await source.atLeast(1)) {
    await source.atLeast(18);
    let header = gzipHeader(source.bytes);
    while (header === 'more' && (await source.atLeast(source.bytes.length + 1)))
      header = gzipHeader(source.bytes);
    if (typeof header === 'number') {
      source.skip(header);
      yield* member(source);
    } else yield* plain(source);
  }
}

/** Plain bytes up to the next gzip member. */
async function* plain(source: Source): AsyncGenerator<BytesPiece> {
  const next = nextMember(source.bytes, 1);
  // A member may begin in the last bytes of what is there.
  const begun = source.bytes.subarray(-3).indexOf(0x1f);
  const whole = next < source.bytes.length || source.ended || begun === -1;
  const count = Math.max(whole ? next : source.bytes.length - 3, 1);
  yield { bytes: source.bytes.subarray(0, count) };
  source.skip(count);
}

async function* member(source: Source): AsyncGenerator<BytesPiece> {
  // Gives what it can of a member that ends early.
  const inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH });
  const out: Uint8Array[] = [];
  let crc = 0;
  let size = 0;
  inflate.on('data', (chunk: Uint8Array) => {
    crc = crc32(chunk, crc);
    size += chunk.length;
    out.push(chunk);
  });
  let state: Written = 'written';
  while (state === 'written' && (await source.atLeast(1))) {
    const bytes = source.bytes.subarray(0, PIECE);
    const before = inflate.bytesWritten;
    state = await written(inflate, bytes);
    const taken = inflate.bytesWritten - before;
    // What the member leaves is its trailer.
    if (state === 'written' && taken < bytes.length) state = 'ended';
    source.skip(taken);
    for (const chunk of out.splice(0)) yield { bytes: chunk };
  }
  if (state === 'written') {
    const ended = once(inflate, 'end');
    inflate.end();
    await ended;
    for (const chunk of out.splice(0)) yield { bytes: chunk };
  }
  inflate.destroy();
  if (state === 'ended') {
    await source.atLeast(8);
    const problem = trailerProblem(source.bytes.subarray(0, 8), crc, size);
    source.skip(Math.min(8, source.bytes.length));
    if (problem !== undefined) yield { problem };
    return;
  }
  yield { problem: state === 'written' ? 'gzip: ends early' : state.problem };
  // Behind damage, only the next member can be read.
  while (source.bytes.length > 0) {
    const next = nextMember(source.bytes, 0);
    if (next < source.bytes.length) {
      source.skip(next);
      return;
    }
    source.skip(Math.max(source.bytes.length - 3, source.ended ? source.bytes.length : 0));
    if (!(await source.atLeast(source.bytes.length + 1))) return source.skip(source.bytes.length);
  }
}

type Written = 'written' | 'ended' | { readonly problem: string };

/** Waits until the bytes are taken in, as far as they belong to the member. */
function written(inflate: InflateRaw, bytes: Uint8Array): Promise<Written> {
  return new Promise((resolve) => {
    const failed = (error: Error) => resolve({ problem: `gzip: ${error.message}` });
    inflate.once('error', failed);
    inflate.write(bytes, (error) => {
      if (error) return failed(error);
      inflate.off('error', failed);
      resolve('written');
    });
  });
}

/** The length of a gzip header, `more` where it goes on, undefined where there is none. */
function gzipHeader(bytes: Uint8Array): number | 'more' | undefined {
  if (nextMember(bytes.subarray(0, 4), 0) !== 0) return undefined;
  const flags = bytes[3] ?? 0;
  let at = 10;
  if (flags & 4) at += 2 + (bytes[10] ?? 0) + 256 * (bytes[11] ?? 0);
  for (const flag of [8, 16]) {
    if (!(flags & flag)) continue;
    const end = bytes.indexOf(0, at);
    if (end === -1) return 'more';
    at = end + 1;
  }
  if (flags & 2) at += 2;
  return at < bytes.length ? at : 'more';
}

/** Where the next gzip member begins; the length where none does. UTF-8 never has these bytes in a row. */
function nextMember(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0x1f, from); at !== -1; at = bytes.indexOf(0x1f, at + 1)) {
    const flags = bytes[at + 3];
    if (bytes[at + 1] === 0x8b && bytes[at + 2] === 8 && flags !== undefined && flags < 0x20) return at;
  }
  return bytes.length;
}

function trailerProblem(trailer: Uint8Array, crc: number, size: number): string | undefined {
  if (trailer.length < 8) return 'gzip: ends early';
  const view = new DataView(trailer.buffer, trailer.byteOffset, 8);
  const same = view.getUint32(0, true) === crc >>> 0 && view.getUint32(4, true) === size % 2 ** 32;
  return same ? undefined : 'gzip: the checksum does not match; a part of it is damaged';
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The bytes of a stream that were not used yet. */
class Source {
  bytes: Uint8Array = new Uint8Array();
  ended = false;
  readonly #chunks: AsyncIterator<string | Uint8Array>;

  constructor(stream: AsyncIterable<string | Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** Reads on until that many are there; false where the stream ends before. */
  async atLeast(count: number): Promise<boolean> {
    while (this.bytes.length < count && !this.ended) {
      const { value, done } = await this.#chunks.next();
      if (done) this.ended = true;
      else {
        const more = typeof value === 'string' ? Buffer.from(value) : value;
        this.bytes = this.bytes.length === 0 ? more : Buffer.concat([this.bytes, more]);
      }
    }
    return this.bytes.length >= count;
  }

  skip(count: number): void {
    this.bytes = this.bytes.subarray(count);
  }
}

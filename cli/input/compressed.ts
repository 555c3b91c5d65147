/**
 * Bytes to text: gzip members, one after the other or beside plain text, and UTF-8 or UTF-16 of either order. A member
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

/** UTF-8 unless a byte order mark, or a NUL byte in every other place, says otherwise. */
class Decoder {
  #decoder: TextDecoder | undefined;
  #first: Uint8Array = new Uint8Array();

  decode(bytes: Uint8Array): string {
    if (this.#decoder) return this.#decoder.decode(bytes, { stream: true });
    const first = this.#first.length === 0 ? bytes : Buffer.concat([this.#first, bytes]);
    this.#first = first;
    if (first.length < 4) return '';
    return this.#start(true);
  }

  end(): string {
    const text = this.#decoder ? this.#decoder.decode() : this.#start(false);
    this.#decoder = undefined;
    this.#first = new Uint8Array();
    return text;
  }

  #start(stream: boolean): string {
    const first = this.#first;
    this.#decoder = new TextDecoder(encodingOf(first));
    this.#first = new Uint8Array();
    return this.#decoder.decode(first, { stream });
  }
}

function encodingOf(bytes: Uint8Array): string {
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

/**
 * Findings from files or standard input, one after the other, in constant memory: NDJSON, pretty-printed documents,
 * several in a row, and lists (also `{"Findings": [...]}`) of any length, compressed or not. What is damaged is one error.
 */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { textOf } from './compressed.ts';
import { Documents, type Part } from './documents.ts';
import { carriesFinding, findingsIn, type InputItem } from './envelopes.ts';

export type { InputItem } from './envelopes.ts';

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
    yield* readStream(stream, name);
  }
}

async function* readStream(
  stream: AsyncIterable<string | Uint8Array>,
  name: string,
): AsyncGenerator<Iterable<InputItem>> {
  const documents = new Documents(carriesFinding);
  try {
    for await (const piece of textOf(stream)) {
      const parts = 'text' in piece ? documents.push(piece.text) : documents.interrupt(piece.problem);
      yield items(parts, name);
    }
    yield items(documents.end(), name);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ('code' in error && error.code === 'ENOENT') yield [{ error: `${name}: there is no such file` }];
    else yield items(documents.interrupt(error.message), name);
  }
}

/** Lazy: a chunk of a million findings is not held twice. */
function* items(parts: readonly Part[], name: string): Generator<InputItem> {
  for (const part of parts) {
    if ('problem' in part) {
      yield { error: `${name}: line ${part.line}, column ${part.column}: ${part.problem}` };
      continue;
    }
    for (const item of findingsIn(part.value))
      yield 'error' in item ? { error: `${name}: ${item.error}` } : item;
  }
}

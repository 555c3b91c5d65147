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
  const held = new Held();
  try {
    for await (const piece of textOf(stream)) {
      const parts = 'text' in piece ? documents.push(piece.text) : documents.interrupt(piece.problem);
      yield items(held.take(parts), name);
    }
    yield items(held.take(documents.end()), name);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const said = 'code' in error && typeof error.code === 'string' ? UNREADABLE[error.code] : undefined;
    if (said !== undefined) {
      yield [{ error: `${name}: ${said}` }];
      return;
    }
    yield items(held.take(documents.interrupt(error.message)), name);
  }
  yield items(held.end(), name);
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder: name the files in it',
  EACCES: 'this user may not read it',
};

/** Damage in a file that holds JSON is reported place by place; a file that holds none is one mistake, however long it is. */
class Held {
  #found = false;
  #problems: Part[] = [];
  #count = 0;

  /** Returns what can be reported already. */
  *take(parts: Iterable<Part>): Generator<Part> {
    for (const part of parts) {
      if (!this.#found && 'problem' in part) {
        this.#count += 1;
        // What comes before the first document is reported in full, unless it is a long file of something else.
        if (this.#problems.length < 1000) this.#problems.push(part);
        continue;
      }
      if (!this.#found) yield* this.#problems.splice(0);
      this.#found = true;
      yield part;
    }
  }

  end(): readonly Part[] {
    const [first] = this.#problems;
    // It begins with text: cut documents begin with a bracket, and each of them is reported.
    const isText = first !== undefined && 'problem' in first && first.problem.startsWith('not JSON: "');
    if (!isText || this.#count < 2) return this.#problems;
    return [
      { ...first, problem: `${first.problem}, and ${this.#count - 1} more places: this file is not JSON` },
    ];
  }
}

function* items(parts: Iterable<Part>, name: string): Generator<InputItem> {
  for (const part of parts) {
    if ('problem' in part) {
      yield { error: `${name}: line ${part.line}, column ${part.column}: ${part.problem}` };
      continue;
    }
    for (const item of findingsIn(part.value))
      yield 'error' in item ? { error: `${name}: ${item.error}` } : item;
  }
}

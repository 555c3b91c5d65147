/** Text for a terminal: colours only where a person sees them, control characters never. */

import { stripVTControlCharacters, styleText } from 'node:util';
import { toneLooks } from '../core/incident/looks.ts';
import { type IncidentStatus, statusTone, stepTone, type TargetStatus } from '../core/incident/status.ts';
import { INVISIBLE } from '../core/invisible.ts';
import type { StepStatus } from '../core/journal/playbook.ts';

export interface Terminal {
  out(line: string): void;
  paint(colour: Colour, text: string): string;
}

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';

export function terminal(stream: NodeJS.WriteStream = process.stdout): Terminal {
  return {
    out: (line) => {
      stream.write(`${line}\n`);
    },
    // Node looks at the stream, NO_COLOR and FORCE_COLOR.
    paint: (colour, text) => styleText(colour, text, { stream }),
  };
}

export const colourOf = (status: IncidentStatus | TargetStatus): Colour =>
  toneLooks(statusTone(status)).terminal;
export const stepColour = (status: StepStatus): Colour => toneLooks(stepTone(status)).terminal;

/** Strings of findings can hold escape sequences and direction marks that rewrite what a responder reads. */
export const plainText = (text: string): string =>
  stripVTControlCharacters(text).replace(INVISIBLE, '\ufffd');

/** Columns of the terminal that reads this; undefined where a file or a program does, which gets its lines whole. */
export const screenWidth = (): number | undefined =>
  process.stdout.columns || Number(process.env['COLUMNS']) || undefined;

/** Lines of at most the terminal's width, broken between words; a longer word stands alone. The text is plain. */
export function* wrapped(
  text: string,
  first: string,
  others: string,
  width = screenWidth() ?? 80,
): Generator<string> {
  let line = first;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > width) {
      yield line;
      line = others;
      empty = true;
    }
    line += `${empty ? '' : ' '}${word}`;
    empty = false;
  }
  yield line;
}

/** The same on a screen; one line for a file or a program. */
export const fitting = (text: string, first: string, others: string): Generator<string> =>
  wrapped(text, first, others, screenWidth() ?? Number.POSITIVE_INFINITY);

const GAP = '  ';
const FOLD = '    ';

/**
 * Lines of a table, each column as wide as its widest cell; the text is made plain. Where a terminal is too narrow, the columns
 * on the right stand under their row, indented and wrapped between words. Each element is a row, with its line breaks.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width = screenWidth() ?? Number.POSITIVE_INFINITY,
): readonly string[] {
  const cells = [head, ...rows].map((row) => row.map(plainText));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const ends = widths.map((_, column) =>
    widths.slice(0, column + 1).reduce((sum, cell) => sum + cell + GAP.length, -GAP.length),
  );
  const beyond = ends.findIndex((end) => end > width);
  const fits = beyond < 0 ? head.length : beyond;
  const line = (row: readonly string[]): string =>
    row
      .slice(0, fits)
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join(GAP)
      .trimEnd();
  return cells.map((row) =>
    [line(row), ...folded(row.slice(fits), width)].filter((text) => text !== '').join('\n'),
  );
}

/** Cells one after the other; one that does not fit into the line begins the next. */
function folded(cells: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  for (const cell of cells.filter((text) => text !== '')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + GAP.length + cell.length <= width)
      lines[lines.length - 1] = `${last}${GAP}${cell}`;
    else lines.push(...wrapped(cell, FOLD, FOLD, width));
  }
  return lines;
}

interface Checked {
  /** Painted, of one character. */
  readonly mark: string;
  readonly check: string;
  /** Untrusted. */
  readonly saw: string;
  readonly fix?: string | undefined;
}

/** A command that is to be copied: a line break would cut it. */
const COMMAND = /^(aws|npx|npm) /;

/** Lines of a check: its mark, its name, what was seen and, under it, what to do. */
export function* checkLines({ mark, check, saw, fix }: Checked, longestName: number): Generator<string> {
  const { paint } = terminal();
  const margin = ' '.repeat(longestName + 3);
  const [head = '', ...rest] = fitting(plainText(saw), `  ${check.padEnd(longestName)} `, margin);
  yield `${mark}${head.slice(1)}`;
  yield* rest;
  if (fix === undefined) return;
  const words = plainText(fix);
  const lines = COMMAND.test(words) ? [margin + words] : fitting(words, margin, margin);
  for (const line of lines) yield margin + paint('bold', line.slice(margin.length));
}

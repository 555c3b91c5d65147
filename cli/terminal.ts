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

/** Lines of at most the terminal's width, broken between words; a longer word stands alone. The text is plain. */
export function* wrapped(text: string, first: string, others: string): Generator<string> {
  const width = process.stdout.columns || Number(process.env['COLUMNS']) || 80;
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

/** Lines of a table, each column as wide as its widest cell; the text is made plain. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const cells = [head, ...rows].map((row) => row.map(plainText));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

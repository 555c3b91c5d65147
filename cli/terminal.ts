/** Text for a terminal: colours only where somebody sees them, control characters never. */
import { stripVTControlCharacters } from 'node:util';

export interface Terminal {
  out(line: string): void;
  paint(colour: 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold', text: string): string;
}

const CODES = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2, bold: 1 } as const;

export function terminal(stream: NodeJS.WriteStream = process.stdout): Terminal {
  const colours = stream.isTTY === true && !process.env['NO_COLOR'];
  return {
    out: (line) => {
      stream.write(`${line}\n`);
    },
    paint: (colour, text) => (colours ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text),
  };
}

/** Strings of findings can hold escape sequences and direction marks that rewrite what a responder reads. */
export const plainText = (text: string): string =>
  stripVTControlCharacters(text).replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');

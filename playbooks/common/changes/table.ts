/** The table of answered calls, for the page of a playbook. */
import { type ByHand, type Inverse, rankOf } from './inverse.ts';

const code = (text: string): string => `\`${text}\``;

/** Returns the calls that are answered, the most dangerous first, with what is done about each. */
export const changesTable = (all: readonly (Inverse | ByHand)[]): string =>
  [
    '| call | lets the attacker | what is done |',
    '|---|---|---|',
    ...[...all]
      .sort((a, b) => rankOf(a.danger) - rankOf(b.danger) || (a.id < b.id ? -1 : 1))
      .map(({ calls, danger, does, kind }) =>
        [
          '',
          ` ${calls.names.map(code).join(', ')} of ${code(calls.source.replace('.amazonaws.com', ''))} `,
          ` ${danger} `,
          ` ${kind === 'by-hand' ? `by hand: ${does}` : does} `,
          '',
        ].join('|'),
      ),
  ].join('\n');

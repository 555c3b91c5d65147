import { describe, expect, it } from 'vitest';
import { table } from './terminal.ts';

const HEAD = ['opened', 'incident', 'finding', 'on'];
const TYPE = 'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS';
const ROWS = [
  ['2026-11-25 14:59', 'fb-742ca541b016', TYPE, 'instance i-0abc0000000000009'],
  ['2026-11-25 15:01', 'fb-b5002830b2c8', 'Recon:EC2/Portscan', 'a name of more than one word '.repeat(4)],
];

describe('a table', () => {
  it('fits a terminal of 80 columns, with every id and every finding type whole', () => {
    const rows = table(HEAD, ROWS, 80);
    const lines = rows.join('\n').split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    for (const word of [HEAD, ...ROWS].flat().join(' ').trim().split(/ +/))
      expect(lines.some((line) => line.split(/ +/).includes(word))).toBe(true);
    expect(rows).toHaveLength(3);
    expect(rows[0]).toBe('opened            incident\n    finding  on');
    expect(rows[1]).toBe(`2026-11-25 14:59  fb-742ca541b016\n    ${TYPE}\n    instance i-0abc0000000000009`);
  });

  it('is a line a row where it fits, and where no terminal reads it', () => {
    const wide = table(HEAD, ROWS, 400);
    expect(wide.join('')).not.toContain('\n');
    expect(table(HEAD, ROWS, Number.POSITIVE_INFINITY)).toEqual(wide);
  });
});

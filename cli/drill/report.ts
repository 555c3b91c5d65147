/** What a drill found: drill-report.json, and a table for people. */
import { table } from '../terminal.ts';
import { UNDRILLED } from './drills.ts';
import type { Outcome } from './engine.ts';

export interface Report {
  readonly drill: string;
  /** sandbox: a twin of AWS, whose answers prove nothing about AWS. */
  readonly where: 'aws' | 'sandbox' | 'moto';
  readonly account: string;
  readonly region: string;
  readonly startedAt: string;
  readonly outcomes: readonly Outcome[];
  readonly notShown: readonly string[];
}

export const reportOf = (given: Omit<Report, 'notShown'>): Report => ({
  ...given,
  notShown: [
    ...UNDRILLED.map(({ what, why }) => `${what}: ${why}`),
    ...given.outcomes
      .filter(({ contained }) => !contained)
      .map(({ playbook, notes }) => `${playbook}: ${notes[0] ?? 'not contained'}`),
    ...(given.where === 'sandbox'
      ? ['how long AWS takes until a change holds: the twin of the sandbox enforces at once']
      : []),
  ],
});

/** The report without account ids, and what AWS made of them: ids of keys, roles and users. */
export function redacted(report: Report): Report {
  // Ids of drills are in the names of what they made.
  const drills = new RegExp(report.drill.split(' ').join('|'), 'g');
  const text = JSON.stringify(report)
    .replace(drills, '<drill>')
    .replaceAll(report.account, '<account>')
    .replace(/(?<![0-9a-f])\d{12}(?![0-9a-f])/g, '<account>')
    .replace(/\b(AKIA|ASIA|AROA|AIDA|AIPA)[A-Z0-9]{12,}\b/g, '<$1>');
  return JSON.parse(text) as Report;
}

const factsOf = ({ facts }: Outcome): string =>
  facts.map(({ id, verdict }) => `${id} ${verdict}`).join(', ') || '-';

/** Rows: playbook, contained, seconds to hold, undone exactly, facts. */
export const rowsOf = ({ account, outcomes }: Report): readonly (readonly string[])[] =>
  outcomes.map((outcome) => [
    outcome.account === account ? outcome.playbook : `${outcome.playbook} (${outcome.account})`,
    outcome.contained ? 'yes' : `no (${outcome.status})`,
    outcome.secondsToHold === null ? '-' : `${outcome.secondsToHold} s`,
    outcome.undone,
    outcome.removed ? 'yes' : 'no',
    factsOf(outcome),
  ]);
export const HEAD = ['Playbook', 'Contained', 'Seconds to hold', 'Undone', 'Removed', 'Facts'] as const;

export function* linesOf(report: Report): Generator<string> {
  yield* table(HEAD, rowsOf(report));
  for (const { playbook, notes } of report.outcomes) for (const note of notes) yield `${playbook}: ${note}`;
  yield '';
  yield 'Not shown:';
  for (const line of report.notShown) yield `  ${line}`;
}

/** All contained, undone exactly and removed. */
export const isGood = ({ outcomes }: Report): boolean =>
  outcomes.every(({ contained, undone, removed }) => contained && undone === 'exactly' && removed);

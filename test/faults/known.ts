/**
 * What is known to fail, each with its date and one trial that shows it. `npm run test:faults` passes over it, and known.test.ts
 * fails once the trial no longer does: then the entry goes.
 */
import type { Failed, Trial } from './harness.ts';

interface Known extends Pick<Failed, 'kind'> {
  /** Day it was found. */
  readonly since: string;
  /** What goes wrong, and what would end it. */
  readonly why: string;
  /** Part of the violation's text. */
  readonly says: string;
  /** One trial that shows it. Others of its phase and fault fail in the same way. */
  readonly shown: Trial;
}

export const KNOWN: readonly Known[] = [
  {
    since: '2026-11-30',
    why: 'an undo whose execution is lost before it begins is neither taken over nor paged: the requester must ask again',
    ...{ kind: 'untold', says: 'undo was asked for and ends' },
    shown: {
      ...{ playbook: 'block-public-bucket', phase: 'undo', fault: 'lost' },
      at: 'undo DynamoDB:PutItem #2',
    },
  },
];

export const matches = ({ kind, says, shown }: Known, failed: Failed): boolean =>
  failed.kind === kind &&
  failed.fault === shown.fault &&
  failed.phase === shown.phase &&
  failed.text.includes(says);

export const isKnown = (failed: Failed): boolean => KNOWN.some((known) => matches(known, failed));

/** What a contained principal made before it was contained, and how people read it. */
import { z } from 'zod';
import type { Members } from '../../table/record.ts';

/** One way back in. Texts are untrusted; `command` holds only values that fit the pattern of their kind, quoted. */
export interface MadeEntry {
  /** The newest such call, ISO 8601. */
  readonly at: string;
  /** `iam:CreateAccessKey`. */
  readonly call: string;
  readonly region: string;
  /** `access key AKIA... of user alice`. */
  readonly what: string;
  /** `access key ASIA...`, `session i-...`. */
  readonly by: string;
  /** How often it was called alike. */
  readonly times: number;
  /** What contains it. */
  readonly action: string;
  /** The AWS command that does, where the record names everything it needs. */
  readonly command?: string;
}

export interface MadeBefore {
  /** When it was looked up, ISO 8601. */
  readonly at: string;
  /** Whose calls were looked up. */
  readonly of: string;
  readonly from: string;
  /** CloudTrail delivers calls some minutes late: the last of them may be missing. */
  readonly to: string;
  /** What gives the most first. */
  readonly entries: readonly MadeEntry[];
  /** Entries beyond those that are kept. */
  readonly left: number;
  /** Calls that were not read since there were too many of them. */
  readonly unread: readonly string[];
  /** Where CloudTrail refused to answer, or was not asked. */
  readonly refused: readonly string[];
}

/** What the incident's own record carries of it: enough for card, event and status. */
export interface MadeSummary extends Pick<MadeBefore, 'at' | 'of' | 'unread'> {
  readonly found: number;
  /** Looked up again after CloudTrail had the time to deliver the last calls before the containment. */
  readonly again: boolean;
  readonly first: readonly Pick<MadeEntry, 'at' | 'call' | 'what' | 'action' | 'command'>[];
}

const text = z.string();
const entrySchema = z.object({
  at: text,
  call: text,
  region: text,
  what: text,
  by: text,
  times: z.number(),
  action: text,
  command: text.exactOptional(),
} satisfies Members<MadeEntry>);

export const madeSchema: z.ZodType<MadeBefore> = z.object({
  at: text,
  of: text,
  from: text,
  to: text,
  entries: z.array(entrySchema),
  left: z.number(),
  unread: z.array(text),
  refused: z.array(text),
} satisfies Members<MadeBefore>);

export const madeSummarySchema: z.ZodType<MadeSummary> = z.object({
  at: text,
  of: text,
  unread: z.array(text),
  found: z.number(),
  again: z.boolean(),
  first: z.array(entrySchema.pick({ at: true, call: true, what: true, action: true, command: true })),
} satisfies Members<MadeSummary>);

const FIRST = 3;

/** Returns what stands on the incident. */
export const summaryOf = ({ at, of, unread, entries, left }: MadeBefore, again = false): MadeSummary => ({
  ...{ at, of, unread, again },
  found: entries.length + left,
  first: entries.slice(0, FIRST).map(({ at: when, call, what, action, command }) => ({
    ...{ at: when, call, what, action },
    ...(command === undefined ? {} : { command }),
  })),
});

const things = (count: number): string => `${count} ${count === 1 ? 'thing' : 'things'}`;

/** Returns the risks that follow from it: with one of these an incident is never plainly contained. */
export function madeRisks(made: MadeSummary | undefined): readonly string[] {
  if (!made) return [];
  const { found, of, first, unread } = made;
  const named = first.map(({ call, what }) => `${what} (${call})`).join(', ');
  const others = found > first.length ? ` and ${found - first.length} more` : '';
  return [
    ...(found > 0 ? [`${things(found)} that ${of} made before may remain: ${named}${others}`] : []),
    ...unread.map((what) => `what else it made is not known: ${what}`),
  ];
}

/** Returns the list as lines of text, each entry with its containment. `found`: how many there are, listed or not. */
export function madeLines(made: MadeBefore, found = made.entries.length + made.left): readonly string[] {
  const { entries, unread, refused, of, from, to } = made;
  const left = found - entries.length;
  const minutes = (iso: string) => iso.slice(0, 16).replace('T', ' ');
  return [
    `${things(found)} made by ${of}, ${minutes(from)} to ${minutes(to)} UTC (CloudTrail is some minutes late: looked up again after 20 minutes)`,
    ...entries.flatMap((entry) => [entryLine(entry), `  ${entry.command ?? entry.action}`]),
    ...(left > 0 ? [`${left} more are not listed here`] : []),
    ...unread.map((what) => `not read: ${what}`),
    ...refused.map((what) => `not looked up: ${what}`),
  ];
}

/** Returns one entry in a line, without its containment. */
export const entryLine = ({ at, call, region, what, by, times }: MadeEntry): string =>
  `${at} ${call}${region === '' ? '' : ` in ${region}`}: ${what}, by ${by}${times > 1 ? `, ${times} times` : ''}`;

/** Returns a later list with what an earlier one found and it did not: the later one may not have read as far. */
export function mergeMade(made: MadeBefore, earlier: MadeBefore | undefined): MadeBefore {
  const key = ({ call, region, what, by }: MadeEntry) => JSON.stringify([call, region, what, by]);
  const known = new Set(made.entries.map(key));
  const others = (earlier?.entries ?? []).filter((entry) => !known.has(key(entry)));
  return { ...made, entries: [...made.entries, ...others] };
}

/**
 * The query of a store of events, as SQL. CloudTrail Lake binds no values (its QueryParameters are for dashboards alone), so a value
 * stands in the text, and only one without anything that could end it. The names of a call are the
 * attacker's: of a name that is looked for, only the last run of such characters is, which finds more, never less.
 */
import { FirebreakError } from '../../errors.ts';

/** Calls that changed something in an account, or issued credentials. */
export interface EventQuestion {
  readonly account: string;
  readonly from: Date;
  readonly to: Date;
  readonly of: CallsBy | CallsAbout;
}

/** Calls with one of the keys, or by one of the principals. */
export interface CallsBy {
  readonly keys: readonly string[];
  readonly principalIds: readonly string[];
}

/** Calls of these names whose record holds one of the texts. */
export interface CallsAbout {
  readonly regions: readonly string[];
  readonly sources: readonly string[];
  readonly names: readonly string[];
  readonly texts: readonly string[];
}

/** How a store spells it. */
export interface Dialect {
  readonly columns: string;
  readonly table: string;
  /** Of a time, as the store compares it. */
  time(at: Date): string;
  /** What bounds the partitions that are read, as conditions. */
  partitions(question: EventQuestion): readonly string[];
  /** The value of the column `readOnly` for a call that only read. */
  readonly readOnly: string;
  /** Columns in which a text of a record stands. */
  readonly texts: readonly string[];
}

/** A store is read newest first, and no further. */
export const MOST_EVENTS = 2000;

const VALUE = /^[\w+=,.@:/-]{1,256}$/;
/** Returns the value as SQL. Throws InputInvalid for one that could be read as anything else. */
export function quoted(value: string): string {
  if (VALUE.test(value)) return `'${value}'`;
  throw new FirebreakError('InputInvalid', 'a value does not fit into a query of calls', {
    resource: JSON.stringify(value.slice(0, 80)),
    next: 'Look for its calls in CloudTrail by hand.',
  });
}

const LONGEST_TEXT = 128;
/** Returns the last run of a text that no writing of JSON changes; undefined where it is too short to tell records apart. */
export const runOf = (text: string): string | undefined =>
  text
    .match(/[\w.-]{3,}/g)
    ?.at(-1)
    ?.slice(0, LONGEST_TEXT);

export const oneOf = (column: string, values: readonly string[]): string =>
  `${column} IN (${[...new Set(values)].sort().map(quoted).join(', ')})`;

const either = (conditions: readonly string[]): string => `(${conditions.join(' OR ')})`;

/** Returns the statement: management events first, so that many data events do not crowd them out. */
export function statementOf(question: EventQuestion, dialect: Dialect): string {
  const { account, from, to, of } = question;
  const { columns, table, time, partitions, readOnly } = dialect;
  const conditions = [
    ...partitions(question),
    `eventTime >= ${quotedTime(time(from))}`,
    `eventTime <= ${quotedTime(time(to))}`,
    `recipientAccountId = ${quoted(account)}`,
    'errorCode IS NULL',
    // What issues credentials is a read to CloudTrail.
    `(readOnly IS DISTINCT FROM ${readOnly} OR eventSource = 'sts.amazonaws.com')`,
    ...('keys' in of ? by(of) : about(of, dialect)),
  ];
  return [
    `SELECT ${columns}`,
    `FROM ${table}`,
    `WHERE ${conditions.join(' AND ')}`,
    "ORDER BY CASE WHEN eventCategory = 'Management' THEN 0 ELSE 1 END, eventTime DESC",
    `LIMIT ${MOST_EVENTS}`,
  ].join(' ');
}

const quotedTime = (time: string): string => `'${time}'`;

const by = ({ keys, principalIds }: CallsBy): readonly string[] => [
  either([
    ...(keys.length > 0 ? [oneOf('userIdentity.accessKeyId', keys)] : []),
    ...(principalIds.length > 0 ? [oneOf('userIdentity.principalId', principalIds)] : []),
  ]),
];

function about({ regions, sources, names, texts }: CallsAbout, dialect: Dialect): readonly string[] {
  const runs = [...new Set(texts.map(runOf))].sort();
  // One that cannot be looked for by its text is looked for by the names of the calls alone.
  const found = runs.every((run) => run !== undefined)
    ? [
        either(
          runs.flatMap((run) => dialect.texts.map((column) => `strpos(${column}, ${quoted(run ?? '')}) > 0`)),
        ),
      ]
    : [];
  return [oneOf('awsRegion', regions), oneOf('eventSource', sources), oneOf('eventName', names), ...found];
}

/**
 * Stores of CloudTrail events: an event data store of CloudTrail Lake, a table of Athena over a trail. Their queries end after some
 * looks. As much of SQL is understood as Firebreak's statement needs; anything else is refused, as AWS refuses what is no SQL.
 */
import { awsError } from '../aws-error.ts';
import { madeUuid } from './made-id.ts';
import type { Answers, TwinCall } from './twin.ts';

type TwinRecord = Readonly<Record<string, unknown>>;

export interface TwinEventStore {
  /** Id of the event data store, or `database.table`. */
  name: string;
  records: TwinRecord[];
  /** How often a query is looked at before it ends. */
  looks?: number;
  /** In another account, whose id queries must name. */
  owner?: string;
}
/** This service's part of a Region. */
export interface TwinEventStores {
  stores: TwinEventStore[];
  queries: Record<string, { looks: number; cancelled: boolean; rows: string[][]; statement: string }>;
}

const emptyEventStores = (): TwinEventStores => ({ stores: [], queries: {} });

const storesOf = ({ region }: TwinCall): TwinEventStores => {
  region.eventStores ??= emptyEventStores();
  return region.eventStores;
};

const WORD = /\s*('(?:[^']|'')*'|"[^"]*"(?:\."[^"]*")?|[A-Za-z_][\w.]*|>=|<=|=|>|\(|\)|,|\d[\w-]*)/y;

const wrong = (why: string): Error => awsError('InvalidQueryStatementException', why);

function wordsOf(statement: string): string[] {
  const words: string[] = [];
  WORD.lastIndex = 0;
  while (WORD.lastIndex < statement.trimEnd().length) {
    const at = WORD.lastIndex;
    const [, word] = WORD.exec(statement) ?? [];
    if (word === undefined) throw wrong(`line 1:${at + 1}: mismatched input`);
    words.push(word);
  }
  return words;
}

type Test = (record: TwinRecord) => boolean;

interface Query {
  readonly columns: readonly string[];
  readonly table: string;
  readonly where: Test;
  readonly limit: number;
}

/** The one order that Firebreak asks for. */
const ORDER =
  "ORDER BY CASE WHEN eventCategory = 'Management' THEN 0 ELSE 1 END , eventTime DESC LIMIT".split(' ');

function parse(statement: string, columnOf: (record: TwinRecord, column: string) => string | null): Query {
  const words = wordsOf(statement);
  let at = 0;
  const next = (): string => words[at++] ?? '';
  const take = (...wanted: readonly string[]): void => {
    for (const one of wanted) {
      const word = next();
      if (word !== one) throw wrong(`mismatched input '${word}'. Expecting: '${one}'`);
    }
  };
  const literal = (): string => {
    const word = next();
    if (word === 'true') return word;
    if (!word.startsWith("'")) throw wrong(`mismatched input '${word}'. Expecting: a literal`);
    return word.slice(1, -1).replaceAll("''", "'");
  };
  const either = (): Test => {
    const tests = [both()];
    while (words[at] === 'OR') {
      at += 1;
      tests.push(both());
    }
    return (record) => tests.some((test) => test(record));
  };
  const both = (): Test => {
    const tests = [term()];
    while (words[at] === 'AND') {
      at += 1;
      tests.push(term());
    }
    return (record) => tests.every((test) => test(record));
  };
  const term = (): Test => {
    const column = next();
    if (column === '(') {
      const inner = either();
      take(')');
      return inner;
    }
    if (column === 'strpos') {
      take('(');
      const of = next();
      take(',');
      const text = literal();
      take(')', '>', '0');
      return (record) => columnOf(record, of)?.includes(text) === true;
    }
    return compared(column);
  };
  const compared = (column: string): Test => {
    const operator = next();
    if (operator === 'IN') {
      take('(');
      const values = [literal()];
      for (let word = next(); word === ','; word = next()) values.push(literal());
      at -= 1;
      take(')');
      return (record) => values.includes(columnOf(record, column) ?? '\0');
    }
    if (operator === 'IS') {
      if (words[at] === 'NULL') {
        at += 1;
        return (record) => columnOf(record, column) === null;
      }
      take('DISTINCT', 'FROM');
      const value = literal();
      return (record) => columnOf(record, column) !== value;
    }
    const value = literal();
    const of = (record: TwinRecord): string | null => columnOf(record, column);
    if (operator === '=') return (record) => of(record) === value;
    if (operator === '>=') return (record) => (of(record) ?? '') >= value;
    if (operator === '<=') return (record) => (of(record) ?? '\uffff') <= value;
    throw wrong(`mismatched input '${operator}'`);
  };
  take('SELECT');
  const columns = [next()];
  for (let word = next(); word !== 'FROM'; word = next()) {
    if (word === 'AS') next();
    else if (word === ',') columns.push(next());
    else throw wrong(`mismatched input '${word}'`);
  }
  const table = next();
  take('WHERE');
  const where = either();
  take(...ORDER);
  const limit = Number(next());
  if (at !== words.length || !Number.isInteger(limit)) throw wrong('mismatched input after LIMIT');
  return { columns, table: table.replaceAll('"', ''), where, limit };
}

/** A member of a record by its path; structures as JSON text. */
function member(record: TwinRecord, path: string): string | null {
  const value = path
    .split('.')
    .reduce<unknown>(
      (at, name) => (typeof at === 'object' && at !== null ? (at as TwinRecord)[name] : undefined),
      record,
    );
  if (value === undefined || value === null) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const inLake = (record: TwinRecord, column: string): string | null => {
  if (column === 'eventJson') return JSON.stringify(record);
  const value = member(record, column);
  return column === 'eventTime' ? (value?.slice(0, 19).replace('T', ' ') ?? null) : value;
};

const inTrail = (record: TwinRecord, column: string): string | null => {
  if (column === 'account') return member(record, 'recipientAccountId');
  if (column === 'region') return member(record, 'awsRegion');
  if (column === 'day') return member(record, 'eventTime')?.slice(0, 10).replaceAll('-', '/') ?? null;
  return member(record, column);
};

function started(
  call: TwinCall,
  statement: string,
  columnOf: typeof inLake,
  owner: unknown,
): { readonly id: string; readonly columns: readonly string[] } {
  const all = storesOf(call);
  const { columns, table, where, limit } = parse(statement, columnOf);
  const store = all.stores.find(({ name, owner: other }) => name === table && other === owner);
  if (!store) throw awsError('EventDataStoreNotFoundException', `${table} was not found`);
  const management = (record: TwinRecord): number => (record['eventCategory'] === 'Management' ? 0 : 1);
  const time = (record: TwinRecord): string => String(record['eventTime']);
  const found = store.records
    .filter(where)
    .sort((a, b) => management(a) - management(b) || (time(a) < time(b) ? 1 : -1))
    .slice(0, limit);
  const id = madeUuid(call.nextId('query'));
  const rows = found.map((record) => columns.map((column) => columnOf(record, column) ?? ''));
  all.queries[id] = { looks: store.looks ?? 1, cancelled: false, rows, statement };
  return { id, columns };
}

function queryOf(call: TwinCall, id: unknown, missing: string): TwinEventStores['queries'][string] {
  const found = storesOf(call).queries[String(id)];
  if (!found) throw awsError(missing, `Query ID ${String(id)} not found.`);
  return found;
}

/** One more look; a query that never ends has no end of them. */
const runs = (query: { looks: number }): boolean => query.looks-- > 0;

/** AWS's own pages: how a caller reads the second is part of what is tested. */
function pageOf(rows: readonly string[][], size: unknown, token: unknown) {
  const start = Number(String(token ?? '').replace('after-', ''));
  const end = start + Math.min(Number(size), 1000);
  return {
    page: rows.slice(start, end),
    ...(end < rows.length ? { next: { NextToken: `after-${end}` } } : {}),
  };
}

export const eventStores: Readonly<Record<string, Answers>> = {
  CloudTrail: {
    StartQuery: (call) => {
      const { QueryStatement, EventDataStoreOwnerAccountId: owner } = call.input;
      return { QueryId: started(call, String(QueryStatement), inLake, owner).id };
    },
    GetQueryResults: (call) => {
      const query = queryOf(call, call.input['QueryId'], 'QueryIdNotFoundException');
      if (query.cancelled) return { QueryStatus: 'CANCELLED' };
      if (runs(query)) return { QueryStatus: 'RUNNING' };
      const { page, next } = pageOf(query.rows, call.input['MaxQueryResults'], call.input['NextToken']);
      return {
        QueryStatus: 'FINISHED',
        QueryStatistics: { ResultsCount: page.length, TotalResultsCount: query.rows.length },
        QueryResultRows: page.map(([eventJson = '']) => [{ eventJson }]),
        ...next,
      };
    },
    CancelQuery: (call) => {
      const query = queryOf(call, call.input['QueryId'], 'QueryIdNotFoundException');
      if (query.looks < 0) throw awsError('InactiveQueryException', 'The query cannot be canceled.');
      query.cancelled = true;
      return { QueryId: call.input['QueryId'], QueryStatus: 'CANCELLED' };
    },
  },
  Athena: {
    StartQueryExecution: (call) => {
      const { QueryString } = call.input;
      const { id, columns } = started(call, String(QueryString), inTrail, undefined);
      // The first row of an answer names the columns.
      storesOf(call).queries[id]?.rows.unshift([...columns]);
      return { QueryExecutionId: id };
    },
    GetQueryExecution: (call) => {
      const { QueryExecutionId } = call.input;
      const query = queryOf(call, QueryExecutionId, 'InvalidRequestException');
      const State = query.cancelled ? 'CANCELLED' : runs(query) ? 'RUNNING' : 'SUCCEEDED';
      return { QueryExecution: { QueryExecutionId, Status: { State } } };
    },
    GetQueryResults: (call) => {
      const query = queryOf(call, call.input['QueryExecutionId'], 'InvalidRequestException');
      const { page, next } = pageOf(query.rows, call.input['MaxResults'], call.input['NextToken']);
      const Rows = page.map((row) => ({
        Data: row.map((value) => (value === '' ? {} : { VarCharValue: value })),
      }));
      return { ResultSet: { Rows }, ...next };
    },
    StopQueryExecution: (call) => {
      queryOf(call, call.input['QueryExecutionId'], 'InvalidRequestException').cancelled = true;
      return {};
    },
  },
};

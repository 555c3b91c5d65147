/**
 * A trail in S3, asked by Athena: a table over its log files with the partitions `account`, `region` and `day`, as
 * docs/call-history.md makes it, and a workgroup that keeps its results itself.
 */
import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { parseArn } from '../arn.ts';
import type { Aws } from '../client.ts';
import type { Queries } from './queries.ts';
import { type EventQuestion, oneOf, quoted } from './statement.ts';

/** Column of a result -> member of the record. The parameters are JSON text [M-LAB]. */
const COLUMNS = [
  'eventID',
  'eventName',
  'eventSource',
  'eventTime',
  'eventType',
  'eventCategory',
  'awsRegion',
  'recipientAccountId',
  'readOnly',
  'errorCode',
  'requestParameters',
  'responseElements',
] as const;
const CALLER = ['type', 'principalId', 'accessKeyId', 'userName'] as const;

const MINUTES = 60_000;
/** A log file stands in the folder of the day on which it was delivered, up to a quarter of an hour after its calls. */
const LATE_MS = 30 * MINUTES;

export function trailQueries(aws: Aws, table: string, workgroup: string): Queries {
  const [, Database = '', name = ''] = parseArn(table)?.resource.split('/') ?? [];
  return {
    store: 'the trail in S3',
    dialect: {
      columns: [...COLUMNS, ...CALLER.map((member) => `userIdentity.${member} AS by${member}`)].join(', '),
      table: `"${Database}"."${name}"`,
      time: (at) => `${at.toISOString().slice(0, 19)}Z`,
      partitions: (question) => partitionsOf(question),
      readOnly: "'true'",
      texts: ['requestParameters', 'responseElements'],
    },
    async start(QueryString) {
      const { client, api } = await aws.athena();
      const { QueryExecutionId = '' } = await client.send(
        new api.StartQueryExecutionCommand({
          ...{ QueryString, WorkGroup: workgroup, QueryExecutionContext: { Database } },
        }),
      );
      return QueryExecutionId;
    },
    async state(QueryExecutionId) {
      const { client, api } = await aws.athena();
      const { QueryExecution } = await client.send(new api.GetQueryExecutionCommand({ QueryExecutionId }));
      const { State = 'FAILED' } = QueryExecution?.Status ?? {};
      if (State === 'SUCCEEDED') return 'ended';
      return State === 'QUEUED' || State === 'RUNNING' ? 'running' : { failed: State };
    },
    async page(QueryExecutionId, NextToken) {
      const { client, api } = await aws.athena();
      const { ResultSet, NextToken: next } = await client.send(
        new api.GetQueryResultsCommand({
          ...{ QueryExecutionId, MaxResults: 1000 },
          ...(NextToken === undefined ? {} : { NextToken }),
        }),
      );
      // The first row of the first page holds the names of the columns.
      const rows = (ResultSet?.Rows ?? []).slice(NextToken === undefined ? 1 : 0);
      return { records: rows.map(({ Data = [] }) => recordOf(Data.map((one) => one.VarCharValue))), next };
    },
    async cancel(QueryExecutionId) {
      const { client, api } = await aws.athena();
      await client.send(new api.StopQueryExecutionCommand({ QueryExecutionId }));
    },
  };
}

function partitionsOf({ account, from, to, of }: EventQuestion): readonly string[] {
  const day = (at: Date): string => quoted(at.toISOString().slice(0, 10).replaceAll('-', '/'));
  return [
    `account = ${quoted(account)}`,
    ...('regions' in of ? [oneOf('region', of.regions)] : []),
    `day >= ${day(from)}`,
    `day <= ${day(new Date(to.getTime() + LATE_MS))}`,
  ];
}

const parameters = z.custom<JsonObject>(isJsonObject);

/** Returns the record of a row, as CloudTrail writes it. */
function recordOf(values: readonly (string | undefined)[]): unknown {
  const named = Object.fromEntries(COLUMNS.map((column, index) => [column, values[index]]));
  const caller = CALLER.map((member, index) => [member, values[COLUMNS.length + index]] as const);
  return {
    ...named,
    readOnly: named.readOnly === 'true',
    userIdentity: Object.fromEntries(caller),
    requestParameters: objectOf(named.requestParameters),
    responseElements: objectOf(named.responseElements),
  };
}

function objectOf(text: string | undefined): JsonObject | null {
  try {
    return parameters.safeParse(JSON.parse(text ?? 'null')).data ?? null;
  } catch {
    return null;
  }
}

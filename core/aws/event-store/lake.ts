/** CloudTrail Lake: an event data store holds each record as CloudTrail wrote it, in the column `eventJson`. */
import { awsErrorName } from '../../errors.ts';
import { parseArn } from '../arn.ts';
import type { Aws } from '../client.ts';
import type { Queries } from './queries.ts';

/** Returns queries of the event data store; of one in another account its resource policy must let Firebreak's roles. */
export function lakeQueries(aws: Aws, arn: string): Queries {
  const { account = '', resource = '' } = parseArn(arn) ?? {};
  const owner = account === aws.scope.account ? {} : { EventDataStoreOwnerAccountId: account };
  return {
    store: 'CloudTrail Lake',
    dialect: {
      columns: 'eventJson',
      // The id of the store is its table. It comes from the deployment, where CloudFormation holds it to a pattern.
      table: resource.split('/')[1] ?? '',
      time: (at) => at.toISOString().slice(0, 19).replace('T', ' '),
      partitions: () => [],
      readOnly: 'true',
      texts: ['eventJson'],
    },
    async start(QueryStatement) {
      const { client, api } = await aws.cloudTrail();
      const { QueryId = '' } = await client.send(new api.StartQueryCommand({ QueryStatement, ...owner }));
      return QueryId;
    },
    async state(QueryId) {
      const { client, api } = await aws.cloudTrail();
      // While it runs the answer has the status and no rows [M-LAB].
      const { QueryStatus = 'FAILED' } = await client.send(
        new api.GetQueryResultsCommand({ QueryId, MaxQueryResults: 1, ...owner }),
      );
      if (QueryStatus === 'FINISHED') return 'ended';
      return QueryStatus === 'QUEUED' || QueryStatus === 'RUNNING' ? 'running' : { failed: QueryStatus };
    },
    async page(QueryId, NextToken) {
      const { client, api } = await aws.cloudTrail();
      const { QueryResultRows = [], NextToken: next } = await client.send(
        new api.GetQueryResultsCommand({
          ...{ QueryId, MaxQueryResults: 1000, ...owner },
          ...(NextToken === undefined ? {} : { NextToken }),
        }),
      );
      // A row is a list of its columns, of which there is one.
      const texts = QueryResultRows.map((row) => Object.values(row[0] ?? {})[0]);
      return { records: texts.flatMap(jsonOf), next };
    },
    async cancel(QueryId) {
      const { client, api } = await aws.cloudTrail();
      try {
        await client.send(new api.CancelQueryCommand({ QueryId, ...owner }));
      } catch (error) {
        // It has ended meanwhile.
        if (awsErrorName(error) !== 'InactiveQueryException') throw error;
      }
    },
  };
}

/** What is not JSON is left out: CloudTrail cuts records that are too large. */
function jsonOf(text: string | undefined): readonly unknown[] {
  try {
    return [JSON.parse(text ?? 'null')];
  } catch {
    return [];
  }
}

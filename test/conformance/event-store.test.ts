/** A trail in S3 is asked as Athena answers, on moto: it runs no SQL, so the rows of the answer are the test's. */
import * as athena from '@aws-sdk/client-athena';
import { expect, it } from 'vitest';
import { awsConfiguration, configureAws } from '../../core/aws/client.ts';
import { storedEvents } from '../../core/aws/event-store/store.ts';
import { trailQueries } from '../../core/aws/event-store/trail.ts';
import { callsAsOperator } from '../unrecorded.ts';
import { motoStage } from './moto-stage.ts';
import { onStage } from './on-stage.ts';

callsAsOperator();

const at = onStage(motoStage);
at.lacking
  .add('StartQueryExecution: moto runs no SQL; the statement is run by SQLite in the unit tests')
  .add('StartQuery: moto has no event data stores');

const WORKGROUP = 'firebreak';
const ROW = {
  ...{ eventid: '00000000-0000-0000-0000-000000000001', eventname: 'PutUserPolicy' },
  ...{ eventsource: 'iam.amazonaws.com', eventtime: '2026-03-01T00:00:00Z', eventtype: 'AwsApiCall' },
  ...{ eventcategory: 'Management', awsregion: 'us-east-1', recipientaccountid: '123456789012' },
  ...{ readonly: 'false', errorcode: undefined, requestparameters: `{"userName":"it's \\"eve\\""}` },
  ...{ responseelements: 'null', bytype: 'IAMUser', byprincipalid: 'AIDA1', byaccesskeyid: 'AKIA1' },
  byusername: 'ops',
};

/** What the next query answers: names of columns, then values, as Athena writes them. */
async function answers(rows: readonly (readonly (string | undefined)[])[]): Promise<void> {
  const { account: account_id, region } = at.stage.scope;
  const Rows = rows.map((row) => ({
    Data: row.map((value) => (value === undefined ? {} : { VarCharValue: value })),
  }));
  const response = await fetch(`${process.env.AWS_ENDPOINT_URL}/moto-api/static/athena/query-results`, {
    method: 'POST',
    body: JSON.stringify({ account_id, region, results: [{ rows: Rows, column_info: [] }] }),
  });
  expect(response.status).toBe(201);
}

it('a query is started in the workgroup, and its rows are records as CloudTrail writes them', async () => {
  const { account, region, partition } = at.stage.scope;
  const client = new athena.AthenaClient({ region });
  await client.send(new athena.CreateWorkGroupCommand({ Name: WORKGROUP }));
  const table = `arn:${partition}:glue:${region}:${account}:table/logs/cloudtrail`;
  const aws = at.stage.aws();
  configureAws({ ...awsConfiguration(), events: { kind: 'trail', table, workgroup: WORKGROUP } });
  await answers([Object.keys(ROW), Object.values(ROW)]);
  const stored = await storedEvents(aws, {
    ...{ account, from: new Date('2026-01-01'), to: new Date('2026-12-01') },
    of: { keys: ['AKIAEXAMPLE000000666'], principalIds: [] },
  });
  expect(stored).toEqual({
    ...{ store: 'the trail in S3', more: false },
    records: [
      {
        ...{ eventID: ROW.eventid, eventName: ROW.eventname, eventSource: ROW.eventsource },
        ...{ eventTime: ROW.eventtime, eventType: ROW.eventtype, eventCategory: ROW.eventcategory },
        ...{ awsRegion: ROW.awsregion, recipientAccountId: account, readOnly: false, errorCode: undefined },
        userIdentity: { type: 'IAMUser', principalId: 'AIDA1', accessKeyId: 'AKIA1', userName: 'ops' },
        ...{ requestParameters: { userName: `it's "eve"` }, responseElements: null },
      },
    ],
  });
  const { QueryExecutionIds = [] } = await client.send(new athena.ListQueryExecutionsCommand({}));
  const { QueryExecution } = await client.send(
    new athena.GetQueryExecutionCommand({ QueryExecutionId: QueryExecutionIds[0] ?? '' }),
  );
  expect(QueryExecution).toMatchObject({
    ...{ WorkGroup: WORKGROUP, QueryExecutionContext: { Database: 'logs' } },
    Query: expect.stringMatching(
      /^SELECT eventID, .* FROM "logs"\."cloudtrail" WHERE account = '123456789012' AND day >= /,
    ),
  });
});

it('a query that is cancelled has ended', async () => {
  const { account, region, partition } = at.stage.scope;
  const client = new athena.AthenaClient({ region });
  await client.send(new athena.CreateWorkGroupCommand({ Name: WORKGROUP }));
  const queries = trailQueries(
    at.stage.aws(),
    `arn:${partition}:glue:${region}:${account}:table/logs/cloudtrail`,
    WORKGROUP,
  );
  const id = await queries.start('SELECT 1');
  await queries.cancel(id);
  expect(await queries.state(id)).toEqual({ failed: 'CANCELLED' });
});

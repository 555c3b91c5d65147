/** The handlers as they are deployed: the environment of each function, the table, the secrets and Slack's endpoint. */
import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { actingAs } from '../../core/aws/acting.ts';
import { configureAws } from '../../core/aws/client.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { startIn } from '../../core/table/mode.ts';
import { openTable } from '../../core/table/table.ts';
import { handler as assess } from '../../functions/assess.ts';
import { handler as classify } from '../../functions/classify.ts';
import { handler as contain } from '../../functions/contain.ts';
import { handler as investigate } from '../../functions/investigate.ts';
import { handler as report } from '../../functions/report.ts';
import { handler as requestApproval } from '../../functions/request-approval.ts';
import { handler as slack } from '../../functions/slack-endpoint.ts';
import { handler as slackWork } from '../../functions/slack-worker.ts';
import { handler as undo } from '../../functions/undo.ts';
import { handler as verify } from '../../functions/verify.ts';
import { readEnvironment } from '../../pipeline/environment.ts';
import { makeRuntime, type Runtime, useRuntime } from '../../pipeline/runtime.ts';
import { postTo, startHttpEndpoint } from '../../sandbox/http-endpoint.ts';
import type { SlackTwin } from '../../sandbox/slack-twin.ts';
import { slackOf } from './slack.ts';
import { DEPLOYMENT, NAME } from './stack.ts';

const HANDLERS: Readonly<Record<string, unknown>> = {
  enrich: assess,
  classify,
  'request-approval': requestApproval,
  contain,
  verify,
  investigate,
  report,
  undo,
  slack,
  'slack-work': slackWork,
};

export interface Pipeline {
  readonly slack: SlackTwin;
  readonly runtime: Runtime;
  /** Invoked functions in their order. */
  readonly invoked: readonly string[];
  invoke(functionName: string, event: unknown): Promise<unknown>;
  close(): Promise<void>;
}

export async function openPipeline(): Promise<Pipeline> {
  const client = new LambdaClient({ region: DEPLOYMENT.region });
  const { Environment } = await client.send(
    new GetFunctionConfigurationCommand({ FunctionName: `${NAME}-investigate` }),
  );
  client.destroy();
  const invoked: string[] = [];
  const invoke = (invokedFunctionArn: string, event: unknown) => {
    const [functionName = '', alias] = invokedFunctionArn.split(':');
    const name = functionName.slice(NAME.length + 1);
    // What the workflow calls.
    if (alias === undefined) invoked.push(name);
    const context = {
      ...{ functionName, invokedFunctionArn, awsRequestId: randomUUID() },
      getRemainingTimeInMillis: () => 300_000,
    };
    return actingAs({ function: { ...DEPLOYMENT, name } }, () =>
      (HANDLERS[name] as (event: unknown, context: unknown) => Promise<unknown>)(event, context),
    );
  };
  const endpoint = await startHttpEndpoint((event) => invoke(`${NAME}-slack`, event) as never);
  const twin = await slackOf((request) => postTo(endpoint.url, request));
  const env = readEnvironment({
    ...Environment?.Variables,
    AWS_REGION: DEPLOYMENT.region,
    SLACK_API_URL: twin.url,
    // The alias is one of the kinds that moto does not have.
    RESPOND_STATE_MACHINE_ARN: Environment?.Variables?.['RESPOND_STATE_MACHINE_ARN']?.replace(/:live$/, ''),
    UNDO_STATE_MACHINE_ARN: Environment?.Variables?.['UNDO_STATE_MACHINE_ARN']?.replace(/:live$/, ''),
  });
  configureAws({ ownAccount: DEPLOYMENT.account, retryBaseMs: 5 });
  const dynamo = new DynamoDBClient({ region: DEPLOYMENT.region });
  const runtime = makeRuntime({
    env,
    table: openTable(env.TABLE_NAME, dynamo),
    policy: await loadPolicy('policy.yml'),
    now: () => new Date(),
  });
  useRuntime(runtime);
  await startIn(runtime.table, 'enforce', 'test', new Date());
  return {
    slack: twin,
    runtime,
    invoked,
    invoke,
    async close() {
      useRuntime(undefined);
      configureAws({});
      dynamo.destroy();
      await twin.close();
      await endpoint.close();
    },
  };
}

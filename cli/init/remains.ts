/**
 * What AWS still shows of a stage: `destroy` says "gone" of nothing that it has not looked for, `init` deploys over nothing that a
 * deployment before left behind.
 */
import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { DescribeTableCommand, DynamoDBClient, waitUntilTableNotExists } from '@aws-sdk/client-dynamodb';
import { awsErrorName, describeError } from '../../core/errors.ts';
import { storedNames } from './parameters.ts';

export interface DeployedStack {
  readonly status: string;
  /** The name that CloudFormation gave the evidence bucket. */
  readonly bucket: string | undefined;
}

/** The stack, or undefined where CloudFormation says that it does not exist. Throws what AWS answers else. */
export async function deployedStack(region: string, name: string): Promise<DeployedStack | undefined> {
  const client = new CloudFormationClient({ region });
  try {
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
    const status = stack?.StackStatus;
    if (status === undefined || status === 'DELETE_COMPLETE') return undefined;
    for await (const page of paginateListStackResources({ client }, { StackName: name })) {
      const bucket = page.StackResourceSummaries?.find((each) => each.LogicalResourceId === 'EvidenceBucket');
      if (bucket) return { status, bucket: bucket.PhysicalResourceId };
    }
    return { status, bucket: undefined };
  } catch (error) {
    // CloudFormation has no error of its own for a stack that is not there: only this one's words tell it from a bad name.
    if (error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message))
      return undefined;
    throw error;
  } finally {
    client.destroy();
  }
}

/**
 * One line for each part that is still there, or that could not be looked at; none when all is proven gone. DeleteTable
 * answers before the table is gone, so the table is looked at for up to `patienceSeconds`.
 */
export async function remains(
  region: string,
  stage: string,
  patienceSeconds: number,
): Promise<readonly string[]> {
  const service = `firebreak-${stage}`;
  const looks: readonly (readonly [string, () => Promise<string | undefined>])[] = [
    [
      `stack ${service}`,
      async () => {
        const stack = await deployedStack(region, service);
        return stack && `stack ${service} is ${stack.status}`;
      },
    ],
    [`table ${service}`, () => tableRemains(region, service, patienceSeconds)],
    [
      'Slack values',
      async () => {
        const names = [...(await storedNames(region, stage))];
        return names.length > 0 ? `Slack values ${names.join(', ')} are in Systems Manager` : undefined;
      },
    ],
  ];
  const found = await Promise.all(
    looks.map(async ([what, look]) => {
      try {
        return await look();
      } catch (error) {
        // Denied, throttled, a lost connection: whichever it is, it is not proven gone, and the other parts are reported.
        return `${what} could not be looked at: ${describeError(error)}`;
      }
    }),
  );
  return found.filter((line) => line !== undefined);
}

/** The waiter takes ResourceNotFoundException alone as the end, and tries on after every other answer. */
async function tableRemains(region: string, name: string, seconds: number): Promise<string | undefined> {
  const client = new DynamoDBClient({ region });
  try {
    const patience = { client, maxWaitTime: seconds, minDelay: 1, maxDelay: 5 };
    await waitUntilTableNotExists(patience, { TableName: name });
    return undefined;
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError')
      return `table ${name} was not gone after ${seconds} s`;
    throw error;
  } finally {
    client.destroy();
  }
}

/** What keeps a stage from being deployed, and the commands that remove it. */
export interface Blocker {
  readonly what: string;
  readonly fix: string;
}

/** Returns what a failed or destroyed deployment left that a new one would fail on; undefined where nothing is in the way. */
export async function blockerOf(region: string, stage: string): Promise<Blocker | undefined> {
  const name = `firebreak-${stage}`;
  const status = (await deployedStack(region, name))?.status;
  if (status?.endsWith('_IN_PROGRESS') && status !== 'REVIEW_IN_PROGRESS')
    return { what: `the stack ${name} is ${status}`, fix: 'Wait until that deployment has ended.' };
  if (status === 'UPDATE_ROLLBACK_FAILED')
    return {
      what: `the stack ${name} is ${status}`,
      fix: `aws cloudformation continue-update-rollback --stack-name ${name} --region ${region}`,
    };
  const failed = status !== undefined && /^(ROLLBACK_|CREATE_FAILED|DELETE_FAILED)/.test(status);
  if (status !== undefined && !failed && status !== 'REVIEW_IN_PROGRESS') return undefined;
  const kept = await hasTable(region, name);
  if (!failed && !kept) return undefined;
  const remove = [
    ...(failed ? [`aws cloudformation delete-stack --stack-name ${name} --region ${region}`] : []),
    ...(kept
      ? [
          `aws dynamodb update-table --table-name ${name} --no-deletion-protection-enabled --region ${region}`,
          `aws dynamodb delete-table --table-name ${name} --region ${region}`,
        ]
      : []),
  ].join(' && ');
  return {
    what: failed
      ? `the first deployment of ${name} failed (${status})${kept ? ', and its table was kept' : ''}: CloudFormation updates no such stack`
      : `the table ${name} was kept by a deployment that is gone, and a new stack cannot make a table of that name`,
    fix: kept
      ? `Where nothing in the table is needed any more: ${remove}. Otherwise back it up first, or choose another --stage.`
      : remove,
  };
}

async function hasTable(region: string, name: string): Promise<boolean> {
  const client = new DynamoDBClient({ region });
  try {
    await client.send(new DescribeTableCommand({ TableName: name }));
    return true;
  } catch (error) {
    if (awsErrorName(error) === 'ResourceNotFoundException') return false;
    throw error;
  } finally {
    client.destroy();
  }
}

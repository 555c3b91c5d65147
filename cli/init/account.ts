/** The account that Firebreak is deployed into: who we are there, what GuardDuty does, what Lambda leaves us. */
import { GetDetectorCommand, GuardDutyClient, ListDetectorsCommand } from '@aws-sdk/client-guardduty';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { FirebreakError } from '../../core/errors.ts';

export interface Caller {
  readonly account: string;
  readonly arn: string;
}

/** Throws AccessDenied with what to do when there are no usable credentials. */
export async function whoAmI(region: string): Promise<Caller> {
  const client = new STSClient({ region });
  try {
    const { Account = '', Arn = '' } = await client.send(new GetCallerIdentityCommand({}));
    return { account: Account, arn: Arn };
  } catch (error) {
    throw new FirebreakError('AccessDenied', `no usable AWS credentials: ${(error as Error).message}`, {
      next: 'Set AWS_PROFILE, give --profile, or sign in with your organisation’s tool.',
      cause: error,
    });
  } finally {
    client.destroy();
  }
}

/** What to mend about the detector, or undefined when it is as it should be. */
export async function detectorProblem(region: string): Promise<string | undefined> {
  const client = new GuardDutyClient({ region });
  try {
    const { DetectorIds: [id] = [] } = await client.send(new ListDetectorsCommand({}));
    if (id === undefined)
      return `GuardDuty is not on in ${region}: aws guardduty create-detector --enable --finding-publishing-frequency FIFTEEN_MINUTES --region ${region}`;
    const { Status, FindingPublishingFrequency: every } = await client.send(
      new GetDetectorCommand({ DetectorId: id }),
    );
    if (Status !== 'ENABLED')
      return `the detector is ${Status}: aws guardduty update-detector --detector-id ${id} --enable --region ${region}`;
    if (every !== 'FIFTEEN_MINUTES')
      return `updates come every ${every}: aws guardduty update-detector --detector-id ${id} --finding-publishing-frequency FIFTEEN_MINUTES --region ${region}`;
    return undefined;
  } finally {
    client.destroy();
  }
}

/** What serverless.yml reserves, and what Lambda always keeps unreserved for everybody else. */
const RESERVED = 41;
const UNRESERVED = 100;

/** Whether the account's Lambda quota is large enough to reserve concurrency for the response. */
export async function canReserve(region: string): Promise<boolean> {
  const client = new LambdaClient({ region });
  try {
    const { AccountLimit } = await client.send(new GetAccountSettingsCommand({}));
    const free = AccountLimit?.UnreservedConcurrentExecutions ?? AccountLimit?.ConcurrentExecutions ?? 0;
    return free >= RESERVED + UNRESERVED;
  } finally {
    client.destroy();
  }
}

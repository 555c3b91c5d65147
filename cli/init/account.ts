/** The account that Firebreak is deployed into: who we are there, what GuardDuty does, what Lambda leaves us. */
import { GuardDutyClient } from '@aws-sdk/client-guardduty';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { FirebreakError } from '../../core/errors.ts';
import { RESERVED, UNRESERVED } from '../concurrency.ts';
import { judgeDetector } from '../doctor/detector.ts';

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

/** What is to be said of GuardDuty's detector, as `firebreak doctor` says it. */
export async function detectorHere(region: string): ReturnType<typeof judgeDetector> {
  const client = new GuardDutyClient({ region });
  try {
    return await judgeDetector(client, region);
  } finally {
    client.destroy();
  }
}

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

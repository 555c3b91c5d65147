/** What a check of `firebreak doctor` is. */
import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { GuardDutyClient } from '@aws-sdk/client-guardduty';
import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Scope } from '../../core/aws/arn.ts';
import type { Policy } from '../../core/policy/policy.ts';
import type { Table } from '../../core/table/table.ts';

/** wrong: findings are lost, unseen or not contained · warn: works, and someone should look · skipped: not tried. */
export type DoctorStatus = 'ok' | 'warn' | 'wrong' | 'skipped';

export interface DoctorResult {
  readonly check: string;
  readonly status: DoctorStatus;
  /** What was seen. Untrusted where it comes from AWS. */
  readonly saw: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** The user's own credentials; every call only reads, but for the start of a drift detection. */
export interface DoctorContext {
  readonly scope: Scope;
  readonly stage: string;
  /** `firebreak-prod`: the stack, and how its resources begin. */
  readonly service: string;
  readonly policy: Policy;
  readonly table: Table;
  readonly now: () => Date;
  readonly cloudFormation: CloudFormationClient;
  readonly cloudWatch: CloudWatchClient;
  readonly events: EventBridgeClient;
  readonly guardDuty: GuardDutyClient;
  readonly lambda: LambdaClient;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
}

export interface DoctorCheck {
  readonly name: string;
  /** Throws what AWS answers: the doctor tells it as a check that could not be tried. */
  run(context: DoctorContext): Promise<readonly Omit<DoctorResult, 'check'>[]>;
}

export const ok = (saw: string) => ({ status: 'ok', saw }) as const;
export const warn = (saw: string, fix: string) => ({ status: 'warn', saw, fix }) as const;
export const wrong = (saw: string, fix: string) => ({ status: 'wrong', saw, fix }) as const;

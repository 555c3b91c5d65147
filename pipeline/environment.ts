import { z } from 'zod';
import type { EventStore } from '../core/aws/event-store/named.ts';
import { FirebreakError } from '../core/errors.ts';

/** Channel, workspace and app of a stack without Slack: CloudFormation wants a value. */
export const NO_SLACK = 'none';

/** False: people are paged, and decide with `firebreak approve`. */
export const hasSlack = ({ SLACK_CHANNEL }: Pick<Environment, 'SLACK_CHANNEL'>): boolean =>
  SLACK_CHANNEL !== NO_SLACK;

/** What serverless.yml gives every function. Secrets are named here, never held. */
const schema = z.object({
  TABLE_NAME: z.string().min(1),
  STAGE: z.string().min(1).default('dev'),
  /** Of Firebreak, as package.json has it. */
  VERSION: z.string().min(1).default('0.0.0'),
  /** The policy as packaging compiled it. */
  POLICY_FILE: z.string().min(1).default('policy.json'),
  AWS_REGION: z.string().min(1),
  OWN_ACCOUNT: z.string().regex(/^\d{12}$/),
  OWN_PARTITION: z.string().min(1).default('aws'),
  /** Pages a person: alarms and everything Slack could not take. */
  PAGE_TOPIC_ARN: z.string().min(1),
  EVENT_BUS: z.string().min(1).default('default'),
  RESPOND_STATE_MACHINE_ARN: z.string().min(1),
  UNDO_STATE_MACHINE_ARN: z.string().min(1),
  RESPONDER_ROLE: z.string().optional(),
  RESPONDER_EXTERNAL_ID: z.string().optional(),
  /** Lambda that goes on after Slack has its answer. */
  SLACK_WORK_FUNCTION: z.string().min(1),
  /** Invoked by the alias that only warms it up. */
  CONTAIN_FUNCTION: z.string().min(1),
  SLACK_BOT_TOKEN_PARAMETER: z.string().min(1),
  SLACK_SIGNING_SECRET_PARAMETER: z.string().min(1),
  SLACK_CHANNEL: z.string().min(1),
  SLACK_TEAM_ID: z.string().min(1),
  SLACK_APP_ID: z.string().min(1),
  /** Only the sandbox sets it. */
  SLACK_API_URL: z.string().url().optional(),
  /** Events API v2 of PagerDuty or whatever speaks it; without both no one is notified there. */
  PAGERDUTY_EVENTS_URL: z.string().url().optional(),
  PAGERDUTY_ROUTING_KEY_PARAMETER: z.string().optional(),
  /** Bucket with Object Lock; without one no evidence is written. */
  EVIDENCE_BUCKET: z.string().optional(),
  CONSOLE_URL: z.string().url().optional(),
  /** Where calls are kept that CloudTrail's event history does not have; the event data store counts where both are given. */
  EVENT_DATA_STORE_ARN: z.string().startsWith('arn:').optional(),
  TRAIL_TABLE_ARN: z.string().startsWith('arn:').optional(),
  TRAIL_WORKGROUP: z.string().min(1).default('firebreak'),
});
export type Environment = z.infer<typeof schema>;

/** Returns the store of events that the deployment names. */
export function eventStoreOf(env: Environment): EventStore | undefined {
  const { EVENT_DATA_STORE_ARN: arn, TRAIL_TABLE_ARN: table, TRAIL_WORKGROUP: workgroup } = env;
  if (arn !== undefined) return { kind: 'lake', arn };
  return table === undefined ? undefined : { kind: 'trail', table, workgroup };
}

/** Throws when a function is deployed without what it needs, naming every missing variable at once. */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  // CloudFormation gives unset optional parameters as empty text.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const missing = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new FirebreakError('InputInvalid', `environment: ${missing}`, {
    next: 'Deploy with the serverless.yml of this version.',
  });
}

/**
 * What the handlers work with, made once per Lambda container: table, policy, clock, page, log. The sandbox and the
 * tests put their own in place with `useRuntime`; the handlers are the same.
 */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { ApprovalDeps } from '../core/approval/delivery.ts';
import { acting } from '../core/aws/acting.ts';
import type { Scope } from '../core/aws/arn.ts';
import { type Aws, awsConfiguration, awsFor, configureAws, type Session } from '../core/aws/client.ts';
import { describeError, FirebreakError } from '../core/errors.ts';
import type { SeverityLabel } from '../core/finding/finding.ts';
import type { IncidentTarget } from '../core/incident/incident.ts';
import { onUncounted } from '../core/incident/list.ts';
import { type IncidentStore, incidentStore } from '../core/incident/store.ts';
import type { JournalRun } from '../core/journal/journal.ts';
import type { Plan, Playbook, Target } from '../core/journal/playbook.ts';
import { sessionPolicy, widenedPatterns } from '../core/journal/session-policy.ts';
import { type Policy, readCompiled } from '../core/policy/compiled.ts';
import { openTable, type Table } from '../core/table/table.ts';
import { type Environment, eventStoreOf, readEnvironment } from './environment.ts';

interface SlackSecrets {
  readonly botToken: string;
  readonly signingSecret: string;
}

export interface Runtime {
  readonly env: Environment;
  readonly table: Table;
  readonly incidents: IncidentStore;
  readonly policy: Policy;
  /** The pipeline's own account and Region. */
  readonly own: Aws;
  readonly approvals: ApprovalDeps;
  readonly now: () => Date;
  slackSecrets(): Promise<SlackSecrets>;
  /** AWS as an incident sees it, in the finding's account and Region. */
  awsOf(scope: Scope, session: string | Session): Aws;
}

/** AWS as one incident sees it, by account: the role of an account is assumed once, however many targets are read there. */
export function accountsOf({ awsOf }: Pick<Runtime, 'awsOf'>, incidentId: string): (scope: Scope) => Aws {
  const known = new Map<string, Aws>();
  return ({ partition, account, region }) => {
    const key = `${partition}:${account}`;
    const found = known.get(key) ?? awsOf({ partition, account, region }, incidentId);
    known.set(key, found);
    return found.scope.region === region ? found : found.inRegion(region);
  };
}

export const logger = new Logger({ serviceName: 'firebreak' });
export const metrics = new Metrics({ namespace: 'Firebreak', serviceName: 'firebreak', logger });
export const countMetric = (name: string, value = 1): void => {
  metrics.addMetric(name, MetricUnit.Count, value);
};

onUncounted((error) => {
  countMetric('CountsFailed');
  logger.warn('the counters of incidents are off until the day is counted again', {
    reason: describeError(error),
  });
});

export const measureMs = (name: string, value: number): void => {
  metrics.addMetric(name, MetricUnit.Milliseconds, value);
};

let current: Promise<Runtime> | undefined;

/** The container's runtime; a failed start is not remembered. */
export function runtime(): Promise<Runtime> {
  current ??= start().catch((error: unknown) => {
    current = undefined;
    throw error;
  });
  return current;
}

export function useRuntime(given: Runtime | undefined): void {
  current = given ? Promise.resolve(given) : undefined;
}

async function start(): Promise<Runtime> {
  const env = readEnvironment();
  if (!awsConfiguration().answer) {
    configureAws({
      ...awsConfiguration(),
      ownAccount: env.OWN_ACCOUNT,
      responderRole: env.RESPONDER_ROLE,
      responderExternalId: env.RESPONDER_EXTERNAL_ID,
      events: eventStoreOf(env),
    });
  }
  return makeRuntime({
    env,
    table: openTable(env.TABLE_NAME),
    policy: await readCompiled(env.POLICY_FILE),
    now: () => new Date(),
  });
}

/** Puts a runtime together from its parts. */
export function makeRuntime(parts: Pick<Runtime, 'env' | 'table' | 'policy' | 'now'>): Runtime {
  const { env, table } = parts;
  metrics.setDefaultDimensions({ stage: env.STAGE });
  const incidents = incidentStore(table);
  const own = awsFor({ partition: env.OWN_PARTITION, account: env.OWN_ACCOUNT, region: env.AWS_REGION });
  return {
    ...parts,
    incidents,
    own,
    approvals: { table, incidents, aws: own },
    slackSecrets: secretReader(own, env),
    awsOf: awsFor,
  };
}

/**
 * Secrets are read at first use and again after five minutes, so that a rotation needs no deploy. Each function reads
 * for itself, also where the sandbox runs them in one process: each needs the right to.
 */
function secretReader(own: Aws, env: Environment): () => Promise<SlackSecrets> {
  const cache = new Map<string, { readonly until: number; readonly secrets: SlackSecrets }>();
  return async () => {
    const reader = acting().function?.name ?? '';
    const held = cache.get(reader);
    if (held && held.until > Date.now()) return held.secrets;
    const names = [env.SLACK_BOT_TOKEN_PARAMETER, env.SLACK_SIGNING_SECRET_PARAMETER];
    const { client, api } = await own.ssm();
    const answer = await client.send(new api.GetParametersCommand({ Names: names, WithDecryption: true }));
    const [botToken, signingSecret] = names.map(
      (name) => answer.Parameters?.find((parameter) => parameter.Name === name)?.Value,
    );
    if (!botToken || !signingSecret) {
      throw new FirebreakError('NotFound', 'the Slack secrets are not in Systems Manager', {
        resource: names.join(', '),
        next: 'Store both as SecureString parameters; README.md shows the command.',
      });
    }
    const secrets = { botToken, signingSecret };
    cache.set(reader, { until: Date.now() + 300_000, secrets });
    return secrets;
  };
}

/** The part of the runtime that reads and writes journals; the command and the console have it as well. */
export type JournalRuntime = Pick<Runtime, 'table' | 'awsOf' | 'now'> & Partial<Pick<Runtime, 'policy'>>;

const namedBy = (target: Target, plan: Plan | undefined): readonly string[] => [
  target.display,
  ...(plan?.kind === 'plan' ? plan.arns : []),
];

/** The plan with a warning where a member account's session policy cannot name its resources exactly. */
export function withReach(
  { own }: Pick<Runtime, 'own'>,
  playbook: Playbook,
  target: Target,
  plan: Plan,
): Plan {
  if (plan.kind !== 'plan' || target.account === own.scope.account) return plan;
  const patterns = widenedPatterns(playbook, target, namedBy(target, plan));
  if (patterns.length === 0) return plan;
  const warning = `IAM cannot write this name exactly: the session policy lets Firebreak change what matches ${patterns.join(' or ')}`;
  return { ...plan, warnings: [...plan.warnings, warning] };
}

/** The journal's view of one target, with the rights that this part of its playbook and what it names need. */
export function journalRun(
  { table, awsOf, now, policy }: JournalRuntime,
  incidentId: string,
  playbook: Playbook,
  { target, plan }: Pick<IncidentTarget, 'target' | 'plan'>,
  part: 'write' | 'undo' = 'write',
): JournalRun {
  const arns = namedBy(target, plan);
  const aws = awsOf(target, {
    name: incidentId,
    policy: (characters) => sessionPolicy(playbook, target, arns, part, characters),
  });
  const settings = policy?.playbookSettings(playbook.id);
  return { table, now, playbook, target, incidentId, aws, settings };
}

/**
 * Pages a person through SNS, which hands it on to PagerDuty where that is configured (functions/pager.ts). Every failure
 * ends here at the latest.
 */
export async function page(
  { env, own }: Runtime,
  subject: string,
  text: string,
  severity?: SeverityLabel,
): Promise<void> {
  const { client, api } = await own.sns();
  await client.send(
    new api.PublishCommand({
      TopicArn: env.PAGE_TOPIC_ARN,
      // SNS subjects are ASCII without line breaks, under 100 characters.
      Subject: subject.replace(/[^\x20-\x7e]/g, ' ').slice(0, 99),
      Message: text,
      // PagerDuty's alert is as grave as the finding.
      ...(severity === undefined
        ? {}
        : { MessageAttributes: { severity: { DataType: 'String', StringValue: severity } } }),
    }),
  );
}

/**
 * Pages about one incident where the work must go on whether or not the page topic takes it: false then. The alarm
 * `unreached` names the incident.
 */
export async function reach(
  runtime: Runtime,
  incidentId: string,
  subject: string,
  text: string,
  severity?: SeverityLabel,
): Promise<boolean> {
  try {
    await page(runtime, subject, text, severity);
    return true;
  } catch (error) {
    logger.error('the page topic did not take a page', { incidentId, reason: describeError(error) });
    const named = metrics.singleMetric();
    named.addDimension('incident', incidentId);
    named.addMetric('Unreached', MetricUnit.Count, 1);
    return false;
  }
}

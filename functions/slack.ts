/**
 * Slack's interactivity endpoint. Answers within Slack's three seconds: the click is one conditional write; what follows
 * happens in the workflow, which rewrites the card.
 */
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import { z } from 'zod';
import { decide, incidentOfDecision } from '../core/approval.ts';
import { awsErrorName } from '../core/errors.ts';
import type { Incident } from '../core/incident.ts';
import { authorise, type Interaction, parseInteraction, verifySignature } from '../slack/request.ts';
import { showCard } from './cards.ts';
import { countMetric, logger, metrics, type Runtime, runtime } from './runtime.ts';

const httpEvent = z.object({
  headers: z.record(z.string(), z.string().optional()).default({}),
  body: z.string().default(''),
  isBase64Encoded: z.boolean().default(false),
});

export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const answer = (statusCode: number, text: string): HttpAnswer => ({
  statusCode,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: text,
});

export const handler = middy<unknown, HttpAnswer>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(async (event: unknown) => {
    const { headers, body, isBase64Encoded } = httpEvent.parse(event);
    const rawBody = isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body;
    const given = await runtime();
    const { signingSecret } = await given.slackSecrets();
    const signed = verifySignature({ rawBody, headers, signingSecret, now: given.now() });
    if (!signed.ok) return refuse(given, 401, signed.reason);
    const click = parseInteraction(rawBody);
    if (!click) return refuse(given, 400, 'not a button of ours');
    const incident = await incidentFor(given, click);
    if (!incident) return refuse(given, 200, 'no such incident or decision', click);
    const { env, policy } = given;
    const allowed = authorise(click, {
      teamId: env.SLACK_TEAM_ID,
      appId: env.SLACK_APP_ID,
      approvers: policy.approvers,
      card: incident.slack,
    });
    if (!allowed.ok) return refuse(given, 403, allowed.reason, click, incident);
    return click.action === 'undo'
      ? requestUndo(given, click, incident)
      : settle(given, click, incident, click.action);
  });

const incidentFor = (given: Runtime, { action, value }: Interaction): Promise<Incident | undefined> =>
  action === 'undo' ? given.incidents.find(value) : incidentOfDecision(given.approvals, value);

async function settle(
  given: Runtime,
  click: Interaction,
  incident: Incident,
  action: 'approve' | 'deny',
): Promise<HttpAnswer> {
  const result = await decide(given.approvals, {
    decisionId: click.value,
    outcome: action === 'approve' ? 'approved' : 'denied',
    by: click.userId,
    at: given.now(),
  });
  switch (result.kind) {
    case 'recorded':
      await given.incidents.note(incident.id, `${result.approval.outcome} by ${click.userId}`, given.now());
      return answer(200, `recorded: ${result.approval.outcome}`);
    case 'counted':
      await given.incidents.note(
        incident.id,
        `approved by ${click.userId}; a second person is needed`,
        given.now(),
      );
      await showCard(given, incident.id);
      return answer(200, 'counted: a second person is needed');
    case 'closed':
      return answer(200, `already ${result.approval.outcome} by ${result.approval.decidedBy ?? 'somebody'}`);
    case 'refused':
      return refuse(given, 200, result.reason, click, incident);
    case 'unknown':
      return refuse(given, 200, 'no such decision', click, incident);
  }
}

/** The workflow previews, asks a second person where needed, and undoes. One start per incident and minute. */
async function requestUndo(given: Runtime, click: Interaction, incident: Incident): Promise<HttpAnswer> {
  const { client, api } = await given.own.sfn();
  const minute = given.now().toISOString().slice(0, 16).replace(/\D/g, '');
  try {
    await client.send(
      new api.StartExecutionCommand({
        stateMachineArn: given.env.UNDO_STATE_MACHINE_ARN,
        name: `undo-${incident.id}-${minute}`,
        input: JSON.stringify({ incidentId: incident.id, requestedBy: click.userId }),
      }),
    );
  } catch (error) {
    if (awsErrorName(error) !== 'ExecutionAlreadyExists') throw error;
  }
  return answer(200, 'undo started');
}

/** Refusals are audited and change nothing. */
async function refuse(
  given: Runtime,
  status: number,
  reason: string,
  click?: Interaction,
  incident?: Incident,
): Promise<HttpAnswer> {
  countMetric('SlackRefused');
  logger.warn('Slack request refused', {
    audit: true,
    reason,
    user: click?.userId,
    team: click?.teamId,
    incidentId: incident?.id,
  });
  if (incident && click) {
    await given.incidents.note(
      incident.id,
      `refused ${click.action} by ${click.userId}: ${reason}`,
      given.now(),
    );
  }
  return answer(status, reason);
}

/**
 * PagerDuty next to the page topic, where it is configured: Events API v2, one alert per incident (`dedup_key` is the
 * incident's id). The endpoint comes from the environment, the routing key from Systems Manager.
 */
import { describeError, FirebreakError } from '../core/errors.ts';
import type { SeverityLabel } from '../core/finding/finding.ts';
import { severityLooks } from '../core/incident/looks.ts';
import { countMetric, logger, type Runtime } from './runtime.ts';

export type PagerEvent =
  | {
      readonly action: 'trigger';
      readonly key: string;
      readonly summary: string;
      readonly detail: string;
      /** Of the finding; without it the alert is about Firebreak itself. */
      readonly severity?: SeverityLabel | undefined;
    }
  /** A person has it, or it is over: the alert follows. */
  | { readonly action: 'acknowledge' | 'resolve'; readonly key: string };

/** PagerDuty cuts the summary at 1024 characters. */
const SUMMARY = 1024;
const WITHIN_MS = 4000;

/** Every page about an incident names it in its subject; anything else is an alert of its own. */
export const pagerKey = (subject: string): string => /\bfb-[0-9a-f]{12}\b/.exec(subject)?.[0] ?? subject;

/** True when PagerDuty took it, or is not configured. Never throws: the page topic was notified in any case. */
export async function tellPagerDuty(runtime: Runtime, event: PagerEvent): Promise<boolean> {
  const { PAGERDUTY_EVENTS_URL: url, PAGERDUTY_ROUTING_KEY_PARAMETER: parameter } = runtime.env;
  if (url === undefined || parameter === undefined) return true;
  try {
    const routing_key = await routingKey(runtime, parameter);
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        routing_key,
        event_action: event.action,
        dedup_key: event.key,
        ...(event.action === 'trigger'
          ? {
              payload: {
                summary: event.summary.slice(0, SUMMARY),
                source: 'firebreak',
                // What keeps Firebreak from working is as grave as it gets.
                severity: event.severity === undefined ? 'critical' : severityLooks(event.severity).pagerDuty,
                custom_details: { text: event.detail },
              },
            }
          : {}),
      }),
      signal: AbortSignal.timeout(WITHIN_MS),
    });
    if (answer.ok) return true;
    throw new FirebreakError('StepFailed', `PagerDuty answered ${answer.status}`, {
      resource: event.key,
      next: 'Check the routing key and the events address.',
    });
  } catch (error) {
    countMetric('PagerFailed');
    logger.error('PagerDuty did not take the event', { key: event.key, reason: describeError(error) });
    return false;
  }
}

async function routingKey({ own }: Runtime, name: string): Promise<string> {
  const { client, api } = await own.ssm();
  const answer = await client.send(new api.GetParametersCommand({ Names: [name], WithDecryption: true }));
  const [found] = answer.Parameters ?? [];
  if (found?.Value) return found.Value;
  throw new FirebreakError('NotFound', 'the PagerDuty routing key is not in Systems Manager', {
    resource: name,
    next: 'Store it as a SecureString parameter.',
  });
}

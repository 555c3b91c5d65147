/**
 * Hands what comes on the page topic to PagerDuty, alarms among it. A function of its own, so that no response waits for
 * a pager, and one role alone may read its key. What PagerDuty does not take fails, and Lambda tries again.
 */
import { z } from 'zod';
import { FirebreakError } from '../core/errors.ts';
import { lambda } from '../pipeline/lambda.ts';
import { pagerKey, tellPagerDuty } from '../pipeline/pagerduty.ts';

/** As SNS invokes a function. */
const snsEvent = z.object({
  Records: z
    .array(
      z.object({
        Sns: z.object({
          Subject: z.string().nullish(),
          Message: z.string(),
          // Absent in alarms. A value that is not a severity counts as none: the page goes out.
          MessageAttributes: z
            .object({ severity: z.object({ Value: z.enum(['low', 'medium', 'high', 'critical']) }) })
            .optional()
            .catch(undefined),
        }),
      }),
    )
    .min(1),
});

export const handler = lambda(async (event, given): Promise<{ notified: number }> => {
  const { Records } = snsEvent.parse(event);
  for (const { Sns } of Records) {
    const summary = Sns.Subject ?? 'Firebreak';
    const key = pagerKey(summary);
    const severity = Sns.MessageAttributes?.severity.Value;
    const taken = await tellPagerDuty(given, {
      ...{ action: 'trigger', key, summary, detail: Sns.Message },
      severity,
    });
    if (!taken) {
      throw new FirebreakError('StepFailed', 'PagerDuty did not take the page', {
        resource: key,
        next: 'Nothing: it is tried again; the page topic has notified its other subscribers.',
      });
    }
  }
  return { notified: Records.length };
});

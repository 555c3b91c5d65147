/**
 * Proves that the pipeline works before a finding needs it: every half hour a sample finding goes onto the bus, through
 * the rule, the workflow and Slack, and must come back as the incident's event. One that does not come back is paged.
 * The day's canaries are one incident, so that there is one card a day.
 */
import { z } from 'zod';
import { FirebreakError, isFirebreakError } from '../core/errors.ts';
import { CANARY_KEY, CANARY_SOURCE, canaryFinding, canaryId, lastCanary } from '../pipeline/canary.ts';
import { lambda } from '../pipeline/lambda.ts';
import { countMetric, page, type Runtime } from '../pipeline/runtime.ts';

const input = z.union([
  z.object({ 'detail-type': z.literal('Firebreak Incident'), detail: z.object({ findingId: z.string() }) }),
  z.object({ 'detail-type': z.literal('Scheduled Event') }),
]);
export interface CanaryResult {
  /** What became of the canary before. */
  readonly before: 'none' | 'came out' | 'lost';
}

export const handler = lambda(async (event, given): Promise<CanaryResult | undefined> => {
  const parsed = input.parse(event);
  if (parsed['detail-type'] === 'Scheduled Event') return sendNext(given);
  await cameOut(given, parsed.detail.findingId);
  return undefined;
});

async function sendNext(given: Runtime): Promise<CanaryResult> {
  const { table, now } = given;
  const previous = await lastCanary(given);
  const lost = previous !== undefined && previous.cameOutAt === undefined;
  if (lost) {
    countMetric('CanaryLost');
    await page(
      given,
      'Firebreak: a sample finding did not come out of the pipeline',
      `Sent at ${previous.sentAt} (number ${previous.number} of ${previous.findingId}), not reported since.\n` +
        'Findings may be lost the same way. Look at the rules, the queues and the executions of the respond workflow.',
    );
  }
  const at = now().toISOString();
  const findingId = canaryId(given, new Date(at));
  const number = previous?.findingId === findingId ? previous.number + 1 : 1;
  // Written first: a canary that EventBridge refuses is missed next time.
  await table.put({ ...CANARY_KEY, findingId, number, sentAt: at });
  await put(given, canaryFinding(given, { findingId, number, sentAt: at }));
  countMetric('CanarySent');
  return { before: previous === undefined ? 'none' : lost ? 'lost' : 'came out' };
}

async function put({ own, env }: Runtime, detail: object): Promise<void> {
  const { client, api } = await own.events();
  const answer = await client.send(
    new api.PutEventsCommand({
      Entries: [
        {
          EventBusName: env.EVENT_BUS,
          Source: CANARY_SOURCE,
          DetailType: 'GuardDuty Finding',
          Detail: JSON.stringify(detail),
        },
      ],
    }),
  );
  // PutEvents answers 200 with failed entries inside.
  const [entry] = answer.Entries ?? [];
  if (entry?.ErrorCode) throw new Error(`${entry.ErrorCode}: ${entry.ErrorMessage ?? ''}`);
}

/** The incident's own count says which canary it was; an older one that comes late proves nothing about the last. */
async function cameOut(given: Runtime, findingId: string): Promise<void> {
  const { table, incidents, now, own } = given;
  const incident = await incidents.ofFinding({ ...own.scope, findingId });
  if (!incident) {
    throw new FirebreakError('NotFound', `there is no incident of the canary ${findingId}`, {
      resource: findingId,
      next: 'See `firebreak history` for the incidents there are.',
    });
  }
  const { count } = incident;
  try {
    await table.update(
      CANARY_KEY,
      { text: 'SET cameOutAt = :at', values: { at: now().toISOString() } },
      {
        text: 'findingId = :finding AND #number <= :count AND attribute_not_exists(cameOutAt)',
        names: { number: 'number' },
        values: { finding: findingId, count },
      },
    );
  } catch (error) {
    // Reported twice, or another one is under way already.
    if (isFirebreakError(error, 'Conflict')) return;
    throw error;
  }
  countMetric('CanaryCameOut');
}

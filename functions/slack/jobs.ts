/**
 * What the endpoint leaves to the worker (functions/slack-worker.ts): Slack waits three seconds, and a Lambda does nothing
 * after its answer. Jobs hold ids and words for people, never a token.
 */
import { z } from 'zod';

const incidentId = z.string().min(1);
const job = z.discriminatedUnion('kind', [
  /** Rewrites the card. */
  z.object({ kind: z.literal('card'), incidentId }),
  /** A person has it: the alert on the pager is acknowledged. */
  z.object({ kind: z.literal('acknowledge'), incidentId }),
  /** Says something to one person only. */
  z.object({ kind: z.literal('tell'), channel: z.string(), user: z.string(), text: z.string() }),
  /** Says something to everybody in the channel, and on the page topic. `people` are mentioned where the text has them. */
  z.object({
    kind: z.literal('alert'),
    subject: z.string(),
    text: z.string(),
    people: z.array(z.string()).readonly(),
  }),
  /** Fills the details modal that was opened empty. */
  z.object({
    kind: z.literal('details'),
    incidentId,
    viewId: z.string(),
    ticket: z.string(),
    page: z.string().optional(),
  }),
  /** Fills the suppress modal with what the filter would have hidden. */
  z.object({ kind: z.literal('suppression'), incidentId, viewId: z.string(), ticket: z.string() }),
  /** Makes the filter. */
  z.object({ kind: z.literal('suppress'), incidentId, by: z.string(), reason: z.string() }),
]);
export type Job = z.output<typeof job>;

export const jobs = z.object({ jobs: z.array(job).min(1) });

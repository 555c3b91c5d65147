/** Enrich and Classify, two states of the workflow and one function: one cold start between a finding and its decision. */
import { z } from 'zod';
import { type Classified, handler as classify } from './classify.ts';
import { type Enriched, handler as enrich } from './enrich.ts';

/** The definition says which; what a finding says stands below it, in `event`. */
const ofClassify = z.object({ task: z.literal('classify') });

/** Runs the task that the state asks for. */
export const handler = (
  event: unknown,
  context: Parameters<typeof enrich>[1],
): Promise<Enriched | Classified> =>
  ofClassify.safeParse(event).success ? classify(event, context) : enrich(event, context);

/** What deploy/requests/models.py finds: one kind of problem at one member of one operation. */
import { z } from 'zod';
import { SIDES } from './record.ts';

export const problemSchema = z.object({
  service: z.string(),
  operation: z.string(),
  side: z.enum(SIDES),
  /** `.Filters[].Name`: `[]` is an element of a list, `.*` a value of a map. */
  path: z.string(),
  problem: z.string(),
  example: z.unknown(),
  records: z.array(z.string()),
});
export type Problem = z.infer<typeof problemSchema>;

/** The record of a test file: every authorization request of every AWS call made while it ran, once each. */
import { z } from 'zod';

const scope = { partition: z.string(), account: z.string(), region: z.string() };
const recordedRequest = z.object({
  /** Which function made the call, and where it is deployed. */
  function: z.object({ ...scope, name: z.string(), stage: z.string() }).optional(),
  playbook: z.object({ id: z.string(), part: z.enum(['read', 'write', 'undo']) }).optional(),
  /** Account and Region of the call. */
  at: z.object(scope),
  action: z.string(),
  resource: z.string(),
  /** Made as the role of the management account. */
  management: z.literal(true).optional(),
  /** The session policy it was made under, in member accounts. */
  session: z.string().optional(),
  keys: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
});
export type RecordedRequest = z.infer<typeof recordedRequest>;
/** A call that could not be read as a request. */
export const recordLine = z.union([recordedRequest, z.object({ problem: z.string() })]);
export type RecordLine = z.infer<typeof recordLine>;

const RECORDS = 'coverage/permissions';
/** `core/journal/journal.test.ts` -> its record. */
export const recordOf = (testFile: string): string => `${RECORDS}/${testFile.replaceAll('/', '~')}.jsonl`;

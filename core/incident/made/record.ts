/** A record of CloudTrail, as far as it tells what was made and by whom. Untrusted: its caller chose most of the texts. */
import { z } from 'zod';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';

const parameters = z.custom<JsonObject>(isJsonObject).nullish();

const recordSchema = z.object({
  eventID: z.string().optional(),
  eventTime: z.string().refine((time) => !Number.isNaN(Date.parse(time))),
  eventName: z.string(),
  eventSource: z.string(),
  awsRegion: z
    .string()
    .regex(/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/)
    .catch(''),
  errorCode: z.string().optional(),
  userIdentity: z
    .object({
      type: z.string().optional(),
      principalId: z.string().optional(),
      arn: z.string().optional(),
      userName: z.string().optional(),
      accessKeyId: z.string().optional(),
      invokedBy: z.string().optional(),
    })
    .default({}),
  requestParameters: parameters,
  responseElements: parameters,
});
export type TrailRecord = z.output<typeof recordSchema>;

/** Returns the record, or undefined for what is none. */
export const recordOf = (raw: unknown): TrailRecord | undefined => recordSchema.safeParse(raw).data;

/** Deeper than any service nests what is looked for. */
const DEEPEST = 6;

/**
 * Returns every member of that name, the nearest to the top first: EC2 wraps a request in another object, others write the
 * first letters large. Case does not count.
 */
export function membersNamed(value: Json | undefined, name: string): readonly Json[] {
  const wanted = name.toLowerCase();
  const found: Json[] = [];
  let level: readonly Json[] = value === undefined ? [] : [value];
  for (let depth = 0; depth < DEEPEST && level.length > 0; depth++) {
    const next: Json[] = [];
    for (const each of level) {
      if (Array.isArray(each)) next.push(...each);
      else if (isJsonObject(each))
        for (const [key, member] of Object.entries(each)) {
          if (key.toLowerCase() === wanted) found.push(member);
          next.push(member);
        }
    }
    level = next;
  }
  return found;
}

/** Returns the nearest text of that name that fits the pattern. */
export const textNamed = (value: Json | undefined, name: string, pattern: RegExp): string | undefined =>
  textsNamed(value, name, pattern)[0];

/** Returns every text of that name that fits the pattern, each once. */
export const textsNamed = (value: Json | undefined, name: string, pattern: RegExp): readonly string[] => [
  ...new Set(
    membersNamed(value, name).filter((each) => typeof each === 'string' && pattern.test(each)) as string[],
  ),
];

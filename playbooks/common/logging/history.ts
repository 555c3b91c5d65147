/**
 * What a setting was before somebody changed it: CloudTrail's event history keeps the calls that set it for 90 days,
 * without a trail. An event is untrusted text of known form; what does not fit is passed over.
 */
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { eventPages } from '../../../core/aws/event-history.ts';
import { isAccessDenied } from '../../../core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts';

/** 50 events each, two a second: more would keep the restoration waiting. */
const MOST_PAGES = 6;

const record = z.object({
  eventName: z.string(),
  eventTime: z.string(),
  errorCode: z.string().optional(),
  userIdentity: z
    .object({ principalId: z.string().optional(), accessKeyId: z.string().optional() })
    .optional(),
  requestParameters: z.custom<JsonObject>(isJsonObject).nullish(),
  responseElements: z.custom<JsonObject>(isJsonObject).nullish(),
});

/** A call that succeeded, newest first. */
export interface PastCall {
  readonly name: string;
  /** ISO 8601. */
  readonly at: string;
  readonly principalId: string | undefined;
  readonly accessKeyId: string | undefined;
  readonly request: JsonObject;
  readonly response: JsonObject;
}

/** Who the finding is about, and since when: their own calls are no baseline. */
export interface Suspect {
  readonly principalId: string | null;
  readonly accessKeyId: string | null;
  /** First activity that the finding tells, ISO 8601. */
  readonly since: string;
}

export type PastCalls = readonly PastCall[] | { readonly unread: string };

/** The calls of these names, newest first; `unread` where CloudTrail may not be read. */
export async function pastCalls(aws: Aws, names: readonly string[]): Promise<PastCalls> {
  try {
    const found = await Promise.all(names.map((name) => callsNamed(aws, name)));
    return found.flat().sort((a, b) => (a.at < b.at ? 1 : -1));
  } catch (error) {
    if (isAccessDenied(error)) return { unread: "CloudTrail's event history may not be read" };
    throw error;
  }
}

async function callsNamed(aws: Aws, value: string): Promise<PastCall[]> {
  const calls: PastCall[] = [];
  let pages = 0;
  for await (const page of eventPages(aws, { attribute: 'EventName', value })) {
    for (const raw of page) {
      const parsed = record.safeParse(raw);
      if (!parsed.success || parsed.data.errorCode !== undefined) continue;
      const { eventName, eventTime, userIdentity, requestParameters, responseElements } = parsed.data;
      calls.push({
        name: eventName,
        at: eventTime,
        principalId: userIdentity?.principalId,
        accessKeyId: userIdentity?.accessKeyId,
        request: requestParameters ?? {},
        response: responseElements ?? {},
      });
    }
    pages += 1;
    if (pages === MOST_PAGES) break;
  }
  return calls;
}

/** Attacks are minutes long; the change can come before the call that the finding is about. */
const LEAD_MS = 3_600_000;

/** A call by the finding's principal, around the finding or later. */
export const isSuspect = (call: PastCall, { principalId, accessKeyId, since }: Suspect): boolean =>
  Date.parse(call.at) >= Date.parse(since) - LEAD_MS &&
  ((principalId !== null && call.principalId === principalId) ||
    (accessKeyId !== null && call.accessKeyId === accessKeyId));

/** Any JSON value, `null` included: a setting as AWS has it. */
export const anyJson = z.custom<Json>((value) => value !== undefined);

export const baselineSchema = z.discriminatedUnion('known', [
  z.object({ known: z.literal(true), value: anyJson, from: z.string() }),
  z.object({ known: z.literal(false), why: z.string() }),
]);
export type Baseline = z.infer<typeof baselineSchema>;

/**
 * The newest value that somebody other than the finding's principal set before the finding. `setBy` gives undefined for
 * a call about something else, and null for one that switched the thing off.
 */
export function lastGood(
  calls: PastCalls,
  suspect: Suspect,
  setBy: (call: PastCall) => Json | undefined,
): Baseline {
  if ('unread' in calls) return { known: false, why: calls.unread };
  for (const call of calls) {
    if (isSuspect(call, suspect)) continue;
    const value = setBy(call);
    if (value === undefined) continue;
    if (Date.parse(call.at) >= Date.parse(suspect.since)) {
      return { known: false, why: `somebody else changed it after that (${call.name} of ${call.at})` };
    }
    if (value === null) return { known: false, why: `${call.name} of ${call.at} had switched it off before` };
    return { known: true, value, from: `${call.name} of ${call.at}` };
  }
  return { known: false, why: "CloudTrail's last 90 days do not show what it was" };
}

/** CloudTrail writes the members of a request small; the SDK wants them as the API spells them. */
export function capitalised(value: Json): Json {
  if (Array.isArray(value)) return value.map(capitalised);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key.slice(0, 1).toUpperCase() + key.slice(1),
      capitalised(member),
    ]),
  );
}

/**
 * What a setting was before someone changed it: CloudTrail's event history keeps the calls that set it for 90 days,
 * without a trail. An event is untrusted text of known form; what does not fit is passed over.
 */
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { eventPages } from '../../../core/aws/event-history.ts';
import { isAccessDenied } from '../../../core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts';
import { anyJson } from '../step-kind.ts';

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
  /** Others of the same attack. */
  readonly others?: readonly Pick<Suspect, 'principalId' | 'accessKeyId'>[];
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

/** A value set less than a day before the finding may be the first step of the same attack, by another identity. */
const YOUNG_MS = 24 * 3_600_000;

/** The unique id of a user or role: `AROA…:name` of every session of a role. An attacker chooses the session name. */
const uniqueId = (principalId: string): string => principalId.split(':', 1)[0] ?? principalId;

/** A call by the finding's user or role, or with its key, at any time: it may not define what is restored. */
const samePrincipal = (call: PastCall, { principalId, accessKeyId, others = [] }: Suspect): boolean =>
  [{ principalId, accessKeyId }, ...others].some((one) => isCaller(call, one));

const isCaller = (
  call: PastCall,
  { principalId, accessKeyId }: Pick<Suspect, 'principalId' | 'accessKeyId'>,
): boolean =>
  (principalId !== null &&
    call.principalId !== undefined &&
    uniqueId(call.principalId) === uniqueId(principalId)) ||
  (accessKeyId !== null && call.accessKeyId === accessKeyId);

/** Returns whether the call is part of the attack: by the finding's user or role, from an hour before the finding on. */
export const partOfAttack = (call: PastCall, suspect: Suspect): boolean =>
  Date.parse(call.at) >= Date.parse(suspect.since) - LEAD_MS && samePrincipal(call, suspect);

/** Firebreak's own restoration, by the name of its session: it changed nothing of what the owner wanted. */
const isOwn = ({ principalId }: PastCall): boolean =>
  /:(fb-[0-9a-f]{12}|firebreak-[\w-]+)$/.test(principalId ?? '');

export const baselineSchema = z.discriminatedUnion('known', [
  z.object({
    known: z.literal(true),
    value: anyJson,
    from: z.string(),
    /** Why a person must confirm it; records of earlier releases have none. */
    unsure: z.array(z.string()).default([]),
  }),
  z.object({ known: z.literal(false), why: z.string() }),
]);
export type Baseline = z.infer<typeof baselineSchema>;

/**
 * Returns the newest value that another principal set before the finding. `setBy` returns undefined for a call about
 * another resource, and null for one that switched the setting off. Values of the finding's own user or role are passed
 * over, whatever their session and age, and make the older value one to confirm; so does a value younger than a day.
 */
export function lastGood(
  calls: PastCalls,
  suspect: Suspect,
  setBy: (call: PastCall) => Json | undefined,
): Baseline {
  if ('unread' in calls) return { known: false, why: calls.unread };
  const since = Date.parse(suspect.since);
  let own: string | undefined;
  for (const call of calls) {
    if (isOwn(call)) continue;
    const value = setBy(call);
    if (value === undefined) continue;
    const from = `${call.name} of ${call.at}`;
    if (samePrincipal(call, suspect)) {
      if (!partOfAttack(call, suspect)) own ??= from;
      continue;
    }
    if (Date.parse(call.at) >= since)
      return { known: false, why: `another principal changed it after that (${from})` };
    if (value === null) return { known: false, why: `${from} had switched it off before` };
    const unsure = [
      ...(own === undefined ? [] : [`the finding's own principal changed it since (${own})`]),
      ...(Date.parse(call.at) > since - YOUNG_MS
        ? [`it was set less than a day before the finding (${from})`]
        : []),
    ];
    return { known: true, value, from, unsure };
  }
  return {
    known: false,
    why:
      own === undefined
        ? "CloudTrail's last 90 days do not show what it was"
        : `only the finding's own principal set it in CloudTrail's last 90 days (${own})`,
  };
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

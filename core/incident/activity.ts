/** What the principal did around the finding, from CloudTrail's event history. */
import { z } from 'zod';
import type { Aws } from '../aws/client.ts';
import { eventPages } from '../aws/event-history.ts';
import { iamHome } from '../aws/regions.ts';
import { describeError, isAccessDenied, isFirebreakError } from '../errors.ts';
import type { Finding } from '../finding/finding.ts';
import { reader } from '../finding/reader.ts';

/** One call. Request parameters are left out: they can hold secrets. Strings are untrusted. */
interface ActivityEvent {
  /** ISO 8601. */
  readonly at: string;
  readonly name: string;
  readonly source: string;
  readonly region: string;
  readonly ip?: string;
  readonly agent?: string;
  /** `AccessDenied`, ... where AWS refused the call. */
  readonly error?: string;
  readonly readOnly: boolean;
}

export type Activity =
  | {
      readonly kind: 'read';
      /** `access key ASIA...`, `session i-...`. */
      readonly of: string;
      readonly from: string;
      readonly to: string;
      /** Oldest first. */
      readonly events: readonly ActivityEvent[];
      /** There are more than were read. */
      readonly more: boolean;
    }
  | { readonly kind: 'not-read'; readonly why: string };

const HOUR_MS = 3_600_000;
/** A page has 50 events; more than this no one reads on a card, and CloudTrail's console has the rest. */
const PAGES = 2;

const record = z.object({
  eventTime: z.string(),
  eventName: z.string(),
  eventSource: z.string(),
  awsRegion: z.string().default(''),
  sourceIPAddress: z.string().optional(),
  userAgent: z.string().optional(),
  errorCode: z.string().optional(),
  readOnly: z.boolean().default(false),
});

/**
 * The calls of the finding's principals from an hour before it was first seen to an hour after it was last seen. Never
 * throws for what CloudTrail refuses: the timeline is a help, not a condition for containing; `why` says so.
 */
export async function activityOf(finding: Finding, aws: Aws, now: Date): Promise<Activity> {
  const all = principalsOf(finding);
  if (all.length === 0)
    return { kind: 'not-read', why: 'the finding does not name a principal whose calls could be looked up' };
  const first = Date.parse(finding.firstSeen ?? finding.createdAt ?? finding.updatedAt);
  const last = Date.parse(finding.lastSeen ?? finding.updatedAt);
  const from = new Date(Math.min(first, last) - HOUR_MS);
  const to = new Date(Math.min(Math.max(first, last) + HOUR_MS, now.getTime()));
  if (!(from < to)) return { kind: 'not-read', why: "the finding's times lie in the future" };
  // Calls of global services (IAM, STS's global endpoint) are recorded in the partition's home Region only.
  const regions = [...new Set([finding.region, iamHome(finding).region])];
  const events: ActivityEvent[] = [];
  let more = false;
  try {
    for (const [by, region] of all.flatMap((one) => regions.map((region) => [one, region] as const))) {
      const page = await lookUp(aws.inRegion(region), by, from, to);
      events.push(...page.events);
      more ||= page.more;
    }
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    if (!isAccessDenied(error) && !/Throttl|OperationNotPermitted|InvalidTimeRange/.test(name)) throw error;
    return { kind: 'not-read', why: `CloudTrail did not answer: ${describeError(error)}` };
  }
  return {
    kind: 'read',
    of: all.map(({ what }) => what).join(' and '),
    from: from.toISOString(),
    to: to.toISOString(),
    events: events.sort((a, b) => (a.at < b.at ? -1 : 1)),
    more,
  };
}

interface Principal {
  readonly attribute: 'AccessKeyId' | 'Username';
  readonly value: string;
  readonly what: string;
}

/** Enough for a timeline; CloudTrail answers two calls a second. */
const MOST_ACTORS = 4;
const KEY = /^A[A-Z0-9]{15,127}$/;
const ofKey = (key: string): Principal => ({
  attribute: 'AccessKeyId',
  value: key,
  what: `access key ${key}`,
});

/** The finding's principal; of an attack sequence its actors, by the keys they used. */
function principalsOf(finding: Finding): readonly Principal[] {
  const keys = actorKeys(finding);
  if (keys.length > 0) return keys.slice(0, MOST_ACTORS).map(ofKey);
  const own = principalOf(finding);
  return own ? [own] : [];
}

/** `service.detection.sequence.actors[].user.credentialUid` (GuardDuty API reference, "Actor", "User"). */
function actorKeys({ detail }: Finding): readonly string[] {
  try {
    const sequence = reader(detail, 'detail').child('service')?.child('detection')?.child('sequence');
    const keys = (sequence?.children('actors') ?? []).flatMap(
      (actor) => actor.child('user')?.optionalText('credentialUid') ?? [],
    );
    return [...new Set(keys)].filter((key) => KEY.test(key));
  } catch (error) {
    // A sequence of another shape does not name a key.
    if (isFirebreakError(error, 'FindingInvalid')) return [];
    throw error;
  }
}

function principalOf({ accessKey, instance }: Finding): Principal | undefined {
  const key = accessKey?.accessKeyId;
  if (key !== undefined && KEY.test(key)) return ofKey(key);
  // An assumed role is recorded under its session's name.
  const name = /:([\w+=,.@-]{2,64})$/.exec(accessKey?.principalId ?? '')?.[1] ?? accessKey?.userName;
  if (name !== undefined && /^[\w+=,.@-]{1,64}$/.test(name)) {
    return { attribute: 'Username', value: name, what: `principal ${name}` };
  }
  // The credentials of an instance's role name their session after the instance.
  const id = instance?.instanceId;
  return id !== undefined && /^i-[0-9a-f]{8,17}$/.test(id)
    ? { attribute: 'Username', value: id, what: `the role session of ${id}` }
    : undefined;
}

async function lookUp(
  aws: Aws,
  { attribute, value }: Principal,
  from: Date,
  to: Date,
): Promise<{ readonly events: readonly ActivityEvent[]; readonly more: boolean }> {
  const events: ActivityEvent[] = [];
  let pages = 0;
  for await (const page of eventPages(aws, { attribute, value, from, to })) {
    if (pages === PAGES) return { events, more: true };
    pages += 1;
    events.push(...page.flatMap(eventOf));
  }
  return { events, more: false };
}

function eventOf(raw: unknown): readonly ActivityEvent[] {
  const parsed = record.safeParse(raw);
  if (!parsed.success) return [];
  const { eventTime, eventName, eventSource, awsRegion, sourceIPAddress, userAgent, errorCode, readOnly } =
    parsed.data;
  return [
    {
      at: eventTime,
      name: eventName,
      source: eventSource,
      region: awsRegion,
      readOnly,
      ...(sourceIPAddress === undefined ? {} : { ip: sourceIPAddress }),
      ...(userAgent === undefined ? {} : { agent: userAgent.slice(0, 200) }),
      ...(errorCode === undefined ? {} : { error: errorCode }),
    },
  ];
}

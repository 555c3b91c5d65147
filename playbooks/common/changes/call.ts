/**
 * A change as CloudTrail recorded it, and whether it belongs to the principal of a finding. A record is untrusted: the one who made
 * the call chose the names in it, the session's name and the user agent. The key that signed it and the unique id of the
 * principal are AWS's.
 */
import { z } from 'zod';
import { awsCommand } from '../../../core/aws/command-line.ts';
import type { Finding } from '../../../core/finding/finding.ts';
import { reader } from '../../../core/finding/reader.ts';
import { isJsonObject, type JsonObject } from '../../../core/json.ts';
import { utcMinute } from '../../../core/words.ts';

const record = z.object({
  eventID: z.string().regex(/^[0-9a-f-]{36}$/),
  eventName: z.string().regex(/^[A-Za-z0-9]{1,100}$/),
  eventSource: z.string().regex(/^[a-z0-9.-]{1,100}\.amazonaws\.com$/),
  eventTime: z.iso.datetime(),
  eventType: z.string().default('AwsApiCall'),
  awsRegion: z.string().regex(/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/),
  recipientAccountId: z.string().optional(),
  readOnly: z.boolean().default(false),
  eventCategory: z.string().optional(),
  errorCode: z.string().optional(),
  userIdentity: z.object({
    type: z.string().optional(),
    principalId: z.string().optional(),
    accessKeyId: z.string().optional(),
    userName: z.string().optional(),
  }),
  requestParameters: z.custom<JsonObject>(isJsonObject).nullish(),
  responseElements: z.custom<JsonObject>(isJsonObject).nullish(),
});

/** A call that changed something, as CloudTrail has it. `request` and `response` are untrusted. */
export interface Call {
  readonly id: string;
  readonly name: string;
  /** `iam.amazonaws.com` */
  readonly source: string;
  /** ISO 8601. */
  readonly at: string;
  readonly region: string;
  readonly principalId: string | undefined;
  readonly accessKeyId: string | undefined;
  /** The IAM user that called; undefined for every other caller. */
  readonly userName: string | undefined;
  readonly request: JsonObject;
  readonly response: JsonObject;
  /** It is about data: an object, an invocation. The event history has none. */
  readonly data: boolean;
  /** The store that has it, where the event history does not. */
  readonly store?: string;
}

/** Returns a call as people read it: `PutUserPolicy of 2026-11-24 07:00 UTC`. */
export const said = ({ name, at, store }: Pick<Call, 'name' | 'at' | 'store'>): string =>
  `${name} of ${utcMinute(at)}${store === undefined ? '' : ` (${store})`}`;

/** Returns what shows a call: the command, or the event's id in the store. It is made of what has passed a pattern. */
export const lookUp = ({ id, region, store }: Pick<Call, 'id' | 'region' | 'store'>): string =>
  store === undefined
    ? `${awsCommand('cloudtrail lookup-events', {
        region,
        'lookup-attributes': `AttributeKey=EventId,AttributeValue=${id}`,
      })}`
    : `event ${id} in ${store}`;

/**
 * Returns the call of a record; undefined where it changed nothing in this account: it only read, was refused, was made by an
 * AWS service for itself, or is about another account. What issues a key counts, though CloudTrail calls it a read.
 */
export function changingCall(raw: unknown, account: string): Call | undefined {
  const parsed = record.safeParse(raw);
  if (!parsed.success) return undefined;
  const { userIdentity: by, ...event } = parsed.data;
  const issues = event.eventSource === 'sts.amazonaws.com' && Object.hasOwn(ISSUE, event.eventName);
  if ((event.readOnly && !issues) || event.errorCode !== undefined) return undefined;
  if (event.eventType !== 'AwsApiCall' && event.eventType !== 'AwsConsoleAction') return undefined;
  if (by.type === 'AWSService') return undefined;
  if (event.recipientAccountId !== undefined && event.recipientAccountId !== account) return undefined;
  return {
    id: event.eventID,
    name: event.eventName,
    source: event.eventSource,
    at: new Date(event.eventTime).toISOString(),
    region: event.awsRegion,
    principalId: by.principalId,
    accessKeyId: by.accessKeyId,
    userName: by.type === 'IAMUser' ? by.userName : undefined,
    request: event.requestParameters ?? {},
    response: event.responseElements ?? {},
    data: event.eventCategory === 'Data',
  };
}

/** Whose changes are reversed, and since when. */
export const suspectSchema = z.object({
  /** Access keys: those of the finding, and those that were made or issued with them. */
  keys: z.array(z.string()),
  /** `AROA…:session` or, where no key is known, the id of a user. */
  principalIds: z.array(z.string()),
  /** Names under which CloudTrail lists the calls of these: a session's or a user's. Others may have them as well. */
  names: z.array(z.string()),
  /** ISO 8601. */
  since: z.iso.datetime(),
});
export type Suspect = z.infer<typeof suspectSchema>;

const KEY = /^A[A-Z0-9]{15,127}$/;
const SESSION = /^AROA[A-Z0-9]{4,124}:[\w+=,.@-]{2,64}$/;
const NAME = /^[\w+=,.@-]{1,64}$/;
const USER = /^(AIDA[A-Z0-9]{4,124}|\d{12})$/;

/** Returns the principal of the finding, or the actors of a sequence; undefined where neither key nor session is named. */
export function suspectOf(finding: Finding): Suspect | undefined {
  const { accessKey, firstSeen, createdAt, updatedAt } = finding;
  // CloudTrail's times are whole seconds: a call of the very first one counts.
  const since = Math.floor(Date.parse(firstSeen ?? createdAt ?? updatedAt) / 1000) * 1000;
  const { accessKeyId, principalId, userName } = accessKey ?? {};
  const named = [{ key: accessKeyId, id: principalId, name: userName }, ...actorsOf(finding)];
  const keys = named.flatMap(({ key }) => (key !== undefined && KEY.test(key) ? [key] : []));
  // A user has keys of its own owner as well: the id alone is taken where no key says which.
  const byId = named.filter(({ key = '', id = '' }) => SESSION.test(id) || (USER.test(id) && !KEY.test(key)));
  const principalIds = byId.flatMap(({ id }) => id ?? []);
  const names = byId.flatMap(({ id = '', name = '' }) => id.split(':')[1] ?? name);
  if ((keys.length === 0 && principalIds.length === 0) || Number.isNaN(since)) return undefined;
  return {
    keys: [...new Set(keys)],
    principalIds: [...new Set(principalIds)],
    names: [...new Set(names)].filter((name) => NAME.test(name)),
    since: new Date(since).toISOString(),
  };
}

/** `service.detection.sequence.actors[].user` */
function actorsOf({ detail }: Finding) {
  const { service } = detail;
  if (!isJsonObject(service)) return [];
  const sequence = reader(service, 'detail.service').child('detection')?.child('sequence');
  return (sequence?.children('actors') ?? []).map((actor) => {
    const user = actor.child('user');
    return {
      key: user?.optionalText('credentialUid'),
      id: user?.optionalText('uid'),
      name: user?.optionalText('name'),
    };
  });
}

/** Returns whether the suspect made the call, since the finding was first seen. */
export const isTheirs = (call: Call, suspect: Suspect): boolean =>
  call.at >= suspect.since && isBy(call, suspect);

/** Returns whether the suspect made the call, whenever that was. */
export const isBy = (
  { accessKeyId, principalId }: Call,
  { keys, principalIds }: Pick<Suspect, 'keys' | 'principalIds'>,
): boolean =>
  (accessKeyId !== undefined && keys.includes(accessKeyId)) ||
  (principalId !== undefined && principalIds.includes(principalId));

/** Calls whose answer holds a key: who has it acts for the caller. */
const ISSUE: Readonly<Record<string, string>> = {
  AssumeRole: 'credentials',
  CreateAccessKey: 'accessKey',
  GetFederationToken: 'credentials',
  GetSessionToken: 'credentials',
};

/** Returns the key that a call issued or made; undefined for every other call. */
export function keyIssuedBy({ name, source, response }: Call): string | undefined {
  if (source !== 'sts.amazonaws.com' && source !== 'iam.amazonaws.com') return undefined;
  const issued = Object.hasOwn(ISSUE, name) ? response[ISSUE[name] ?? ''] : undefined;
  const key = isJsonObject(issued) ? issued['accessKeyId'] : undefined;
  return typeof key === 'string' && KEY.test(key) ? key : undefined;
}

/** The three denies Firebreak writes on a role, as data. Equal inputs give equal text, so that a second run sees its own. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../../../core/json.ts';

/** Inline policies of a role may hold this many characters together, white space not counted (IAM quota). */
export const INLINE_QUOTA = 10_240;

/**
 * A: every session of one role that carries this instance id as its name. `aws:userid` is `AROA...:i-...` for
 * credentials from instance metadata, also for those issued later, so a renewed copy is denied as well.
 */
export const denySession = (userId: string): JsonObject => ({
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'FirebreakDenySession',
      Effect: 'Deny',
      Action: '*',
      Resource: '*',
      Condition: { StringEquals: { 'aws:userid': userId } },
    },
  ],
});

/**
 * B: the same session, but only when the call comes neither from the instance's own addresses nor through an endpoint
 * of its VPC. Conditions AND together, and a negated operator matches when its key is absent: through NAT SourceIp
 * matches, through an endpoint SourceVpc matches, a thief has neither. `aws:SourceVpc` alone would cut the owner off
 * from every call that does not go through an endpoint.
 */
export const pinSession = (instanceArn: string, egress: readonly string[]): JsonObject => ({
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'FirebreakPinSession',
      Effect: 'Deny',
      Action: '*',
      Resource: '*',
      Condition: {
        ArnEquals: { 'ec2:SourceInstanceArn': instanceArn },
        NotIpAddress: { 'aws:SourceIp': [...egress] },
        // The policy variable is IAM's to fill in.
        StringNotEquals: { 'aws:SourceVpc': '${aws:Ec2InstanceSourceVpc}' },
        BoolIfExists: { 'aws:ViaAWSService': 'false' },
      },
    },
  ],
});

/** A value that IAM compares letter for letter: no wildcard, no policy variable, which would match everyone. */
const literal = z.string().regex(/^[\w.:/=+@-]{1,256}$/);

/** The tags by which a deny knows its sessions, `aws:PrincipalTag/NAME` -> values. */
export const principalTags = z
  .record(z.string().regex(/^aws:PrincipalTag\/[\w-]+$/), z.array(literal).min(1))
  .refine(
    (tags) => Object.keys(tags).length > 0,
    'does not name a tag: it would deny every session of the role',
  );
export type PrincipalTags = z.infer<typeof principalTags>;

/** Every session that carries these tags: how EKS Pod Identity marks the pods of a service account. */
export const denyTagged = (tags: PrincipalTags): JsonObject => ({
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'FirebreakDenyPods',
      Effect: 'Deny',
      Action: '*',
      Resource: '*',
      Condition: { StringEquals: tags },
    },
  ],
});

const tagged = z.looseObject({
  Statement: z.tuple([
    z.looseObject({
      Sid: z.literal('FirebreakDenyPods'),
      Condition: z.strictObject({ StringEquals: principalTags }),
    }),
  ]),
});

/** The tags in a document made by `denyTagged`; undefined for any other. */
export const tagsOf = (document: unknown): PrincipalTags | undefined =>
  tagged.safeParse(document).data?.Statement[0].Condition.StringEquals;

/**
 * C: every session of the role that is older than the cut-off, in the body that the IAM console writes; with `userId` only
 * those of that name.
 */
export const revokeOlder = (cutOff: Date, userId?: string): JsonObject => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Deny',
      Action: ['*'],
      Resource: ['*'],
      Condition: {
        ...(userId === undefined ? {} : { StringEquals: { 'aws:userid': userId } }),
        DateLessThan: { 'aws:TokenIssueTime': cutOff.toISOString() },
      },
    },
  ],
});

const revocation = z.strictObject({
  Version: z.string(),
  Statement: z.tuple([
    z.strictObject({
      Effect: z.literal('Deny'),
      Action: z.tuple([z.literal('*')]),
      Resource: z.tuple([z.literal('*')]),
      Condition: z.strictObject({
        StringEquals: z.exactOptional(z.strictObject({ 'aws:userid': z.string() })),
        DateLessThan: z.strictObject({ 'aws:TokenIssueTime': z.iso.datetime({ offset: true }) }),
      }),
    }),
  ]),
});

/** The cut-off time of a document that is exactly form C; undefined for anything else. */
export function cutOffOf(document: Json): Date | undefined {
  const time = conditionOf(document)?.DateLessThan['aws:TokenIssueTime'];
  return time === undefined ? undefined : new Date(time);
}

const conditionOf = (document: Json) => revocation.safeParse(document).data?.Statement[0].Condition;

/** True when `live` revokes at least the sessions that `wanted` revokes: the cut-off only moves forward. */
export function revokesAtLeast(live: Json, wanted: Json): boolean {
  const [have, want] = [cutOffOf(live), cutOffOf(wanted)];
  const [of, wantedOf] = [live, wanted].map((one) => conditionOf(one)?.StringEquals?.['aws:userid']);
  return have !== undefined && want !== undefined && of === wantedOf && have.getTime() >= want.getTime();
}

const element = z.custom<Json>().optional();
/** Exactly IAM's elements: a second spelling of one (`effect`) must not say something else. */
const denies = z.strictObject({
  Version: element,
  Id: element,
  Statement: z
    .array(
      z.strictObject({
        Sid: element,
        Effect: z.literal('Deny'),
        ...{ Action: element, NotAction: element, Resource: element, NotResource: element },
        Condition: element,
      }),
    )
    .min(1),
});

/** True for a policy document whose statements deny and do nothing else. */
export const deniesOnly = (document: Json): document is JsonObject =>
  isJsonObject(document) && denies.safeParse(document).success;

/**
 * Name of an inline policy of ours: of the case and of the target, since an incident can name several sessions of one role (an
 * attack sequence), and a deny of the same name would overwrite the one before it, which gives that session back to the thief.
 */
export const ownPolicyName = (caseId: string, targetId: string): string =>
  `firebreak-${caseId}-${createHash('sha256').update(targetId).digest('hex').slice(0, 8)}`;

/** Whether an inline policy is one that Firebreak made for the case; earlier releases did not add the session. */
export const isOwnPolicy = (name: string, caseId: string): boolean =>
  name === `firebreak-${caseId}` ||
  (name.startsWith(`firebreak-${caseId}-`) &&
    /^[0-9a-f]{8}$/.test(name.slice(`firebreak-${caseId}-`.length)));

/** The text that is written. */
export const policyText = (document: Json): string => canonicalJson(document);

/** What IAM counts against the quota. */
export const policySize = (text: string): number => text.replace(/\s/g, '').length;

/** IAM gives documents back URL-encoded (RFC 3986). What is no JSON is kept as text, so that it equals nothing of ours. */
export function decodePolicy(encoded: string | undefined): { readonly text: string; readonly value: Json } {
  const text = decodeText(encoded ?? '');
  try {
    return { text, value: JSON.parse(text) as Json };
  } catch {
    return { text, value: text };
  }
}

/** An emulator may give the text as it is; a `%` in it then is no escape. */
function decodeText(encoded: string): string {
  if (encoded.trimStart().startsWith('{')) return encoded;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

/** Denies everything to anyone who carries it. On a user it holds for its keys, its console and sessions made with them. */
export const denyEverything = (): JsonObject => ({
  Version: '2012-10-17',
  Statement: [{ Sid: 'FirebreakDenyAll', Effect: 'Deny', Action: '*', Resource: '*' }],
});

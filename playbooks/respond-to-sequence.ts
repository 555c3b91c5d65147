/** An attack sequence names many resources: one incident and one card, a plan, a status and an undo for each of them. */
import { parseArn } from '../core/arn.ts';
import { type Finding, instanceNamed } from '../core/finding.ts';
import { type Reader, reader } from '../core/finding-reader.ts';
import { isJsonObject, type Json } from '../core/json.ts';
import { defineComposite, type Expansion, type Part, type Playbook, resourceKey } from '../core/playbook.ts';
import { blockPublicBucket } from './block-public-bucket.ts';
import { disableUserKeys } from './disable-user-keys.ts';
import { isolateInstance } from './isolate-instance.ts';
import { revokeRoleSessions } from './revoke-role-sessions.ts';
import { revokeSsoSessions } from './revoke-sso-sessions.ts';

/** More targets than this on one card is more than a person can judge at 3 a.m.; the rest is named. */
const MOST_PARTS = 10;

/** Who can do something comes before what runs, and that before what is stored. */
const ORDER: readonly string[] = ['iam-user', 'sso-session', 'role-session', 'ec2-instance', 's3-bucket'];

type Outcome = { readonly part: Part } | { readonly unhandled: string };

export const respondToSequence = defineComposite({
  id: 'respond-to-sequence',
  title: 'Answer an attack sequence, target by target',
  about: `
Extended Threat Detection tells a sequence with its actors and resources in \`service.detection.sequence\`; the finding's own
\`resource\` says nothing. Every actor and resource that a playbook contains becomes a target of its own, identities first,
then instances, then buckets that are open to the public. Targets that another incident contained already are joined.

Data that the attacker reached is contained by containing who reached it: a bucket that is not public is not changed.
Resources of other types are named on the card as not handled, and so is everything beyond ${MOST_PARTS} targets.
`.trim(),
  handles: ['AttackSequence:*'],
  expand: expandSequence,
});

function expandSequence(finding: Finding): Expansion {
  const service = finding.detail['service'];
  const sequence = isJsonObject(service)
    ? reader(service, 'detail.service').child('detection')?.child('sequence')
    : undefined;
  if (!sequence) return { ok: false, reason: 'the finding carries no sequence (service.detection.sequence)' };
  const outcomes = [
    ...sequence.children('actors').flatMap((actor) => actorPart(finding, actor)),
    ...sequence.children('resources').map((resource) => resourcePart(finding, resource)),
  ];
  const parts = new Map<string, Part>();
  for (const outcome of outcomes)
    if ('part' in outcome) parts.set(resourceKey(outcome.part.target), outcome.part);
  const sorted = [...parts.values()].sort((a, b) => rank(a) - rank(b));
  return {
    ok: true,
    parts: sorted.slice(0, MOST_PARTS),
    unhandled: [
      ...new Set([
        ...outcomes.flatMap((outcome) => ('unhandled' in outcome ? [outcome.unhandled] : [])),
        ...sorted.slice(MOST_PARTS).map(({ target }) => `${target.display}: more than ${MOST_PARTS} targets`),
      ]),
    ],
  };
}

const rank = ({ target }: Part): number => ORDER.indexOf(target.kind);

/** The identity behind an actor; one without a user (a process) is no identity. */
function actorPart(finding: Finding, actor: Reader): Outcome[] {
  const user = actor.child('user');
  if (!user) return [];
  return [
    identity(finding, {
      principalId: user.optionalText('uid'),
      userName: user.optionalText('name'),
      userType: user.optionalText('type'),
      accessKeyId: user.optionalText('credentialUid'),
    }),
  ];
}

function resourcePart(finding: Finding, resource: Reader): Outcome {
  const type = resource.optionalText('resourceType') ?? 'unknown type';
  const uid = resource.optionalText('uid') ?? '';
  const name = resource.optionalText('name') ?? '';
  const data = resource.child('data');
  // A sequence can span accounts and Regions; each resource says its own.
  const there: Finding = {
    ...finding,
    account: matching(resource.optionalText('accountId'), /^\d{12}$/) ?? finding.account,
    region: matching(resource.optionalText('region'), /^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/) ?? finding.region,
  };
  switch (type) {
    case 'ACCESS_KEY': {
      const key = data?.child('accessKey');
      return identity(there, {
        principalId: key?.optionalText('principalId'),
        userName: key?.optionalText('userName'),
        userType: key?.optionalText('userType'),
        accessKeyId: matching(name, /^A[KS]IA[A-Z0-9]+$/) ?? matching(uid, /^A[KS]IA[A-Z0-9]+$/),
      });
    }
    case 'EC2_INSTANCE': {
      const instanceId = matching(
        parseArn(uid)?.resource.replace(/^instance\//, '') ?? uid,
        /^i-[0-9a-f]{8,17}$/,
      );
      if (instanceId === undefined) return { unhandled: `${shown(uid)}: no instance id` };
      return chosen(isolateInstance, {
        // The sequence is of a type that isolation does not know by name; who plays which part is in its signals.
        ...without(there, 'resourceRole'),
        instance: instanceNamed(instanceId),
      });
    }
    case 'S3_BUCKET': {
      const bucket = name || (parseArn(uid)?.resource ?? uid);
      if (data?.child('s3Bucket')?.optionalText('effectivePermission') !== 'PUBLIC') {
        return {
          unhandled: `bucket ${shown(bucket)} is not public: who reached it is contained, not the bucket`,
        };
      }
      return chosen(blockPublicBucket, withResource(there, { s3BucketDetails: [{ name: bucket }] }));
    }
    default:
      return { unhandled: `${shown(type)} ${shown(name || uid)}: no playbook for this type of resource` };
  }
}

interface Named {
  readonly principalId: string | undefined;
  readonly userName: string | undefined;
  readonly userType: string | undefined;
  readonly accessKeyId: string | undefined;
}

function identity(finding: Finding, named: Named): Outcome {
  const accessKey = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  const given: Finding = { ...finding, accessKey };
  if (!(named.principalId ?? '').startsWith('AROA')) return chosen(disableUserKeys, given);
  return chosen(revokeSsoSessions.targetOf(given).ok ? revokeSsoSessions : revokeRoleSessions, given);
}

function chosen(playbook: Playbook, finding: Finding): Outcome {
  const choice = playbook.targetOf(finding);
  if (choice.ok) return { part: { playbook, target: choice.target } };
  return { unhandled: `${playbook.id}: ${choice.reason}` };
}

const withResource = (finding: Finding, resource: { readonly [key: string]: Json }): Finding => ({
  ...finding,
  detail: { ...finding.detail, resource },
});

function without<K extends keyof Finding>(finding: Finding, key: K): Omit<Finding, K> {
  const { [key]: _left, ...rest } = finding;
  return rest;
}

const matching = (text: string | undefined, form: RegExp): string | undefined =>
  text !== undefined && form.test(text) ? text : undefined;

/** Untrusted text in a reason: short. */
const shown = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)}…` : text);

/**
 * Whether two readings of a finding are about the same thing: the one delivered, and the one GuardDuty holds. Events and
 * the API name the members of a resource alike but for the case of their first letter [M].
 */
import { isJsonObject, type Json } from '../json.ts';
import type { Finding } from './finding.ts';

/** Returns in what the finding that GuardDuty holds differs from the delivered one; undefined where they agree. */
export function disagreement(
  delivered: Finding,
  held: Finding,
  { archivedByUs = false } = {},
): string | undefined {
  if (held.archived && !archivedByUs) return 'it is archived';
  if (held.sample) return 'it is a sample';
  if (held.doubt !== undefined) return held.doubt;
  for (const member of ['id', 'account', 'region', 'type', 'severity', 'resourceType'] as const) {
    if (delivered[member] !== held[member])
      return `${member} is ${JSON.stringify(held[member] ?? null)} there, and ${JSON.stringify(delivered[member] ?? null)} in the event`;
  }
  const known = new Set(identifiersOf(held));
  const foreign = identifiersOf(delivered).find((identifier) => !known.has(identifier));
  return foreign === undefined ? undefined : `it does not name ${foreign.slice(0, 200)}`;
}

/** Members that name something: an instance, a key, a bucket, a user, an image. */
const NAMES = /(?:^|[a-z0-9])(?:id|ids|arn|arns|name|names|uid|uids)$/i;

/**
 * What the finding says its resource is: every id, ARN and name, with the path to it. An attack sequence has its
 * resources next to its signals. Positions in lists do not count.
 */
function identifiersOf({ detail }: Finding): readonly string[] {
  const found: string[] = [];
  collect(detail['resource'], 'resource', found);
  const service = detail['service'];
  const detection = isJsonObject(service) ? service['detection'] : undefined;
  const sequence = isJsonObject(detection) ? detection['sequence'] : undefined;
  if (isJsonObject(sequence)) collect(sequence['resources'], 'resources', found);
  return found;
}

function collect(value: Json | undefined, path: string, found: string[]): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, path, found);
    return;
  }
  if (typeof value === 'string') {
    if (value !== '' && NAMES.test(path)) found.push(`${path} ${value}`);
    return;
  }
  if (!isJsonObject(value)) return;
  for (const [key, member] of Object.entries(value)) collect(member, `${path}.${key}`, found);
}

/**
 * Who someone is, proven by the door they came through. Slack's endpoint checks Slack's signature. A person with AWS
 * credentials writes to a partition whose key IAM itself fills in (docs/approvals.md has the statement), so that the key
 * says who wrote it. Whatever else a record or an execution's input says about who sent it proves nothing.
 */
import { z } from 'zod';
import { PARTITIONS, partitionKey } from '../table/partitions.ts';
import type { Item, Table } from '../table/table.ts';

export type Door =
  | { readonly kind: 'slack'; readonly user: string }
  /** `principal` is IAM's `aws:PrincipalArn`: of a session its role, path included [M]. `userId` is IAM's `aws:userid`. */
  | { readonly kind: 'aws'; readonly principal: string; readonly userId: string };

/** One person under the names of two doors. */
export interface Mapping {
  /** Slack user id. */
  readonly slack: string;
  readonly arn: string;
}

/** The partition of what came through a door. */
export function doorKey(door: Door): string {
  switch (door.kind) {
    case 'slack':
      return partitionKey('slackDoor', door.user);
    case 'aws':
      return partitionKey('awsDoor', `${door.principal}#${door.userId}`);
  }
}

/** Returns the door of a partition; undefined for any other partition. */
export function doorOf(pk: string): Door | undefined {
  const behind = (prefix: string) => (pk.startsWith(prefix) ? pk.slice(prefix.length) : '');
  const [user] = /^[UW][A-Z0-9]{2,}$/.exec(behind(PARTITIONS.slackDoor)) ?? [];
  if (user !== undefined) return { kind: 'slack', user };
  // A path may hold a `#`, the id of a principal and the name of a session cannot: the last one parts them.
  const [, principal, userId] =
    /^(arn:[^:]+:iam::\d{12}:(?:user|role)\/.+)#([^#]+)$/.exec(behind(PARTITIONS.awsDoor)) ?? [];
  return principal === undefined || userId === undefined ? undefined : { kind: 'aws', principal, userId };
}

/** As people and STS write it: a Slack id, the ARN of a user, or the ARN of a role's session. */
export function nameOf(door: Door): string {
  if (door.kind === 'slack') return door.user;
  const [, partition, account, role] =
    /^arn:([^:]+):iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(door.principal) ?? [];
  if (role === undefined) return door.principal;
  const session = door.userId.slice(door.userId.indexOf(':') + 1);
  return `arn:${partition}:sts::${account}:assumed-role/${role}/${session}`;
}

/** Only IAM Identity Center makes roles under this path, and only it names their sessions. */
const IDENTITY_CENTER = /^arn:[^:]+:iam::\d{12}:role\/aws-reserved\/sso\.amazonaws\.com\//;

/**
 * The Slack id of the person; undefined where `people` of policy.yml does not map them. The session of another role is
 * never mapped by its name: anyone who may assume that role chooses it.
 */
export function personOf(people: readonly Mapping[], door: Door): string | undefined {
  if (door.kind === 'slack') return door.user;
  const names = IDENTITY_CENTER.test(door.principal) ? [nameOf(door)] : [door.principal];
  return people.find(({ arn }) => names.includes(arn))?.slack;
}

/** What an undo was asked for. */
interface UndoRequest {
  readonly incidentId: string;
  /** The one target to undo; all of the incident without it. */
  readonly target?: number | undefined;
}

/** Longer than an execution waits to begin, shorter than Step Functions remembers its name (90 days). */
const GOOD_FOR_SECONDS = 86_400;

const undoKey = (pk: string, execution: string) => ({ pk, sk: `UNDO#${execution}` });
const undoRecord = z.object({
  incidentId: z.string(),
  target: z.number().optional(),
  until: z.number(),
});

/** Records who asks for the undo that the execution of this name will be. Step Functions takes a name once. */
export async function recordUndo(
  table: Table,
  door: Door,
  execution: string,
  request: UndoRequest,
  now: Date,
): Promise<void> {
  const until = Math.floor(now.getTime() / 1000) + GOOD_FOR_SECONDS;
  await table.put({ ...undoKey(doorKey(door), execution), ...request, until, ttl: until });
}

/** The door through which this execution was asked for; undefined where no door has a record of just this request. */
export async function doorOfUndo(
  table: Table,
  pk: string | undefined,
  execution: string | undefined,
  request: UndoRequest,
  now: Date,
): Promise<Door | undefined> {
  const door = pk === undefined ? undefined : doorOf(pk);
  if (!door || execution === undefined) return undefined;
  const item: Item | undefined = await table.get(undoKey(doorKey(door), execution));
  const record = undoRecord.safeParse(item);
  if (!record.success) return undefined;
  const { incidentId, target, until } = record.data;
  const same = incidentId === request.incidentId && target === request.target;
  return same && until * 1000 >= now.getTime() ? door : undefined;
}

/** Every call that leaves a way back, by the service and name under which CloudTrail records it. */
import type { Scope } from '../../aws/arn.ts';
import { type Call, eventReader, GIVES, type WayBack } from './call.ts';
import { DETECTION_CALLS } from './detection.ts';
import { IDENTITY_CALLS } from './identities.ts';
import type { TrailRecord } from './record.ts';
import { SESSION_CALLS } from './sessions.ts';
import { SHARING_CALLS } from './sharing.ts';
import { WORKLOAD_CALLS } from './workloads.ts';

const CALLS: readonly Call[] = [
  ...IDENTITY_CALLS,
  ...WORKLOAD_CALLS,
  ...SHARING_CALLS,
  ...DETECTION_CALLS,
  ...SESSION_CALLS,
].sort((a, b) => GIVES.indexOf(a.gives) - GIVES.indexOf(b.gives));

/** Lambda adds the version of its API to the name. */
const plain = (name: string): string => name.replace(/\d{8}(v\d)?$/, '');
const key = (source: string, name: string): string => `${source}:${plain(name)}`;
const BY_NAME = new Map(
  CALLS.flatMap((call) => call.names.map((name) => [key(call.source, name), call] as const)),
);

/** IAM records its calls in the partition's home Region alone. */
const GLOBAL = new Set(['iam']);

/** Returns the names to look up in a Region, those that give the most first. */
export const namesIn = (isHome: boolean): readonly string[] => [
  ...new Set(CALLS.filter(({ source }) => isHome || !GLOBAL.has(source)).flatMap(({ names }) => names)),
];

export interface Made extends WayBack {
  readonly call: string;
  /** As `Call.keepsIdentity`. */
  readonly keepsIdentity: boolean;
  readonly region: string;
  /** Place in the order of the list: the smallest first. */
  readonly order: number;
}

/** Returns what the call left behind; undefined where it failed, or is none of those that leave a way back. */
export function madeBy(record: TrailRecord, account: Scope): Made | undefined {
  const source = record.eventSource.replace(/\.amazonaws\.com(\.cn)?$/, '');
  const call = BY_NAME.get(key(source, record.eventName));
  // A call that was refused is an attempt.
  if (!call || record.errorCode !== undefined) return undefined;
  const way = call.read(eventReader(record, account));
  return (
    way && {
      ...way,
      call: key(source, record.eventName),
      keepsIdentity: call.keepsIdentity === true,
      region: GLOBAL.has(source) ? '' : record.awsRegion,
      order: GIVES.indexOf(call.gives),
    }
  );
}

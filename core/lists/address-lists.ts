/**
 * GuardDuty's trusted and threat lists: a text object in S3, and a set of the detector that names it. GuardDuty reads the
 * object only when the set is activated, so both are changed together here, and put back together when the set does not
 * come up. A detector has one trusted list and up to six threat lists; the one Firebreak changes is `firebreak-KIND`, or
 * the only one there is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type AddressRange, parseRange, specialRange } from '../addresses.ts';
import { type Aws, awsConfiguration } from '../aws/client.ts';
import { bucketRegion } from '../aws/regions.ts';
import { awsErrorName, FirebreakError } from '../errors.ts';

export type ListKind = 'trusted' | 'threat';

export interface AddressList {
  readonly kind: ListKind;
  readonly id: string;
  readonly name: string;
  /** As GuardDuty has it. */
  readonly location: string;
  /** TXT, STIX, OTX_CSV, ... Only TXT is edited here. */
  readonly format: string;
  /** ACTIVE, INACTIVE, ERROR, ... */
  readonly status: string;
  /** Lines of the object; undefined where the format is another one. */
  readonly entries: readonly string[] | undefined;
  readonly etag: string | undefined;
}

export interface ListChange {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** Quotas of GuardDuty [M]: lines of a trusted list and of a threat list. */
const MOST_LINES = { trusted: 2000, threat: 250_000 } as const;
/** A trusted range hides every finding about it: wider than this is a mistake. */
const WIDEST = { ipv4: 16, ipv6: 32 } as const;

/** The account's detector in this Region. Throws NotFound where GuardDuty is off. */
export async function detectorOf(aws: Aws): Promise<string> {
  const { client, api } = await aws.guardDuty();
  const { DetectorIds = [] } = await client.send(new api.ListDetectorsCommand({}));
  const [id] = DetectorIds;
  if (id !== undefined) return id;
  throw new FirebreakError('NotFound', `GuardDuty is off in ${aws.scope.region}`, {
    resource: aws.scope.account,
    next: 'Name the Region whose detector you mean (--region), or switch GuardDuty on.',
  });
}

/** Every list of the kind, with its content where it is plain text. */
export async function addressLists(
  aws: Aws,
  detector: string,
  kind: ListKind,
): Promise<readonly AddressList[]> {
  const { client, api } = await aws.guardDuty();
  const DetectorId = detector;
  const ids =
    kind === 'trusted'
      ? (await client.send(new api.ListIPSetsCommand({ DetectorId }))).IpSetIds
      : (await client.send(new api.ListThreatIntelSetsCommand({ DetectorId }))).ThreatIntelSetIds;
  return Promise.all((ids ?? []).map((id) => readList(aws, detector, kind, id)));
}

async function readList(aws: Aws, detector: string, kind: ListKind, id: string): Promise<AddressList> {
  const set = await describeSet(aws, detector, kind, id);
  const plain = set.format === 'TXT' ? await readObject(aws, set.location) : undefined;
  return { kind, id, ...set, entries: plain?.lines, etag: plain?.etag };
}

async function describeSet(aws: Aws, DetectorId: string, kind: ListKind, id: string) {
  const { client, api } = await aws.guardDuty();
  const set =
    kind === 'trusted'
      ? await client.send(new api.GetIPSetCommand({ DetectorId, IpSetId: id }))
      : await client.send(new api.GetThreatIntelSetCommand({ DetectorId, ThreatIntelSetId: id }));
  return {
    name: set.Name ?? '',
    location: set.Location ?? '',
    format: String(set.Format ?? ''),
    status: String(set.Status ?? ''),
  };
}

/** The list that is edited: `firebreak-KIND`, or the only one. Undefined when there is none. */
export function editable(lists: readonly AddressList[], kind: ListKind): AddressList | undefined {
  const own = lists.find(({ name }) => name === `firebreak-${kind}`);
  if (own || lists.length === 0) return own;
  const [only, ...others] = lists;
  if (only && others.length === 0) return only;
  throw new FirebreakError(
    'InputInvalid',
    `there are ${lists.length} ${kind} lists and none is firebreak-${kind}`,
    {
      resource: lists.map(({ name }) => name).join(', '),
      next: `Name one of them firebreak-${kind}.`,
    },
  );
}

/**
 * The lines after a change. Throws InputInvalid naming every entry that is no address, is not routed on the internet, is
 * too wide to trust, or is not there to be removed. What is there already is not added again.
 */
export function changedEntries(
  kind: ListKind,
  entries: readonly string[],
  change: ListChange,
): readonly string[] {
  const problems: string[] = [];
  for (const text of change.add) {
    const range = parseRange(text);
    const problem = range ? whyNot(kind, range) : 'is neither an address nor a range';
    if (problem !== undefined) problems.push(`${text.slice(0, 60)} ${problem}`);
  }
  for (const text of change.remove) {
    if (!entries.includes(text.trim())) problems.push(`${text.slice(0, 60)} is not on the list`);
  }
  const gone = new Set(change.remove.map((text) => text.trim()));
  const next = [
    ...new Set([...entries.filter((line) => !gone.has(line)), ...change.add.map((text) => text.trim())]),
  ];
  if (next.length > MOST_LINES[kind]) {
    problems.push(`the list would have ${next.length} lines, GuardDuty takes ${MOST_LINES[kind]}`);
  }
  if (problems.length === 0) return next;
  throw new FirebreakError('InputInvalid', problems.join('; '), {
    resource: `${kind} list`,
    next: 'Nothing was changed. Correct the entries.',
  });
}

function whyNot(kind: ListKind, { address, prefix, family }: AddressRange): string | undefined {
  const special = specialRange(address);
  if (special !== undefined) return `lies in ${special}: GuardDuty's lists hold public addresses only`;
  if (kind === 'trusted' && prefix < WIDEST[family]) {
    return `is wider than /${WIDEST[family]}: trusted addresses raise no findings at all`;
  }
  return prefix === 0 ? 'is the whole internet' : undefined;
}

/**
 * Writes the lines and activates the set. When GuardDuty does not take them, the object and the set are put back and the
 * error says so. `list` as it was read: somebody else's change meanwhile is a Conflict, not overwritten.
 */
export async function writeList(
  aws: Aws,
  detector: string,
  list: AddressList,
  lines: readonly string[],
): Promise<void> {
  if (list.entries === undefined || list.etag === undefined) {
    throw new FirebreakError('Refused', `the list is in ${list.format}, not plain text`, {
      resource: list.location,
      next: 'Change the object by hand and activate the set again.',
    });
  }
  // GuardDuty takes no empty list: nothing listed means no set. The object stays, for whoever asks what it held.
  if (lines.length === 0) return removeSet(aws, detector, list);
  const etag = await writeObject(aws, list.location, lines, list.etag);
  const problem = await activate(aws, detector, list);
  if (problem === undefined) return;
  await writeObject(aws, list.location, list.entries, etag);
  const again = await activate(aws, detector, list);
  throw new FirebreakError('StepFailed', `GuardDuty did not take the list (${problem})`, {
    resource: list.location,
    next:
      again === undefined
        ? 'The object and the set are as they were before. Look at the entries.'
        : `The object is as it was, but the set is not active (${again}): activate it by hand.`,
  });
}

async function removeSet(aws: Aws, DetectorId: string, { kind, id }: AddressList): Promise<void> {
  const { client, api } = await aws.guardDuty();
  if (kind === 'trusted') await client.send(new api.DeleteIPSetCommand({ DetectorId, IpSetId: id }));
  else await client.send(new api.DeleteThreatIntelSetCommand({ DetectorId, ThreatIntelSetId: id }));
}

/** A first list: the object and the set together. */
export async function createList(
  aws: Aws,
  detector: string,
  kind: ListKind,
  bucket: string,
  lines: readonly string[],
): Promise<AddressList> {
  const location = `s3://${bucket}/firebreak/${kind}.txt`;
  const old = await readObject(aws, location).catch((error: unknown) =>
    awsErrorName(error) === 'NoSuchKey' ? undefined : Promise.reject(error),
  );
  await writeObject(aws, location, lines, old?.etag);
  const { client, api } = await aws.guardDuty();
  const given = {
    DetectorId: detector,
    Name: `firebreak-${kind}`,
    Format: 'TXT' as const,
    Location: location,
    Activate: true,
  };
  const id =
    kind === 'trusted'
      ? (await client.send(new api.CreateIPSetCommand(given))).IpSetId
      : (await client.send(new api.CreateThreatIntelSetCommand(given))).ThreatIntelSetId;
  await settled(aws, detector, kind, id ?? '');
  return readList(aws, detector, kind, id ?? '');
}

/** Undefined when the set is active; otherwise its state. */
async function activate(
  aws: Aws,
  DetectorId: string,
  { kind, id, location }: AddressList,
): Promise<string | undefined> {
  const { client, api } = await aws.guardDuty();
  const given = { DetectorId, Location: location, Activate: true };
  if (kind === 'trusted') await client.send(new api.UpdateIPSetCommand({ ...given, IpSetId: id }));
  else await client.send(new api.UpdateThreatIntelSetCommand({ ...given, ThreatIntelSetId: id }));
  return settled(aws, DetectorId, kind, id);
}

/** Activation takes some minutes at most [M]. */
async function settled(aws: Aws, detector: string, kind: ListKind, id: string): Promise<string | undefined> {
  const { retryBaseMs } = awsConfiguration();
  for (let attempt = 0; attempt < 40; attempt++) {
    const { status } = await describeSet(aws, detector, kind, id);
    if (status === 'ACTIVE') return undefined;
    if (status === 'ERROR' || status === 'INACTIVE') return status;
    await sleep(retryBaseMs ?? 5000);
  }
  return 'still activating';
}

/** `s3://bucket/key` and the three forms with https that GuardDuty takes. */
export function objectOf(location: string): { readonly bucket: string; readonly key: string } {
  const forms = [
    /^s3:\/\/([^/]+)\/(.+)$/,
    /^https:\/\/s3[.-][^/]*amazonaws\.com(?:\.cn)?\/([^/]+)\/(.+)$/,
    /^https:\/\/([^/]+?)\.s3[.-][^/]*amazonaws\.com(?:\.cn)?\/(.+)$/,
  ];
  for (const form of forms) {
    const [, bucket, key] = form.exec(location) ?? [];
    if (bucket !== undefined && key !== undefined) return { bucket, key };
  }
  throw new FirebreakError('InputInvalid', 'the location of the list is no S3 object', {
    resource: location,
  });
}

async function readObject(aws: Aws, location: string) {
  const { bucket, key } = objectOf(location);
  const { client, api } = await aws.inRegion(await bucketRegion(aws, bucket)).s3();
  const answer = await client.send(new api.GetObjectCommand({ Bucket: bucket, Key: key }));
  const text = (await answer.Body?.transformToString()) ?? '';
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return { lines: lines.filter((line) => line !== ''), etag: answer.ETag ?? '' };
}

/** Gives the new ETag. `etag` undefined: the object must not be there yet. */
async function writeObject(
  aws: Aws,
  location: string,
  lines: readonly string[],
  etag: string | undefined,
): Promise<string> {
  const { bucket, key } = objectOf(location);
  const { client, api } = await aws.inRegion(await bucketRegion(aws, bucket)).s3();
  try {
    const answer = await client.send(
      new api.PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: `${lines.join('\n')}\n`,
        ContentType: 'text/plain',
        ...(etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag }),
      }),
    );
    return answer.ETag ?? '';
  } catch (error) {
    if (awsErrorName(error) !== 'PreconditionFailed') throw error;
    // An answer can be lost on the way; sent again, it meets what the first try wrote.
    const there = await readObject(aws, location);
    if (isDeepStrictEqual(there.lines, lines)) return there.etag;
    throw new FirebreakError('Conflict', 'somebody else changed the list', {
      resource: location,
      next: 'Look at it again and repeat the change.',
      cause: error,
    });
  }
}

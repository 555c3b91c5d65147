/**
 * GuardDuty's trusted and threat lists: a text object in S3, and a set of the detector that names it. GuardDuty reads the
 * object only when the set is activated, so both are changed together here, and restored together when the set does not
 * come up. Of addresses, and of addresses and domains, a detector has one trusted list and up to six threat lists each.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type AddressRange, parseRange, specialRange } from '../addresses.ts';
import { type Aws, awsConfiguration } from '../aws/client.ts';
import { bucketRegion } from '../aws/regions.ts';
import {
  awsErrorName,
  describeError,
  FirebreakError,
  isAwsError,
  isFirebreakError,
  mayRetry,
} from '../errors.ts';
import { DRILL_PREFIX } from '../incident/drill.ts';
import { entriesOf, parseDomain } from './entries.ts';
import {
  createSet,
  type DescribedSet,
  deleteSet,
  describeSet,
  type ListHolds,
  type ListKind,
  setIds,
  updateSet,
} from './sets.ts';

export interface AddressList extends DescribedSet {
  readonly kind: ListKind;
  readonly holds: ListHolds;
  readonly id: string;
  /** What the object lists; undefined where it could not be read. */
  readonly entries: readonly string[] | undefined;
  /** Why it could not be read. */
  readonly unread?: string;
  /** Of an object of plain text: only that is edited here. */
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

/** Every list of the kind, of addresses first, with what it lists. */
export async function addressLists(
  aws: Aws,
  detector: string,
  kind: ListKind,
): Promise<readonly AddressList[]> {
  const held = await Promise.all(
    (['addresses', 'entities'] as const).map(async (holds) => {
      const place = { detector, kind, holds };
      return Promise.all((await setIds(aws, place)).map((id) => readList(aws, detector, kind, holds, id)));
    }),
  );
  return held.flat();
}

async function readList(
  aws: Aws,
  detector: string,
  kind: ListKind,
  holds: ListHolds,
  id: string,
): Promise<AddressList> {
  const set = await describeSet(aws, { detector, kind, holds }, id);
  const list = { kind, holds, id, ...set };
  try {
    const { text, etag } = await readObject(aws, set.location);
    const entries = await entriesOf(set.format, text);
    return { ...list, entries, etag: set.format === 'TXT' ? etag : undefined };
  } catch (error) {
    // Anyone with rights to GuardDuty may name an object that is not readable: the other lists are read all the same.
    const final = (isAwsError(error) || isFirebreakError(error)) && !mayRetry(error);
    if (!final) throw error;
    return { ...list, entries: undefined, etag: undefined, unread: describeError(error) };
  }
}

/**
 * The list that a change is made to: the one that lists what is removed; for domains one of entities; otherwise
 * `firebreak-KIND`, or the only one. Undefined where there is none. A drill's list is never it: the drill removes it.
 */
export function editable(
  all: readonly AddressList[],
  kind: ListKind,
  change: ListChange = { add: [], remove: [] },
): AddressList | undefined {
  const lists = all.filter(({ name }) => !name.startsWith(DRILL_PREFIX));
  const holding = lists.filter(
    ({ entries = [] }) =>
      change.remove.length > 0 && change.remove.every((text) => entries.includes(text.trim())),
  );
  if (holding.length > 0) return chosen(holding, kind);
  const entities = lists.filter(({ holds }) => holds === 'entities');
  if (holdsDomains(change.add)) return chosen(entities, kind);
  const addresses = lists.filter(({ holds }) => holds === 'addresses');
  return chosen(addresses.length > 0 ? addresses : entities, kind);
}

/** Returns whether only a list of entities can hold them. */
export const holdsDomains = (entries: readonly string[]): boolean =>
  entries.some((text) => parseDomain(text) !== undefined);

function chosen(lists: readonly AddressList[], kind: ListKind): AddressList | undefined {
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
 * The lines after a change. Throws InputInvalid naming every entry that is not an address or a domain, is not routed on
 * the internet, is too wide to trust, or is not there to be removed. What is there already is not added again.
 */
export function changedEntries(
  kind: ListKind,
  entries: readonly string[],
  change: ListChange,
): readonly string[] {
  const problems: string[] = [];
  for (const text of change.add) {
    const problem = whyNotEntry(kind, text);
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

function whyNotEntry(kind: ListKind, text: string): string | undefined {
  const range = parseRange(text);
  if (range) return whyNot(kind, range);
  const domain = parseDomain(text);
  if (domain === undefined) return 'is neither an address nor a range nor a domain';
  return kind === 'trusted' && /^\*\.[^.]+$/.test(domain)
    ? 'is a whole top-level domain: trusted domains raise no findings at all'
    : undefined;
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
 * Writes the lines and activates the set. When GuardDuty does not take them, the object and the set are restored and the
 * error says so. `list` as it was read: another writer's change meanwhile is a Conflict, not overwritten.
 */
export async function writeList(
  aws: Aws,
  detector: string,
  list: AddressList,
  lines: readonly string[],
): Promise<void> {
  if (list.entries === undefined || list.etag === undefined) {
    const why = list.unread === undefined ? `is in ${list.format}, not plain text` : 'could not be read';
    throw new FirebreakError('Refused', `the list ${why}`, {
      resource: list.location,
      next: 'Change the object by hand and activate the set again.',
    });
  }
  // GuardDuty takes no empty list: nothing listed means no set. The object stays, for anyone who asks what it held.
  if (lines.length === 0) return deleteSet(aws, { ...list, detector }, list.id);
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

/** A first list: the object and the set together. `marked`: a drill's, under its own name and tags. */
export async function createList(
  aws: Aws,
  detector: string,
  kind: ListKind,
  bucket: string,
  lines: readonly string[],
  marked?: { readonly name: string; readonly tags: Readonly<Record<string, string>> },
): Promise<AddressList> {
  const holds = holdsDomains(lines) ? 'entities' : 'addresses';
  const location = `s3://${bucket}/firebreak/${kind}${holds === 'entities' ? '-entities' : ''}.txt`;
  const old = await readObject(aws, location).catch((error: unknown) =>
    awsErrorName(error) === 'NoSuchKey' ? undefined : Promise.reject(error),
  );
  await writeObject(aws, location, lines, old?.etag);
  const place = { detector, kind, holds } as const;
  const id = await createSet(aws, place, {
    ...{ name: marked?.name ?? `firebreak-${kind}`, location },
    tags: marked?.tags,
  });
  await settled(aws, { ...place, id });
  return readList(aws, detector, kind, holds, id);
}

type SetId = Pick<AddressList, 'kind' | 'holds' | 'id'> & { readonly detector: string };

/** Undefined when the set is active; otherwise its state. */
async function activate(aws: Aws, detector: string, list: AddressList): Promise<string | undefined> {
  const set = { ...list, detector };
  await updateSet(aws, set, list.id, { Location: list.location, Activate: true });
  return settled(aws, set);
}

/** Activation takes some minutes at most [M]. */
async function settled(aws: Aws, set: SetId): Promise<string | undefined> {
  const { retryBaseMs } = awsConfiguration();
  for (let attempt = 0; attempt < 40; attempt++) {
    const { status } = await describeSet(aws, set, set.id);
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

/** GuardDuty takes no larger list (User Guide); an object may be anything by now. */
const LARGEST = 35 * 1024 * 1024;

async function readObject(aws: Aws, location: string) {
  const { bucket, key } = objectOf(location);
  const { client, api } = await aws.inRegion(await bucketRegion(aws, bucket)).s3();
  const answer = await client.send(new api.GetObjectCommand({ Bucket: bucket, Key: key }));
  if ((answer.ContentLength ?? 0) > LARGEST)
    throw new FirebreakError('InputInvalid', 'the object is larger than GuardDuty takes', {
      resource: location,
    });
  return { text: (await answer.Body?.transformToString()) ?? '', etag: answer.ETag ?? '' };
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
    if (isDeepStrictEqual(await entriesOf('TXT', there.text), lines)) return there.etag;
    throw new FirebreakError('Conflict', 'another writer changed the list', {
      resource: location,
      next: 'Look at it again and repeat the change.',
      cause: error,
    });
  }
}

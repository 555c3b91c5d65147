/**
 * The claim of an incident: the execution that writes its record first owns the response; every other delivery of the
 * finding is an update, a duplicate or stale. A claim is finished by a decision: until then the execution that claimed
 * goes on from any retry, and an update that comes earlier takes the decision over.
 */

import { beside } from '../beside.ts';
import { isFirebreakError } from '../errors.ts';
import type { Finding } from '../finding/finding.ts';
import { isScanId, scannedKey } from '../finding/scan.ts';
import type { Table } from '../table/table.ts';
import { ABSENT } from '../table/terms.ts';
import { findingWrites, saveFinding } from './attached.ts';
import {
  earlierIncidentIdFor,
  type FindingIdentity,
  type FollowUp,
  type Incident,
  identityOf,
  incidentIdFor,
  isDeciding,
  isUndecided,
} from './incident.ts';
import { count, rowOf } from './list.ts';
import { findIncident, itemOf, planVersionOf, planWrite, writeIncident } from './meta.ts';
import { openWork } from './open-work.ts';

export type Claim =
  /** This execution owns the response. */
  | { readonly kind: 'new'; readonly incident: Incident }
  /** A newer event of a known finding: `before` is the incident as it was, `incident` as it is now. */
  | { readonly kind: 'update'; readonly incident: Incident; readonly before: Incident }
  /** The newest event, taken in before by this execution, or by one that it takes over; it is not decided yet. */
  | { readonly kind: 'resumed'; readonly incident: Incident }
  | { readonly kind: 'duplicate'; readonly incident: Incident }
  | { readonly kind: 'stale'; readonly incident: Incident };

export interface Delivery {
  readonly finding: Finding;
  /** ARN of the execution that delivers it. */
  readonly execution: string;
  readonly now: Date;
  /** Set for a further incident on a finding that has one already. */
  readonly followUp?: FollowUp | undefined;
  /** Id of the drill whose envelope brought it. */
  readonly drill?: string | undefined;
  /** The event was started again: an execution that took it in earlier has ended without a decision. */
  readonly redriven?: boolean | undefined;
  /** The incident of the finding as it was read a moment ago; undefined where there was none. */
  readonly known?: Incident | undefined;
}

/** Claims the incident of a finding, or says what this delivery of the finding is instead. */
export async function claimIncident(table: Table, delivery: Delivery): Promise<Claim> {
  const identity = identityOf(delivery.finding);
  const known =
    'known' in delivery ? delivery.known : await incidentOfFinding(table, identity, delivery.followUp);
  if (known) return followed(table, known, delivery);
  const id = incidentIdFor(identity, delivery.followUp);
  return (await open(table, id, delivery)) ?? claimIncident(table, asNow(delivery));
}

/** The delivery without what was known of the incident before. */
function asNow({ known: _known, ...delivery }: Delivery): Delivery {
  return delivery;
}

/** Returns the incident of a finding, also one that an earlier release opened under the finding's id alone. */
export async function incidentOfFinding(
  table: Table,
  identity: FindingIdentity,
  followUp?: FollowUp,
): Promise<Incident | undefined> {
  // Opened by an earlier release, which knew an object's finding by its own id.
  const asFinding =
    identity.scanned !== undefined && !isScanId(identity.findingId)
      ? findIncident(table, incidentIdFor({ ...identity, scanned: undefined }, followUp))
      : undefined;
  const [known, ofFinding, earlier] = await Promise.all([
    findIncident(table, incidentIdFor(identity, followUp)),
    asFinding,
    findIncident(table, earlierIncidentIdFor(identity.findingId, followUp)),
  ]);
  return known ?? ofFinding ?? (earlier && sameFinding(earlier, identity) ? earlier : undefined);
}

/** Two detectors of one account and Region follow each other, so an incident without one is of this detector. */
const sameFinding = (incident: Incident, identity: FindingIdentity): boolean =>
  incident.findingId === identity.findingId &&
  incident.account === identity.account &&
  incident.region === identity.region &&
  incident.partition === identity.partition &&
  (incident.detectorId === undefined || incident.detectorId === identity.detectorId);

/**
 * The incident as opened: its record, plan and finding and the sweep's look in one transaction, so that a claimed incident
 * always has them. Undefined when another execution opened it first.
 */
async function open(table: Table, id: string, delivery: Delivery, left?: number): Promise<Claim | undefined> {
  const { finding, execution, now, followUp, drill } = delivery;
  const planVersion = (left ?? 0) + 1;
  const incident: Incident = {
    ...summary(finding),
    ...opening(id, execution, now),
    deliveredBy: execution,
    ...(followUp ? { followUpOf: followUp } : {}),
    ...(drill === undefined ? {} : { drill }),
    planVersion,
  };
  try {
    await table.putAll([
      { item: itemOf(incident), condition: ABSENT },
      planWrite(incident, left),
      ...findingWrites(id, finding, 0).map(({ item }) => ({ item })),
      { item: openWork(incident) },
    ]);
  } catch (error) {
    if (!isFirebreakError(error, 'Conflict')) throw error;
    if (await findIncident(table, id)) return undefined;
    // An earlier release wrote the plan first, and ended before the claim.
    return open(table, id, delivery, await planVersionOf(table, id));
  }
  await beside(() => count(table, rowOf(incident), undefined));
  return { kind: 'new', incident };
}

/** What one more delivery is to an incident that exists. */
async function followed(table: Table, read: Incident, delivery: Delivery): Promise<Claim> {
  const { finding, execution, now, redriven = false } = delivery;
  // GuardDuty's finding says more than the result of the scan, and takes its place whichever of them is newer.
  if (isScanId(finding.id) && !isScanId(read.findingId)) return { kind: 'duplicate', incident: read };
  const known = finding.updatedAt === read.findingUpdatedAt && !joins(finding, read);
  if (known && !(isDeciding(read, execution) || (redriven && isUndecided(read))))
    return { kind: 'duplicate', incident: read };
  if (!known && !joins(finding, read) && !supersedes(finding, read, now))
    return { kind: 'stale', incident: read };
  try {
    const incident = isTaken(read, delivery) ? read : await writeIncident(table, taken(read, delivery), read);
    await saveFinding(table, incident.id, finding, incident.version);
    return known ? { kind: 'resumed', incident } : { kind: 'update', incident, before: read };
  } catch (error) {
    if (!isFirebreakError(error, 'Conflict')) throw error;
    // Another writer came between: judge again against what is there now.
    return claimIncident(table, asNow(delivery));
  }
}

/** Before the first decision the response belongs to the execution that delivered the newest event. */
const isFirst = (read: Incident): boolean => read.status === 'received' && isUndecided(read);

function taken(read: Incident, { finding, execution, now }: Delivery): Incident {
  const { assessment, ...rest } = read;
  const isNewer = read.findingUpdatedAt !== finding.updatedAt;
  return {
    ...rest,
    joined: joins(finding, read) && !isUndecided(read) ? true : undefined,
    // What an execution that ended found out about this very event may be old: it is looked up again.
    ...(isNewer && assessment ? { assessment } : {}),
    ...summary(finding),
    deliveredBy: execution,
    execution: isFirst(read) ? execution : read.execution,
    updatedAt: now.toISOString(),
  };
}

/** GuardDuty's finding about what an incident knows from a scan's result. */
const joins = (finding: Finding, read: Incident): boolean =>
  !isScanId(finding.id) && isScanId(read.findingId);

const isTaken = (read: Incident, { finding, execution }: Delivery): boolean =>
  read.findingUpdatedAt === finding.updatedAt &&
  read.deliveredBy === execution &&
  (!isFirst(read) || read.execution === execution);

/** GuardDuty's clock and ours differ by less than this. */
const CLOCKS_MS = 5 * 60_000;

/** Whether the finding can have been updated when it says: not before it was created, and not in the time to come. */
const plausible = (updatedAt: string, createdAt: string | undefined, now: Date): boolean =>
  Date.parse(updatedAt) <= now.getTime() + CLOCKS_MS && (createdAt === undefined || createdAt <= updatedAt);

/** A time that cannot be never wins over a stored update, and a stored one never keeps out a real update. */
const supersedes = (finding: Finding, read: Incident, now: Date): boolean =>
  plausible(finding.updatedAt, finding.createdAt, now) &&
  (finding.updatedAt > read.findingUpdatedAt || !plausible(read.findingUpdatedAt, undefined, now));

const summary = (finding: Finding) => ({
  findingId: finding.id,
  ...(finding.detectorId === undefined ? {} : { detectorId: finding.detectorId }),
  ...(finding.scanned === undefined ? {} : { scanned: scannedKey(finding.scanned) }),
  type: finding.type,
  severity: finding.severity,
  label: finding.label,
  account: finding.account,
  region: finding.region,
  partition: finding.partition,
  title: finding.title,
  sample: finding.sample,
  archived: finding.archived,
  count: finding.count,
  findingUpdatedAt: finding.updatedAt,
});

const opening = (id: string, execution: string, now: Date) => ({
  id,
  createdAt: now.toISOString(),
  updatedAt: now.toISOString(),
  execution,
  status: 'received' as const,
  playbook: null,
  display: null,
  targets: [],
  passes: 0,
  version: 1,
});

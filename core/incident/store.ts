/** Incidents in the table, everything of one under `INCIDENT#<id>`: its record, the claim of it, and what is kept with it. */
import type { IncidentCall } from '../aws/call-log.ts';
import type { Finding } from '../finding/finding.ts';
import type { JsonObject } from '../json.ts';
import type { Table } from '../table/table.ts';
import * as attached from './attached.ts';
import { type Claim, claimIncident, type Delivery, incidentOfFinding } from './claim.ts';
import type { IncidentContext } from './context.ts';
import type { EvidenceEntry } from './evidence.ts';
import type { FindingIdentity, FollowUp, Incident, TimelineEvent } from './incident.ts';
import {
  type Counts,
  type CountUnit,
  countsBetween,
  type IncidentPage,
  type IncidentRow,
  type ListQuery,
  listIncidents,
  slowestIncidents,
} from './list.ts';
import type { MadeBefore } from './made/made.ts';
import { type Change, changeIncident, findIncident, getIncident, replaceIncident } from './meta.ts';

export interface IncidentStore {
  /** `followUp`: a further incident on a finding that has one already. */
  claim(
    finding: Finding,
    execution: string,
    now: Date,
    more?: Partial<Pick<Delivery, 'followUp' | 'redriven' | 'known' | 'drill'>>,
  ): Promise<Claim>;
  /** Throws `NotFound`. */
  get(id: string): Promise<Incident>;
  find(id: string): Promise<Incident | undefined>;
  /** Returns the incident of a finding, or its follow-up, whichever release opened it. */
  ofFinding(identity: FindingIdentity, followUp?: FollowUp): Promise<Incident | undefined>;
  /**
   * Reads, changes, writes back if no other writer came between; tries again when one did. `read`: the incident as it was read a
   * moment ago.
   */
  change(id: string, now: Date, change: Change, read?: Incident): Promise<Incident>;
  /** Writes over the incident as it was read, with a line of its timeline; returns undefined when another writer came between. */
  replace(read: Incident, now: Date, change: Partial<Incident>, note?: string): Promise<Incident | undefined>;
  /** As `change`, for who may write the plan: what an earlier release recorded gets a plan of its own. */
  plan(id: string, now: Date, change: Change, read?: Incident): Promise<Incident>;
  finding(id: string): Promise<JsonObject | undefined>;
  /** Returns the finding, normalised as this release does. */
  normalised(id: string): Promise<Finding | undefined>;
  note(id: string, event: string, now: Date): Promise<void>;
  /** What was gathered about the incident; absent until `investigate` has run. */
  context(id: string): Promise<IncidentContext | undefined>;
  saveContext(id: string, context: IncidentContext): Promise<void>;
  /** What its principals made before they were contained; absent where that was not looked up. */
  madeBefore(id: string): Promise<MadeBefore | undefined>;
  saveMadeBefore(id: string, made: MadeBefore): Promise<void>;
  /** Objects written to the evidence bucket so far. */
  evidence(id: string): Promise<readonly EvidenceEntry[]>;
  saveEvidence(id: string, entries: readonly EvidenceEntry[]): Promise<void>;
  timeline(id: string): Promise<readonly TimelineEvent[]>;
  /** Adds remote addresses to those seen so far; gives how many distinct ones there are, counted up to a limit. */
  addAddresses(id: string, addresses: readonly string[]): Promise<{ count: number; more: boolean }>;
  /** Newest first, by key, never a scan. */
  list(query: ListQuery): Promise<IncidentPage>;
  /** Counters of the days or months that had incidents, oldest first. */
  counts(from: string, to: string, unit: CountUnit): Promise<readonly Counts[]>;
  /** What took longest to contain among those opened in that time. */
  slowest(query: Pick<ListQuery, 'from' | 'to' | 'limit'>): Promise<readonly IncidentRow[]>;
  /** Keeps the AWS calls of one task for the incident. */
  saveCalls(id: string, calls: readonly IncidentCall[]): Promise<void>;
  /** Every AWS call that was kept, oldest first. */
  calls(id: string): Promise<readonly IncidentCall[]>;
}

/** Returns the incidents of one table. */
export const incidentStore = (table: Table): IncidentStore => ({
  claim: (finding, execution, now, more = {}) => claimIncident(table, { finding, execution, now, ...more }),
  get: (id) => getIncident(table, id),
  find: (id) => findIncident(table, id),
  ofFinding: (identity, followUp) => incidentOfFinding(table, identity, followUp),
  change: (id, now, change, read) => changeIncident(table, id, now, change, { read }),
  replace: (read, now, change, note) => replaceIncident(table, read, now, change, note),
  plan: (id, now, change, read) => changeIncident(table, id, now, change, { plans: true, read }),
  finding: (id) => attached.findingOf(table, id),
  normalised: (id) => attached.normalisedFinding(table, id),
  note: (id, event, now) => attached.note(table, id, event, now),
  context: (id) => attached.contextOf(table, id),
  saveContext: (id, context) => attached.saveContext(table, id, context),
  madeBefore: (id) => attached.madeBeforeOf(table, id),
  saveMadeBefore: (id, made) => attached.saveMadeBefore(table, id, made),
  evidence: (id) => attached.evidenceOf(table, id),
  saveEvidence: (id, entries) => attached.saveEvidence(table, id, entries),
  timeline: (id) => attached.timelineOf(table, id),
  addAddresses: (id, addresses) => attached.addAddresses(table, id, addresses),
  list: (query) => listIncidents(table, query),
  counts: (from, to, unit) => countsBetween(table, from, to, unit),
  slowest: (query) => slowestIncidents(table, query),
  saveCalls: (id, calls) => attached.saveCalls(table, id, calls),
  calls: (id) => attached.callsOf(table, id),
});

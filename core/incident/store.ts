/**
 * Incidents in the table: `INCIDENT#<id>` / `META`, `FINDING#<n>` (gzip, in parts), `EVENT#<time>`, `CALLS#<time>`. The first write of
 * `META` is the claim: whoever makes it owns the response, every other delivery is an update, a duplicate or stale.
 */
import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { IncidentCall } from '../aws/call-log.ts';
import { FirebreakError, isFirebreakError } from '../errors.ts';
import type { Finding } from '../finding/finding.ts';
import type { JsonObject } from '../json.ts';
import { ABSENT, type Item, type Table } from '../table/table.ts';
import type { IncidentContext } from './context.ts';
import type { EvidenceEntry } from './evidence.ts';
import { type FollowUp, type Incident, incidentIdFor, type TimelineEvent } from './incident.ts';
import {
  type Counts,
  type CountUnit,
  count,
  countsBetween,
  type IncidentPage,
  type IncidentRow,
  type ListQuery,
  listIncidents,
  listingOf,
  rowOf,
  slowestIncidents,
} from './list.ts';

export type Claim =
  /** This execution owns the response. `resumed` when it had claimed before and is retrying. */
  | { readonly kind: 'new'; readonly incident: Incident; readonly resumed: boolean }
  /** A newer event of a known finding: `before` is the incident as it was, `incident` as it is now. */
  | { readonly kind: 'update'; readonly incident: Incident; readonly before: Incident }
  | { readonly kind: 'duplicate'; readonly incident: Incident }
  | { readonly kind: 'stale'; readonly incident: Incident };

/** DynamoDB takes items up to 400 KB; a part leaves room for the keys. */
const PART_BYTES = 350_000;
/** Remote addresses that are counted for one incident. */
const MOST_ADDRESSES = 500;
/** Of one task; more than this nobody reads, and CloudTrail has them all. */
const MOST_CALLS = 500;

export interface IncidentStore {
  /** `followUp`: a further incident on a finding that has one already. */
  claim(finding: Finding, execution: string, now: Date, followUp?: FollowUp): Promise<Claim>;
  /** Throws `NotFound`. */
  get(id: string): Promise<Incident>;
  find(id: string): Promise<Incident | undefined>;
  /** Reads, changes, writes back if nobody wrote meanwhile; tries again when somebody did. */
  change(id: string, now: Date, change: (incident: Incident) => Partial<Incident>): Promise<Incident>;
  finding(id: string): Promise<JsonObject | undefined>;
  note(id: string, event: string, now: Date): Promise<void>;
  /** What was gathered about the incident; absent until `investigate` has run. */
  context(id: string): Promise<IncidentContext | undefined>;
  saveContext(id: string, context: IncidentContext): Promise<void>;
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

export function incidentStore(table: Table): IncidentStore {
  const metaKey = (id: string) => ({ pk: `INCIDENT#${id}`, sk: 'META' });

  async function find(id: string): Promise<Incident | undefined> {
    const item = await table.get(metaKey(id));
    return item ? incidentOf(item) : undefined;
  }

  async function get(id: string): Promise<Incident> {
    const incident = await find(id);
    if (incident) return incident;
    throw new FirebreakError('NotFound', `there is no incident ${id}`, {
      resource: id,
      next: 'See `firebreak history` for the incidents there are.',
    });
  }

  async function write(next: Incident, read: Incident): Promise<Incident> {
    const written = { ...next, version: read.version + 1 };
    const proven = next.status === 'contained' || next.status === 'residual';
    if (proven && next.containedAt === undefined) Object.assign(written, { containedAt: next.updatedAt });
    await table.put(itemOf(written), {
      text: '#version = :version',
      names: { version: 'version' },
      values: { version: read.version },
    });
    await count(table, rowOf(written), rowOf(read));
    return written;
  }

  async function change(
    id: string,
    now: Date,
    work: (incident: Incident) => Partial<Incident>,
  ): Promise<Incident> {
    for (let attempt = 0; ; attempt++) {
      const read = await get(id);
      try {
        return await write({ ...read, ...work(read), updatedAt: now.toISOString() }, read);
      } catch (error) {
        if (!isFirebreakError(error, 'Conflict') || attempt >= 9) throw error;
      }
    }
  }

  async function saveFinding(id: string, finding: Finding): Promise<void> {
    const bytes = gzipSync(JSON.stringify(finding.detail));
    const parts = Math.max(1, Math.ceil(bytes.length / PART_BYTES));
    for (let part = 0; part < parts; part++) {
      await table.put({
        pk: `INCIDENT#${id}`,
        sk: `FINDING#${String(part).padStart(3, '0')}`,
        parts,
        bytes: bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES),
      });
    }
  }

  /** One more record of the incident, compressed: an item takes up to 400 KB. */
  const attach = (id: string, name: string, value: unknown): Promise<void> =>
    table.put({ pk: `INCIDENT#${id}`, sk: `ATTACHED#${name}`, bytes: gzipSync(JSON.stringify(value)) });
  async function attached(id: string, name: string): Promise<unknown> {
    const item = await table.get({ pk: `INCIDENT#${id}`, sk: `ATTACHED#${name}` });
    return item ? JSON.parse(gunzipSync(item['bytes'] as Uint8Array).toString()) : undefined;
  }

  return {
    find,
    get,
    change,
    context: async (id) => (await attached(id, 'CONTEXT')) as IncidentContext | undefined,
    saveContext: (id, context) => attach(id, 'CONTEXT', context),
    evidence: async (id) => ((await attached(id, 'EVIDENCE')) ?? []) as readonly EvidenceEntry[],
    saveEvidence: (id, entries) => attach(id, 'EVIDENCE', entries),
    async claim(finding, execution, now, followUp) {
      const id = incidentIdFor(finding.id, followUp);
      const first: Incident = {
        ...summary(finding),
        ...opening(id, execution, now),
        ...(followUp ? { followUpOf: followUp } : {}),
      };
      // The finding first: a claimed incident always has its finding, a finding without a claim hurts nobody.
      const known = await find(id);
      if (!known) {
        await saveFinding(id, finding);
        try {
          await table.put(itemOf(first), ABSENT);
          await count(table, rowOf(first), undefined);
          return { kind: 'new', incident: first, resumed: false };
        } catch (error) {
          if (!isFirebreakError(error, 'Conflict')) throw error;
        }
      }
      const read = known ?? (await get(id));
      if (read.execution === execution && read.findingUpdatedAt === finding.updatedAt) {
        return { kind: 'new', incident: read, resumed: true };
      }
      if (finding.updatedAt === read.findingUpdatedAt) return { kind: 'duplicate', incident: read };
      if (finding.updatedAt < read.findingUpdatedAt) return { kind: 'stale', incident: read };
      try {
        const next = await write({ ...read, ...summary(finding), updatedAt: now.toISOString() }, read);
        await saveFinding(id, finding);
        return { kind: 'update', incident: next, before: read };
      } catch (error) {
        if (!isFirebreakError(error, 'Conflict')) throw error;
        // Somebody wrote between: judge again against what is there now.
        return this.claim(finding, execution, now, followUp);
      }
    },
    async finding(id) {
      const items = await table.query(`INCIDENT#${id}`, 'FINDING#');
      const [first] = items;
      if (!first) return undefined;
      const parts = items.slice(0, first['parts'] as number).map((item) => item['bytes'] as Uint8Array);
      return JSON.parse(gunzipSync(Buffer.concat(parts)).toString()) as JsonObject;
    },
    async note(id, event, now) {
      const at = now.toISOString();
      sequence = (sequence + 1) % 1_000_000;
      const order = `${String(sequence).padStart(6, '0')}${randomBytes(3).toString('hex')}`;
      await table.put({ pk: `INCIDENT#${id}`, sk: `EVENT#${at}#${order}`, at, event });
    },
    async addAddresses(id, addresses) {
      const known = await table.query(`INCIDENT#${id}`, 'SOURCE#');
      const seen = new Set(known.map(({ sk }) => sk));
      const fresh = [...new Set(addresses.map((address) => `SOURCE#${address}`))].filter(
        (sk) => !seen.has(sk),
      );
      const room = Math.max(0, MOST_ADDRESSES - seen.size);
      // An item for each: two updates at once cannot lose one of the other.
      await Promise.all(fresh.slice(0, room).map((sk) => table.put({ pk: `INCIDENT#${id}`, sk })));
      return { count: seen.size + Math.min(fresh.length, room), more: fresh.length > room };
    },
    async timeline(id) {
      const items = await table.query(`INCIDENT#${id}`, 'EVENT#');
      return items.map((item) => ({ at: item['at'] as string, event: item['event'] as string }));
    },
    list: (query) => listIncidents(table, query),
    counts: (from, to, unit) => countsBetween(table, from, to, unit),
    slowest: (query) => slowestIncidents(table, query),
    async saveCalls(id, calls) {
      const [first] = calls;
      if (!first) return;
      // The newest of a task that made very many: its end is what people look for.
      const kept = calls.slice(-MOST_CALLS);
      await table.put({
        pk: `INCIDENT#${id}`,
        sk: `CALLS#${first.at}#${randomBytes(4).toString('hex')}`,
        left: calls.length - kept.length,
        bytes: gzipSync(JSON.stringify(kept)),
      });
    },
    async calls(id) {
      const items = await table.query(`INCIDENT#${id}`, 'CALLS#');
      return items
        .flatMap((item) => JSON.parse(gunzipSync(item['bytes'] as Uint8Array).toString()) as IncidentCall[])
        .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
    },
  };
}

/** Orders events of one handler within a millisecond. */
let sequence = 0;

const summary = (finding: Finding) => ({
  findingId: finding.id,
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

/** The record as it is stored, with what the indexes read of it. */
export const itemOf = (incident: Incident): Item => ({
  pk: `INCIDENT#${incident.id}`,
  sk: 'META',
  ...listingOf(incident),
  version: incident.version,
  data: JSON.stringify(incident),
});

const incidentOf = (item: Item): Incident => JSON.parse(item['data'] as string) as Incident;

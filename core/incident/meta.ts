/**
 * The records of an incident, apart by who may write them: how it goes (`INCIDENT#<id>` / `META`), what is acted on
 * (`PLAN#<id>`), what policy decided (`VERDICT#<id>`) and what people decided (approval-record.ts). Read together, and
 * written back only over the version that was read, each only where it changed.
 */
import { z } from 'zod';
import { beside } from '../beside.ts';
import { FirebreakError, isFirebreakError } from '../errors.ts';
import { partitionKey } from '../table/partitions.ts';
import { jsonTextOf, parseRecord } from '../table/record.ts';
import type { Item, Table, Write } from '../table/table.ts';
import { ABSENT, type Expression } from '../table/terms.ts';
import { readDecision } from './approval-record.ts';
import { noteItem } from './attached.ts';
import type { ApprovalView, Decision, Incident } from './incident.ts';
import { count, listedAtOf, listingOf, rowOf } from './list.ts';
import { isMoving, openWork } from './open-work.ts';
import { courseSchema, decisionSchema, incidentSchema, planSchema, undoSchema } from './schema.ts';
import { isProven } from './status.ts';

/** Writes of one change that may lose against another writer's. */
const MOST_ATTEMPTS = 10;

const metaKey = (id: string) => ({ pk: partitionKey('incident', id), sk: 'META' });
const planKey = (id: string) => ({ pk: partitionKey('plan', id), sk: 'PLAN' });
const undoKey = (id: string) => ({ pk: partitionKey('plan', id), sk: 'UNDO' });
const verdictKey = (id: string) => ({ pk: partitionKey('verdict', id), sk: 'VERDICT' });

const earlierRecord = z.object({ data: jsonTextOf(incidentSchema) });
const courseRecord = z.object({ data: jsonTextOf(courseSchema) });
const planRecord = z.object({ data: jsonTextOf(planSchema), version: z.int().positive() });
const undoRecord = z.object({ data: jsonTextOf(undoSchema) });
const verdictRecord = z.object({ data: jsonTextOf(decisionSchema) });

/** Returns the incident, or undefined where there is none. */
export async function findIncident(table: Table, id: string): Promise<Incident | undefined> {
  const plansOf = () => table.query(planKey(id).pk, '');
  const isPlan = ({ sk }: Item): boolean => sk === planKey(id).sk;
  const [meta, beside, verdict] = await Promise.all([
    table.get(metaKey(id)),
    plansOf(),
    table.get(verdictKey(id)),
  ]);
  if (!meta) return undefined;
  // The plan is written first: where the incident was opened between the two reads, it is there now.
  const planned = beside.some(isPlan) ? beside : await plansOf();
  const plan = planned.find(isPlan);
  const undo = planned.find(({ sk }) => sk === undoKey(id).sk);
  const { decision, approval, ...incident } = {
    ...(plan ? together(meta, plan) : parseRecord(earlierRecord, meta).data),
    ...(undo ? parseRecord(undoRecord, undo).data : {}),
  };
  const decided = verdict ? parseRecord(verdictRecord, verdict).data : withoutTime(decision);
  return {
    ...incident,
    ...(decided ? { decision: decided } : {}),
    ...(approval ? { approval: await recordedApproval(table, id, approval, meta) } : {}),
  };
}

/** How the incident goes, and what is acted on: the targets are those of the plan, with what became of each. */
function together(meta: Item, planned: Item): Incident {
  const { targets: outcomes, ...course } = parseRecord(courseRecord, meta).data;
  const { data: plan, version: planVersion } = parseRecord(planRecord, planned);
  const targets = plan.targets.map((target) => ({
    ...outcomes.find(({ key, playbook }) => key === target.key && playbook === target.playbook),
    ...target,
  }));
  return { ...plan, ...course, targets, planVersion };
}

/** Only a verdict has its time: this one stands where most functions may write. */
function withoutTime(decision: Decision | undefined): Decision | undefined {
  if (decision === undefined) return undefined;
  const { decidedAt: _never, ...rest } = decision;
  return rest;
}

/** What people decided stands in the approval's own record; the incident says only which one. */
async function recordedApproval(
  table: Table,
  id: string,
  { id: approvalId }: ApprovalView,
  meta: Item,
): Promise<ApprovalView> {
  const record = await readDecision(table, approvalId);
  if (record?.incidentId === id) return record.view;
  const resource = `${meta.pk} ${meta.sk}`;
  throw new FirebreakError('InputInvalid', `record ${resource} names an approval that is not its own`, {
    resource,
    next: 'Find out who wrote it, restore it from a backup of the table, then run the command again.',
  });
}

/** Returns the incident. Throws `NotFound`. */
export async function getIncident(table: Table, id: string): Promise<Incident> {
  const incident = await findIncident(table, id);
  if (incident) return incident;
  throw new FirebreakError('NotFound', `there is no incident ${id}`, {
    resource: id,
    next: 'See `firebreak history` for the incidents there are.',
  });
}

export interface Writing {
  /** Gives an incident of an earlier release a plan of its own: it was planned again just now. */
  readonly plans?: boolean;
  /** A line of its timeline that says what was written. */
  readonly note?: string | undefined;
}

/**
 * Writes `next` over `read`, and returns it as written: its own record, and of plan, undo and verdict what changed, all in one
 * transaction. Throws `Conflict`, and writes nothing, when another writer came between.
 */
export async function writeIncident(
  table: Table,
  next: Incident,
  read: Incident,
  { plans = false, note }: Writing = {},
): Promise<Incident> {
  const { id, decision } = next;
  const writes: Write[] = [];
  const written = { ...next, version: read.version + 1 };
  if (isProven(next.status) && next.containedAt === undefined)
    Object.assign(written, { containedAt: next.updatedAt });
  Object.assign(written, { listedAt: listedAtOf(written, read) });
  const planChanges =
    read.planVersion === undefined ? plans : partOf(planSchema, next) !== partOf(planSchema, read);
  if (planChanges) {
    Object.assign(written, { planVersion: (read.planVersion ?? 0) + 1 });
    writes.push(planWrite(written, read.planVersion));
  }
  const undo = partOf(undoSchema, next);
  if (undo !== partOf(undoSchema, read)) writes.push({ item: { ...undoKey(id), data: undo } });
  if (decision?.decidedAt !== undefined && JSON.stringify(decision) !== JSON.stringify(read.decision))
    writes.push(verdictWrite(id, decision, written.version));
  if (isMoving(next) && !isMoving(read)) writes.push({ item: openWork(written) });
  if (note !== undefined) writes.push({ item: noteItem(id, note, next.updatedAt) });
  const unchanged = versioned(read.version);
  await table.putAll([{ item: itemOf(written), condition: unchanged }, ...writes]);
  await beside(() => count(table, rowOf(written), rowOf(read)));
  return written;
}

const versioned = (version: number): Expression => ({
  text: '#version = :version',
  names: { version: 'version' },
  values: { version },
});

/** What policy decided at that version of the incident. Conflicts where a later one has a verdict. */
const verdictWrite = (id: string, decision: Decision, version: number): Write => ({
  item: { ...verdictKey(id), data: JSON.stringify(decision), version },
  condition: {
    text: 'attribute_not_exists(#version) OR #version < :version',
    names: { version: 'version' },
    values: { version },
  },
});

/** The incident's plan over the version that was read. */
export const planWrite = (incident: Incident, read: number | undefined): Write => ({
  item: { ...planKey(incident.id), data: partOf(planSchema, incident), version: (read ?? 0) + 1 },
  condition: read === undefined ? ABSENT : versioned(read),
});

/** Returns the version of a plan whose incident was never claimed: a claim of an earlier release ended half-way. */
export async function planVersionOf(table: Table, id: string): Promise<number | undefined> {
  const item = await table.get(planKey(id));
  return item && parseRecord(planRecord, item).version;
}

/** What becomes of an incident as it was read; undefined where nothing is to be written. */
export type Change = (incident: Incident) => Partial<Incident> | undefined;

/**
 * Reads, changes and writes back; starts over from the live record when another writer came between. `read`: the incident as it
 * was read a moment ago, which saves the first read.
 */
export async function changeIncident(
  table: Table,
  id: string,
  now: Date,
  work: Change,
  { read: known, ...writing }: Writing & { readonly read?: Incident | undefined } = {},
): Promise<Incident> {
  for (let attempt = 1; ; attempt++) {
    const read = attempt === 1 && known ? known : await getIncident(table, id);
    const change = work(read);
    if (change === undefined) return read;
    try {
      return await writeIncident(table, { ...read, ...change, updatedAt: now.toISOString() }, read, writing);
    } catch (error) {
      if (!isFirebreakError(error, 'Conflict') || attempt >= MOST_ATTEMPTS) throw error;
    }
  }
}

/** Writes over the incident as it was read; returns undefined when another writer came between. */
export async function replaceIncident(
  table: Table,
  read: Incident,
  now: Date,
  change: Partial<Incident>,
  note?: string,
): Promise<Incident | undefined> {
  try {
    return await writeIncident(table, { ...read, ...change, updatedAt: now.toISOString() }, read, { note });
  } catch (error) {
    if (!isFirebreakError(error, 'Conflict')) throw error;
    return undefined;
  }
}

/** The incident's own record as it is stored, with what the indexes read of it. */
export const itemOf = (incident: Incident): Item => ({
  ...metaKey(incident.id),
  ...listingOf(incident),
  version: incident.version,
  data: partOf(incident.planVersion === undefined ? incidentSchema : courseSchema, withoutVerdict(incident)),
});

function withoutVerdict(incident: Incident): Incident {
  if (incident.decision?.decidedAt === undefined) return incident;
  const { decision: _verdict, ...rest } = incident;
  return rest;
}

/** The members of an incident that a schema names, as JSON in the schema's order: equal parts are equal text. */
const partOf = (schema: z.ZodType, incident: Incident): string =>
  JSON.stringify(schema.parse(JSON.parse(JSON.stringify(incident))));

/**
 * Sixty findings on one resource are one question. An incident that asks for what is being asked already joins that
 * question, and the one answer is everybody's. The same question means: the same targets as they were read live, the same
 * playbooks, steps, blast radius, environment, approvers, number of approvals and expiry; nothing of it is text of a
 * finding. So an answer never reaches further than what the card showed. A graver finding takes the question over.
 */
import { z } from 'zod';
import { isFirebreakError } from '../errors.ts';
import { severityRank } from '../finding/finding.ts';
import { type DecisionRecord, readDecision } from '../incident/approval-record.ts';
import type { ApprovalView, Incident, IncidentTarget } from '../incident/incident.ts';
import { hashJson, type Json } from '../json.ts';
import { partitionKey } from '../table/partitions.ts';
import { parseRecord } from '../table/record.ts';
import type { Table } from '../table/table.ts';
import { ABSENT } from '../table/terms.ts';
import { subjectsOf } from './approvers.ts';
import { type ApprovalDeps, answerOne, follow } from './delivery.ts';
import { keepJoined, writeDecision } from './record.ts';

/** Returns what an incident asks for, as a key: two that ask for the same have the same. */
export const questionOf = (incident: Incident, approverIds: readonly string[]): string =>
  hashJson({
    targets: incident.targets.map((entry) => askedFor(entry, incident.id)),
    environments: subjectsOf(incident).map(({ environment }) => environment ?? null),
    approvers: approverIds.toSorted(),
    approvals: incident.decision?.approvals ?? 1,
    expiry: incident.decision?.expiry ?? null,
    // A "no" to a sample is a "no" to nothing else.
    sample: incident.sample,
  });

function askedFor({ key, playbook, plan, problem, status: known }: IncidentTarget, incidentId: string): Json {
  // Set where a part was decided before and is asked about again.
  const status = known ?? null;
  if (plan?.kind !== 'plan' || problem !== undefined) return { key, playbook, status, problem: true };
  const { count, unit, detail } = plan.blastRadius;
  return {
    key,
    playbook,
    status,
    // Some names on AWS carry the incident's id; in everything else the steps must be the same.
    steps: plan.steps.map(({ id, kind, role, describe }) => [
      id,
      kind,
      role,
      describe.replaceAll(incidentId, ''),
    ]),
    blastRadius: { count, unit, detail },
  };
}

export interface Shared {
  /** The question as it stands now. */
  readonly approval: ApprovalView;
  /** The incident whose question was taken over: its card does not ask any more. */
  readonly tookOver?: string;
}

/** Writers of one pointer at the same time: each that loses looks again at who is asking. */
const MOST_ATTEMPTS = 50;

/** Joins the question that is being asked, or becomes the one that asks. The approval is open already. */
export async function shareQuestion(
  deps: ApprovalDeps,
  request: { readonly incidentId: string; readonly question: string; readonly at: Date },
): Promise<Shared> {
  const { incidentId, question, at } = request;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const incident = await deps.incidents.get(incidentId);
    const own = await openDecision(deps, incident);
    // What does not name a target asks for nothing that another one could ask for as well.
    if (!own || incident.targets.length === 0) return { approval: approvalOf(incident) };
    if (own.view.joined) {
      await catchUp(deps, own, at);
      return { approval: approvalOf(await deps.incidents.get(incidentId)) };
    }
    const pointer = await readPointer(deps.table, question);
    if (pointer?.decision === own.view.id) return { approval: own.view };
    const asking = pointer && (await askingNow(deps, pointer.decision));
    try {
      if (asking && joins(incident, own.view, asking, at)) {
        return { approval: approvalOf(await join(deps, own, asking.record, at)) };
      }
      await writePointer(deps.table, question, own.view.id, pointer);
    } catch (error) {
      if (!isFirebreakError(error, 'Conflict')) throw error;
      continue;
    }
    const tookOver = asking && (await takeOver(deps, incident, own, asking, at));
    const approval = approvalOf(await deps.incidents.get(incidentId));
    return { approval, ...(tookOver ? { tookOver } : {}) };
  }
  // It asks on its own: one question too many, never one too few.
  return { approval: approvalOf(await deps.incidents.get(incidentId)) };
}

function approvalOf({ id, approval }: Incident): ApprovalView {
  if (approval) return approval;
  throw new Error(`incident ${id} shares a question without an approval`);
}

interface Asking {
  readonly record: DecisionRecord;
  readonly incident: Incident;
}

async function openDecision(
  { table }: ApprovalDeps,
  { approval }: Incident,
): Promise<DecisionRecord | undefined> {
  const record = approval && (await readDecision(table, approval.id));
  return record?.view.outcome === undefined ? record : undefined;
}

/** The question that the pointer names, while it is open and on a card of its own. */
async function askingNow(deps: ApprovalDeps, decision: string): Promise<Asking | undefined> {
  const record = await readDecision(deps.table, decision);
  if (!record || record.view.outcome !== undefined || record.view.joined) return undefined;
  const incident = await deps.incidents.find(record.incidentId);
  return incident?.approval?.id === decision ? { record, incident } : undefined;
}

/**
 * Not a graver one, which a "no" to the lesser must not silence; not in the second half of the time, when people would
 * have too little of it.
 */
function joins(incident: Incident, own: ApprovalView, asking: Asking, at: Date): boolean {
  const left = Date.parse(asking.record.view.expiresAt) - at.getTime();
  const needed = (Date.parse(own.expiresAt) - Date.parse(own.requestedAt)) / 2;
  return severityRank(incident.label) <= severityRank(asking.incident.label) && left >= needed;
}

async function join(
  deps: ApprovalDeps,
  own: DecisionRecord,
  leader: DecisionRecord,
  at: Date,
): Promise<Incident> {
  // First the record at the leader: an answer that comes meanwhile finds it, or is found by the look afterwards.
  await keepJoined(deps.table, leader.view.id, own.view.id);
  const joined = { incident: leader.incidentId, decision: leader.view.id };
  const written = await writeDecision(deps.table, own, { ...own.view, joined });
  await follow(deps, written, at);
  await catchUp(deps, written, at);
  return deps.incidents.get(own.incidentId);
}

/** The question was answered before this one had joined: then so is this one. */
async function catchUp(deps: ApprovalDeps, { view }: DecisionRecord, at: Date): Promise<void> {
  const leader = view.joined && (await readDecision(deps.table, view.joined.decision));
  if (leader?.view.outcome !== undefined) await answerOne(deps, leader, view.id, at);
}

/** The lesser question joins the graver one, unless a person has begun to answer it. Returns its incident. */
async function takeOver(
  deps: ApprovalDeps,
  incident: Incident,
  own: DecisionRecord,
  { record, incident: lesser }: Asking,
  at: Date,
): Promise<string | undefined> {
  // One of the same severity keeps its card, and so its reminder and escalation: noise must not put those off.
  if (severityRank(lesser.label) >= severityRank(incident.label)) return undefined;
  if (record.view.approvedBy.length > 0) return undefined;
  try {
    await join(deps, record, await writeDecision(deps.table, own, sooner(own.view, record.view)), at);
  } catch (error) {
    // One of them was answered in the same moment.
    if (!isFirebreakError(error, 'Conflict')) throw error;
    return undefined;
  }
  return record.incidentId;
}

/** Taking a question over puts off neither its reminder nor its escalation. */
const sooner = (own: ApprovalView, { remindAt, escalateAt }: ApprovalView): ApprovalView => ({
  ...own,
  remindAt: [own.remindAt, remindAt].toSorted()[0] ?? own.remindAt,
  escalateAt: [own.escalateAt, escalateAt].toSorted()[0] ?? own.escalateAt,
});

const pointerKey = (question: string) => ({
  pk: partitionKey('approval', `QUESTION#${question}`),
  sk: 'ASKING',
});
const pointerSchema = z.object({ decision: z.string() });
type Pointer = z.output<typeof pointerSchema>;

async function readPointer(table: Table, question: string): Promise<Pointer | undefined> {
  const item = await table.get(pointerKey(question));
  return item && parseRecord(pointerSchema, item);
}

const writePointer = (
  table: Table,
  question: string,
  decision: string,
  read: Pointer | undefined,
): Promise<void> =>
  table.put(
    { ...pointerKey(question), decision },
    read
      ? {
          text: '#decision = :decision',
          names: { decision: 'decision' },
          values: { decision: read.decision },
        }
      : ABSENT,
  );

/**
 * What records of an incident must be to be believed. A record that does not fit pages and stops (`parseRecord`); records
 * of earlier releases fit: what they did not know is optional.
 */
import { z } from 'zod';
import type { SeverityLabel } from '../finding/finding.ts';
import type { IdentityPart, Plan, PlannedStep, Proof, Target, UndoSafety } from '../journal/playbook.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { Members } from '../table/record.ts';
import type {
  ApprovalView,
  Assessment,
  Decision,
  FollowUp,
  Incident,
  IncidentTarget,
  UndoOverwrite,
  UndoRun,
} from './incident.ts';
import { madeSummarySchema } from './made/made.ts';
import { type IncidentStatus, isIncidentStatus, type TargetStatus } from './status.ts';

const text = z.string();
const words = z.array(text);
const optional = <T extends z.ZodType>(schema: T) => schema.exactOptional();

/** Comes from JSON text or from the table: there is nothing else in it. */
const json = z.custom<Json>((value) => value !== undefined);
const jsonObject = z.custom<JsonObject>(isJsonObject, 'expected an object');

export const labelSchema: z.ZodType<SeverityLabel> = z.enum(['low', 'medium', 'high', 'critical']);
export const statusSchema = z.custom<IncidentStatus>(
  (value) => typeof value === 'string' && isIncidentStatus(value),
  'is not a status',
);
const targetStatus = z.enum({
  ...{ contained: 'contained', residual: 'residual', partial: 'partial', failed: 'failed' },
  ...{ escalated: 'escalated', declined: 'declined', undone: 'undone', held: 'held' },
  'undo-partial': 'undo-partial',
} satisfies { readonly [Status in TargetStatus]: Status });
/** Part of a resource's key, which is split at its colons. */
const keyPart = text.regex(/^[^:]*$/);

const target: z.ZodType<Target> = z.object({
  partition: keyPart,
  account: keyPart,
  region: keyPart,
  kind: keyPart,
  id: text,
  display: text,
  facts: jsonObject,
} satisfies Members<Target>);

const plannedStep: z.ZodType<PlannedStep> = z.object({
  id: text,
  role: z.enum(['evidence', 'prepare', 'contain', 'label']),
  describe: text,
  before: json,
  after: json,
  needs: optional(words),
  together: optional(text),
  kind: text,
  args: jsonObject,
} satisfies Members<PlannedStep>);

const identityPart: z.ZodType<IdentityPart> = z.object({
  what: text,
  by: words,
  left: optional(text),
  followUp: optional(text),
} satisfies Members<IdentityPart>);

const plan: z.ZodType<Plan> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('plan'),
    steps: z.array(plannedStep),
    blastRadius: z.object({ count: z.number(), unit: text, detail: words }),
    warnings: words,
    residual: words,
    askBecause: words,
    twoPeople: optional(text),
    tags: z.record(text, text),
    arns: words,
    lapseSeconds: optional(z.number()),
    followUps: optional(words),
    identity: optional(z.array(identityPart)),
  } satisfies Members<Extract<Plan, { kind: 'plan' }>>),
  z.object({
    kind: z.literal('refused'),
    reason: text,
    alternative: text,
    followUps: optional(words),
  } satisfies Members<Extract<Plan, { kind: 'refused' }>>),
]);

const proof: z.ZodType<Proof> = z.object({
  proven: z.boolean(),
  checks: z.array(z.object({ id: text, ok: z.boolean(), saw: text })),
  residual: words,
  next: z.enum(['wait', 'recontain', 'final']),
} satisfies Members<Proof>);

const undoSafety: z.ZodType<UndoSafety> = z.object({
  safe: z.boolean(),
  why: text,
  safeAt: optional(text),
  residual: optional(words),
} satisfies Members<UndoSafety>);

const incidentTarget = z.object({
  key: text,
  playbook: text,
  target,
  state: optional(jsonObject),
  stateAt: optional(text),
  plan: optional(plan),
  problem: optional(text),
  proof: optional(proof),
  verifiedAt: optional(text),
  driftedAt: text.optional(),
  undo: optional(undoSafety),
  lapsesAt: optional(text),
  status: optional(targetStatus),
  notes: optional(words),
  worse: optional(words),
  changed: optional(z.object({ reason: text, times: z.number(), at: text, approval: text.nullable() })),
  environment: optional(text.nullable()),
  declined: optional(words),
} satisfies Members<IncidentTarget>);

export const decisionSchema: z.ZodType<Decision> = z.object({
  kind: z.enum(['record', 'notify', 'ask', 'auto']),
  reasons: words,
  label: labelSchema,
  rule: text,
  unknownType: z.boolean(),
  page: z.boolean(),
  expiry: z.enum(['contain', 'escalate']),
  approvalTimeoutSeconds: z.number(),
  approvals: z.union([z.literal(1), z.literal(2)]),
  followUps: words,
  decidedAt: optional(text),
  findingUpdatedAt: optional(text),
} satisfies Members<Decision>);

export const approvalSchema: z.ZodType<ApprovalView> = z.object({
  id: text,
  purpose: z.enum(['contain', 'undo']),
  requestedAt: text,
  expiresAt: text,
  needed: z.union([z.literal(1), z.literal(2)]),
  approvedBy: words,
  outcome: optional(z.enum(['approved', 'denied', 'expired'])),
  decidedBy: optional(text),
  decidedAt: optional(text),
  reason: optional(text),
  requestedBy: optional(text),
  chosen: optional(words),
  joined: optional(z.object({ incident: text, decision: text })),
  revision: optional(z.number()),
  breakGlass: optional(z.boolean()),
  remindAt: text,
  escalateAt: text,
  remindedAt: optional(text),
  escalatedAt: optional(text),
  snoozed: optional(z.object({ by: text, until: text })),
} satisfies Members<ApprovalView>);

const followUp: z.ZodType<FollowUp> = z.object({
  incidentId: text,
  playbook: text,
} satisfies Members<FollowUp>);

const assessment: z.ZodType<Assessment> = z.object({
  findingUpdatedAt: text,
  answer: z.union([z.object({ id: text, kind: text }), z.object({ none: text })]),
  wanted: decisionSchema,
  confirmation: optional(
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('confirmed') }),
      z.object({ kind: z.literal('differs'), reason: text }),
      z.object({ kind: z.literal('unread'), reason: text }),
      z.object({ kind: z.literal('awaited'), reason: text }),
    ]),
  ),
} satisfies Members<Assessment>);

const overwrite: z.ZodType<UndoOverwrite> = z.object({
  target: text,
  step: text,
  describe: text,
  live: json,
  before: json,
} satisfies Members<UndoOverwrite>);

const undoRun: z.ZodType<UndoRun> = z.object({
  execution: text,
  target: optional(z.int().nonnegative()),
  asks: z.boolean(),
  ended: z.boolean(),
  again: optional(z.object({ times: z.int().nonnegative(), at: text })),
} satisfies Members<UndoRun>);

const incident = z.object({
  id: text,
  findingId: text,
  detectorId: optional(text),
  scanned: optional(text),
  joined: z.boolean().optional(),
  type: text,
  severity: z.number(),
  label: labelSchema,
  account: text,
  region: text,
  partition: text,
  title: text,
  sample: z.boolean(),
  archived: z.boolean(),
  count: z.number(),
  findingUpdatedAt: text,
  deliveredBy: optional(text),
  createdAt: text,
  updatedAt: text,
  listedAt: optional(text),
  containedAt: optional(text),
  followUpOf: optional(followUp),
  drill: optional(z.string()),
  partOf: optional(z.string()),
  execution: text,
  status: statusSchema,
  playbook: text.nullable(),
  display: text.nullable(),
  decision: optional(decisionSchema),
  assessment: optional(assessment),
  targets: z.array(incidentTarget),
  unhandled: optional(words),
  observed: optional(z.object({ at: text, addresses: z.number(), more: z.boolean(), lines: words })),
  residual: optional(words),
  madeBefore: optional(madeSummarySchema),
  approval: optional(approvalSchema),
  slack: optional(z.object({ channel: text, ts: text, thread: optional(text) })),
  picture: z.object({ shows: text, file: text }).optional(),
  cardOwedSince: text.optional(),
  intakeFailed: z.object({ at: text, reason: text }).optional(),
  owner: optional(z.object({ by: text, at: text })),
  passes: z.number(),
  undoRequestedBy: optional(text),
  undoPerson: text.optional(),
  undo: optional(undoSafety),
  undoRun: optional(undoRun),
  undoOverwrites: optional(z.object({ at: text, steps: z.array(overwrite) })),
  activeAfterContainment: optional(z.boolean()),
  removedAt: optional(text),
  version: z.number(),
} satisfies Members<Omit<Incident, 'planVersion'>>);

/** An incident in one record, as earlier releases wrote it. */
export const incidentSchema: z.ZodType<Incident> = incident;

const PLANNED_TARGET = {
  target: true,
  state: true,
  stateAt: true,
  plan: true,
  problem: true,
  lapsesAt: true,
  changed: true,
  environment: true,
} as const;
const PLANNED = {
  findingId: true,
  detectorId: true,
  scanned: true,
  joined: true,
  type: true,
  severity: true,
  label: true,
  account: true,
  region: true,
  partition: true,
  title: true,
  sample: true,
  archived: true,
  count: true,
  findingUpdatedAt: true,
  deliveredBy: true,
  followUpOf: true,
  drill: true,
  playbook: true,
  display: true,
  unhandled: true,
  residual: true,
  assessment: true,
} as const;
const UNDO = { undoRequestedBy: true, undo: true, undoRun: true, undoOverwrites: true } as const;

/** What is acted on: everything that Enrich finds out about a finding, and when Contain's work expires. */
export const planSchema = incident.pick(PLANNED).extend({
  targets: z.array(incidentTarget.pick({ key: true, playbook: true, ...PLANNED_TARGET })),
});

/** What is known of the undo that was asked for last. */
export const undoSchema = incident.pick(UNDO);

/** Everything else: how the incident goes. */
export const courseSchema = incident.omit({ ...PLANNED, ...UNDO }).extend({
  targets: z.array(incidentTarget.omit(PLANNED_TARGET)),
});

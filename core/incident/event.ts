/**
 * What other systems hear of an incident: the detail of a `Firebreak Incident` event on EventBridge. Its JSON Schema is
 * published (docs/incident-event.schema.json, and a schema registry of the stack). Members are added, never taken away or
 * given another meaning; a change that breaks a reader comes as another `schemaVersion`.
 */
import { z } from 'zod';
import { type Incident, verifiedAt } from './incident.ts';
import type { MadeSummary } from './made/made.ts';
import { risksOfIncident } from './risks.ts';
import { STATUSES } from './status.ts';

export const EVENT_SOURCE = 'firebreak';
export const EVENT_DETAIL_TYPE = 'Firebreak Incident';

const moment = z.iso.datetime();

export const incidentEventSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    stage: z
      .string()
      .nullable()
      .describe('Stage of the Firebreak that sent the event: an account may have several. Null in exports.'),
    incidentId: z.string().describe('`fb-` and twelve hex digits; the same for every event of an incident.'),
    findingId: z.string().describe('Id of the GuardDuty finding.'),
    type: z.string().describe('GuardDuty finding type.'),
    severity: z.number().describe('As GuardDuty gives it, 1 to 10.'),
    severityLabel: z.enum(['low', 'medium', 'high', 'critical']),
    account: z.string(),
    region: z.string(),
    partition: z.string(),
    target: z.string().nullable().describe('ARN or id of what is acted on. Text of the finding: untrusted.'),
    playbook: z.string().nullable(),
    decision: z.enum(['record', 'notify', 'ask', 'auto']).nullable(),
    reasons: z.array(z.string()).describe('Why it was decided so.'),
    status: z.enum(STATUSES).describe('`contained` only where a proving read showed it.'),
    residual: z
      .array(z.string())
      .describe(
        'What remains at risk although it is contained: what the plan foresaw and what the proof saw.',
      ),
    madeBefore: z
      .strictObject({
        lookedAt: moment,
        found: z.int().describe('Things that may remain.'),
        first: z
          .array(
            z.strictObject({
              at: z.string(),
              call: z.string().describe('`iam:CreateAccessKey`.'),
              what: z.string().describe('Text of the call: untrusted.'),
              action: z.string().describe('What contains it.'),
              command: z.string().nullable().describe('The AWS command for it, where there is one.'),
            }),
          )
          .describe('Those that give the most; the whole list is on the page of the incident.'),
        unread: z.array(z.string()).describe('Calls that could not be read.'),
      })
      .nullable()
      .describe(
        'What a contained principal made before it was contained. Null where that was not looked up.',
      ),
    targets: z.array(
      z.strictObject({
        playbook: z.string(),
        display: z.string(),
        status: z.string().nullable().describe('Null where nothing was done to this target.'),
      }),
    ),
    followUpOf: z.string().nullable().describe('Incident after which this one was asked about.'),
    sample: z.boolean().describe('A GuardDuty sample: nothing was changed.'),
    verifiedAt: moment.nullable().describe('When live reads last confirmed every target.'),
    removedAt: moment.nullable().describe('When a confirmed containment was last found removed.'),
    openedAt: moment,
    containedAt: moment.nullable().describe('When containment was first proven.'),
    updatedAt: moment,
  })
  .describe('An incident of Firebreak as it stands when the event is sent.');

export type IncidentEvent = z.output<typeof incidentEventSchema>;

/** Returns the detail of an event; without a stage what exports carry. */
export function incidentEvent(incident: Incident, stage: string | null = null): IncidentEvent {
  const { targets, decision } = incident;
  return {
    schemaVersion: 1,
    stage,
    incidentId: incident.id,
    findingId: incident.findingId,
    type: incident.type,
    severity: incident.severity,
    severityLabel: incident.label,
    account: incident.account,
    region: incident.region,
    partition: incident.partition,
    target: incident.display,
    playbook: incident.playbook,
    decision: decision?.kind ?? null,
    reasons: [...(decision?.reasons ?? [])],
    status: incident.status,
    residual: [...risksOfIncident(incident)],
    madeBefore: incident.madeBefore ? madeIn(incident.madeBefore) : null,
    targets: targets.map(({ playbook, target, status }) => ({
      playbook,
      display: target.display,
      status: status ?? null,
    })),
    followUpOf: incident.followUpOf?.incidentId ?? null,
    sample: incident.sample,
    verifiedAt: verifiedAt(incident) ?? null,
    removedAt: incident.removedAt ?? null,
    openedAt: incident.createdAt,
    containedAt: incident.containedAt ?? null,
    updatedAt: incident.updatedAt,
  };
}

const madeIn = ({ at, found, first, unread }: MadeSummary): IncidentEvent['madeBefore'] => ({
  lookedAt: at,
  found,
  first: first.map((entry) => ({ ...entry, command: entry.command ?? null })),
  unread: [...unread],
});

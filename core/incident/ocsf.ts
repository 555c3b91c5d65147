/**
 * An incident as an OCSF event, for data lakes and SIEMs: class Incident Finding (class_uid 2005) of schema 1.9.0,
 * https://schema.ocsf.io/1.9.0/classes/incident_finding.
 */
import { type JsonObject, toJson } from '../json.ts';
import { incidentEvent } from './event.ts';
import type { Incident } from './incident.ts';
import { severityLooks } from './looks.ts';
import { type IncidentStatus, isContained, isOver, statusTone } from './status.ts';

const SCHEMA_VERSION = '1.9.0';
const FINDINGS = 2;
const INCIDENT_FINDING = 2005;

/** Of a status: OCSF's status_id 1 New, 2 In Progress, 3 On Hold, 4 Resolved, 5 Closed. With a risk left it is not closed. */
function statusOf(status: IncidentStatus): { readonly id: number; readonly closes: boolean } {
  if (status === 'received') return { id: 1, closes: false };
  if (status === 'awaiting-approval') return { id: 3, closes: false };
  if (!isOver(status) || statusTone(status) === 'warn') return { id: 2, closes: false };
  return { id: isContained(status) ? 4 : 5, closes: true };
}

/** Times are milliseconds since 1970, as OCSF's `timestamp_t` is. */
export function ocsfIncidentFinding(incident: Incident, version: string): JsonObject {
  const { closes, id: statusId } = statusOf(incident.status);
  const activity = closes ? 3 : incident.status === 'received' ? 1 : 2;
  const ms = (iso: string) => Date.parse(iso);
  return {
    activity_id: activity,
    category_uid: FINDINGS,
    class_uid: INCIDENT_FINDING,
    type_uid: INCIDENT_FINDING * 100 + activity,
    severity_id: severityLooks(incident.label).ocsf,
    status_id: statusId,
    status_detail: incident.status,
    // The class demands one who is assigned: the approvers that policy.yml names.
    assignee_group: { name: 'Firebreak approvers' },
    is_suspected_breach: incident.label === 'high' || incident.label === 'critical',
    time: ms(incident.updatedAt),
    start_time: ms(incident.createdAt),
    ...(closes ? { end_time: ms(incident.containedAt ?? incident.updatedAt) } : {}),
    message: incident.title,
    finding_info_list: [
      {
        uid: incident.findingId,
        title: incident.title,
        types: [incident.type],
        created_time: ms(incident.createdAt),
        modified_time: ms(incident.findingUpdatedAt),
      },
    ],
    cloud: { provider: 'AWS', region: incident.region, account: { uid: incident.account, type_id: 10 } },
    resources: incident.targets.map(({ target }) => ({
      uid: target.display,
      type: target.kind,
      region: target.region,
      cloud_partition: target.partition,
    })),
    metadata: {
      version: SCHEMA_VERSION,
      uid: incident.id,
      product: { name: 'Firebreak', vendor_name: 'Firebreak', version },
      profiles: ['cloud', 'incident'],
      logged_time: ms(incident.updatedAt),
    },
    unmapped: toJson(incidentEvent(incident)),
  };
}

/** Incidents of one story: the one that this follows or belongs to, its follow-ups, and what it is decided with. */
import { type Incident, incidentIdFor } from './incident.ts';
import { playbookWords } from './names.ts';
import type { IncidentStatus } from './status.ts';
import type { IncidentStore } from './store.ts';

export interface Relative {
  readonly id: string;
  /** `follow-up of`, `follow-up: isolate instance`, … */
  readonly what: string;
  readonly status: IncidentStatus;
  /** Its card. */
  readonly slack?: Incident['slack'];
}

/** Returns those that were opened; of the follow-ups that an incident may ask for, some never are. */
export async function relativesOf(
  incidents: Pick<IncidentStore, 'find'>,
  incident: Incident,
): Promise<readonly Relative[]> {
  const named = namedBy(incident);
  const found = await Promise.all(named.map(([id]) => incidents.find(id)));
  return named.flatMap(([id, what], index) => {
    const other = found[index];
    return other ? [{ id, what, status: other.status, slack: other.slack }] : [];
  });
}

function namedBy(incident: Incident): readonly (readonly [id: string, what: string])[] {
  const { partition, account, region, detectorId, findingId, followUpOf, partOf, approval } = incident;
  const identity = { partition, account, region, detectorId, findingId };
  return [
    ...(followUpOf ? [[followUpOf.incidentId, 'follow-up of'] as const] : []),
    ...(partOf ? [[partOf, 'signal of the attack sequence'] as const] : []),
    ...(approval?.joined ? [[approval.joined.incident, 'decided with'] as const] : []),
    ...followUpsAsked(incident).map(
      (playbook) =>
        [
          incidentIdFor(identity, { incidentId: incident.id, playbook }),
          `follow-up: ${playbookWords(playbook)}`,
        ] as const,
    ),
  ];
}

function followUpsAsked({ followUpOf, decision, targets }: Incident): readonly string[] {
  if (followUpOf) return [];
  const planned = targets.flatMap(({ plan }) => plan?.followUps ?? []);
  return [...new Set([...(decision?.followUps ?? []), ...planned])];
}

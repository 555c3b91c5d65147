/** Incidents of one story: the one that this follows or belongs to, its follow-ups, and what it is decided with. */
import { type IdentityRow, ownRows } from './identity.ts';
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
  /** The playbook that this incident asks about there; absent where it is not its follow-up. */
  readonly followUp?: string;
  /** What of the identity it contains. */
  readonly identity?: readonly IdentityRow[];
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
    if (!other) return [];
    const asked = other.followUpOf?.incidentId === incident.id ? other.followUpOf.playbook : undefined;
    return [
      {
        ...{ id, what, status: other.status, slack: other.slack },
        ...(asked === undefined ? {} : { followUp: asked, identity: ownRows(other, []) }),
      },
    ];
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

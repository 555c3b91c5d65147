/**
 * Which incidents are open on a principal: `PRINCIPAL#<partition>:<account>:<principal>` / `<incident>`. Reconnaissance is
 * noise on its own; by a principal that something else was asked about or contained, it is not.
 */
import type { Finding } from '../finding/finding.ts';
import { partitionKey } from '../table/partitions.ts';
import type { Table } from '../table/table.ts';
import type { Incident } from './incident.ts';
import { type IncidentStatus, isContainment, isOver, isUndo } from './status.ts';
import type { IncidentStore } from './store.ts';

/** An incident that nothing happened on for this long says no more about what its principal does now. */
const OPEN_DAYS = 7;
const DAY_MS = 86_400_000;

/** Not where a person declined it, it was undone, or there was nothing to do. */
const isOpen = (status: IncidentStatus): boolean =>
  isContainment(status) || !(isUndo(status) || isOver(status));

export interface PrincipalIncident {
  readonly incidentId: string;
  readonly type: string;
  readonly status: IncidentStatus;
}

/**
 * Who acts in the finding: a user by name, a role by its id (anyone who may assume it chooses the session's name), and the
 * instance whose credentials a session is made of.
 */
export function principalsIn({ accessKey, instance }: Finding): readonly string[] {
  const { principalId = '', userName, userType } = accessKey ?? {};
  const [, role, session] = /^(AROA[A-Z0-9]{4,124}):([\w+=,.@-]{2,64})$/.exec(principalId) ?? [];
  const id = instance?.instanceId ?? session;
  return [
    ...(role === undefined ? [] : [`role:${role}`]),
    ...(userType === 'IAMUser' && userName !== undefined && /^[\w+=,.@-]{1,64}$/.test(userName)
      ? [`user:${userName}`]
      : []),
    ...(id !== undefined && /^i-[0-9a-f]{8,17}$/.test(id) ? [`instance:${id}`] : []),
  ];
}

/** The principals that an incident acts on, where the finding does not name them (a follow-up that looked them up). */
const principalsOf = ({ targets }: Incident): readonly string[] =>
  targets.flatMap(({ target: { kind, facts } }) => {
    if (kind === 'iam-user' && typeof facts['userName'] === 'string') return [`user:${facts['userName']}`];
    return kind === 'role-session' && typeof facts['roleId'] === 'string' ? [`role:${facts['roleId']}`] : [];
  });

const pkOf = ({ partition, account }: Finding, principal: string): string =>
  partitionKey('principal', `${partition}:${account}:${principal}`);

/** Keeps that the incident is about its principals; for incidents that ask or contain. */
export async function rememberPrincipals(
  table: Table,
  finding: Finding,
  incident: Incident,
  now: Date,
): Promise<void> {
  const ttl = Math.floor((now.getTime() + 90 * DAY_MS) / 1000);
  const principals = new Set([...principalsIn(finding), ...principalsOf(incident)]);
  await Promise.all(
    [...principals].map((principal) =>
      table.put({ pk: pkOf(finding, principal), sk: `INCIDENT#${incident.id}`, incident: incident.id, ttl }),
    ),
  );
}

/** The newest open incident about a principal of the finding, other than those of this very finding. */
export async function openOnPrincipal(
  table: Table,
  incidents: Pick<IncidentStore, 'find'>,
  finding: Finding,
  now: Date,
): Promise<PrincipalIncident | undefined> {
  const items = await Promise.all(
    principalsIn(finding).map((principal) => table.query(pkOf(finding, principal), 'INCIDENT#')),
  );
  const ids = new Set(items.flat().map((item) => String(item['incident'])));
  const found = await Promise.all([...ids].map((id) => incidents.find(id)));
  const [open] = found
    .flatMap((incident) => (incident ? [incident] : []))
    .filter(({ findingId, status }) => findingId !== finding.id && isOpen(status))
    .filter(({ updatedAt }) => now.getTime() - Date.parse(updatedAt) < OPEN_DAYS * DAY_MS)
    .sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1));
  return open && { incidentId: open.id, type: open.type, status: open.status };
}

/** What remains at risk although an incident is contained: one reading for status, card, page, command, exports and event. */
import type { Incident, IncidentTarget } from './incident.ts';
import { madeRisks } from './made/made.ts';

/** Returns every remaining risk of one target once: what is worse than before, what its plan foresaw, what its proof saw. */
export const risksOfTarget = ({
  worse = [],
  plan,
  proof,
}: Pick<IncidentTarget, 'worse' | 'plan' | 'proof'>): readonly string[] => [
  ...new Set([...worse, ...(plan?.kind === 'plan' ? plan.residual : []), ...(proof?.residual ?? [])]),
];

/** Returns the risks of the response as a whole, however its targets went. */
export const risksOfResponse = ({
  residual = [],
  madeBefore,
}: Pick<Incident, 'residual' | 'madeBefore'>): readonly string[] => [...residual, ...madeRisks(madeBefore)];

/** Returns every remaining risk of an incident once: its targets' and those of the response as a whole. */
export const risksOfIncident = (
  incident: Pick<Incident, 'targets' | 'residual' | 'madeBefore'>,
): readonly string[] => [
  ...new Set([...incident.targets.flatMap(risksOfTarget), ...risksOfResponse(incident)]),
];

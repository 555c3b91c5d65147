/** What remains at risk although an incident is contained: one reading for status, card, page, command, exports and event. */
import type { Incident, IncidentTarget } from './incident.ts';

/** Returns every remaining risk of one target once: those its plan foresaw, then those its proof saw. */
export const risksOfTarget = ({ plan, proof }: Pick<IncidentTarget, 'plan' | 'proof'>): readonly string[] => [
  ...new Set([...(plan?.kind === 'plan' ? plan.residual : []), ...(proof?.residual ?? [])]),
];

/** Returns every remaining risk of an incident once: its targets' and those of the response as a whole. */
export const risksOfIncident = ({
  targets,
  residual = [],
}: Pick<Incident, 'targets' | 'residual'>): readonly string[] => [
  ...new Set([...targets.flatMap(risksOfTarget), ...residual]),
];

/** What is special about an incident of a drill (core/incident/drill.ts): policy is not asked, since it is not what is proven. */
import { FirebreakError } from '../core/errors.ts';
import type { Finding } from '../core/finding/finding.ts';
import { drillName, notOfDrill } from '../core/incident/drill.ts';
import type { Decision, Incident, IncidentTarget } from '../core/incident/incident.ts';
import type { Policy } from '../core/policy/policy.ts';

/** Throws Refused for a finding that bears another id than one of the drill, which could be the id of a real finding. */
export function ofDrill(drill: string, finding: Finding): Finding {
  if (finding.id.startsWith(drillName(drill, ''))) return finding;
  throw new FirebreakError('Refused', `a finding of drill ${drill} must bear an id of the drill`, {
    resource: finding.id,
  });
}

/** Throws Refused where the incident is of a drill and the delivery is not, or the other way round. */
export function mustMatch(
  known: Pick<Incident, 'id' | 'drill'> | undefined,
  drill: string | undefined,
): void {
  if (known === undefined || known.drill === drill) return;
  throw new FirebreakError('Refused', 'a drill and a finding of GuardDuty cannot share an incident', {
    resource: known.id,
  });
}

/** Throws Refused unless a live read showed each target to carry the drill's tag. */
export function mustBeDrilled(drill: string, targets: readonly IncidentTarget[]): void {
  const [entry] = targets;
  if (!entry) {
    throw new FirebreakError('Refused', `drill ${drill}: the finding does not name a resource to contain`);
  }
  for (const one of targets) {
    const why = one.plan?.kind === 'refused' ? one.plan.reason : (one.problem ?? notOfDrill(one, drill));
    if (why !== undefined)
      throw new FirebreakError('Refused', `drill ${drill}: ${why}`, { resource: one.target.display });
  }
}

/** Returns what a drill wants of a finding: containment at once, and nothing after it. */
export function wantedByDrill(policy: Policy, finding: Finding, drill: string): Decision {
  return {
    ...policy.want(finding, {}),
    kind: 'auto',
    reasons: [`drill ${drill}: the target carries its tag`],
    rule: 'drill',
    unknownType: false,
    page: false,
    followUps: [],
  };
}

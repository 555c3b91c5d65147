/**
 * A drill: the operator makes disposable resources, and the deployed workflow contains them. What it may change is marked by a
 * tag whose value is the drill's id, read live with each plan; nothing that a finding says can make it one.
 */
import type { IncidentTarget } from './incident.ts';

/** Of the resources that a drill makes; its value is the drill's id. On anything else it means nothing. */
export const DRILL_TAG = 'firebreak:drill';

/** Names of all that a drill makes and that has a name begin so. */
export const DRILL_PREFIX = 'firebreak-drill-';

/** Playbooks whose plan carries the tags of its target, and of nothing else. */
const DRILLED: ReadonlySet<string> = new Set([
  'block-public-bucket',
  'contain-kubernetes-identity',
  'deny-bucket-principal',
  'disable-user-keys',
  'isolate-instance',
  'quarantine-object',
  'restore-logging',
  'restrict-database',
  'revoke-instance-session',
  'revoke-role-sessions',
  'stop-task',
  'throttle-function',
]);

export const drillId = /^[0-9a-f]{12}$/;

/**
 * Names the execution of one playbook of a drill, and its finding: no event can choose the name of its execution, and the ids of
 * GuardDuty's findings are 32 hexadecimal digits.
 */
export const drillName = (drill: string, playbook: string): string => `drill-${drill}-${playbook}`;

/** Returns why this target is not the drill's to change, or undefined. */
export function notOfDrill(
  { playbook, plan, target }: Pick<IncidentTarget, 'playbook' | 'plan' | 'target'>,
  drill: string,
): string | undefined {
  if (!DRILLED.has(playbook)) return `${playbook} cannot be drilled`;
  const tags = plan?.kind === 'plan' ? plan.tags : {};
  return Object.hasOwn(tags, DRILL_TAG) && tags[DRILL_TAG] === drill
    ? undefined
    : `${target.display} does not carry the tag ${DRILL_TAG}=${drill}`;
}

/** Returns whether a live read showed every target of the incident to be the drill's. */
export const isDrilled = (
  drill: string | undefined,
  targets: readonly Pick<IncidentTarget, 'playbook' | 'plan' | 'target'>[],
): boolean =>
  drill !== undefined &&
  targets.length > 0 &&
  targets.every((entry) => notOfDrill(entry, drill) === undefined);

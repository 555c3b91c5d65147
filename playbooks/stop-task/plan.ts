/** The role first, since the thief may hold its session elsewhere; then the service, then the task. Pure. */

import { DRILL_TAG } from '../../core/incident/drill.ts';
import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { scaleInRefusal, scaleInSteps } from '../common/ecs/service-plan.ts';
import { roleTarget, type TaskState } from '../common/ecs/task.ts';
import type { TaskFacts } from '../common/ecs/task-target.ts';
import { protectedBy } from '../common/protected.ts';
import { planRevocation } from '../common/role-session/plan.ts';
import type { KINDS } from './steps.ts';

type Step = StepOf<typeof KINDS>;

export function planStop(live: TaskState, target: Target<TaskFacts>, options: PlanOptions): Plan<Step> {
  const { cluster, taskArn } = target.facts;
  const names = [target.display, cluster, ...(live.service ? [live.service.name] : [])];
  const pattern = protectedBy(names, options.protectedArns);
  if (pattern !== undefined) {
    return {
      kind: 'refused',
      reason: `${target.display} is protected by policy.yml (protected: ${pattern})`,
      alternative: 'Ask the owner of the service to stop it.',
    };
  }
  const role = denyRole(live, target, options);
  const { service } = live;
  const scaleIn = options.settings['scaleIn'] === true && service !== null;
  const refusal = service === null ? undefined : scaleInRefusal(service);
  const scaledIn = scaleIn && refusal === undefined;
  return {
    kind: 'plan',
    steps: [
      ...role.steps,
      ...(scaledIn ? scaleInSteps(cluster, service) : []),
      {
        id: 'stop',
        kind: 'stop',
        role: 'contain',
        describe: `Stop the task (definition ${live.definition})`,
        args: { cluster, taskArn },
        before: live.desiredStatus === 'STOPPED' ? 'stopped' : 'running',
        after: 'stopped',
      },
    ],
    blastRadius: {
      count: scaleIn ? Math.max(1, live.service?.running ?? 1) : 1,
      unit: 'tasks',
      detail: [target.display, ...live.images],
    },
    warnings: [
      'disk and memory of the task are gone once it stops; its logs stay where its definition sends them',
      ...(live.interfaces.length > 0 ? [`its network interface was ${live.interfaces.join(', ')}`] : []),
      ...(live.service === null
        ? [`it belongs to no service; it was started by ${live.startedBy ?? 'no one known'}`]
        : []),
      ...(live.containerInstance !== null
        ? [
            `it runs on the container instance ${live.containerInstance}: if it broke out of its container, isolate that host`,
          ]
        : []),
      ...(scaleIn && refusal
        ? [`the service is not scaled in: ${refusal.reason}; instead: ${refusal.alternative}`]
        : []),
      ...role.warnings,
    ],
    residual: [
      ...role.residual,
      ...(service !== null && service.desiredCount > 0 && !scaledIn
        ? [`service ${service.name} starts another task from the same definition and image`]
        : []),
    ],
    askBecause: scaleIn ? [`service ${live.service?.name} is stopped altogether`] : [],
    tags: tagsOf(live),
    arns: [target.display],
  };
}

/** The role and the service are changed as well: one that is not the drill's makes the task none of its. */
function tagsOf({ tags, role, service }: TaskState): TaskState['tags'] {
  const { [DRILL_TAG]: drill, ...others } = tags;
  const all = service === null && (role === null || role.role.tags[DRILL_TAG] === drill);
  return all ? tags : others;
}

interface RolePart {
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
  readonly residual: readonly string[];
}

/** The deny of the task's session, as a stolen instance session gets it; a role that is refused does not keep the task running. */
function denyRole({ role, roleName }: TaskState, target: Target<TaskFacts>, options: PlanOptions): RolePart {
  if (role === null || roleName === null) {
    return { steps: [], warnings: ['the task has no role of its own'], residual: [] };
  }
  const { roleId } = role.role;
  const plan = planRevocation(role, roleTarget(target, roleName, roleId), { ...options, settings: {} });
  if (plan.kind === 'refused') {
    return {
      steps: [],
      warnings: [`sessions of its role are not denied: ${plan.reason}; instead: ${plan.alternative}`],
      residual: [`credentials of ${roleName} taken out of the task stay valid`],
    };
  }
  return { steps: plan.steps, warnings: [], residual: plan.residual };
}

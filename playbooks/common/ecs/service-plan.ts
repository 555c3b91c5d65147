/** Scaling first, or the count climbs back; then the count. Pure. */
import type { StepOf } from '../../../core/journal/playbook.ts';
import type { ServiceState } from './service.ts';
import type { SCALE_IN_KINDS } from './service-steps.ts';

type Step = StepOf<typeof SCALE_IN_KINDS>;

/** The steps that keep a service from starting tasks, in order. */
export function scaleInSteps(cluster: string, service: ServiceState): readonly Step[] {
  const args = { cluster, service: service.name };
  const { scaling } = service;
  const suspend: Step = {
    id: 'suspend-scaling',
    kind: 'suspend-scaling',
    role: 'prepare',
    describe: `Suspend Application Auto Scaling of service ${service.name}`,
    args,
    before: scaling && { in: scaling.in, out: scaling.out, scheduled: scaling.scheduled },
    after: { in: true, out: true, scheduled: true },
  };
  return [
    ...(scaling === null ? [] : [suspend]),
    {
      id: 'desired-count',
      kind: 'desired-count',
      role: 'contain',
      describe: `Keep service ${service.name} from starting another task (desired count 0)`,
      args,
      before: service.desiredCount,
      after: 0,
      // Scaled by someone who was not stopped, 0 lasts a minute.
      ...(scaling === null ? {} : { needs: [suspend.id] }),
    },
  ];
}

/** Why the count of this service is not changed here, with the action that works; undefined where it can be. */
export function scaleInRefusal({
  name,
  controller,
  strategy,
}: ServiceState): { readonly reason: string; readonly alternative: string } | undefined {
  if (controller !== 'ECS') {
    return {
      reason: `the deployment controller of service ${name} is ${controller}: it keeps task sets of its own, and what ECS takes of UpdateService is restricted`,
      alternative: `Stop the deployment in ${controller === 'CODE_DEPLOY' ? 'CodeDeploy' : 'the system that deploys it'} and scale its task sets to 0 there.`,
    };
  }
  if (strategy !== 'REPLICA') {
    return {
      reason: `service ${name} is a ${strategy} service: it has no count, every container instance runs one task`,
      alternative: 'Roll it to a known good task definition, or drain the container instances.',
    };
  }
  return undefined;
}

/** The step kinds: scaling suspended, so that the count stays where it is put, and the count. */
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import type { StepContext } from '../../../core/journal/playbook.ts';
import { sameJson } from '../../../core/json.ts';
import { stepKind } from '../step-kind.ts';
import { type Suspension, scalableService, scalingOf } from './service.ts';
import { describeTask } from './task.ts';

const args = z.object({ cluster: z.string(), service: z.string() });
type Args = z.infer<typeof args>;

const facts = z.object({
  cluster: z.string(),
  service: z.string().optional(),
  ...{ taskId: z.string().optional(), taskArn: z.string().optional() },
});

/** The service of the incident, or that of its task as ECS knows it; a task that is forgotten names none any more. */
async function another(given: Args, { aws, target }: StepContext): Promise<string | undefined> {
  const { cluster, service, taskId, taskArn } = facts.parse(target.facts);
  if (given.cluster !== cluster) return `the cluster is ${cluster}, not ${given.cluster}`;
  const group =
    service !== undefined || taskId === undefined || taskArn === undefined
      ? service && `service:${service}`
      : (await describeTask(aws, { ...target, facts: { cluster, taskId, taskArn } }))?.group;
  return group === undefined || group === `service:${given.service}`
    ? undefined
    : `the task is of ${group}, not of service ${given.service}`;
}

const ALL_SUSPENDED = { in: true, out: true, scheduled: true } satisfies Suspension;
const suspensionSchema = z.strictObject({ in: z.boolean(), out: z.boolean(), scheduled: z.boolean() });

/**
 * Application Auto Scaling raises the count to its minimum again within minutes. Suspending leaves minimum, maximum and
 * policies as they are: RegisterScalableTarget changes only what it is given.
 */
const suspendScaling = stepKind(args, {
  value: suspensionSchema.nullable(),
  foreign: another,
  async read({ cluster, service }, { aws }) {
    const found = await scalingOf(aws, cluster, service);
    return { value: found && { in: found.in, out: found.out, scheduled: found.scheduled } };
  },
  // Nothing scales it: nothing to suspend, and nothing is registered.
  after: (_args, _context, before) => (before === null ? null : { ...ALL_SUSPENDED }),
  worse({ service }, _context, { live, before, contained }) {
    return !contained && sameJson(live, ALL_SUSPENDED) && !sameJson(before, ALL_SUSPENDED)
      ? `scaling of service ${service} is suspended and its tasks still run`
      : undefined;
  },
  async apply(given, { aws }) {
    await suspend(aws, given, ALL_SUSPENDED);
    return undefined;
  },
  async revert(given, { aws }, before) {
    if (before === null) return { kept: `nothing scaled ${given.service} before` };
    await suspend(aws, given, before);
    return 'reverted';
  },
});

async function suspend(aws: Aws, { cluster, service }: Args, wanted: Suspension): Promise<void> {
  const { client, api } = await aws.applicationAutoScaling();
  await client.send(
    new api.RegisterScalableTargetCommand({
      ...scalableService(cluster, service),
      SuspendedState: {
        DynamicScalingInSuspended: wanted.in,
        DynamicScalingOutSuspended: wanted.out,
        ScheduledScalingSuspended: wanted.scheduled,
      },
    }),
  );
}

/** How many tasks the service wants. */
const desiredCount = stepKind(args, {
  value: z.int().nonnegative().nullable(),
  foreign: another,
  async read({ cluster, service }, { aws }) {
    const { client, api } = await aws.ecs();
    const { services = [] } = await client.send(
      new api.DescribeServicesCommand({ cluster, services: [service] }),
    );
    return { value: services[0]?.desiredCount ?? null };
  },
  after: (_args, _context, before) => (before === null ? null : 0),
  async apply({ cluster, service }, { aws }) {
    const { client, api } = await aws.ecs();
    await client.send(new api.UpdateServiceCommand({ cluster, service, desiredCount: 0 }));
    return undefined;
  },
  async revert({ cluster, service }, { aws }, before) {
    if (before === null) return { kept: `${service} did not exist before` };
    const { client, api } = await aws.ecs();
    await client.send(new api.UpdateServiceCommand({ cluster, service, desiredCount: before }));
    return 'reverted';
  },
});

/** The kinds of `scaleInSteps`. */
export const SCALE_IN_KINDS = { 'suspend-scaling': suspendScaling, 'desired-count': desiredCount };

/** Rights for both, in the words of a permission. */
export const SCALE_IN_RIGHTS = {
  read: {
    // DescribeScalableTargets has no resource level.
    actions: ['application-autoscaling:DescribeScalableTargets'],
    resources: ['*'],
    why: 'whether something would raise the count of the service again',
  },
  write: [
    {
      actions: ['ecs:UpdateService'],
      resources: [`arn:\${Partition}:ecs:\${Region}:\${Account}:service/*`],
      // The count alone. Both keys are absent from a call that does not name them. [M-LAB]
      condition: {
        Null: { 'ecs:task-definition': 'true' },
        StringNotEquals: { 'ecs:enable-execute-command': 'true' },
      },
      why: 'keeps the service from starting another task, and restores its count',
      worst:
        'scales any ECS service to nothing, or to as many tasks as fit; other settings of a service change as well, its task definition does not',
    },
    {
      actions: ['application-autoscaling:RegisterScalableTarget'],
      resources: [`arn:\${Partition}:application-autoscaling:\${Region}:\${Account}:scalable-target/*`],
      condition: { StringEquals: { 'application-autoscaling:service-namespace': 'ecs' } },
      why: 'suspends scaling of the service first, and resumes it as it was',
      worst: 'changes minimum and maximum of any scaled ECS service, or stops its scaling',
    },
  ],
} as const;

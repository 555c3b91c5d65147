/** Live state of an ECS service and of what scales it. */
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';

/** The three switches of Application Auto Scaling's SuspendedState, all off where none was ever set. */
const suspension = z.object({ in: z.boolean(), out: z.boolean(), scheduled: z.boolean() });
export type Suspension = z.infer<typeof suspension>;

export const serviceState = z.object({
  name: z.string(),
  status: z.string(),
  desiredCount: z.number(),
  running: z.number(),
  /** ECS, CODE_DEPLOY or EXTERNAL. */
  controller: z.string(),
  /** REPLICA or DAEMON. */
  strategy: z.string(),
  definition: z.string(),
  /** Null: Application Auto Scaling does not scale it. */
  scaling: suspension.extend({ min: z.number(), max: z.number() }).nullable(),
  tags: z.record(z.string(), z.string()),
});
export type ServiceState = z.infer<typeof serviceState>;

/** The service, or undefined where the cluster has none of that name. */
export async function readService(
  aws: Aws,
  cluster: string,
  name: string,
): Promise<ServiceState | undefined> {
  const { client, api } = await aws.ecs();
  const [{ services = [] }, scaling] = await Promise.all([
    client.send(new api.DescribeServicesCommand({ cluster, services: [name], include: ['TAGS'] })),
    scalingOf(aws, cluster, name),
  ]);
  const [found] = services;
  if (!found) return undefined;
  return {
    name: found.serviceName ?? name,
    status: found.status ?? 'UNKNOWN',
    desiredCount: found.desiredCount ?? 0,
    running: found.runningCount ?? 0,
    controller: found.deploymentController?.type ?? 'ECS',
    strategy: found.schedulingStrategy ?? 'REPLICA',
    definition: found.taskDefinition ?? '',
    scaling,
    tags: Object.fromEntries((found.tags ?? []).map(({ key = '', value = '' }) => [key, value])),
  };
}

/** What names a service to Application Auto Scaling. */
export const scalableService = (cluster: string, service: string) =>
  ({
    ServiceNamespace: 'ecs',
    ResourceId: `service/${cluster}/${service}`,
    ScalableDimension: 'ecs:service:DesiredCount',
  }) as const;

/** The scalable target of the service, or null where it is not registered. */
export async function scalingOf(aws: Aws, cluster: string, name: string): Promise<ServiceState['scaling']> {
  const { ServiceNamespace, ResourceId, ScalableDimension } = scalableService(cluster, name);
  const { client, api } = await aws.applicationAutoScaling();
  const { ScalableTargets = [] } = await client.send(
    new api.DescribeScalableTargetsCommand({
      ServiceNamespace,
      ResourceIds: [ResourceId],
      ScalableDimension,
    }),
  );
  const [found] = ScalableTargets;
  if (!found) return null;
  const { DynamicScalingInSuspended, DynamicScalingOutSuspended, ScheduledScalingSuspended } =
    found.SuspendedState ?? {};
  return {
    in: DynamicScalingInSuspended === true,
    out: DynamicScalingOutSuspended === true,
    scheduled: ScheduledScalingSuspended === true,
    min: found.MinCapacity ?? 0,
    max: found.MaxCapacity ?? 0,
  };
}

/** ECS services and tasks. A service starts a task where it has fewer than it wants; a task needs a look or two to stop. */
import { arn } from '../../core/aws/arn.ts';
import { awsError } from '../aws-error.ts';
import { operatorEcs } from './operator-ecs.ts';
import type { Answers, TwinCall } from './twin.ts';

interface TwinTask {
  taskArn: string;
  cluster: string;
  group: string;
  taskDefinitionArn: string;
  launchType: 'FARGATE' | 'EC2';
  lastStatus: string;
  desiredStatus: string;
  startedBy: string;
  /** Left out: none. */
  tags?: Record<string, string>;
  /** The host of a task on EC2. */
  containerInstanceArn?: string;
}
/** An EC2 instance that is registered with a cluster. */
interface TwinContainerInstance {
  containerInstanceArn: string;
  cluster: string;
  ec2InstanceId: string;
}
interface TwinService {
  serviceName: string;
  cluster: string;
  desiredCount: number;
  controller: string;
  taskDefinitionArn: string;
  /** REPLICA unless stated otherwise. */
  strategy?: 'REPLICA' | 'DAEMON';
}
/** A service that Application Auto Scaling scales. */
interface TwinScalableTarget {
  ResourceId: string;
  MinCapacity: number;
  MaxCapacity: number;
  SuspendedState: Record<Suspended, boolean>;
}
type Suspended = 'DynamicScalingInSuspended' | 'DynamicScalingOutSuspended' | 'ScheduledScalingSuspended';
/** This service's part of a Region. */
export interface TwinEcs {
  tasks: TwinTask[];
  services: TwinService[];
  /** Task definitions by ARN, with their role. */
  definitions: Record<string, { taskRoleArn: string | null; tags?: Record<string, string>; script?: string }>;
  /** Tags of each cluster that an operator made; left out: none. */
  clusters?: Record<string, Record<string, string>>;
  scalable: TwinScalableTarget[];
  /** Absent in what earlier versions saved. */
  containerInstances?: TwinContainerInstance[];
}
export const emptyEcs = (): TwinEcs => ({ tasks: [], services: [], definitions: {}, scalable: [] });

const clusterOf = ({ input }: TwinCall): string => String(input['cluster']).split('/').at(-1) ?? '';

const hosts = (call: TwinCall): TwinContainerInstance[] =>
  (call.region.ecs.containerInstances ?? []).filter(({ cluster }) => cluster === clusterOf(call));

function serviceOf(call: TwinCall, name: unknown): TwinService {
  const found = call.region.ecs.services.find(
    (service) => service.serviceName === name && service.cluster === clusterOf(call),
  );
  if (found) return found;
  throw awsError('ServiceNotFoundException', 'Service not found.');
}

const running = ({ region }: TwinCall, service: TwinService): TwinTask[] =>
  region.ecs.tasks.filter(
    ({ group, cluster, desiredStatus }) =>
      group === `service:${service.serviceName}` &&
      cluster === service.cluster &&
      desiredStatus === 'RUNNING',
  );

/** The scheduler: as many tasks as every service wants, and scaling that is not suspended wants its minimum. */
function schedule(call: TwinCall): void {
  const { services, scalable } = call.region.ecs;
  for (const service of services) {
    const target = scalable.find(
      ({ ResourceId }) => ResourceId === `service/${service.cluster}/${service.serviceName}`,
    );
    if (target && !target.SuspendedState.DynamicScalingOutSuspended) {
      service.desiredCount = Math.max(service.desiredCount, target.MinCapacity);
    }
    while (running(call, service).length < service.desiredCount) {
      const id = call.nextId('task').replace('task-', '').padStart(32, '0');
      call.region.ecs.tasks.push({
        taskArn: arn(call.scope, 'ecs', `task/${service.cluster}/${id}`),
        cluster: service.cluster,
        group: `service:${service.serviceName}`,
        taskDefinitionArn: service.taskDefinitionArn,
        launchType: 'FARGATE',
        lastStatus: 'RUNNING',
        desiredStatus: 'RUNNING',
        startedBy: 'ecs-svc/1',
      });
    }
  }
}

export const ecs: Readonly<Record<string, Answers>> = {
  ECS: {
    DescribeTasks: (call) => {
      const asked = (call.input['tasks'] ?? []) as string[];
      const found = call.region.ecs.tasks.filter(
        ({ taskArn, cluster }) => asked.includes(taskArn) && cluster === clusterOf(call),
      );
      const answer = found.map(({ cluster: _cluster, tags = {}, ...task }) => ({
        ...task,
        containers: [{ image: 'example/web:1', imageDigest: 'sha256:0' }],
        attachments: [],
        tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
      }));
      // On its way: seen once more before it is there.
      for (const task of found) if (task.desiredStatus === 'STOPPED') task.lastStatus = 'STOPPED';
      return {
        tasks: answer,
        failures: asked
          .filter((wanted) => !found.some(({ taskArn }) => taskArn === wanted))
          .map((missing) => ({ arn: missing, reason: 'MISSING' })),
      };
    },
    ...operatorEcs,
    DescribeTaskDefinition: ({ region, scope, input }) => {
      const named = String(input['taskDefinition']);
      const { definitions } = region.ecs;
      const found = definitions[named] ?? definitions[arn(scope, 'ecs', `task-definition/${named}:1`)];
      if (!found) throw awsError('ClientException', 'Unable to describe task definition.');
      return {
        taskDefinition: {
          taskDefinitionArn: input['taskDefinition'],
          ...(found.taskRoleArn === null ? {} : { taskRoleArn: found.taskRoleArn }),
        },
        tags: Object.entries(found.tags ?? {}).map(([key, value]) => ({ key, value })),
      };
    },
    DescribeServices: (call) => {
      schedule(call);
      return {
        services: ((call.input['services'] ?? []) as string[]).flatMap((name) => {
          const found = call.region.ecs.services.find((service) => service.serviceName === name);
          if (!found) return [];
          const {
            controller,
            cluster: _cluster,
            strategy = 'REPLICA',
            taskDefinitionArn,
            ...service
          } = found;
          return [
            {
              ...service,
              status: 'ACTIVE',
              taskDefinition: taskDefinitionArn,
              schedulingStrategy: strategy,
              runningCount: running(call, found).length,
              deploymentController: { type: controller },
            },
          ];
        }),
      };
    },
    ListTasks: (call) => {
      const { serviceName, containerInstance } = call.input;
      const found =
        serviceName === undefined
          ? call.region.ecs.tasks.filter(
              ({ containerInstanceArn, cluster, desiredStatus }) =>
                (containerInstance === undefined || containerInstanceArn === containerInstance) &&
                cluster === clusterOf(call) &&
                desiredStatus === 'RUNNING',
            )
          : running(call, serviceOf(call, serviceName));
      return { taskArns: found.map(({ taskArn }) => taskArn) };
    },
    ListClusters: ({ region: { ecs: here }, scope }) => {
      const names = [...here.tasks, ...here.services, ...(here.containerInstances ?? [])].map(
        ({ cluster }) => cluster,
      );
      const made = Object.keys(here.clusters ?? {});
      return {
        clusterArns: [...new Set([...names, ...made])].map((name) => arn(scope, 'ecs', `cluster/${name}`)),
      };
    },
    ListContainerInstances: (call) => {
      const [, wanted] = /^ec2InstanceId\s*==\s*(\S+)$/.exec(String(call.input['filter'] ?? '')) ?? [];
      return {
        containerInstanceArns: hosts(call)
          .filter(({ ec2InstanceId }) => wanted === undefined || ec2InstanceId === wanted)
          .map(({ containerInstanceArn }) => containerInstanceArn),
      };
    },
    DescribeContainerInstances: (call) => {
      const asked = (call.input['containerInstances'] ?? []) as string[];
      const found = hosts(call).filter(({ containerInstanceArn }) => asked.includes(containerInstanceArn));
      return {
        containerInstances: found.map(({ cluster: _cluster, ...host }) => ({
          ...host,
          status: 'ACTIVE',
          runningTasksCount: call.region.ecs.tasks.filter(
            (task) => task.containerInstanceArn === host.containerInstanceArn,
          ).length,
        })),
        failures: [],
      };
    },
    StopTask: (call) => {
      const task = call.region.ecs.tasks.find(({ taskArn }) => taskArn === call.input['task']);
      if (!task) throw awsError('InvalidParameterException', 'The referenced task was not found.');
      if (task.desiredStatus !== 'STOPPED') {
        task.desiredStatus = 'STOPPED';
        task.lastStatus = 'DEACTIVATING';
      }
      schedule(call);
      return { task: { taskArn: task.taskArn, desiredStatus: 'STOPPED' } };
    },
    UpdateService: (call) => {
      const service = serviceOf(call, call.input['service']);
      if (service.controller !== 'ECS') {
        throw awsError('InvalidParameterException', 'the deployment controller does not allow this');
      }
      service.desiredCount = Number(call.input['desiredCount']);
      // Scaled in: the service stops the tasks it does not want any more.
      for (const task of running(call, service).slice(service.desiredCount)) {
        task.desiredStatus = 'STOPPED';
        task.lastStatus = 'DEACTIVATING';
      }
      schedule(call);
      return {};
    },
  },
  ApplicationAutoScaling: {
    DescribeScalableTargets: ({ region, scope, input }) => {
      const asked = (input['ResourceIds'] ?? []) as string[];
      return {
        ScalableTargets: region.ecs.scalable
          .filter(({ ResourceId }) => asked.includes(ResourceId))
          .map((target) => ({
            ServiceNamespace: 'ecs',
            ScalableDimension: 'ecs:service:DesiredCount',
            RoleARN: arn(
              scope,
              'iam',
              'role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService',
              { global: true },
            ),
            CreationTime: new Date(0),
            ...target,
          })),
      };
    },
    RegisterScalableTarget: ({ region, input }) => {
      const found = region.ecs.scalable.find(({ ResourceId }) => ResourceId === input['ResourceId']);
      // Registering again wants both capacities.
      if (!found) throw awsError('ValidationException', 'Both MinCapacity and MaxCapacity must be specified');
      const { SuspendedState } = input as { SuspendedState?: Partial<Record<Suspended, boolean>> };
      found.SuspendedState = { ...found.SuspendedState, ...SuspendedState };
      return {};
    },
  },
};

/** Live state of one task, of the service that runs it and of its role. */
import type { Task } from '@aws-sdk/client-ecs';
import { z } from 'zod';
import { parseArn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { iamHome } from '../../../core/aws/regions.ts';
import { FirebreakError } from '../../../core/errors.ts';
import type { Target } from '../../../core/journal/playbook.ts';
import { readState as readRole, roleState } from '../role-session/state.ts';
import type { SessionFacts } from '../role-session/target.ts';
import { readService, serviceState } from './service.ts';
import type { TaskFacts } from './task-target.ts';

export const taskState = z.object({
  lastStatus: z.string(),
  desiredStatus: z.string(),
  definition: z.string(),
  images: z.array(z.string()),
  launchType: z.string(),
  startedBy: z.string().nullable(),
  containerInstance: z.string().nullable(),
  interfaces: z.array(z.string()),
  service: serviceState.nullable(),
  /** State of the task's role as the session playbook reads it, or null where the task has none. */
  role: roleState.nullable(),
  roleName: z.string().nullable(),
  tags: z.record(z.string(), z.string()),
});
export type TaskState = z.infer<typeof taskState>;

/** Throws ResourceNotFound when ECS does not know the task (any more): it forgets stopped tasks after about an hour. */
export async function readTask(target: Target<TaskFacts>, aws: Aws): Promise<TaskState> {
  const { cluster } = target.facts;
  const task = await describeTask(aws, target);
  if (!task) {
    throw new FirebreakError('ResourceNotFound', 'ECS does not know the task any more', {
      resource: target.display,
      next: 'It has stopped. Look at the tasks of the same definition, and revoke the sessions of its role.',
    });
  }
  const serviceName = /^service:(.+)$/.exec(task.group ?? '')?.[1];
  const [roleName, service] = await Promise.all([
    roleOf(aws, task),
    serviceName === undefined ? undefined : readService(aws, cluster, serviceName),
  ]);
  return {
    lastStatus: task.lastStatus ?? 'UNKNOWN',
    desiredStatus: task.desiredStatus ?? 'UNKNOWN',
    definition: task.taskDefinitionArn ?? '',
    images: (task.containers ?? []).map(({ image = '', imageDigest = '' }) =>
      `${image} ${imageDigest}`.trim(),
    ),
    launchType: task.launchType ?? 'EC2',
    startedBy: task.startedBy ?? null,
    containerInstance: task.containerInstanceArn ?? null,
    interfaces: (task.attachments ?? []).flatMap(({ details = [] }) =>
      details.flatMap(({ name, value }) => (name === 'networkInterfaceId' && value ? [value] : [])),
    ),
    service: service ?? null,
    role: roleName === null ? null : await readRole(roleTarget(target, roleName, ''), aws, {}),
    roleName,
    tags: Object.fromEntries((task.tags ?? []).map(({ key = '', value = '' }) => [key, value])),
  };
}

/** Name of the role that the task runs with; null where it has none. */
async function roleOf(aws: Aws, { overrides, taskDefinitionArn }: Task): Promise<string | null> {
  const { client, api } = await aws.ecs();
  const { taskDefinition } = await client.send(
    new api.DescribeTaskDefinitionCommand({ taskDefinition: taskDefinitionArn }),
  );
  const roleArn = overrides?.taskRoleArn ?? taskDefinition?.taskRoleArn;
  return roleArn === undefined ? null : (parseArn(roleArn)?.resource.split('/').at(-1) ?? null);
}

/** The same by the task's target; undefined when ECS has forgotten the task. */
export async function roleNameOf(aws: Aws, target: Target<TaskFacts>): Promise<string | null | undefined> {
  const task = await describeTask(aws, target);
  return task && roleOf(aws, task);
}

/** The task, or undefined when ECS answers MISSING. */
export async function describeTask(aws: Aws, target: Target<TaskFacts>): Promise<Task | undefined> {
  const { cluster, taskArn } = target.facts;
  const { client, api } = await aws.ecs();
  const { tasks = [] } = await client.send(
    new api.DescribeTasksCommand({ cluster, tasks: [taskArn], include: ['TAGS'] }),
  );
  return tasks[0];
}

/** The session of the task's role: ECS names it after the task's id [M]. */
export function roleTarget(
  target: Target<TaskFacts>,
  roleName: string,
  roleId: string,
): Target<SessionFacts> {
  const { taskId } = target.facts;
  const facts: SessionFacts = {
    roleName,
    roleId,
    instanceId: taskId,
    userId: `${roleId}:${taskId}`,
    accessKeyId: null,
    remoteIps: [],
    remoteAccounts: [],
    findingRegion: target.region,
  };
  return { ...target, ...iamHome(target), kind: 'role-session', facts };
}

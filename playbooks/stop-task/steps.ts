/** The step kind: a task that is stopped. */
import { z } from 'zod';
import { SCALE_IN_KINDS } from '../common/ecs/service-steps.ts';
import { roleNameOf } from '../common/ecs/task.ts';
import { taskFacts } from '../common/ecs/task-target.ts';
import { denyKinds } from '../common/role-session/policy-step.ts';
import { stepKind } from '../common/step-kind.ts';

/** The role of the task as ECS knows it, and the session that ECS named after it. A task that is forgotten says nothing. */
const DENY_KINDS = denyKinds(async ({ roleName, userId }, { aws, target }) => {
  const facts = taskFacts.parse(target.facts);
  if (!userId.endsWith(`:${facts.taskId}`)) return `the session is of task ${facts.taskId}, not ${userId}`;
  const live = await roleNameOf(aws, { ...target, facts });
  return live === undefined || live === roleName
    ? undefined
    : `the role of the task is ${live}, not ${roleName}`;
});

const stop = stepKind(z.object({ cluster: z.string(), taskArn: z.string() }), {
  value: z.enum(['stopped', 'running']),
  foreign({ cluster, taskArn }, { target }) {
    const facts = taskFacts.parse(target.facts);
    return cluster === facts.cluster && taskArn === facts.taskArn
      ? undefined
      : `the task is ${facts.taskArn}, not ${taskArn}`;
  },
  /** What ECS wants of it; the task itself needs some 30 s and more to follow. Unknown to ECS means stopped. */
  async read({ cluster, taskArn }, { aws }) {
    const { client, api } = await aws.ecs();
    const { tasks = [] } = await client.send(new api.DescribeTasksCommand({ cluster, tasks: [taskArn] }));
    return { value: (tasks[0]?.desiredStatus ?? 'STOPPED') === 'STOPPED' ? 'stopped' : 'running' };
  },
  after: () => 'stopped',
  async apply({ cluster, taskArn }, { aws, caseId }) {
    const { client, api } = await aws.ecs();
    await client.send(
      new api.StopTaskCommand({ cluster, task: taskArn, reason: `Firebreak ${caseId}: contained` }),
    );
    return undefined;
  },
  revert: async () => ({
    kept: 'a stopped task cannot be resumed; its service starts another where it wants one',
  }),
});

export const KINDS = { ...DENY_KINDS, ...SCALE_IN_KINDS, stop };

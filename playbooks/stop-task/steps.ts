/** The step kind: the task told to stop. */
import { z } from 'zod';
import { SCALE_IN_KINDS } from '../common/ecs/service-steps.ts';
import { KINDS as DENY_KINDS } from '../common/role-session/policy-step.ts';
import { stepKind } from '../common/step-kind.ts';

const stop = stepKind(z.object({ cluster: z.string(), taskArn: z.string() }), {
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

/** The step kinds: the task told to stop, and its service kept from starting another. */
import { z } from 'zod';
import { stepKind } from '../shared/step-kind.ts';

export const stop = stepKind(z.object({ cluster: z.string(), taskArn: z.string() }), {
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

/** How many tasks the service wants. */
export const desiredCount = stepKind(z.object({ cluster: z.string(), service: z.string() }), {
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
    if (typeof before !== 'number') return { kept: `${service} did not exist before` };
    const { client, api } = await aws.ecs();
    await client.send(new api.UpdateServiceCommand({ cluster, service, desiredCount: before }));
    return 'reverted';
  },
});

/** The proving reads: the task has stopped, its session is denied, and what the service started in its place is named. */
import type { Proof, ProofCheck, StepContext, StepViewOf } from '../../core/journal/playbook.ts';
import { describeTask, roleTarget } from '../common/ecs/task.ts';
import type { TaskFacts } from '../common/ecs/task-target.ts';
import { proveRevocation } from '../common/role-session/verify.ts';
import type { KINDS } from './steps.ts';

export async function proveStopped(
  context: StepContext<TaskFacts>,
  steps: readonly StepViewOf<typeof KINDS>[],
): Promise<Proof> {
  const { aws, target } = context;
  const denies = steps.filter((step) => step.kind === 'deny-session');
  const [deny] = denies;
  const [task, role] = await Promise.all([
    describeTask(aws, target),
    deny
      ? proveRevocation({ ...context, target: roleTarget(target, deny.args.roleName, '') }, denies)
      : undefined,
  ]);
  // ECS forgets a stopped task after about an hour.
  const status = task?.lastStatus ?? 'STOPPED';
  const checks: ProofCheck[] = [
    { id: 'task', ok: status === 'STOPPED', saw: `the task is ${status}` },
    ...(role?.checks ?? []),
  ];
  const replacements = task ? await replacementsOf(context, task.group) : [];
  const proven = checks.every(({ ok }) => ok);
  return {
    proven,
    checks,
    residual: [
      ...(role?.residual ?? []),
      ...(replacements.length > 0
        ? [`its service runs ${replacements.join(', ')} from the same definition`]
        : []),
    ],
    next: proven ? 'final' : (role?.next ?? 'wait') === 'recontain' ? 'recontain' : 'wait',
  };
}

async function replacementsOf(
  { aws, target }: StepContext<TaskFacts>,
  group: string | undefined,
): Promise<readonly string[]> {
  const serviceName = /^service:(.+)$/.exec(group ?? '')?.[1];
  if (serviceName === undefined) return [];
  const { cluster, taskArn } = target.facts;
  const { client, api } = await aws.ecs();
  const { taskArns = [] } = await client.send(
    new api.ListTasksCommand({ cluster, serviceName, desiredStatus: 'RUNNING' }),
  );
  return taskArns.filter((other) => other !== taskArn);
}

/** A stopped task comes back from the same image: let its service start no more of them. Asked, as a follow-up. */
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { FirebreakError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding/finding.ts';
import {
  definePlaybook,
  type Plan,
  type PlanOptions,
  type Proof,
  type StepContext,
  type StepOf,
  type Target,
  type TargetChoice,
} from '../../core/journal/playbook.ts';
import { detailsOf } from '../common/details.ts';
import { readService, type ServiceState, scalingOf, serviceState } from '../common/ecs/service.ts';
import { scaleInRefusal, scaleInSteps } from '../common/ecs/service-plan.ts';
import { SCALE_IN_KINDS, SCALE_IN_RIGHTS } from '../common/ecs/service-steps.ts';
import { describeTask } from '../common/ecs/task.ts';
import { taskOf } from '../common/ecs/task-target.ts';
import { protectedBy } from '../common/protected.ts';

const SERVICE_NAME = /^[A-Za-z0-9_-]{1,255}$/;
const serviceFacts = z.object({ cluster: z.string(), service: z.string() });
type ServiceFacts = z.infer<typeof serviceFacts>;

/** The service of the finding's task, from ECS, or from the finding where ECS has forgotten the task. */
async function locate(finding: Finding, aws: Aws): Promise<TargetChoice<ServiceFacts>> {
  const choice = taskOf(finding);
  if (!choice.ok) return choice;
  const task = await describeTask(aws, choice.target);
  const told = detailsOf(finding, 'ecsClusterDetails')?.child('taskDetails')?.optionalText('group');
  const service = /^service:(.+)$/.exec(task?.group ?? told ?? '')?.[1] ?? '';
  if (!SERVICE_NAME.test(service)) {
    return { ok: false, reason: `${choice.target.display} belongs to no service: nothing starts it again` };
  }
  const { cluster } = choice.target.facts;
  const live = await readService(aws, cluster, service);
  if (!live || live.desiredCount === 0) {
    return {
      ok: false,
      reason: `service ${service} ${live ? 'wants no task' : 'is gone'}: nothing starts it again`,
    };
  }
  const { partition, account, region } = choice.target;
  const scope = { partition, account, region };
  return {
    ok: true,
    target: {
      ...scope,
      kind: 'ecs-service',
      id: `${cluster}/${service}`,
      display: arn(scope, 'ecs', `service/${cluster}/${service}`),
      facts: { cluster, service },
    },
  };
}

async function read(target: Target<ServiceFacts>, aws: Aws): Promise<ServiceState> {
  const { cluster, service } = target.facts;
  const state = await readService(aws, cluster, service);
  if (state && state.status !== 'INACTIVE') return state;
  throw new FirebreakError('ResourceNotFound', 'the service does not exist any more', {
    resource: target.display,
    next: 'Nothing starts its tasks again. Look for other services with the same image.',
  });
}

function plan(
  live: ServiceState,
  target: Target<ServiceFacts>,
  { protectedArns }: PlanOptions,
): Plan<StepOf<typeof SCALE_IN_KINDS>> {
  const { cluster } = target.facts;
  const pattern = protectedBy([live.name, cluster, target.id, target.display], protectedArns);
  if (pattern !== undefined) {
    return {
      kind: 'refused',
      reason: `${target.display} is protected by policy.yml (protected: ${pattern})`,
      alternative: 'Ask the owner of the service to scale it in.',
    };
  }
  const refusal = scaleInRefusal(live);
  if (refusal) return { kind: 'refused', ...refusal };
  return {
    kind: 'plan',
    steps: scaleInSteps(cluster, live),
    blastRadius: {
      count: Math.max(1, live.running),
      unit: 'tasks',
      detail: [target.display, `definition ${live.definition}`],
    },
    warnings: [
      'a deployment (a pipeline, CloudFormation) may set the count again: hold it back',
      'undo starts tasks from the same definition and image: roll out a good one first',
    ],
    residual: [],
    askBecause: [`service ${live.name} is stopped altogether`],
    tags: live.tags,
    arns: [target.display],
  };
}

/** No task runs, the count is still 0, and nothing will raise it. */
async function verify({ aws, target }: StepContext<ServiceFacts>): Promise<Proof> {
  const { cluster, service } = target.facts;
  const { client, api } = await aws.ecs();
  const [live, scaling, { taskArns = [] }] = await Promise.all([
    readService(aws, cluster, service),
    scalingOf(aws, cluster, service),
    client.send(new api.ListTasksCommand({ cluster, serviceName: service, desiredStatus: 'RUNNING' })),
  ]);
  const wanted = live?.desiredCount ?? 0;
  const suspended = scaling === null || (scaling.out && scaling.scheduled);
  const running = Math.max(taskArns.length, live?.running ?? 0);
  const checks = [
    { id: 'desired-count', ok: wanted === 0, saw: `the service wants ${wanted} tasks` },
    {
      id: 'scaling',
      ok: suspended,
      saw: scaling === null ? 'nothing scales it' : `scaling is ${suspended ? '' : 'not '}suspended`,
    },
    { id: 'tasks', ok: running === 0, saw: `${running} tasks of the service run` },
  ];
  const proven = checks.every(({ ok }) => ok);
  const changed = wanted > 0 || !suspended;
  return { proven, checks, residual: [], next: proven ? 'final' : changed ? 'recontain' : 'wait' };
}

export const scaleInService = definePlaybook({
  id: 'scale-in-service',
  title: 'Keep an ECS service from starting a stopped task again',
  about: `
A service starts another task from the same definition and image as soon as one is stopped. Once \`stop-task\` has settled, a
person is asked whether the whole service is to stop:

1. Application Auto Scaling of the service is suspended (dynamic and scheduled), or it raises the count to its minimum again.
   Minimum, maximum and policies stay as they are.
2. The desired count is set to 0.

It is never automatic: the whole service is down until undo.

**Refused**: services of the deployment controllers \`CODE_DEPLOY\` and \`EXTERNAL\`, which keep task sets of their own, \`DAEMON\`
services, which have no count, and what \`protected\` in policy.yml names.

**Undo** gives back the count, then the suspension as it was. The service then starts tasks from the same image: roll out a good
task definition first.
`.trim(),
  // Asked after stop-task only (followUp in policy.yml): no finding is answered by this alone.
  handles: [],
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      {
        actions: ['ecs:DescribeServices', 'ecs:DescribeTasks', 'ecs:ListTasks'],
        resources: ['*'],
        why: 'the service of the stopped task, and whether tasks of it run',
      },
      SCALE_IN_RIGHTS.read,
    ],
    write: SCALE_IN_RIGHTS.write,
  },
  // SIGTERM, then SIGKILL after some 30 s.
  proofDelaySeconds: 60,
  facts: serviceFacts,
  state: serviceState,
  targetOf: () => ({ ok: false, reason: 'asked as a follow-up of stop-task' }),
  locate,
  read,
  plan,
  kinds: SCALE_IN_KINDS,
  verify,
});

/** Which service: that of the finding's task, found in ECS and read again before every plan. */
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { FirebreakError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { Target, TargetChoice } from '../../core/journal/playbook.ts';
import { detailsOf } from '../common/details.ts';
import { readService, type ServiceState } from '../common/ecs/service.ts';
import { describeTask } from '../common/ecs/task.ts';
import { taskOf } from '../common/ecs/task-target.ts';

const SERVICE_NAME = /^[A-Za-z0-9_-]{1,255}$/;
export const serviceFacts = z.object({ cluster: z.string(), service: z.string() });
export type ServiceFacts = z.infer<typeof serviceFacts>;

/** The service of the finding's task, from ECS, or from the finding where ECS has forgotten the task. */
export async function locateService(finding: Finding, aws: Aws): Promise<TargetChoice<ServiceFacts>> {
  const choice = taskOf(finding);
  if (!choice.ok) return choice;
  const task = await describeTask(aws, choice.target);
  const named = detailsOf(finding, 'ecsClusterDetails')?.child('taskDetails')?.optionalText('group');
  const service = /^service:(.+)$/.exec(task?.group ?? named ?? '')?.[1] ?? '';
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

/** Throws ResourceNotFound when the service is gone. */
export async function readTarget(target: Target<ServiceFacts>, aws: Aws): Promise<ServiceState> {
  const { cluster, service } = target.facts;
  const state = await readService(aws, cluster, service);
  if (state && state.status !== 'INACTIVE') return state;
  throw new FirebreakError('ResourceNotFound', 'the service does not exist any more', {
    resource: target.display,
    next: 'Nothing starts its tasks again. Look for other services with the same image.',
  });
}

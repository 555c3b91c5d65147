/** Which task: from the finding alone, by the resource it carries and not by the word Runtime. */
import { z } from 'zod';
import { arn, parseArn } from '../../../core/aws/arn.ts';
import type { Finding } from '../../../core/finding/finding.ts';
import type { TargetChoice } from '../../../core/journal/playbook.ts';
import { detailsOf } from '../details.ts';

/** `task/CLUSTER/ID`; ARNs of the old form carry no cluster and are not taken. */
const TASK = /^task\/([A-Za-z0-9_-]{1,255})\/([0-9a-f]{32})$/;

export const taskFacts = z.object({ cluster: z.string(), taskId: z.string(), taskArn: z.string() });
export type TaskFacts = z.infer<typeof taskFacts>;

export function taskOf(finding: Finding): TargetChoice<TaskFacts> {
  const cluster = detailsOf(finding, 'ecsClusterDetails');
  const given = cluster?.child('taskDetails')?.optionalText('arn');
  const parsed = given === undefined ? undefined : parseArn(given);
  const [, name, taskId] = TASK.exec(parsed?.resource ?? '') ?? [];
  if (name === undefined || taskId === undefined || parsed?.service !== 'ecs') {
    return { ok: false, reason: 'the finding carries no ECS task' };
  }
  const { partition, account, region } = finding;
  const scope = { partition, account, region };
  const taskArn = arn(scope, 'ecs', `task/${name}/${taskId}`);
  return {
    ok: true,
    target: {
      ...scope,
      kind: 'ecs-task',
      id: `${name}/${taskId}`,
      display: taskArn,
      facts: { cluster: name, taskId, taskArn },
    },
  };
}

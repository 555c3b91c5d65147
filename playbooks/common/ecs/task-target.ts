/** Which task: from the finding alone, by the resource it carries and not by the word Runtime. */
import { z } from 'zod';
import { arn, parseArn } from '../../../core/aws/arn.ts';
import type { Finding } from '../../../core/finding/finding.ts';
import type { TargetChoice } from '../../../core/journal/playbook.ts';
import { detailsOf } from '../details.ts';
import { elsewhere } from '../elsewhere.ts';

/** `task/CLUSTER/ID`, or `task/ID` of the old form, whose cluster the finding names next to it. */
const TASK =
  /^task\/(?:([A-Za-z0-9_-]{1,255})\/)?([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const CLUSTER = /^(?:.*:cluster\/)?([A-Za-z0-9_-]{1,255})$/;

export const taskFacts = z.object({ cluster: z.string(), taskId: z.string(), taskArn: z.string() });
export type TaskFacts = z.infer<typeof taskFacts>;

export function taskOf(finding: Finding): TargetChoice<TaskFacts> {
  const cluster = detailsOf(finding, 'ecsClusterDetails');
  const given = cluster?.child('taskDetails')?.optionalText('arn');
  if (given === undefined) return { ok: false, reason: 'the finding carries no ECS task' };
  const parsed = parseArn(given);
  const [, inArn, taskId] = TASK.exec(parsed?.resource ?? '') ?? [];
  if (taskId === undefined || parsed?.service !== 'ecs')
    return { ok: false, reason: `"${given.slice(0, 80)}" is not the ARN of an ECS task`, named: 'resource' };
  const { partition, account, region } = finding;
  const scope = { partition, account, region };
  const other = elsewhere(finding, 'task', given);
  if (other) return other;
  const name =
    inArn ?? clusterNamed(cluster?.optionalText('name')) ?? clusterNamed(cluster?.optionalText('arn'));
  if (name === undefined)
    return { ok: false, reason: 'the finding does not name the cluster of the ECS task', named: 'resource' };
  const taskArn = arn(scope, 'ecs', inArn === undefined ? `task/${taskId}` : `task/${name}/${taskId}`);
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

const clusterNamed = (text: string | undefined): string | undefined => CLUSTER.exec(text ?? '')?.[1];

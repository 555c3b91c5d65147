/** Which task: from the finding alone, by the resource it carries and not by the word Runtime. */
import { z } from 'zod';
import { arn, parseArn } from '../../../core/aws/arn.ts';
import type { Finding } from '../../../core/finding/finding.ts';
import type { TargetChoice } from '../../../core/journal/playbook.ts';
import { detailsOf } from '../details.ts';

/** `task/CLUSTER/ID`, or `task/ID` of the old form, whose cluster the finding names next to it. */
const TASK =
  /^task\/(?:([A-Za-z0-9_-]{1,255})\/)?([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const CLUSTER = /^(?:.*:cluster\/)?([A-Za-z0-9_-]{1,255})$/;

export const taskFacts = z.object({ cluster: z.string(), taskId: z.string(), taskArn: z.string() });
export type TaskFacts = z.infer<typeof taskFacts>;

export function taskOf(finding: Finding): TargetChoice<TaskFacts> {
  const cluster = detailsOf(finding, 'ecsClusterDetails');
  const given = cluster?.child('taskDetails')?.optionalText('arn');
  const parsed = given === undefined ? undefined : parseArn(given);
  const [, inArn, taskId] = TASK.exec(parsed?.resource ?? '') ?? [];
  if (taskId === undefined || parsed?.service !== 'ecs')
    return { ok: false, reason: 'the finding carries no ECS task' };
  const { partition, account, region } = finding;
  const scope = { partition, account, region };
  if (parsed.account !== account || parsed.region !== region)
    return {
      ok: false,
      reason: `the task is of account ${parsed.account} in ${parsed.region}, the finding of ${account} in ${region}`,
    };
  const name =
    inArn ?? clusterNamed(cluster?.optionalText('name')) ?? clusterNamed(cluster?.optionalText('arn'));
  if (name === undefined)
    return { ok: false, reason: 'the finding does not name the cluster of the ECS task' };
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

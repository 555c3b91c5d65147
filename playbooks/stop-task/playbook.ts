/** A container of an ECS task does what it should not: deny its role, and stop the task. */

import { z } from 'zod';
import { definePlaybook } from '../../core/journal/playbook.ts';
import { SCALE_IN_RIGHTS } from '../common/ecs/service-steps.ts';
import { readTask, taskState } from '../common/ecs/task.ts';
import { taskFacts, taskOf } from '../common/ecs/task-target.ts';
import { taskDocuments } from '../common/evidence/workload.ts';
import { READ_ROLE, REMOVE_DENY, WRITE_DENY } from '../common/iam/role-permissions.ts';
import { revocationUndoSafety } from '../common/role-session/undo-safety.ts';
import { planStop } from './plan.ts';
import { KINDS } from './steps.ts';
import { proveStopped } from './verify.ts';

export const stopTask = definePlaybook({
  id: 'stop-task',
  title: 'Stop an ECS task and deny its role',
  about: `
1. The session of the task's role is denied by an inline policy \`firebreak-<incident>\` (\`aws:userid\`; ECS names the session
   after the task's id [M]). Other tasks of the role go on.
2. With \`playbooks.stop-task.scaleIn: true\` scaling of the service is suspended and its desired count set to 0, which always
   asks. Without it the service starts another task from the same image, the incident says so, and a person is asked about
   \`scale-in-service\` as a follow-up.
3. The task is stopped. Its definition, image digests and network interface are kept with the incident before.

The security groups of a running task cannot be changed: its network interface belongs to ECS. That is why it is stopped.

**Refused**: protected tasks, clusters and services. A protected role is left out, with that as remaining risk.

**Not contained**: a container that broke out to its host (EC2 launch type): isolate the container instance as well.

**Undo** restores the count, the scaling and the role's policies. A stopped task cannot be resumed.
`.trim(),
  handles: ['*:Runtime/*', 'Execution:ECS/*', 'Execution:Container/*'],
  settings: z.strictObject({ scaleIn: z.boolean().default(false) }),
  reversible: { kind: 'partly', lost: 'the stopped task, with its memory and disk' },
  permissions: {
    read: [
      {
        actions: ['ecs:DescribeServices', 'ecs:DescribeTaskDefinition', 'ecs:DescribeTasks', 'ecs:ListTasks'],
        resources: ['*'],
        why: 'the task, its definition and its service (definitions have no resource level for reading)',
      },
      SCALE_IN_RIGHTS.read,
      ...READ_ROLE,
    ],
    write: [
      {
        actions: ['ecs:StopTask'],
        resources: [`arn:\${Partition}:ecs:\${Region}:\${Account}:task/*`],
        why: 'stops the task',
        worst: 'stops any task, as often as its service starts it again',
      },
      ...SCALE_IN_RIGHTS.write,
      WRITE_DENY,
    ],
    undo: [REMOVE_DENY],
  },
  // SIGTERM, then SIGKILL after some 30 s.
  proofDelaySeconds: 60,
  facts: taskFacts,
  state: taskState,
  targetOf: taskOf,
  read: readTask,
  plan: planStop,
  kinds: KINDS,
  verify: proveStopped,
  evidence: (target, aws) => {
    const { cluster, taskArn } = target.facts;
    return taskDocuments(aws, cluster, taskArn);
  },
  undoSafety: (steps, state, now) =>
    revocationUndoSafety(
      steps.filter(({ kind }) => kind === 'deny-session'),
      state?.role ?? undefined,
      now,
    ),
});

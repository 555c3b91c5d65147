/** A stopped task comes back from the same image: let its service start no more of them. Asked, as a follow-up. */
import { definePlaybook } from '../../core/journal/playbook.ts';
import { serviceState } from '../common/ecs/service.ts';
import { SCALE_IN_KINDS, SCALE_IN_RIGHTS } from '../common/ecs/service-steps.ts';
import { planScaleIn } from './plan.ts';
import { locateService, readTarget, serviceFacts } from './target.ts';
import { proveScaledIn } from './verify.ts';

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

**Undo** restores the count, then the suspension as it was. The service then starts tasks from the same image: roll out a good
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
  locate: locateService,
  read: readTarget,
  plan: planScaleIn,
  kinds: SCALE_IN_KINDS,
  verify: proveScaledIn,
});

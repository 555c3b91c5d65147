/** What runs code for a principal after it is gone: switched off, or as it was before. */
import { changeGroup } from '../common/changes/group.ts';
import { INVERSES } from './inverses/index.ts';

export const codeChanges = changeGroup({
  id: 'reverse-code-changes',
  title: 'Reverse what a principal made run later',
  kind: 'code-changes',
  about: `
The part of \`reverse-changes\` that is about what runs code when the attacker is gone: rules of EventBridge and their targets,
schedules of EventBridge Scheduler, launch templates, new Lambda functions, and Systems Manager documents. What was created is switched off: a
rule or schedule is disabled, a function gets a reserved concurrency of 0. What was changed is as it was before, where CloudTrail shows
that. An ECS task that runs on a schedule is a target of a rule, or a schedule.

The default version of a document or launch template is also restored where no record shows it: to the newest version from before the
finding, and the card says that it is not sure. A schedule that was rewritten is disabled as well, though it was yours before: UpdateSchedule takes
all of it with its role, so the role is passed once more, to EventBridge Scheduler alone. A rule that starts something with a role loses
that target, and only undo passes the role again.

Firebreak writes no user data and no build: who may do so could run code with the role of any instance or project. Those changes are named
with a command. CloudTrail does not record user data, and it can be set only while the instance is stopped.
`,
  answers: INVERSES,
  lost: 'the start of a schedule, once it has passed',
});
export const reverseCodeChanges = codeChanges.playbook;

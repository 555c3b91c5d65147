/** What runs code for a principal after it is gone: switched off, or as it was before. */
import { changeGroup } from '../common/changes/group.ts';
import { INVERSES } from './inverses/index.ts';

export const codeChanges = changeGroup({
  id: 'reverse-code-changes',
  title: 'Reverse what a principal made run later',
  kind: 'code-changes',
  about: `
The part of \`reverse-changes\` that is about what runs code when the attacker is gone: rules of EventBridge and their targets, Lambda
functions, and Systems Manager documents. What was created is switched off: a rule is disabled, a function gets a reserved
concurrency of 0. What was changed is as it was before, where CloudTrail shows that.

Firebreak writes no code, layer, environment, user data or build: who may do so could run code with the role of any function, instance
or project. Those changes are named with a command. CloudTrail records neither the values of an environment nor user data. A target with
a role is named as well, since Firebreak passes no role.
`,
  answers: INVERSES,
  lost: 'a rule or target with a role: Firebreak passes no role, and gives the command',
});
export const reverseCodeChanges = codeChanges.playbook;

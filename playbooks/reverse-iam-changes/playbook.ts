/** What a principal changed in IAM: the value before is restored, what was created is switched off. */
import { changeGroup } from '../common/changes/group.ts';
import { INVERSES } from './inverses/index.ts';

export const iamChanges = changeGroup({
  id: 'reverse-iam-changes',
  title: 'Reverse what a principal changed in IAM',
  kind: 'iam-changes',
  about: `
The part of \`reverse-changes\` that is about IAM. What an attacker leaves there lets them back in after their credentials are
contained. Nothing is deleted that undo could not make again: what was created is switched off or denied.
`,
  answers: INVERSES,
});
export const reverseIamChanges = iamChanges.playbook;

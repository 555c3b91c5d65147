/** Whom a principal let at copies of data: snapshots of volumes and databases, and machine images. */
import { changeGroup } from '../common/changes/group.ts';
import { INVERSES } from './inverses/index.ts';

export const sharingChanges = changeGroup({
  id: 'reverse-sharing-changes',
  title: 'Reverse what a principal shared',
  kind: 'sharing-changes',
  about: `
The part of \`reverse-changes\` that is about copies of data: snapshots of EBS volumes and of databases, and machine images. An account
that they were shared with loses its access, and so does everyone where they were made public. What was copied meanwhile is gone: a
copy belongs to the other account. Whom the principal removed is named: to share again is for a person.
`,
  answers: INVERSES,
});
export const reverseSharingChanges = sharingChanges.playbook;

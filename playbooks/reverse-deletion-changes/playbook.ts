/** What a principal began to destroy: stopped while that can be done. */
import { changeGroup } from '../common/changes/group.ts';
import { INVERSES } from './inverses/index.ts';

export const deletionChanges = changeGroup({
  id: 'reverse-deletion-changes',
  title: 'Stop what a principal began to delete',
  kind: 'deletion-changes',
  about: `
The part of \`reverse-changes\` that is about what is being deleted: KMS keys and secrets within their waiting period, and images,
snapshots and volumes that a retention rule of the Recycle Bin keeps. It comes first on the card, since those periods end. What
was deleted without one is gone, and is named with the way to a backup. Objects are deleted by data events, which CloudTrail's event
history does not keep: after a finding about a bucket, look for delete markers by hand
(\`aws s3api list-object-versions --bucket=BUCKET --query='DeleteMarkers[?IsLatest]'\`).

**Undo deletes nothing.** It disables a key that was disabled and enabled again. It does not
schedule a deletion or move anything into the Recycle Bin, and gives the command for it.
`,
  answers: INVERSES,
  lost: 'deletions: undo does not delete what a reversal saved, and gives the command',
});
export const reverseDeletionChanges = deletionChanges.playbook;

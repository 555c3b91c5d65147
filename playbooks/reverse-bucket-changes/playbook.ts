/** What a principal changed of buckets: who may read them, where they are copied to, what expires. */
import { changeGroup } from '../common/changes/group.ts';
import { INVERSES } from './inverses/index.ts';

export const bucketChanges = changeGroup({
  id: 'reverse-bucket-changes',
  title: 'Reverse what a principal changed of buckets',
  kind: 'bucket-changes',
  about: `
The part of \`reverse-changes\` that is about S3 buckets: policy, ACL and public access block, of the bucket and of the account,
replication, lifecycle rules and versions, which are kept again where they were suspended. A bucket is closed where it was opened. What would open it again, as a public policy that the principal
removed, is named and left to a person.
`,
  answers: INVERSES,
});
export const reverseBucketChanges = bucketChanges.playbook;

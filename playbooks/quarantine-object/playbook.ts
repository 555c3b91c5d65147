/** A malicious object: mark exactly that version, so that a policy can keep everyone from reading it. Nothing is deleted. */
import { definePlaybook } from '../../core/journal/playbook.ts';
import { QUARANTINE_TAG } from '../common/quarantine-tag.ts';
import { planTag } from './plan.ts';
import { COPIES, objectSettings } from './settings.ts';
import { objectState, readObject } from './state.ts';
import { KINDS } from './steps.ts';
import { objectFacts, objectOf } from './target.ts';
import { proveTag } from './verify.ts';

const OBJECTS = `arn:\${Partition}:s3:::*/*`;

export const quarantineObject = definePlaybook({
  id: 'quarantine-object',
  title: 'Quarantine a malicious S3 object by a tag',
  about: `
Adds the tag \`${QUARANTINE_TAG}\` to exactly the version that was scanned; the tags that are there stay. Nothing is deleted.

The tag keeps people out where the bucket's policy says so. Firebreak reads the policy, and names it as a remaining risk where this is missing:

\`\`\`json
{"Effect": "Deny", "Principal": "*", "Action": ["s3:GetObject", "s3:GetObjectVersion"], "Resource": "<bucket ARN>/*",
 "Condition": {"Null": {"s3:ExistingObjectTag/${QUARANTINE_TAG}": "false"}}}
\`\`\`

In a member account the session policy names exactly this object. Where a policy cannot hold its key (control characters,
characters beyond Latin-1, a key that is too long), it names the narrowest pattern that can, and the card's details show the pattern.

**Copy**: with \`copyTo\` in policy.yml, a copy of the tagged version goes to that bucket of the same account
(\`firebreak-quarantine-{account}-{region}\`), under the incident's id. The right to read is bound to the tag: Firebreak can read no
object that it has not tagged. Content, metadata and tags are copied; the ACL is not, and the bucket's own encryption applies.
Objects over 5 GiB are not copied, nor are those under a KMS key that the responder role may not use: the step fails, and the tag
stays. The original is never moved or deleted: Firebreak has no right to delete an object, since in a bucket without versions
nothing brings it back. Delete it by hand once the copy is there. The copy stays after an undo.

**Refused**: an object that was replaced since the scan (another ETag), and one that has ten tags already.

**Undo** takes the tag away, or restores the value that it had. The object's other tags stay as they are.
`.trim(),
  handles: ['Object:S3/*', 'S3Object:S3/*'],
  reversible: { kind: 'fully' },
  tagsOnly: true,
  permissions: {
    read: [
      {
        actions: ['s3:GetObjectTagging', 's3:GetObjectVersionTagging'],
        resources: [OBJECTS],
        why: 'the tags of the object; its content is never read',
      },
      {
        actions: ['s3:ListBucketVersions'],
        resources: [`arn:\${Partition}:s3:::*`],
        why: 'whether the version that was scanned is still the one that is there',
      },
      {
        actions: ['s3:GetBucketLocation', 's3:GetBucketPolicy'],
        resources: [`arn:\${Partition}:s3:::*`],
        why: 'whether the policy keeps people out by the tag; where the bucket for copies is',
      },
    ],
    write: [
      {
        actions: ['s3:PutObjectTagging', 's3:PutObjectVersionTagging'],
        resources: [OBJECTS],
        why: 'tags the malicious object, and gives its tags back',
        worst: 'replaces the tags of any object, and with them lifecycle and access that rest on tags',
      },
      {
        actions: ['s3:GetObject', 's3:GetObjectVersion'],
        resources: [OBJECTS],
        condition: { Null: { [`s3:ExistingObjectTag/${QUARANTINE_TAG}`]: 'false' } },
        why: 'copies an object that it has tagged, where policy.yml names a bucket for copies',
        worst: 'reads any object after tagging it as quarantined',
      },
      {
        actions: ['s3:PutObject', 's3:PutObjectTagging'],
        resources: [`arn:\${Partition}:s3:::${COPIES}*/*`],
        condition: { StringEquals: { 'aws:ResourceAccount': '${Account}' } },
        why: 'the copy, in a bucket of the same account that is kept for it',
        worst: 'fills the buckets for copies, or replaces a copy in one without versions',
      },
    ],
  },
  settings: objectSettings,
  proofDelaySeconds: 2,
  facts: objectFacts,
  state: objectState,
  targetOf: objectOf,
  read: readObject,
  plan: planTag,
  kinds: KINDS,
  verify: proveTag,
});

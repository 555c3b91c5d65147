/** Malware in an image or a snapshot: mark it, so that no one starts from it in good faith. Nothing is deregistered. */
import { definePlaybook } from '../../core/journal/playbook.ts';
import { QUARANTINE_TAG } from '../common/quarantine-tag.ts';
import { planMark } from './plan.ts';
import { imageState, readImage } from './state.ts';
import { KINDS } from './steps.ts';
import { imageFacts, imageOf } from './target.ts';
import { proveMark } from './verify.ts';

const THIS_TAG = { 'ForAllValues:StringEquals': { 'aws:TagKeys': [QUARANTINE_TAG] } };
const OWNED = ['image', 'snapshot'].map((name) => `arn:\${Partition}:ec2:\${Region}::${name}/*`);

export const markImage = definePlaybook({
  id: 'mark-image',
  title: 'Mark a malicious image or snapshot',
  about: `
Tags the AMI or EBS snapshot in which Malware Protection found something with \`${QUARANTINE_TAG}\` and the incident. Nothing
is deregistered, deleted or unshared: that is a person's decision, and instances that run from it are named for it.

**Not contained**: the tag keeps no one from launching; an SCP can, by \`ec2:ResourceTag/${QUARANTINE_TAG}\`. The incident always
ends with that remaining risk. **Not handled**: recovery points of AWS Backup (\`!RecoveryPoint\`); the channel is notified.

**Undo** takes the tag away if it is still ours, or gives the value back that was there.
`.trim(),
  handles: ['Execution:EC2/MaliciousFile!AMI', 'Execution:EC2/MaliciousFile!Snapshot'],
  reversible: { kind: 'fully' },
  tagsOnly: true,
  permissions: {
    read: [
      {
        // Describe calls of EC2 have no resource level.
        actions: ['ec2:DescribeImages', 'ec2:DescribeInstances', 'ec2:DescribeSnapshots'],
        resources: ['*'],
        why: 'the image or snapshot with its tags, and what runs from it',
      },
    ],
    write: [
      {
        actions: ['ec2:CreateTags'],
        resources: OWNED,
        condition: THIS_TAG,
        why: 'this one tag',
        worst: 'has policies of your own that judge by this tag refuse, or accept, any image or snapshot',
      },
    ],
    undo: [
      {
        actions: ['ec2:DeleteTags'],
        resources: OWNED,
        condition: THIS_TAG,
        why: 'this one tag away again',
        worst: 'clears any image or snapshot that was marked',
      },
    ],
  },
  proofDelaySeconds: 5,
  facts: imageFacts,
  state: imageState,
  targetOf: imageOf,
  read: readImage,
  plan: planMark,
  kinds: KINDS,
  verify: proveMark,
});

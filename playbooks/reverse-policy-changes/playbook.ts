/** What a principal wrote into the policies of resources, and what it granted of keys. */
import { changeGroup } from '../common/changes/group.ts';
import { INVERSES } from './inverses/index.ts';

export const policyChanges = changeGroup({
  id: 'reverse-policy-changes',
  title: 'Reverse what a principal wrote into policies of resources',
  kind: 'policy-changes',
  about: `
The part of \`reverse-changes\` that is about who may use a resource: policies of SNS topics, SQS queues, ECR repositories, KMS keys and
secrets, permissions of Lambda functions, and grants of keys. Whom the principal let in is out again. What would let others in, as a
policy that named a partner and that the principal removed, is named and left to a person. A key policy is never written that would not
leave the account in charge of the key. Where the principal both wrote the policy of a topic or queue and added a permission to it, the
permission goes first: ask again for the policy.
`,
  answers: INVERSES,
  lost: 'a grant of a key, which undo creates again under another id',
});
export const reversePolicyChanges = policyChanges.playbook;

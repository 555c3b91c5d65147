/** Credentials of an instance's role were stolen: the instance gets no new ones. Asked, as a follow-up. */
import { definePlaybook } from '../../core/journal/playbook.ts';
import { READ_PROFILE } from '../common/ec2/instance-role.ts';
import { plan } from './plan.ts';
import { detachSettings, REPLACEMENT_ROLES } from './settings.ts';
import { read, state } from './state.ts';
import { KINDS } from './steps.ts';
import { facts, locate } from './target.ts';
import { verify } from './verify.ts';

const TO_INSTANCES = {
  StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' },
  ArnLike: { 'iam:AssociatedResourceArn': 'arn:${Partition}:ec2:*:${Account}:instance/*' },
};
const INSTANCES = 'arn:${Partition}:ec2:${Region}:${Account}:instance/*';

export const detachInstanceProfile = definePlaybook({
  id: 'detach-instance-profile',
  title: "Take an instance's profile away, or replace it",
  about: `
Asked as a follow-up once a stolen session is denied (\`followUp\` in policy.yml): a thief who is still on the instance gets fresh
credentials of its role from the metadata service. The instance profile is disassociated, so that there are none to get. With
\`playbooks.detach-instance-profile.replacement: NAME\` in policy.yml that profile takes its place instead, for example one that
lets Systems Manager in and nothing else. Its role is named \`firebreak-replacement-…\`, without a path: Firebreak passes no other
role while containing.

**Not contained**: credentials that were handed out before; they stay valid for up to 6 hours [M]. \`revoke-instance-session\` denies
them. Anyone who is on the instance stays there: \`isolate-instance\`.

**What it costs**: software on the instance gets no new AWS credentials; what it holds in memory ends within hours.

**Refused**: protected instances and profiles, a setting that does not name a profile, and a replacement whose role
has another name.

**Undo** associates exactly the profile of before, where its role is the one whose session was stolen; an instance that had none has
none again. A profile of another role, or one that was deleted meanwhile, is not restored: undo says so and can be pressed again.
`.trim(),
  // The instance is not in the finding, only its session: asked as a follow-up.
  handles: [],
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      {
        // Describe calls of EC2 have no resource level.
        actions: [
          'ec2:DescribeIamInstanceProfileAssociations',
          'ec2:DescribeInstances',
          'ec2:DescribeRegions',
        ],
        resources: ['*'],
        why: 'the instance, the Region it is in, and its instance profile',
      },
      READ_PROFILE,
    ],
    write: [
      {
        actions: ['ec2:DisassociateIamInstanceProfile', 'ec2:ReplaceIamInstanceProfileAssociation'],
        resources: [INSTANCES],
        why: 'takes the instance profile away or replaces it, and gives a replaced one back',
        worst: 'takes the credentials of any instance away, or gives it those of a role that it may pass',
      },
      {
        actions: ['iam:PassRole'],
        resources: [`arn:\${Partition}:iam::\${Account}:role/${REPLACEMENT_ROLES}*`],
        condition: TO_INSTANCES,
        why: 'EC2 asks for it on the role of the profile that takes the place of the other',
        worst: 'gives any instance a role named firebreak-replacement-…',
      },
    ],
    undo: [
      {
        actions: ['ec2:AssociateIamInstanceProfile'],
        resources: [INSTANCES],
        why: 'restores the instance profile that was taken away',
        worst: 'gives any instance without a profile one whose role it may pass',
      },
      {
        actions: ['iam:PassRole'],
        resources: ['arn:${Partition}:iam::${Account}:role/*'],
        condition: TO_INSTANCES,
        why: 'EC2 asks for it on the role of the profile that is restored, which can be any',
        worst:
          'gives any instance any role that EC2 may assume: the rights of the strongest of them. IAM knows no condition on the role of a profile that was there before',
      },
    ],
  },
  // EC2 shows a change of the association within seconds.
  proofDelaySeconds: 5,
  facts,
  settings: detachSettings,
  state,
  targetOf: () => ({ ok: false, reason: 'asked as a follow-up: the finding carries no instance' }),
  locate,
  read,
  plan,
  kinds: KINDS,
  verify,
});

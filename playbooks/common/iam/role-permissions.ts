/** Rights of the playbooks that deny a session of a role. */
import type { Change, Permission } from '../../../core/journal/playbook.ts';

const ROLES = `arn:\${Partition}:iam::\${Account}:role/*`;

/** What clusters let in: a deny in IAM does not reach into them. */
export const READ_CLUSTERS: readonly Permission[] = [
  {
    // Neither has a resource level.
    actions: ['ec2:DescribeRegions', 'eks:ListClusters'],
    resources: ['*'],
    why: 'clusters in any Region that may know the identity',
  },
  {
    actions: ['eks:DescribeCluster', 'eks:ListAccessEntries'],
    resources: ['arn:${Partition}:eks:${Region}:${Account}:cluster/*'],
    why: 'whether a cluster knows the identity: a deny in IAM does not reach into it',
  },
];

export const READ_ROLE: readonly Permission[] = [
  {
    actions: [
      'iam:GetRole',
      'iam:GetRolePolicy',
      'iam:ListAttachedRolePolicies',
      'iam:ListInstanceProfilesForRole',
      'iam:ListRolePolicies',
      'iam:SimulatePrincipalPolicy',
    ],
    resources: [ROLES],
    why: 'the role, its policies and their size, who may assume it, and whether the deny holds',
  },
  {
    // EC2 describes have no resource level.
    actions: ['ec2:DescribeInstances', 'ec2:DescribeRegions'],
    resources: ['*'],
    why: 'counts the instances that use the role',
  },
  ...READ_CLUSTERS,
];

export const WRITE_DENY: Change = {
  // IAM has no condition on the name of an inline policy.
  actions: ['iam:PutRolePolicy'],
  resources: [ROLES],
  why: 'writes the deny; protected roles are excluded by explicit denies of the responder role',
  worst:
    'administrator of the account: IAM has no condition on what an inline policy says, so it may allow everything in any role that is not protected',
};

export const REMOVE_DENY: Change = {
  actions: ['iam:DeleteRolePolicy'],
  resources: [ROLES],
  why: 'removes the deny',
  worst: 'ends the containment of any role, or removes an inline policy by which it works',
};

/** Rights of the playbooks that deny a session of a role. */
import type { Permission } from '../../../core/journal/playbook.ts';

const ROLES = `arn:\${Partition}:iam::\${Account}:role/*`;

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
  {
    // It has no resource level.
    actions: ['eks:ListClusters'],
    resources: ['*'],
    why: 'clusters that may know the role',
  },
  {
    actions: ['eks:DescribeCluster', 'eks:ListAccessEntries'],
    resources: ['arn:${Partition}:eks:${Region}:${Account}:cluster/*'],
    why: 'whether a cluster knows the role: a deny in IAM does not reach into it',
  },
];

export const WRITE_DENY: Permission = {
  // IAM has no condition on the name of an inline policy.
  actions: ['iam:PutRolePolicy'],
  resources: [ROLES],
  why: 'writes the deny; protected roles are excluded by explicit denies of the responder role',
};

export const REMOVE_DENY: Permission = {
  actions: ['iam:DeleteRolePolicy'],
  resources: [ROLES],
  why: 'removes the deny',
};

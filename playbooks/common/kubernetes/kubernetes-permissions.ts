/** IAM rights of every playbook that acts inside a cluster. What it may do there is up to the cluster (docs/kubernetes.md). */
import type { Permission } from '../../../core/journal/playbook.ts';

/** STS GetCallerIdentity, which a token is made of, needs no right. */
export const READ_CLUSTER: Permission = {
  actions: ['eks:DescribeCluster'],
  resources: ['arn:${Partition}:eks:${Region}:${Account}:cluster/*'],
  why: 'endpoint and certificate authority of the cluster',
};

export const READ_POD_ROLES: Permission = {
  actions: ['eks:DescribePodIdentityAssociation', 'eks:ListPodIdentityAssociations'],
  resources: [
    'arn:${Partition}:eks:${Region}:${Account}:cluster/*',
    'arn:${Partition}:eks:${Region}:${Account}:podidentityassociation/*',
  ],
  why: 'the IAM role of the pods of a service account',
};

export const READ_ROLE_TRUST: Permission = {
  actions: ['iam:GetRole'],
  resources: ['arn:${Partition}:iam::${Account}:role/*'],
  why: 'whether the role that a service account names trusts it',
};

export const READ_ENTRIES: Permission = {
  actions: ['eks:DescribeAccessEntry', 'eks:ListAccessEntries', 'eks:ListAssociatedAccessPolicies'],
  resources: [
    'arn:${Partition}:eks:${Region}:${Account}:access-entry/*',
    'arn:${Partition}:eks:${Region}:${Account}:cluster/*',
  ],
  why: 'how the cluster knows its identities, and what the access entry grants',
};

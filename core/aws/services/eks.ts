/** The EKS calls Firebreak makes. */
export {
  AssociateAccessPolicyCommand,
  DescribeAccessEntryCommand,
  DescribeClusterCommand,
  DescribePodIdentityAssociationCommand,
  DisassociateAccessPolicyCommand,
  EKSClient as Client,
  ListAccessEntriesCommand,
  ListAssociatedAccessPoliciesCommand,
  ListClustersCommand,
  ListPodIdentityAssociationsCommand,
  UpdateAccessEntryCommand,
} from '@aws-sdk/client-eks';

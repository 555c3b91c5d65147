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
  ListPodIdentityAssociationsCommand,
  UpdateAccessEntryCommand,
} from '@aws-sdk/client-eks';

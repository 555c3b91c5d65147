/** The Organizations calls Firebreak makes, in the management account. */
export {
  AttachPolicyCommand,
  DescribeAccountCommand,
  DescribePolicyCommand,
  DetachPolicyCommand,
  ListPoliciesCommand,
  ListPoliciesForTargetCommand,
  ListTargetsForPolicyCommand,
  OrganizationsClient as Client,
  UpdatePolicyCommand,
} from '@aws-sdk/client-organizations';

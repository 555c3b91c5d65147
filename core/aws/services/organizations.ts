/** The Organizations calls Firebreak makes, in the management account. */
export {
  AttachPolicyCommand,
  DescribeAccountCommand,
  DescribePolicyCommand,
  DetachPolicyCommand,
  ListPoliciesCommand,
  ListPoliciesForTargetCommand,
  OrganizationsClient as Client,
} from '@aws-sdk/client-organizations';

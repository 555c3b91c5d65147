/** The ECR calls Firebreak makes. */
export {
  DeleteRepositoryPolicyCommand,
  ECRClient as Client,
  GetRepositoryPolicyCommand,
  SetRepositoryPolicyCommand,
} from '@aws-sdk/client-ecr';

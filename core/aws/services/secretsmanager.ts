/** The Secrets Manager calls Firebreak makes. No secret is read. */
export {
  DeleteResourcePolicyCommand,
  DescribeSecretCommand,
  GetResourcePolicyCommand,
  PutResourcePolicyCommand,
  RestoreSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient as Client,
} from '@aws-sdk/client-secrets-manager';

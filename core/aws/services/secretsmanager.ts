/** The Secrets Manager calls Firebreak makes. No secret is read. */
export {
  DescribeSecretCommand,
  RestoreSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient as Client,
} from '@aws-sdk/client-secrets-manager';

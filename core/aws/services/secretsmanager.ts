/** The Secrets Manager calls Firebreak makes. */
export {
  DescribeSecretCommand,
  RestoreSecretCommand,
  SecretsManagerClient as Client,
} from '@aws-sdk/client-secrets-manager';

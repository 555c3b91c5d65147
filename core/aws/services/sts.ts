/** The STS calls Firebreak makes. */
export { AssumeRoleCommand, GetCallerIdentityCommand, STSClient as Client } from '@aws-sdk/client-sts';

/** The STS calls Firebreak makes. */
export { AssumeRoleCommand, STSClient as Client } from '@aws-sdk/client-sts';

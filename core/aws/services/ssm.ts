/** The Systems Manager calls Firebreak makes. */
export { GetParametersCommand, SSMClient as Client } from '@aws-sdk/client-ssm';

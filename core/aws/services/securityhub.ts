/** The Security Hub calls Firebreak makes. */
export { BatchUpdateFindingsCommand, SecurityHubClient as Client } from '@aws-sdk/client-securityhub';

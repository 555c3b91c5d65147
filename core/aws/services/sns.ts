/** The SNS calls Firebreak makes. */
export { PublishCommand, SNSClient as Client } from '@aws-sdk/client-sns';

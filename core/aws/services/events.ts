/** The EventBridge calls Firebreak makes. */
export { EventBridgeClient as Client, PutEventsCommand } from '@aws-sdk/client-eventbridge';

/** The AWS Config calls Firebreak makes. */
export {
  ConfigServiceClient as Client,
  GetResourceConfigHistoryCommand,
  ListDiscoveredResourcesCommand,
} from '@aws-sdk/client-config-service';

/** The Route 53 calls Firebreak makes. */
export { ListHostedZonesByNameCommand, Route53Client as Client } from '@aws-sdk/client-route-53';

/** The calls of the RDS Data API that Firebreak makes. */
export { ExecuteStatementCommand, RDSDataClient as Client } from '@aws-sdk/client-rds-data';

/** The Identity Store calls Firebreak makes. */
export { GetUserIdCommand, IdentitystoreClient as Client } from '@aws-sdk/client-identitystore';

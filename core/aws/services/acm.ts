/** The AWS Certificate Manager calls Firebreak makes. */
export { ACMClient as Client, ListCertificatesCommand } from '@aws-sdk/client-acm';

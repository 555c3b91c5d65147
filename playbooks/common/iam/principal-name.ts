/** What IAM takes as the name of a user or role (IAM API reference: UserName, RoleName): a finding's text that is none is no name. */
export const PRINCIPAL_NAME = /^[\w+=,.@-]{1,64}$/;

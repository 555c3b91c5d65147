/** What deploy/resources.yml reserves, and what Lambda always keeps unreserved for the other functions of the account. */
export const RESERVED = 91;
export const UNRESERVED = 100;

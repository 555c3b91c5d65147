/** IAM Identity Center: permission sets and their provisioning. */
import type { Answers } from './twin.ts';

/** This service's part of the account. */
export type TwinIdentityCenter = Record<never, never>;
export const emptyIdentityCenter = (): TwinIdentityCenter => ({});

export const identityCenter: Readonly<Record<string, Answers>> = {};

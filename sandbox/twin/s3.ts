/** Buckets (a global name space) and the account's public access block, as far as playbooks change them. */
import type { Answers } from './twin.ts';

/** This service's part of the account. */
export type TwinS3 = Record<never, never>;
export const emptyS3 = (): TwinS3 => ({});

export const s3: Readonly<Record<string, Answers>> = {};

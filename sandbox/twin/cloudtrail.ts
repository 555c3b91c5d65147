/** CloudTrail trails, as far as playbooks change them. */
import type { Answers } from './twin.ts';

/** This service's part of a Region. */
export type TwinCloudTrail = Record<never, never>;
export const emptyCloudTrail = (): TwinCloudTrail => ({});

export const cloudtrail: Readonly<Record<string, Answers>> = {};

/** RDS instances and clusters, as far as playbooks change them. */
import type { Answers } from './twin.ts';

/** This service's part of a Region. */
export type TwinRds = Record<never, never>;
export const emptyRds = (): TwinRds => ({});

export const rds: Readonly<Record<string, Answers>> = {};

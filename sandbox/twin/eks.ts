/** EKS clusters and their access entries, as far as playbooks change them. */
import type { Answers } from './twin.ts';

/** This service's part of a Region. */
export type TwinEks = Record<never, never>;
export const emptyEks = (): TwinEks => ({});

export const eks: Readonly<Record<string, Answers>> = {};

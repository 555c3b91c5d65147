/** Lambda functions, as far as playbooks change them. */
import type { Answers } from './twin.ts';

/** This service's part of a Region. */
export type TwinLambda = Record<never, never>;
export const emptyLambda = (): TwinLambda => ({});

export const lambda: Readonly<Record<string, Answers>> = {};

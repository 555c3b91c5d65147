/** IAM users, their keys and policies. */
import type { Answers } from './twin.ts';

/** Users by name. */
export type TwinUsers = Record<never, never>;
export const emptyUsers = (): TwinUsers => ({});

export const iamUsers: Answers = {};

/** ECS clusters, services and tasks, and their scaling, as far as playbooks change them. */
import type { Answers } from './twin.ts';

/** This service's part of a Region. */
export type TwinEcs = Record<never, never>;
export const emptyEcs = (): TwinEcs => ({});

export const ecs: Readonly<Record<string, Answers>> = {};

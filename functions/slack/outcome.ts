import type { Job } from './jobs.ts';

/** What came of a request: words for the person who sent it, and work for later. */
export interface Outcome {
  readonly say?: string | undefined;
  readonly jobs?: readonly Job[];
  /** This request decided. */
  readonly recorded?: boolean;
}

/**
 * Whether work may still change anything: asked before its calls that may, so that an invocation that was taken over makes no
 * further one. It follows promises, so no one hands it along.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { acting } from './acting.ts';

/** Throws where the work was taken over. */
type Check = () => Promise<void>;

interface Fence {
  readonly check: Check;
  /** A conditional write has just shown it: the next change needs no look. */
  confirmed: boolean;
}

const storage = new AsyncLocalStorage<Fence | undefined>();

/** A SubjectAccessReview is created to be answered, as a query of calls is, and nothing stays of either. */
const READS =
  /^(AssumeRole|BatchGet|Describe|Filter|Get|List|Lookup|Query|Simulate|CreateSubjectaccessreviews|(Start|Cancel|Stop)Query)/;

/** Whether an operation, as IAM spells it, changes nothing. */
export const isRead = (operation: string): boolean => READS.test(operation);

/** Runs the work with the check before every change that a playbook makes in it. */
export const fencedBy = <T>(check: Check, work: () => T): T => storage.run({ check, confirmed: false }, work);

/** Runs the work, whose first change follows a conditional write that no other one can have come before. */
export function confirmed<T>(work: () => T): T {
  const fence = storage.getStore();
  return fence ? storage.run({ check: fence.check, confirmed: true }, work) : work();
}

/** Runs changes that leave the same whichever attempt makes them, in what this one has just made: they need no look. */
export const unfenced = <T>(work: () => T): T => storage.run(undefined, work);

/** Passes, or throws what the check throws. What is not a playbook's (a page, a card) goes out in any case. */
export async function passFence(operation: string): Promise<void> {
  const fence = storage.getStore();
  if (!fence || isRead(operation) || acting().playbook === undefined) return;
  if (!fence.confirmed) return fence.check();
  fence.confirmed = false;
}

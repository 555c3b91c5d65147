/** Work whose AWS calls no role needs to be allowed: an attacker's record led to them. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, beforeAll } from 'vitest';
import type { Actor } from '../core/aws/acting.ts';

const storage = new AsyncLocalStorage<true>();

export const unrecorded = <T>(work: () => T): T => storage.run(true, work);

let operator = false;
/** In a file of tests that calls AWS as an operator does, with credentials of its own: what no function and no playbook makes. */
export function callsAsOperator(): void {
  beforeAll(() => {
    operator = true;
  });
  afterAll(() => {
    operator = false;
  });
}

export const isUnrecorded = ({ function: own, playbook }: Actor): boolean =>
  storage.getStore() === true || (operator && !own && !playbook);

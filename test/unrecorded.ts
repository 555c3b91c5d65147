/** Work whose AWS calls no role needs to be allowed: an attacker's record led to them. */
import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage<true>();

export const unrecorded = <T>(work: () => T): T => storage.run(true, work);
export const isUnrecorded = (): boolean => storage.getStore() === true;

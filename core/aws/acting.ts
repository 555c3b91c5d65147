/**
 * On whose behalf the code at hand runs. The proof of the roles asks this for every AWS call: which function made it,
 * and which playbook. It follows promises, so no one hands it along.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Scope } from './arn.ts';

export interface Actor {
  /** Name as in serverless.yml, and where it is deployed. */
  readonly function?: { readonly name: string; readonly stage: string } & Scope;
  /** Returns the milliseconds that the function has left. */
  readonly left?: () => number;
  /** Task of the workflow: one function runs two of them. */
  readonly task?: string;
  /** `read`: what a function that changes nothing may call as well; `undo`: what only undo calls. */
  readonly playbook?: { readonly id: string; readonly part: 'read' | 'write' | 'undo' };
}

const storage = new AsyncLocalStorage<Actor>();

export const acting = (): Actor => storage.getStore() ?? {};

/** A function starts with nothing of its caller; a playbook goes on for its function. */
export const actingAs = <T>(actor: Actor, work: () => T): T =>
  storage.run(actor.function ? actor : { ...acting(), ...actor }, work);

/**
 * How often a step that AWS refused is tried again within its run. Each try begins as after a crash, with a live read: what
 * an earlier call of ours did, whose answer was lost, is then found in place and not done twice, and what is there and not
 * ours is left alone.
 */
import { pause } from '../aws/client.ts';
import { isAccessDenied, isAwsError, isFirebreakError, mayRetry, passesByItself } from '../errors.ts';

/** Waits for what passes on its own: 31.5 s a step, and together no more than leaves a handler the time to end. */
const WAITS_MS = [500, 1000, 2000, 4000, 8000, 8000, 8000];
const WAITED_MS = 90_000;
/** For other refusals, which may be the answer to a call that the SDK sent a second time. */
const LOOKS_MS = [250, 1000];

/** Asked by every step of one run. */
export class Patience {
  #left = WAITED_MS;
  readonly #tries = new Map<string, number>();

  /** Waits and returns true where the step is to be tried again after this error of its change. */
  async again(step: string, error: unknown): Promise<boolean> {
    const tried = this.#tries.get(step) ?? 0;
    const wait = waitsAfter(error)[tried];
    if (wait === undefined || wait > this.#left) return false;
    this.#tries.set(step, tried + 1);
    this.#left -= wait;
    await pause(wait);
    return true;
  }
}

function waitsAfter(error: unknown): readonly number[] {
  if (passesByItself(error)) return WAITS_MS;
  // Kubernetes: a change whose answer was lost, and an object that is gone already.
  if (isFirebreakError(error, 'Unreachable') || isFirebreakError(error, 'ResourceNotFound')) return LOOKS_MS;
  // The SDK has had its patience with throttling and outages.
  return isAwsError(error) && !isAccessDenied(error) && !mayRetry(error) ? LOOKS_MS : [];
}

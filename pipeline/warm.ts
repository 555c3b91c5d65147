/** Contain is loaded before a finding needs it: an invocation that only starts it, by an alias at which it does nothing else. */
import type { z } from 'zod';
import { describeError } from '../core/errors.ts';
import { type ping, WARM_ALIAS } from './ping.ts';
import { logger, type Runtime } from './runtime.ts';

/** Lambda keeps what has run for longer than that. */
const ONCE_IN_MS = 60_000;
/** What follows it must not wait for long. */
const WITHIN_MS = 1000;
/** When each container asked last: findings that come together need one ping. */
const asked = new WeakMap<Runtime, number>();

/** Has Lambda start Contain, unless this container just did. That it could not is logged: Contain starts when it is called. */
export async function warmContain(runtime: Runtime): Promise<void> {
  const { env, own } = runtime;
  if (Date.now() - (asked.get(runtime) ?? 0) < ONCE_IN_MS) return;
  asked.set(runtime, Date.now());
  try {
    const { client, api } = await own.lambda();
    await client.send(
      new api.InvokeCommand({
        FunctionName: env.CONTAIN_FUNCTION,
        Qualifier: WARM_ALIAS,
        InvocationType: 'Event',
        Payload: Buffer.from(JSON.stringify({ warm: true } satisfies z.input<typeof ping>)),
      }),
      { abortSignal: AbortSignal.timeout(WITHIN_MS) },
    );
  } catch (error) {
    logger.warn('Contain was not started ahead', { reason: describeError(error) });
  }
}

/** Contain is loaded before a finding needs it: an invocation that only starts it, by an alias at which it does nothing else. */
import { z } from 'zod';
import { describeError } from '../core/errors.ts';
import { logger, type Runtime } from './runtime.ts';

/** The alias of serverless.yml's Contain; what Enrich and the sweep may invoke, and all they may. */
export const WARM_ALIAS = 'warm';
/** What is sent to it. Holds nothing of a finding. */
export const ping = z.strictObject({ warm: z.literal(true) });

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

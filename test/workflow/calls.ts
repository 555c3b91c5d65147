/** Comes in at the calls of the table and of AWS that a task makes: to kill it there, or to do something else first. */
import { acting } from '../../core/aws/acting.ts';
import { awsConfiguration, configureAws } from '../../core/aws/client.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';

/**
 * Runs `work` before each call that the next invocation of a task makes, with its number (from 1); what `work` throws,
 * the call throws. Returns how many there were.
 */
export function atCalls(
  { database }: Sandbox,
  name: string,
  work: (call: number) => Promise<void>,
): () => number {
  let invocation: object | undefined;
  let calls = 0;
  const come = async () => {
    const { task, function: caller } = acting();
    if (task === name) invocation ??= caller;
    if (caller !== invocation || !caller) return;
    calls += 1;
    await work(calls);
  };
  database.client.middlewareStack.add(
    (next) => async (given) => {
      await come();
      return next(given);
    },
    { step: 'initialize', name: 'at-calls' },
  );
  const { answer, ...configuration } = awsConfiguration();
  if (!answer) throw new Error('the sandbox answers for AWS');
  configureAws({
    ...configuration,
    answer: async (call) => {
      await come();
      return answer(call);
    },
  });
  return () => calls;
}

/** Kills the next invocation of a task at one of its calls: nothing that it does from then on has an effect. */
export const killAt = (sandbox: Sandbox, name: string, at: number): (() => number) =>
  atCalls(sandbox, name, async (call) => {
    if (call >= at) throw Object.assign(new Error('the invocation died'), { name: 'Sandbox.Killed' });
  });

/** Does `meanwhile` before one of the calls of a task's next invocation. */
export const comeBetween = (
  sandbox: Sandbox,
  name: string,
  at: number,
  meanwhile: () => Promise<unknown>,
): (() => number) =>
  atCalls(sandbox, name, async (call) => {
    if (call === at) await meanwhile();
  });

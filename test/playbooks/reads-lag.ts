import type { AwsCall } from '../../core/aws/client.ts';
import { isRead as changesNothing } from '../../core/aws/fence.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';

/**
 * Reads of a service that is eventually consistent: what was changed is seen `reads` reads after it, and until then reads
 * answer the account as it was before.
 */
export function readsLag(twin: AccountTwin) {
  const answerOf = twin.answer.bind(twin);
  let [lag, reads] = [0, 0];
  let past: { readonly state: AccountTwin['state']; readonly until: number }[] = [];
  return {
    /** From now on; what `change` changes is not seen for as long either. */
    async by(given: number, change: () => Promise<unknown>): Promise<void> {
      const state = structuredClone(twin.state);
      await change();
      lag = given;
      past = [{ state, until: reads + lag }];
    },
    answer(call: AwsCall): Promise<object> {
      past = past.filter(({ until }) => until > reads);
      const [oldest] = past;
      // Of credentials there is no copy that lags.
      const isRead = changesNothing(call.operation) && call.service !== 'STS';
      const before = isRead || lag === 0 ? undefined : structuredClone(twin.state);
      if (isRead) reads += 1;
      const answer = answerOf(call);
      if (before && twin.calls.at(-1)?.error === undefined) past.push({ state: before, until: reads + lag });
      if (!isRead || !oldest) return answer;
      // What reading itself moves on (a database that becomes available) has moved on; the answer is an old one.
      const live = twin.state;
      twin.state = structuredClone(oldest.state);
      // The twin answers before it returns: nothing else sees the old state.
      const old = answerOf(call);
      twin.state = live;
      return Promise.allSettled([answer]).then(() => old);
    },
  };
}

/** One account and finding for every playbook: what `npm run test:faults` plays. */
import type { JsonObject } from '../../core/json.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { addressFinding, addressWorld } from '../../sandbox/worlds.ts';

export interface Scenario {
  /** Puts the account up; `event` is the finding in its nth delivery. */
  open(twin: AccountTwin): {
    readonly event: (updatedAt: Date, count: number, severity?: number) => JsonObject;
  };
}

export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map(
  Object.entries<Scenario>({
    'isolate-instance': {
      open(twin) {
        const { instanceId } = addressWorld(twin);
        return {
          event: (updatedAt, count, severity = 8) =>
            addressFinding(twin, instanceId, { seed: 'faults', updatedAt, count, severity }),
        };
      },
    },
  }),
);

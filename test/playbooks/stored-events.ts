/** A store of events next to the event history of the twin, as a deployment names one. */
import type { EventStore } from '../../core/aws/event-store/named.ts';
import type { TwinEventStore } from '../../sandbox/twin/event-stores.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';

const LAKE = '11111111-2222-3333-4444-555555555555';
/** Neither the Region of a finding nor that of IAM. */
const STORE_REGION = 'eu-central-1';

export const STORE_KINDS = ['lake', 'trail'] as const;

/** As people read it. */
export const STORE_NAMES = { lake: 'CloudTrail Lake', trail: 'the trail in S3' } as const;

/** Makes a store that holds what every Region's event history does, and returns it and what the deployment names. */
export function storeEvents(
  twin: AccountTwin,
  kind: (typeof STORE_KINDS)[number] = 'lake',
): { readonly events: EventStore; readonly store: TwinEventStore } {
  const { account } = twin.scope;
  const records = Object.values(twin.state.regions).flatMap(({ cloudtrail: { history } }) =>
    history.map(({ event }) => event),
  );
  const store: TwinEventStore = { name: kind === 'lake' ? LAKE : 'logs.cloudtrail', records };
  twin.region(STORE_REGION).eventStores = { stores: [store], queries: {} };
  const place = `${STORE_REGION}:${account}`;
  return {
    store,
    events:
      kind === 'lake'
        ? { kind, arn: `arn:aws:cloudtrail:${place}:eventdatastore/${LAKE}` }
        : { kind, table: `arn:aws:glue:${place}:table/logs/cloudtrail`, workgroup: 'firebreak' },
  };
}

/** The event history of a Region ends: what is older than the time is only in the store. */
export function historyEnds(twin: AccountTwin, region: string, at: Date): void {
  const { cloudtrail } = twin.region(region);
  cloudtrail.history = cloudtrail.history.filter(
    ({ event }) => Date.parse(String(event['eventTime'])) >= at.getTime(),
  );
}

import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { awsErrorName } from '../../../core/errors.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { SOURCE } from '../trail.ts';

const STORES = 'arn:${Partition}:cloudtrail:*:${Account}:eventdatastore/*';
const ON = 'ENABLED';
const OFF = 'STOPPED_INGESTION';
const GOING = 'PENDING_DELETION';

/** By the call that leaves it so. */
const LEFT: Readonly<Record<string, string>> = {
  CreateEventDataStore: ON,
  DeleteEventDataStore: GOING,
  RestoreEventDataStore: ON,
  StartEventDataStoreIngestion: ON,
  StopEventDataStoreIngestion: OFF,
};

/** A store of CloudTrail Lake that was deleted is restored within its seven days; one that was stopped takes in events again [M-LAB]. */
export const eventStore = defineInverse({
  id: 'event-store',
  danger: 'destroys',
  calls: {
    source: SOURCE,
    names: ['DeleteEventDataStore', 'StopEventDataStoreIngestion'],
    alsoTold: ['CreateEventDataStore', 'RestoreEventDataStore', 'StartEventDataStoreIngestion'],
  },
  does: 'an event data store that was deleted is restored within seven days, and takes in events again',
  resource: z.strictObject({
    store: z.string().regex(/^arn:[a-z-]+:cloudtrail:[a-z0-9-]+:\d{12}:eventdatastore\/[0-9a-f-]{36}$/),
  }),
  value: z.enum([ON, OFF, GOING]).nullable(),
  effects({ name, request, response }, scope) {
    const named = textIn(request, 'eventDataStore') ?? textIn(response, 'eventDataStoreArn') ?? '';
    const store = named.startsWith('arn:') ? named : arn(scope, 'cloudtrail', `eventdatastore/${named}`);
    return [{ resource: { store }, left: LEFT[name], guess: ON }];
  },
  listedAs: ({ store }) => store,
  names: (_aws, { store }) => [store],
  says: ({ store }) => `Restore ${store.split(':').at(-1)} and let it take in events`,
  async read(aws, { store }) {
    const { client, api } = await aws.cloudTrail();
    try {
      const { Status } = await client.send(new api.GetEventDataStoreCommand({ EventDataStore: store }));
      if (Status === 'PENDING_DELETION') return GOING;
      return Status === 'STOPPED_INGESTION' || Status === 'STOPPING_INGESTION' ? OFF : ON;
    } catch (error) {
      if (awsErrorName(error) === 'EventDataStoreNotFoundException') return null;
      throw error;
    }
  },
  async put(aws, { store: EventDataStore }, to) {
    const { client, api } = await aws.cloudTrail();
    if (to === OFF) {
      await client.send(new api.StopEventDataStoreIngestionCommand({ EventDataStore }));
      return;
    }
    const shown = await client.send(new api.GetEventDataStoreCommand({ EventDataStore }));
    const { Status } =
      shown.Status === 'PENDING_DELETION'
        ? await client.send(new api.RestoreEventDataStoreCommand({ EventDataStore }))
        : shown;
    if (Status === 'STOPPED_INGESTION')
      await client.send(new api.StartEventDataStoreIngestionCommand({ EventDataStore }));
  },
  between: () => [OFF],
  never({ store }, wanted, { region, by }) {
    const command = (does: string): string =>
      `${awsCommand(`cloudtrail ${does}`, { region, 'event-data-store': store })}`;
    if (by === 'reversal' && wanted === OFF)
      return `it was stopped before; restore it so: ${command('restore-event-data-store')}`;
    return wanted === GOING
      ? `Firebreak deletes no event data store: ${command('delete-event-data-store')}`
      : undefined;
  },
  remains: () => ['an event data store has no events of the time when it was stopped or pending deletion'],
  permissions: {
    read: [
      {
        actions: ['cloudtrail:GetEventDataStore'],
        resources: [STORES],
        why: 'whether an event data store takes in events',
      },
    ],
    write: [
      {
        actions: ['cloudtrail:RestoreEventDataStore', 'cloudtrail:StartEventDataStoreIngestion'],
        resources: [STORES],
        why: 'a deleted event data store is restored, and a stopped one takes in events',
        worst: 'restores or starts one that its owner wanted gone, which costs its events',
      },
    ],
    undo: [
      {
        actions: ['cloudtrail:StopEventDataStoreIngestion'],
        resources: [STORES],
        why: 'stops ingestion again, which two people must want',
        worst: 'stops every event data store of the account',
      },
    ],
  },
  words: {
    setting: 'Event data store of CloudTrail Lake',
    why: 'it keeps the calls for years, and is gone seven days after it is deleted',
    values: { [ON]: 'takes in events', [OFF]: 'stopped', [GOING]: 'pending deletion' },
  },
  example: {
    eventName: 'DeleteEventDataStore',
    requestParameters: {
      eventDataStore: [
        ...['arn', 'aws', 'cloudtrail', 'us-east-1', '111122223333'],
        'eventdatastore/11111111-2222-4333-8444-555555555555',
      ].join(':'),
    },
  },
});

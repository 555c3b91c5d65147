/** Both stores, on the twin: paging, queries that do not end, and what the answer then says. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AccountTwin, createTwin } from '../../../sandbox/twin/twin.ts';
import { callsAsOperator } from '../../../test/unrecorded.ts';
import { actingAs } from '../acting.ts';
import { awsConfiguration, awsFor, configureAws } from '../client.ts';
import type { EventStore } from './named.ts';
import type { EventQuestion } from './statement.ts';
import { storedEvents } from './store.ts';

callsAsOperator();

const SCOPE = { partition: 'aws', account: '111122223333', region: 'us-east-1' };
const KEY = 'AKIAEXAMPLE000000666';
const LAKE = '11111111-2222-3333-4444-555555555555';
const lakeOf = (account: string): EventStore => ({
  kind: 'lake',
  arn: `arn:aws:cloudtrail:eu-central-1:${account}:eventdatastore/${LAKE}`,
});
const TRAIL: EventStore = {
  kind: 'trail',
  table: `arn:aws:glue:eu-central-1:${SCOPE.account}:table/logs/cloudtrail`,
  workgroup: 'firebreak',
};
const STORES = [
  ['CloudTrail Lake', lakeOf(SCOPE.account), LAKE],
  ['the trail in S3', TRAIL, 'logs.cloudtrail'],
] as const;

const event = (index: number, more: object = {}) => ({
  eventID: `00000000-0000-0000-0000-${String(index).padStart(12, '0')}`,
  ...{ eventName: 'PutUserPolicy', eventSource: 'iam.amazonaws.com', eventType: 'AwsApiCall' },
  ...{ eventCategory: 'Management', awsRegion: 'us-east-1', recipientAccountId: SCOPE.account },
  eventTime: new Date(Date.parse('2026-03-01T00:00:00Z') + index * 1000).toISOString().replace('.000', ''),
  ...{
    readOnly: false,
    userIdentity: { type: 'IAMUser', accessKeyId: KEY, principalId: 'AIDA1', userName: 'ops' },
  },
  ...{ requestParameters: { userName: `it's "${index}"` }, responseElements: null },
  ...more,
});

let twin: AccountTwin;
beforeEach(() => {
  twin = createTwin(SCOPE);
});
afterEach(() => configureAws({}));

function open(events: EventStore, name: string, records: readonly object[], more: object = {}): void {
  configureAws({ answer: (call) => twin.answer(call), retryBaseMs: 1, ownAccount: SCOPE.account, events });
  twin.region('eu-central-1').eventStores = {
    ...{ stores: [{ name, records: records.map((one) => ({ ...one })), ...more }], queries: {} },
  };
}

const QUESTION: EventQuestion = {
  ...{ account: SCOPE.account, from: new Date('2026-01-01'), to: new Date('2026-12-01') },
  of: { keys: [KEY], principalIds: [] },
};
const ask = (question = QUESTION) => storedEvents(awsFor(SCOPE), question);
const calls = () => twin.calls.map(({ operation }) => operation);

describe.each(STORES)('%s', (store, events, name) => {
  it('answers records as CloudTrail writes them, newest first', async () => {
    open(events, name, [event(1), event(2)]);
    const answer = await ask();
    expect(answer).toMatchObject({ store, more: false });
    const { responseElements, ...second } = event(2);
    expect(answer).toMatchObject({
      records: [{ ...second, responseElements }, { eventID: event(1).eventID }],
    });
  });

  it('is read over every page, up to 2,000 events, and says that there are more', async () => {
    open(
      events,
      name,
      Array.from({ length: 2300 }, (_, index) => event(index)),
    );
    const answer = await ask();
    expect(answer).toMatchObject({ more: true });
    const records = answer && 'records' in answer ? answer.records : [];
    expect(records).toHaveLength(2000);
    expect(records[0]).toMatchObject({ eventID: event(2299).eventID });
  });

  it('shows what was changed before what was done to data, and neither reads nor what was refused', async () => {
    open(events, name, [
      event(1),
      event(2, { eventCategory: 'Data', eventName: 'DeleteObject', eventSource: 's3.amazonaws.com' }),
      event(3, { readOnly: true, eventName: 'ListUsers' }),
      event(4, { errorCode: 'AccessDenied' }),
      event(5, { recipientAccountId: '444455556666' }),
      event(6, { readOnly: true, eventName: 'AssumeRole', eventSource: 'sts.amazonaws.com' }),
      event(7, { userIdentity: { type: 'IAMUser', accessKeyId: 'AKIAOTHER0000000000' } }),
    ]);
    const answer = await ask();
    const records = answer && 'records' in answer ? answer.records : [];
    expect(records).toMatchObject([
      { eventName: 'AssumeRole' },
      { eventName: 'PutUserPolicy' },
      { eventName: 'DeleteObject' },
    ]);
    expect(records).toHaveLength(3);
  });

  it('is given up, and the query cancelled, where it does not end', async () => {
    open(events, name, [event(1)], { looks: Number.POSITIVE_INFINITY });
    expect(await ask()).toEqual({ store, why: 'its query took more than 20 s' });
    expect(calls().at(-1)).toMatch(/^(CancelQuery|StopQueryExecution)$/);
  });

  it('is asked for half of the time that the function has left, and not at all for less than two seconds', async () => {
    open(events, name, [event(1)], { looks: Number.POSITIVE_INFINITY });
    const within = (ms: number) => actingAs({ left: () => ms }, () => ask());
    expect(await within(10_000)).toEqual({ store, why: 'its query took more than 5 s' });
    const before = twin.calls.length;
    expect(await within(3_000)).toEqual({ store, why: 'no time was left for it' });
    expect(twin.calls).toHaveLength(before);
  });

  it.each(['AccessDeniedException', 'MaxConcurrentQueriesException', 'ThrottlingException'])(
    'says that it answered %s',
    async (error) => {
      open(events, name, [event(1)]);
      twin.failNext(name === LAKE ? 'StartQuery' : 'StartQueryExecution', error, 99);
      expect(await ask()).toEqual({ store, why: `it answered ${error}` });
    },
  );

  it('says how its query ended where that is not with an answer', async () => {
    open(events, name, [event(1)], { looks: Number.POSITIVE_INFINITY });
    const { queries = {} } = twin.region('eu-central-1').eventStores ?? {};
    const { answer, ...rest } = awsConfiguration();
    configureAws({
      ...rest,
      answer: async (call) => {
        const given = await answer?.(call);
        for (const query of Object.values(queries)) query.cancelled = true;
        return given ?? {};
      },
    });
    expect(await ask()).toEqual({ store, why: 'its query ended as CANCELLED' });
  });

  it('is asked in its own Region, with the role of the function', async () => {
    open(events, name, [event(1)]);
    await storedEvents(awsFor({ ...SCOPE, account: '444455556666' }), QUESTION);
    expect(calls()).not.toContain('AssumeRole');
  });
});

it('names the account of an event data store that is in another one', async () => {
  open(lakeOf('999988887777'), LAKE, [event(1)], { owner: '999988887777' });
  expect(await ask()).toMatchObject({ records: [{ eventID: event(1).eventID }] });
});

it('is not asked where the deployment names none', async () => {
  configureAws({ answer: (call) => twin.answer(call) });
  expect(await ask()).toBeUndefined();
  expect(twin.calls).toEqual([]);
});

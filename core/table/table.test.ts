import { TransactionCanceledException, TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { awsError } from '../../sandbox/aws-error.ts';
import { type Database, openDatabase } from '../../sandbox/database.ts';
import { configureAws } from '../aws/client.ts';
import { FirebreakError, isAccessDenied, isAwsError, mayRetry } from '../errors.ts';
import { ABSENT } from './terms.ts';

const scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
let database: Database;
/** What DynamoDB answers instead, call by call; `lost` takes effect, and its answer never arrives. */
let faults: (Error | 'lost' | undefined)[] = [];

beforeAll(async () => {
  database = await openDatabase(scope, 'table-test');
  database.client.middlewareStack.addRelativeTo(
    <I, O>(next: (args: I) => Promise<O>) =>
      async (args: I): Promise<O> => {
        const fault = faults.shift();
        if (fault instanceof Error) throw fault;
        const answer = await next(args);
        if (fault) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
        return answer;
      },
    { relation: 'after', toMiddleware: 'retryMiddleware', name: 'faults' },
  );
});
beforeEach(() => configureAws({ retryBaseMs: 1 }));
afterEach(() => {
  faults = [];
  configureAws({});
});
afterAll(() => database.close());

let serial = 0;
const key = () => ({ pk: `T#${serial++}`, sk: 'A' });
const conflict = () =>
  new TransactionConflictException({ message: 'Transaction is ongoing for the item', $metadata: {} });
const canceled = (...codes: string[]) =>
  new TransactionCanceledException({
    message: 'Transaction cancelled',
    $metadata: {},
    CancellationReasons: codes.map((Code) => ({ Code })),
  });

it.each([
  ['a transaction on the item', conflict],
  ['a transaction that met another', () => canceled('None', 'TransactionConflict')],
])('tries again after %s', async (_what, fault) => {
  const at = key();
  faults = [fault(), fault(), fault()];
  await database.table.put({ ...at, n: 1 });
  faults = [fault()];
  expect(await database.table.get(at)).toEqual({ ...at, n: 1 });
  faults = [fault()];
  expect(await database.table.query(at.pk, '')).toHaveLength(1);
});

it.each([
  ['throttling', () => awsError('ProvisionedThroughputExceededException', 'slow down')],
  ['an outage', () => awsError('InternalServerError', 'sorry', 500)],
  ['a refusal', () => awsError('AccessDeniedException', 'no')],
  ['a table that is gone', () => awsError('ResourceNotFoundException', 'no table')],
  ['a lost connection', () => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })],
])(
  'has one error for %s, which no one can take for an answer about the resource',
  async (_what, fault) => {
    faults = Array.from({ length: 200 }, fault);
    const error: unknown = await database.table.get(key()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'TableUnavailable' });
    expect(String(error)).toContain('table-test');
    expect(error).not.toBeInstanceOf(FirebreakError);
    expect([isAwsError(error), isAccessDenied(error), mayRetry(error)]).toEqual([false, false, true]);
  },
  60_000,
);

it('takes its own write for written where the answer was lost, and the write of another for a conflict', async () => {
  const at = key();
  const item = { ...at, owner: 'me', nested: { list: [1, 'two'], none: null, absent: undefined } };
  faults = ['lost'];
  await database.table.put(item, ABSENT);
  faults = ['lost'];
  await database.table.put(
    { ...item, owner: 'next' },
    { text: '#o = :o', names: { o: 'owner' }, values: { o: 'me' } },
  );
  // The first try never arrived, and another one wrote meanwhile.
  faults = [awsError('InternalServerError', 'sorry', 500)];
  await expect(database.table.put({ ...item, owner: 'other' }, ABSENT)).rejects.toMatchObject({
    name: 'Conflict',
  });
  // A first try that is refused is refused, whatever is there.
  await expect(database.table.put({ ...item, owner: 'next' }, ABSENT)).rejects.toMatchObject({
    name: 'Conflict',
  });
});

it('writes several items or none, once where the answer was lost', async () => {
  const [one, two] = [key(), key()];
  const both = [{ item: { ...one, n: 1 }, condition: ABSENT }, { item: { ...two, n: 1 } }];
  faults = ['lost'];
  await database.table.putAll(both);
  await expect(
    database.table.putAll([{ item: { ...two, n: 2 } }, ...both.slice(0, 1)]),
  ).rejects.toMatchObject({
    name: 'Conflict',
    resource: `${one.pk} ${one.sk}`,
  });
  expect(await Promise.all([one, two].map((at) => database.table.get(at)))).toEqual([
    { ...one, n: 1 },
    { ...two, n: 1 },
  ]);
});

/** Calls of our own table: tried again where that helps, and kept apart from what AWS says about an incident's resource. */
import { isDeepStrictEqual } from 'node:util';
import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';
import { pause } from '../aws/client.ts';
import { describeError, TableUnavailable } from '../errors.ts';

const TRIES = 5;
const FIRST_WAIT_MS = 100;

/** Throws a lost condition as DynamoDB answered it, and TableUnavailable for any other answer or none. */
export async function steadily<T>(table: string, call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      // What the SDK never sent (a value that no item can hold) is a bug, and stays one.
      if (!isSent(error) || isLostCondition(error)) throw error;
      if (attempt >= TRIES || !passes(error))
        throw new TableUnavailable(`table ${table}: ${describeError(error)}`, { cause: error });
    }
    await pause(FIRST_WAIT_MS * 2 ** attempt * (0.5 + Math.random() / 2));
  }
}

type SdkError = Parameters<typeof isThrottlingError>[0];
const isSent = (error: unknown): error is SdkError => error instanceof Error && '$metadata' in error;

/** Why a transaction was cancelled, item by item. */
const reasonsOf = (error: SdkError): readonly string[] =>
  error instanceof TransactionCanceledException
    ? (error.CancellationReasons ?? []).flatMap(({ Code = 'None' }) => (Code === 'None' ? [] : [Code]))
    : [];

const isLostCondition = (error: SdkError): boolean =>
  error instanceof ConditionalCheckFailedException || reasonsOf(error).includes('ConditionalCheckFailed');

const PASSING = ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'];

/** What the SDK does not try again, or not any more because its budget for that is used up. */
function passes(error: SdkError): boolean {
  if (error instanceof TransactionConflictException) return true;
  const reasons = reasonsOf(error);
  if (reasons.length > 0) return reasons.every((reason) => PASSING.includes(reason));
  const triedOnce = (error.$metadata?.attempts ?? 1) === 1;
  return triedOnce && (isThrottlingError(error) || isTransientError(error) || isServerError(error));
}

/** True where DynamoDB would store both items alike. */
export function sameItem(stored: object | undefined, written: object): boolean {
  return isDeepStrictEqual(stored, withoutUndefined(written));
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Set)
    return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, withoutUndefined(member)]));
}

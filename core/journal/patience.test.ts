import { afterEach, beforeEach, expect, it } from 'vitest';
import { awsError } from '../../sandbox/aws-error.ts';
import { configureAws } from '../aws/client.ts';
import { FirebreakError, TableUnavailable } from '../errors.ts';
import { Patience } from './patience.ts';

beforeEach(() => configureAws({ retryBaseMs: 0 }));
afterEach(() => configureAws({}));

async function triesOf(patience: Patience, step: string, error: unknown): Promise<number> {
  let tries = 0;
  while (tries < 50 && (await patience.again(step, error))) tries += 1;
  return tries;
}

it.each([
  ['OperationAborted', 7],
  ['ResourceConflictException', 7],
  ['ConcurrentModification', 7],
  ['ConcurrentModificationException', 7],
  ['InvalidDBClusterStateFault', 7],
  ['DBSnapshotAlreadyExists', 2],
  ['InvalidPermission.Duplicate', 2],
  ['NoSuchEntityException', 2],
  ['ValidationError', 2],
  ['AccessDenied', 0],
  ['UnauthorizedOperation', 0],
])('tries a step again after %s, %i times', async (name, times) => {
  expect(await triesOf(new Patience(), 'a', awsError(name, name))).toBe(times);
});

it('leaves to others what is not an answer about the step, and what the SDK has tried already', async () => {
  for (const error of [
    awsError('Throttling', 'slow down', 503),
    new TableUnavailable('busy'),
    new FirebreakError('ResourceBusy', 'busy'),
    new FirebreakError('StepFailed', 'no'),
    new TypeError('a bug'),
  ])
    expect(await triesOf(new Patience(), 'a', error), String(error)).toBe(0);
});

it('ends for a whole run after a minute and a half, however many steps wait', async () => {
  const patience = new Patience();
  let tries = 0;
  for (let step = 0; step < 20; step++)
    tries += await triesOf(patience, `s${step}`, awsError('OperationAborted', ''));
  expect(tries).toBeLessThan(30);
});

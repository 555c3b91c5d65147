import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type IncidentRow, rowOf } from '../core/incident/list.ts';
import { incident } from '../test/fake-source.ts';
import { pollIncidents } from './watch.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('tells of a change, of an answer that failed, and nothing once it is stopped', async () => {
  let rows: readonly IncidentRow[] | Error = [rowOf(incident)];
  const calls: string[] = [];
  const list = async () => {
    if (rows instanceof Error) throw rows;
    return { items: rows, examined: rows.length, cut: false };
  };
  const stop = pollIncidents(
    { list },
    5000,
    () => calls.push('changed'),
    (error) => calls.push(String(error)),
  );
  const wait = () => vi.advanceTimersByTimeAsync(5000);
  await wait();
  await wait();
  expect(calls).toEqual([]);
  rows = [{ ...rowOf(incident), status: 'undone' }];
  await wait();
  expect(calls).toEqual(['changed']);
  rows = new Error('ThrottlingException');
  await wait();
  expect(calls).toEqual(['changed', 'Error: ThrottlingException']);
  rows = [];
  await wait();
  expect(calls).toHaveLength(3);
  stop();
  rows = [rowOf(incident)];
  await wait();
  expect(calls).toHaveLength(3);
});

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Incident } from '../core/incident/incident.ts';
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
    { list, find: async () => undefined },
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

it('tells of a change that the row of an incident under way does not show', async () => {
  const running: Incident = { ...incident, status: 'containing' };
  let live = running;
  const seen: string[] = [];
  const stop = pollIncidents(
    {
      list: async () => ({ items: [rowOf(running)], examined: 1, cut: false }),
      find: async () => live,
    },
    5000,
    () => seen.push('changed'),
    (error) => seen.push(String(error)),
  );
  const wait = () => vi.advanceTimersByTimeAsync(5000);
  await wait();
  live = { ...running, version: running.version + 1 };
  await wait();
  await wait();
  expect(seen).toEqual(['changed']);
  stop();
});

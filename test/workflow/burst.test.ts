/** More findings at one moment than Lambda has room for: none is lost, and the grave ones are contained first. */
import '../../sandbox/quiet.ts';
import { readFile } from 'node:fs/promises';
import { afterEach, expect, it } from 'vitest';
import { burstOf, burstPolicy, runBurst, SECONDS } from '../../sandbox/burst.ts';
import { type Capacity, openSlots } from '../../sandbox/capacity.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';

/** A second of AWS, in milliseconds of this test. */
const SECOND_MS = 40;

let sandbox: Sandbox | undefined;
afterEach(() => sandbox?.close());

async function start(capacity: Partial<Capacity>): Promise<Sandbox> {
  sandbox = await startSandbox({
    policy: burstPolicy(await readFile('policy.yml', 'utf8')),
    capacity: {
      ...{ account: 1000, reserved: {}, secondMs: SECOND_MS, seconds: (name) => SECONDS[name] ?? 1 },
      ...capacity,
    },
  });
  return sandbox;
}

it('a burst on an account with room for three functions loses nothing, and contains the grave first', async () => {
  const small = await start({ account: 3 });
  const outcome = await runBurst(small, burstOf(small, { grave: 3, slight: 15 }), SECOND_MS);
  expect(outcome.lost).toEqual([]);
  expect(outcome.throttled).toBeGreaterThan(30);
  expect(outcome.contained).toHaveLength(3);
  expect(outcome.reported).toHaveLength(15);
  expect(outcome.contained[1]).toBeLessThan(outcome.reported[7] ?? 0);
});

it('a target whose function never has room ends in words, and a person is paged', async () => {
  const stuck = await start({ reserved: { contain: 0 }, secondMs: 0.001, seconds: () => 0 });
  const { lost } = await runBurst(stuck, burstOf(stuck, { grave: 1, slight: 0 }), 1);
  expect(lost).toEqual([]);
  const [incident] = await stuck.incidents();
  expect(incident?.status).toBe('escalated');
  expect(stuck.twin.state.pages.map(({ subject }) => subject)).toEqual([
    `Firebreak ${incident?.id}: escalated, action required`,
  ]);
  expect(stuck.twin.state.pages[0]?.message).toContain('no record says that its containment began');
});

it('reserved concurrency is a part of the quota, and a ceiling', () => {
  const slots = openSlots({ account: 3, reserved: { contain: 1 }, secondMs: 1, seconds: () => 0 });
  const leave = slots.take('contain');
  expect(() => slots.take('contain')).toThrow('Rate Exceeded');
  slots.take('enrich');
  slots.take('report');
  expect(() => slots.take('enrich')).toThrow('Rate Exceeded');
  leave();
  slots.take('contain');
});

import { expect, it } from 'vitest';
import { FirebreakError } from '../core/errors.ts';
import { inTurn, MOST_TURNS } from './turn.ts';

const BUSY = new FirebreakError('ResourceBusy', 'another incident is changing this resource right now');
const busy = () => Promise.reject(BUSY);
const input = { incidentId: 'fb-1', index: 0, inTurn: true } as const;

it('gives the workflow what to call again with', async () => {
  expect(await inTurn(input, busy)).toEqual({ ...input, busy: true, turns: 1 });
  expect(await inTurn({ ...input, turns: 3 }, busy)).toEqual({ ...input, busy: true, turns: 4 });
  expect(await inTurn(input, async () => ({ index: 0 }))).toEqual({ index: 0 });
});

it('fails after the last turn, for a definition that does not wait, and for any other error', async () => {
  await expect(inTurn({ ...input, turns: MOST_TURNS }, busy)).rejects.toThrow(BUSY);
  await expect(inTurn({ incidentId: 'fb-1', index: 0 }, busy)).rejects.toThrow(BUSY);
  await expect(inTurn(input, () => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
});

import { expect, it } from 'vitest';
import { tableOf, tryAll } from '../all.ts';

it('undo: nothing is lost, at any call, by any fault', { timeout: Number.MAX_SAFE_INTEGER }, async () => {
  const rows = await tryAll('undo');
  process.stdout.write(`${tableOf('undo', rows)}\n`);
  expect(rows.flatMap(({ failed }) => failed)).toEqual([]);
});

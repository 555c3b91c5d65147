import { expect, it } from 'vitest';
import { tableOf, tryAll } from '../all.ts';

it('contain: nothing is lost, at any call, by any fault', { timeout: Number.MAX_SAFE_INTEGER }, async () => {
  const rows = await tryAll('contain');
  process.stdout.write(`${tableOf('contain', rows)}\n`);
  expect(rows.flatMap(({ failed }) => failed)).toEqual([]);
});

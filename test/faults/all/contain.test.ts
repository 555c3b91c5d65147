import { expect, it } from 'vitest';
import { ONE_DAY_MS, report, tryAll } from '../all.ts';
import { isKnown } from '../known.ts';

it('contain: nothing is lost, at any call, by any fault', { timeout: ONE_DAY_MS }, async () => {
  const rows = await tryAll('contain');
  process.stdout.write(report('contain', rows));
  expect(rows.flatMap(({ failed }) => failed).filter((one) => !isKnown(one)).length).toBe(0);
});

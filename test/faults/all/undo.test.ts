import { expect, it } from 'vitest';
import { ONE_DAY_MS, report, tryAll } from '../all.ts';
import { isKnown } from '../known.ts';

it('undo: nothing is lost, at any call, by any fault', { timeout: ONE_DAY_MS }, async () => {
  const rows = await tryAll('undo');
  process.stdout.write(report('undo', rows));
  expect(rows.flatMap(({ failed }) => failed).filter((one) => !isKnown(one)).length).toBe(0);
});

/** In a process of its own: what other tests leave on the heap would be measured as well. */
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { readFindings } from './input.ts';

/** A small finding with everything that misleads a reader of brackets. */
const finding = (n: number) => ({
  schemaVersion: '2.0',
  n,
  type: 'Backdoor:EC2/C&CActivity.B',
  resource: { list: [{ key: 'a', value: '}{][ "{' }], none: {}, empty: [] },
  service: { info: '{"sample": "é"}', n: -1.5e3, path: 'C:\\{' },
  severity: 8,
});

const json = (n: number) => JSON.stringify(finding(n));

it('keeps its memory while a long stream goes through', async () => {
  const line = `${JSON.stringify({ id: 'x'.repeat(5000) })}\n`;
  async function* stream() {
    for (let index = 0; index < 40_000; index++) yield line;
  }
  let count = 0;
  let most = 0;
  for await (const item of readFindings(['-'], Readable.from(stream()))) {
    expect('raw' in item).toBe(true);
    count += 1;
    if (count % 5000 === 0) most = Math.max(most, process.memoryUsage().heapUsed);
  }
  expect(count).toBe(40_000);
  expect(most).toBeLessThan(400 * 1024 * 1024);
});

it('needs no more memory for a list, a line or a hole that is long', async () => {
  const member = `${json(1)},`.repeat(2000);
  async function* chunks() {
    yield '[';
    for (let n = 0; n < 200; n++) yield member;
    yield `${json(1)}]`;
    for (let n = 0; n < 100; n++) yield '\0'.repeat(1 << 20);
    for (let n = 0; n < 100; n++) yield 'x'.repeat(1 << 20);
  }
  let found = 0;
  let most = 0;
  for await (const item of readFindings(['-'], Readable.from(chunks()))) {
    if ('raw' in item) found += 1;
    if (found % 20_000 === 0) most = Math.max(most, process.memoryUsage().heapUsed);
  }
  expect(found).toBe(400_001);
  expect(most).toBeLessThan(500 * 1024 * 1024);
});

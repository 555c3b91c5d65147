import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readFindings } from './input.ts';

async function all(...parts: (string | Uint8Array)[]) {
  const items = [];
  for await (const item of readFindings(['-'], Readable.from(parts))) items.push(item);
  return items;
}

describe('readFindings', () => {
  it.each([
    ['one line', '{"id":1}'],
    ['NDJSON', '{"id":1}\n{"id":2}\r\n\n{"id":3}\n'],
    ['a pretty-printed document', JSON.stringify({ id: 1, deep: { a: ['}', '"{'] } }, null, 2)],
    ['a list', '[{"id":1},{"id":2}]'],
    ['a pretty-printed list', JSON.stringify([{ id: 1 }, { id: 2 }], null, 2)],
    ['a GetFindings answer', JSON.stringify({ Findings: [{ id: 1 }, { id: 2 }], NextToken: '' }, null, 2)],
    ['a byte order mark', '\ufeff{"id":1}'],
  ])('reads %s, however it is cut', async (_name, text) => {
    const whole = await all(text);
    expect(whole.every((item) => 'raw' in item)).toBe(true);
    const bytes = Buffer.from(text);
    expect(await all(...Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))).toEqual(whole);
  });

  it.each([
    ['an empty input', '', 'empty'],
    ['truncated JSON', '{"id": {"a": 1', 'JSON ends early'],
    ['a truncated list', '[\n{"id":1},\n{"id":2}', 'the list is not closed'],
    ['text', 'hello\n', 'not JSON'],
  ])('says what is wrong with %s', async (_name, text, message) => {
    const errors = (await all(text)).flatMap((item) => ('error' in item ? [item.error] : []));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(message);
  });

  it('goes on after a broken line', async () => {
    const items = await all('{"id":1}\nnonsense\n{"id":2}\n');
    expect(items.map((item) => 'raw' in item)).toEqual([true, false, true]);
  });

  it('says that a file is missing, and reads the others', async () => {
    const items = [];
    for await (const item of readFindings(['/nowhere.json', '-'], Readable.from(['{"id":1}'])))
      items.push(item);
    expect(items).toEqual([{ error: '/nowhere.json: there is no such file' }, { raw: { id: 1 } }]);
  });
});

import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { carriesFinding, findingsIn } from './envelopes.ts';
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

function damagedGzip(): Uint8Array {
  const bytes = gzipSync(json(2));
  return bytes.fill(0xff, 20, 40);
}

const event = (n: number) => ({ version: '0', source: 'aws.guardduty', detail: finding(n) });

/** How documents stand in a stream. `separate` is what ends each of them. */
const FRAMES: Readonly<Record<string, (documents: readonly object[], end: string) => string>> = {
  lines: (documents, end) => documents.map((each) => JSON.stringify(each) + end).join(''),
  'one after the other': (documents, end) => documents.map((each) => JSON.stringify(each)).join('') + end,
  spaces: (documents, end) => documents.map((each) => JSON.stringify(each)).join(' ') + end,
  commas: (documents, end) => documents.map((each) => JSON.stringify(each)).join(',') + end,
  pretty: (documents, end) =>
    documents.map((each) => JSON.stringify(each, null, 2).replaceAll('\n', end) + end).join(''),
  list: (documents, end) => JSON.stringify(documents) + end,
  'pretty list': (documents, end) => JSON.stringify(documents, null, 1).replaceAll('\n', end) + end,
  'one a line in a list': (documents, end) =>
    `[${end}${documents.map((each) => JSON.stringify(each)).join(`,${end}`)}${end}]${end}`,
  answer: (documents, end) => JSON.stringify({ Findings: documents, NextToken: 'x' }) + end,
  'pretty answer': (documents, end) =>
    JSON.stringify({ findings: documents, nextToken: '' }, null, 2).replaceAll('\n', end) + end,
  'record separators': (documents, end) =>
    documents.map((each) => `\u001e${JSON.stringify(each)}${end}`).join(''),
  'a log prefix': (documents, end) =>
    documents
      .map((each) => `[INFO] 2026-01-05T10:06:00Z host app[7]: ${JSON.stringify(each)}${end}`)
      .join(''),
  'NUL bytes': (documents) => documents.map((each) => `${JSON.stringify(each)}\0`).join(''),
  NaN: (documents, end) =>
    documents.map((each) => JSON.stringify(each).replace('-1500', 'NaN') + end).join(''),
  'texts of SQS': (documents, end) =>
    JSON.stringify({ Messages: documents.map((each) => ({ Body: JSON.stringify(each) })) }) + end,
  'base64 of Firehose': (documents, end) =>
    JSON.stringify({
      records: documents.map((each) => ({ data: Buffer.from(JSON.stringify(each)).toString('base64') })),
    }) + end,
};

interface Segment {
  readonly frame: string;
  readonly count: number;
  readonly events: boolean;
  readonly damage?: {
    readonly how: string;
    readonly at: number;
    readonly length: number;
    readonly by: string;
  };
}

const segment = fc.record(
  {
    frame: fc.constantFrom(...Object.keys(FRAMES)),
    count: fc.integer({ min: 1, max: 3 }),
    events: fc.boolean(),
    damage: fc.record({
      how: fc.constantFrom('cut the end', 'cut the beginning', 'cut out', 'overwrite'),
      at: fc.nat(10_000),
      length: fc.integer({ min: 1, max: 60 }),
      by: fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '\\', 'x', '\n', '\0', '{ "', '{\n', '\0\0\0'),
    }),
  },
  { requiredKeys: ['frame', 'count', 'events'] },
);

const stream = fc.record({
  segments: fc.array(segment, { minLength: 1, maxLength: 3 }),
  end: fc.constantFrom('\n', '\r\n', '\r'),
  encoding: fc.constantFrom(
    'utf8',
    'utf8',
    'utf8',
    'utf8 with mark',
    'utf16le',
    'utf16be',
    'gzip',
    'gzip in two',
  ),
  chunk: fc.oneof(
    { weight: 1, arbitrary: fc.constant(1) },
    { weight: 20, arbitrary: fc.integer({ min: 40, max: 4000 }) },
  ),
});

function textOf(segments: readonly Segment[], end: string): string {
  let n = 0;
  const parts = segments.map(({ frame, count, events, damage }) => {
    const documents = Array.from({ length: count }, () => {
      n += 1;
      return events ? event(n) : finding(n);
    });
    const text = FRAMES[frame]?.(documents, end) ?? '';
    if (!damage) return text;
    const at = damage.at % text.length;
    switch (damage.how) {
      case 'cut the end':
        return text.slice(0, at);
      case 'cut the beginning':
        return text.slice(at);
      case 'cut out':
        return text.slice(0, at) + text.slice(at + damage.length);
      default:
        return text.slice(0, at) + damage.by + text.slice(at + damage.by.length);
    }
  });
  return parts.join('');
}

function encoded(text: string, encoding: string): Uint8Array {
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
  const half = Math.floor(text.length / 2);
  switch (encoding) {
    case 'utf8 with mark':
      return Buffer.from(`\ufeff${text}`);
    case 'utf16le':
      return utf16;
    case 'utf16be':
      return utf16.swap16();
    case 'gzip':
      return gzipSync(text);
    case 'gzip in two':
      return Buffer.concat([gzipSync(text.slice(0, half)), Buffer.from(text.slice(half))]);
    default:
      return Buffer.from(text);
  }
}

async function read(bytes: Uint8Array, chunk: number) {
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, index) =>
    bytes.subarray(index * chunk, (index + 1) * chunk),
  );
  const errors: string[] = [];
  const numbers: number[] = [];
  for await (const item of readFindings(['-'], Readable.from(chunks))) {
    if ('error' in item) errors.push(item.error);
    else {
      const found = numberOf(item.raw);
      numbers.push(...found);
      // Valid JSON all the same, and refused by the parser of findings.
      if (found.length === 0) errors.push('line 1, column 1: not a finding');
    }
  }
  return { errors, numbers };
}

function numberOf(raw: unknown): readonly number[] {
  if (typeof raw !== 'object' || raw === null || !carriesFinding(raw)) return [];
  const inner = 'detail' in raw ? raw.detail : raw;
  return typeof inner === 'object' && inner !== null && 'n' in inner && typeof inner.n === 'number'
    ? [inner.n]
    : [];
}

/** Tries every opening brace with every closing one: slow, and beyond doubt. */
function oracle(text: string): { readonly numbers: readonly number[]; readonly rest: string } {
  const numbers: number[] = [];
  let from = 0;
  let rest = '';
  let end = 0;
  for (let open = text.indexOf('{'); open !== -1; open = text.indexOf('{', from)) {
    from = open + 1;
    for (let close = text.indexOf('}', open); close !== -1; close = text.indexOf('}', close + 1)) {
      const value = parsed(text.slice(open, close + 1));
      if (value === 'broken') break;
      if (value === 'short') continue;
      if (carriesFinding(value)) {
        for (const item of findingsIn(value)) if ('raw' in item) numbers.push(...numberOf(item.raw));
        rest += text.slice(end, open);
        from = close + 1;
        end = from;
      }
      break;
    }
  }
  return { numbers, rest: rest + text.slice(end) };
}

/** `short` where a later brace may close it, `broken` where none can. */
function parsed(text: string): unknown {
  if (!/^\{[\s\0]*["}]/.test(text) || text.includes('\0\0')) return 'broken';
  try {
    return JSON.parse(text.replaceAll('\0', ' ').replaceAll('NaN', 'null'));
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const position = /at position (\d+)/.exec(message)?.[1];
    const short = position === undefined || /Unterminated/.test(message) || Number(position) >= text.length;
    return short ? 'short' : 'broken';
  }
}

const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

describe('a damaged stream', () => {
  it('loses no finding that stands whole in it, in 10,000 random streams', async () => {
    await fc.assert(
      fc.asyncProperty(stream, async ({ segments, end, encoding, chunk }) => {
        const text = textOf(segments, end);
        if (text === '') return;
        const whole = oracle(text);
        const { errors, numbers } = await read(encoded(text, encoding), chunk);
        expect(sorted(numbers)).toEqual(expect.arrayContaining(sorted(whole.numbers)));
        expect(new Set(numbers).size).toBe(numbers.length);
        // Nothing vanishes in silence, unless it left no trace.
        const all = segments.reduce((sum, { count }) => sum + count, 0);
        const prefixed = segments.some(({ frame }) => frame === 'a log prefix');
        const lists = whole.rest.split('[').length !== whole.rest.split(']').length;
        const trace = /[{}"]/.test(whole.rest) || (lists && !prefixed);
        if (numbers.length < all && trace) expect(errors).not.toEqual([]);
        if (!segments.some(({ damage }) => damage))
          expect({ errors, read: numbers.length }).toEqual({ errors: [], read: all });
        for (const error of errors) expect(error).toMatch(/line \d+, column \d+: /);
      }),
      { numRuns: 10_000, seed: 20_260_105 },
    );
  });

  it('names each document that was cut, one after the other or between others, once', async () => {
    const lines = fc.array(fc.option(fc.nat(10_000), { freq: 2 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(lines, fc.constantFrom('\n', '\r\n', '\r', '\n\u001e'), async (cuts, end) => {
        const text = cuts.map((cut, n) => {
          const whole = JSON.stringify(finding(n));
          return (cut === null ? whole : whole.slice(0, 1 + (cut % (whole.length - 1)))) + end;
        });
        const { errors, numbers } = await read(Buffer.from(text.join('')), 1000);
        expect(numbers).toEqual(cuts.flatMap((cut, n) => (cut === null ? [n] : [])));
        expect(errors).toHaveLength(cuts.filter((cut) => cut !== null).length);
      }),
      { numRuns: 1000 },
    );
  });

  const le = (text: string) => Buffer.from(text, 'utf16le');
  const be = (text: string) => le(text).swap16();
  const appended: Readonly<Record<string, readonly Uint8Array[]>> = {
    'UTF-16 to UTF-8': [Buffer.from(`${json(1)}\n`), le(`${json(2)}\n`)],
    'UTF-16 to a cut line end': [Buffer.from(json(1)), le(`\r\n${json(2)}`)],
    'UTF-16 with a mark to UTF-8': [Buffer.from(json(1)), le(`\ufeff${json(2)}`)],
    'big-endian UTF-16 with a mark': [Buffer.from(`${json(1)}\n`), be(`\ufeff${json(2)}`)],
    'UTF-8 to UTF-16': [le(`\ufeff${json(1)}\n`), Buffer.from(`${json(2)}\n`)],
    'UTF-8 with a mark to UTF-16': [be(`\ufeff${json(1)}\r\n`), Buffer.from(`\ufeff${json(2)}\n`)],
    'UTF-16 to UTF-16': [le(`\ufeff${json(1)}\n`), le(`\ufeff${json(2)}\n`)],
    'UTF-16 of the other order': [le(`\ufeff${json(1)}\n`), be(`\ufeff${json(2)}\n`)],
  };
  it.each(Object.keys(appended))('is read in each of its encodings: %s', async (name) => {
    for (const chunk of [1, 2, 3, 7, 100, 1 << 20])
      expect(await read(Buffer.concat(appended[name] ?? []), chunk), `${chunk}`).toEqual({
        errors: [],
        numbers: [1, 2],
      });
  });

  it.each<[string, string | Uint8Array, readonly number[], readonly RegExp[]]>([
    ['a lone brace', `{\n${json(1)}\n`, [1], [/line 2, column 1: not JSON: unexpected "{"/]],
    ['a lone bracket', `[\n${json(1)}\n${json(2)}\n`, [1, 2], [/line 3, column 1: not JSON: expected ","/]],
    ['a beginning of a key', `{ "\n${json(1)}\n`, [1], [/line 1, column 4: .*unexpected end of the line/]],
    ['two arrays on a line', `[${json(1)}][${json(2)}]`, [1, 2], []],
    [
      'two answers on a line',
      `{"Findings":[${json(1)}]}{"Findings":[${json(2)}],"NextToken":"x"}`,
      [1, 2],
      [],
    ],
    ['findings behind an answer', `{"Findings":[${json(1)}]} ${json(2)}\n${json(3)}`, [1, 2, 3], []],
    ['findings behind a list', `[${json(1)}]${json(2)}`, [1, 2], []],
    [
      'a cut list member',
      `[${json(1)},{"n":,${json(2)}]`,
      [1, 2],
      [/line 1, column \d+: not JSON: unexpected ","/],
    ],
    ['text before and behind', `2026-01-05 INFO ${json(1)}\n${json(2)} done\n`, [1, 2], [/line 2, .*"done"/]],
    ['a hole', `${json(1)}\n\0\0\0\0${json(2)}`, [1, 2], [/line 2, column 1: 4 NUL bytes/]],
    ['a document that begins in a cut text', `{"n":7,"title":"A ti${json(1)}`, [1], [/line 1/]],
    ['a text that is JSON', JSON.stringify(json(1)), [1], []],
    [
      'gzip and plain text',
      Buffer.concat([gzipSync(json(1)), Buffer.from(json(2)), gzipSync(json(3))]),
      [1, 2, 3],
      [],
    ],
    [
      'gzip that ends early',
      Buffer.concat([gzipSync(`${json(1)}\n${json(2)}`)]).subarray(0, -9),
      [1, 2],
      [/gzip/],
    ],
    [
      'damaged gzip between others',
      Buffer.concat([gzipSync(`${json(1)}\n`), damagedGzip(), gzipSync(json(3))]),
      [1, 3],
      [/line \d+, column \d+: gzip/],
    ],
    [
      'garbage behind gzip',
      Buffer.concat([gzipSync(json(1)), Buffer.from('\x00\x00garbage')]),
      [1],
      [/NUL|garbage/],
    ],
    [
      'a damaged record of Firehose',
      JSON.stringify({ records: [`${json(1)}{"n":`, json(2)].map((text) => ({ data: btoa(text) })) }),
      [1, 2],
      [/records\[0\]\.data: line 1, column \d+: JSON ends early/],
    ],
    [
      'records without anything between them, one of them cut',
      JSON.stringify({ Records: [{ body: `${json(1)}${json(2).slice(0, 40)}` }, { body: json(3) }] }),
      [1, 3],
      [/Records\[0\]\.body: line 1, column \d+: JSON ends early/],
    ],
    [
      'CloudWatch Logs that were cut',
      JSON.stringify({
        awslogs: {
          data: gzipSync(JSON.stringify({ logEvents: [{ message: json(1) }, { message: json(2) }] }))
            .subarray(0, -12)
            .toString('base64'),
        },
      }),
      [1],
      [/awslogs\.data: /],
    ],
  ])('is read past %s', async (_name, input, numbers, problems) => {
    const result = await read(typeof input === 'string' ? Buffer.from(input) : input, 1 << 20);
    expect(result.numbers).toEqual(numbers);
    expect(result.errors).toHaveLength(problems.length);
    problems.forEach((problem, index) => {
      expect(result.errors[index]).toMatch(problem);
    });
  });
});

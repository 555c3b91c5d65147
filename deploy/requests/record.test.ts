import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { recorder, seenLine } from './record.ts';

const kept = (inputs: readonly object[]): readonly unknown[] => {
  const { see, lines } = recorder();
  for (const input of inputs) see('EC2', 'DescribeInstances', 'request', input);
  return lines().map((line) => seenLine.parse(JSON.parse(line)).value);
};

it('keeps one of many calls that differ in ids alone', () => {
  const calls = Array.from({ length: 500 }, (_, index) => ({
    InstanceIds: [`i-${index.toString(16).padStart(17, '0')}`],
  }));
  expect(kept(calls)).toHaveLength(1);
});

it('keeps every member, every word, every longer text and larger number', () => {
  const calls = [
    { Attribute: 'stop' },
    { Attribute: 'terminate' },
    { Attribute: 'stop', Extra: undefined },
    { Attribute: 'stop', MaxResults: 5 },
    { Attribute: 'stop', MaxResults: 5 },
    { Attribute: 'stop', MaxResults: 1000 },
    { Description: `x${'1'.repeat(100)}` },
    { Description: `x${'1'.repeat(300)}` },
    { Description: '' },
  ];
  expect(kept(calls)).toHaveLength(7);
});

it('keeps an element of a list that has what no other had', () => {
  expect(kept([{ Tags: [{ Key: 'a' }] }, { Tags: [{ Key: 'a' }, { Key: 'a', Wrong: 1 }] }])).toHaveLength(2);
});

it('says of what JSON cannot hold what it is', () => {
  const Read = { transformToString: () => Promise.resolve('') };
  const [value] = kept([{ At: new Date(0), Body: Readable.from([]), Read, Blob: new Uint8Array(3) }]);
  expect(value).toEqual({
    At: { $timestamp: '1970-01-01T00:00:00.000Z' },
    Body: { $bytes: 0 },
    Read: { $bytes: 0 },
    Blob: { $bytes: 3 },
  });
});

import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import { simulatedEvent } from '../../sandbox/simulated/event.ts';
import { objectScan } from '../../test/scan-events.ts';
import { findingsIn } from './envelopes.ts';
import { readFindings } from './input.ts';

const event = simulatedEvent('Trojan:EC2/DropPoint', {
  scope: { partition: 'aws', account: '111122223333', region: 'eu-west-1' },
  severity: 'high',
  now: new Date('2026-01-01T00:00:00Z'),
  seed: 'envelope',
  sample: false,
});
const text = JSON.stringify(event);
const base64 = (value: string) => Buffer.from(value).toString('base64');
const logs = { messageType: 'DATA_MESSAGE', logEvents: [{ id: '1', timestamp: 1, message: text }] };
const zipped = gzipSync(JSON.stringify(logs)).toString('base64');
const notification = { Type: 'Notification', MessageId: 'm', TopicArn: 't', Message: text };

describe('the event of a malware scan', () => {
  const scan = objectScan('THREATS_FOUND', { bucketName: 'uploads', objectKey: 'a.exe', eTag: 'e' });
  it.each<[string, unknown]>([
    ['on its own', scan],
    ['in a Lambda event of SQS', { Records: [{ messageId: 'm', body: JSON.stringify(scan) }] }],
    ['in an envelope of Splunk', { result: { _raw: JSON.stringify(scan) } }],
    ['with its detail as text', { ...scan, detail: JSON.stringify(scan.detail) }],
  ])('is read %s', (_name, envelope) => {
    expect(findingsIn(envelope).map((item) => 'raw' in item && parseFinding(item.raw))).toEqual([
      parseFinding(scan),
    ]);
  });
});

describe('findingsIn', () => {
  it.each<[string, unknown]>([
    ['an SNS notification', notification],
    ['a Lambda event of SNS', { Records: [{ EventSource: 'aws:sns', Sns: notification }] }],
    ['a Lambda event of SQS', { Records: [{ messageId: 'm', body: text }] }],
    ['SNS in SQS', { Records: [{ messageId: 'm', body: JSON.stringify(notification) }] }],
    ['what `sqs receive-message` prints', { Messages: [{ MessageId: 'm', Body: text }] }],
    ['a Lambda event of Kinesis', { Records: [{ kinesis: { data: base64(text) } }] }],
    ['Firehose records', { records: [{ recordId: 'r', data: base64(`${text}\n`) }] }],
    ['CloudWatch Logs', logs],
    ['a Lambda event of CloudWatch Logs', { awslogs: { data: zipped } }],
    ['CloudWatch Logs in Kinesis', { Records: [{ kinesis: { data: zipped } }] }],
    ['an execution of Step Functions', { executionArn: 'a', status: 'FAILED', input: text }],
    ['an event whose detail is text', { ...event, detail: JSON.stringify(event['detail']) }],
  ])('reads %s', (_name, envelope) => {
    expect(findingsIn(envelope).map((item) => 'raw' in item && parseFinding(item.raw))).toEqual([
      parseFinding(event),
    ]);
  });

  it('takes several documents out of one record', () => {
    expect(findingsIn({ records: [{ data: base64(`${text}\n${text}\n`) }] })).toEqual([
      { raw: event },
      { raw: event },
    ]);
  });

  it('returns what is none of them, and ends with an envelope in itself', () => {
    for (const other of [{}, { data: 'zzz' }, { message: 'hello' }, { input: '{broken' }, { Records: [1] }])
      for (const item of findingsIn(other))
        expect(() => parseFinding('raw' in item ? item.raw : undefined)).toThrow(/expected|nothing/);
    let deep: unknown = event;
    for (let level = 0; level < 50; level++) deep = { Records: [deep] };
    expect(findingsIn(deep)).toHaveLength(1);
  });
});

describe('readFindings', () => {
  const all = async (...parts: Uint8Array[]) => {
    const items = [];
    const { Readable } = await import('node:stream');
    for await (const item of readFindings(['-'], Readable.from(parts))) items.push(item);
    return items;
  };

  it('reads what GuardDuty exports to S3 (.jsonl.gz), however it is cut', async () => {
    const bytes = gzipSync(`${text}\n${text}\n`);
    const wanted = [{ raw: event }, { raw: event }];
    expect(await all(bytes)).toEqual(wanted);
    expect(await all(...Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))).toEqual(wanted);
  });

  it('says when such a file is cut off', async () => {
    const errors = await all(gzipSync(text).subarray(0, 60));
    expect(errors.at(-1)).toHaveProperty('error');
  });
});

describe('what is no finding of GuardDuty', () => {
  it.each<[unknown, RegExp]>([
    [
      {
        source: 'aws.guardduty',
        'detail-type': 'GuardDuty Malware Protection Object Scan Result',
        detail: {},
      },
      /not the result of a malware scan/,
    ],
    [{ Id: 'i', ProductArn: 'p', Types: ['TTPs'] }, /ASFF/],
    [{ class_uid: 2004 }, /OCSF/],
    [{ FindingIds: ['a'] }, /ListFindings/],
  ])('is said by name: %j', (input, message) => {
    expect(() => parseFinding(input)).toThrow(message);
  });
});

describe('times', () => {
  it.each<[unknown, string]>([
    [1_767_225_600, '2026-01-01T00:00:00.000Z'],
    [1_767_225_600.5, '2026-01-01T00:00:00.500Z'],
    [1_767_225_600_000, '2026-01-01T00:00:00.000Z'],
    ['1767225600000', '2026-01-01T00:00:00.000Z'],
    ['1767225600', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01 00:00:00.000 UTC', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T01:00:00+01:00', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T00:00:00', '2026-01-01T00:00:00.000Z'],
  ])('%j is %s', (updatedAt, wanted) => {
    const detail = { ...(event['detail'] as object), updatedAt };
    expect(parseFinding({ ...event, detail }).updatedAt).toBe(wanted);
  });
});

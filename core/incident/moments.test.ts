/** One timeline: the principal's calls and Firebreak's actions, merged in order. */
import { describe, expect, it } from 'vitest';
import { momentsOf, readable } from './moments.ts';

const call = (at: string, name: string, error?: string) => ({
  ...{ at, name, source: 's3.amazonaws.com', region: 'eu-west-1', ip: '198.51.100.77', readOnly: true },
  ...(error === undefined ? {} : { error }),
});

describe('the timeline', () => {
  const moments = momentsOf({
    incident: { createdAt: '2026-11-24T07:40:00.000Z' },
    finding: {
      createdAt: '2026-11-24T07:39:00.000Z',
      service: { eventFirstSeen: '2026-11-24T07:30:00.000Z' },
    },
    timeline: [
      { at: '2026-11-24T07:40:00.100Z', event: 'finding received' },
      { at: '2026-11-24T07:40:05.000Z', event: 'contained' },
    ],
    context: {
      activity: {
        ...{ kind: 'read', of: 'access key ASIA1', from: '', to: '', more: false },
        events: [
          // CloudTrail writes whole seconds, which sort as text after a time with milliseconds.
          call('2026-11-24T07:29:00Z', 'ListBuckets'),
          call('2026-11-24T07:40:01Z', 'GetObject'),
          call('2026-11-24T07:40:02Z', 'GetObject'),
          call('2026-11-24T07:40:06Z', 'GetObject', 'AccessDenied'),
        ],
      },
    },
  });

  it('has calls, detections and actions in order, the same call again on one line', () => {
    expect(moments.map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
      'call: access key ASIA1: s3:ListBuckets from 198.51.100.77',
      'detection: GuardDuty saw the activity for the first time',
      'detection: GuardDuty wrote the finding',
      'detection: finding received',
      'call: access key ASIA1: s3:GetObject from 198.51.100.77, 2 times',
      'proof: contained',
      'call: access key ASIA1: s3:GetObject from 198.51.100.77, refused (AccessDenied)',
    ]);
    expect(moments.at(0)?.since).toBe(-660_000);
  });

  it.each([
    [`fb-4218e2c898ba: SHA-256 ${'ab'.repeat(32)}`, 'fb-4218e2c898ba: SHA-256 abababab…'],
    [
      'contained: arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc contained; until 2026-11-30T17:59:42.320Z',
      'contained: instance i-0abc contained; until 2026-11-30 17:59 UTC',
    ],
    [
      'arn:aws-us-gov:sts::111122223333:assumed-role/web-app/i-0abc: the role is protected',
      'session i-0abc of role web-app: the role is protected',
    ],
  ])('reads %s as words', (written, shown) => {
    expect(readable(written)).toBe(shown);
  });
});

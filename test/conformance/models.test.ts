/** What `npm run requests:check` holds requests and answers against sees every kind of fault, and nothing in what AWS takes. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { problemSchema } from '../../deploy/requests/problem.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'firebreak-models-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Seen = readonly [service: string, operation: string, side: 'request' | 'answer', value: unknown];

function judge(seen: readonly Seen[]): readonly string[] {
  const file = join(folder, 'record.jsonl');
  const lines = seen.map(([service, operation, side, value]) =>
    JSON.stringify({ service, operation, side, value }),
  );
  writeFileSync(file, `${lines.join('\n')}\n`);
  const { stdout, stderr, status } = spawnSync('.venv/bin/python', ['deploy/requests/models.py', file], {
    env: { ...process.env, PYTHONPATH: '.venv/models' },
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  const found: unknown[] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const count = (side: string) => seen.filter(([, , one]) => one === side).length;
  expect(found.pop()).toMatchObject({ sides: { request: count('request'), answer: count('answer') } });
  return found
    .map((line) => problemSchema.parse(line))
    .map(({ operation, side, path, problem }) => `${operation} ${side}${path}: ${problem.split(' [')[0]}`);
}

const ROLE = {
  RoleArn: 'arn:aws:iam::111122223333:role/firebreak-reader',
  RoleSessionName: 'fb-000000000000',
};

it('finds nothing in what AWS takes and answers', () => {
  expect(
    judge([
      ['STS', 'AssumeRole', 'request', { ...ROLE, DurationSeconds: 900, Policy: '{"Version":"2012-10-17"}' }],
      ['EC2', 'DescribeInstances', 'answer', { Reservations: [{ Instances: [{ InstanceId: 'i-0' }] }] }],
      [
        'EC2',
        'DescribeInstances',
        'answer',
        { Reservations: [{ Instances: [{ LaunchTime: { $timestamp: '2026-11-30T00:00:00.000Z' } }] }] },
      ],
      ['GuardDuty', 'ListDetectors', 'answer', { DetectorIds: ['d'] }],
      ['S3', 'GetObject', 'answer', { Body: { $bytes: 0 } }],
      // The SDK fills in the token.
      ['GuardDuty', 'CreateFilter', 'request', { DetectorId: 'd', Name: 'abc', FindingCriteria: {} }],
    ]),
  ).toEqual([]);
});

it.each<[string, Seen, string]>([
  [
    'absent',
    ['STS', 'AssumeRole', 'request', { RoleSessionName: 'ab' }],
    'AssumeRole request.RoleArn: required and absent',
  ],
  [
    'unknown',
    ['STS', 'AssumeRole', 'request', { ...ROLE, Role: 'x' }],
    'AssumeRole request.Role: unknown member',
  ],
  [
    'too short',
    ['STS', 'AssumeRole', 'request', { ...ROLE, RoleSessionName: 'a' }],
    'AssumeRole request.RoleSessionName: length below 2',
  ],
  [
    'too long',
    ['STS', 'AssumeRole', 'request', { ...ROLE, RoleSessionName: 'a'.repeat(65) }],
    'AssumeRole request.RoleSessionName: length above 64',
  ],
  [
    'out of range',
    ['STS', 'AssumeRole', 'request', { ...ROLE, DurationSeconds: 60 }],
    'AssumeRole request.DurationSeconds: value below 900',
  ],
  [
    'of another type',
    ['STS', 'AssumeRole', 'request', { ...ROLE, DurationSeconds: '900' }],
    'AssumeRole request.DurationSeconds: not of the type integer',
  ],
  [
    'of other characters',
    ['STS', 'AssumeRole', 'request', { ...ROLE, Policy: '☃' }],
    'AssumeRole request.Policy: not of the pattern',
  ],
  [
    'not of the enumeration',
    [
      'GuardDuty',
      'CreateFilter',
      'request',
      { DetectorId: 'd', Name: 'abc', FindingCriteria: {}, Action: 'HIDE' },
    ],
    'CreateFilter request.Action: not of the enumeration',
  ],
  [
    'no list',
    ['EC2', 'DescribeInstances', 'request', { InstanceIds: 'i-0' }],
    'DescribeInstances request.InstanceIds: not a list',
  ],
  [
    'null',
    ['EC2', 'DescribeInstances', 'answer', { NextToken: null }],
    'DescribeInstances answer.NextToken: null',
  ],
  [
    'text for a time',
    ['EC2', 'DescribeInstances', 'answer', { Reservations: [{ Instances: [{ LaunchTime: '2026' }] }] }],
    'DescribeInstances answer.Reservations[].Instances[].LaunchTime: not a time',
  ],
  [
    'of no service',
    ['Nothing', 'DescribeInstances', 'request', {}],
    'DescribeInstances request: no such service',
  ],
  ['no operation', ['EC2', 'DescribeNothing', 'request', {}], 'DescribeNothing request: no such operation'],
])('finds what is %s', (_what, seen, problem) => {
  expect(judge([seen])).toEqual([problem]);
});

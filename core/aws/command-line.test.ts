import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { awsCommand, shellWord } from './command-line.ts';

const HOSTILE = [
  '$(id)',
  '`id`',
  "'; id; '",
  '"; id',
  'a b',
  '*',
  '~',
  '\\',
  '!x',
  'a\nb',
  '-x',
  '#',
  '',
  '$HOME',
];

it('makes one word of any text, as a shell reads it', () => {
  for (const text of HOSTILE)
    expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`]).toString()).toBe(text);
});

it('is no command where a value is missing, invisible, or could be read as an option', () => {
  expect(awsCommand('iam get-role', { 'role-name': undefined })).toBeUndefined();
  expect(awsCommand('iam get-role', { 'role-name': '' })).toBeUndefined();
  expect(awsCommand('iam get-role', { 'role-name': 'a\u202eb' })).toBeUndefined();
  expect(awsCommand('ec2 stop-instances', { 'instance-ids': [] })).toBeUndefined();
  expect(awsCommand('ec2 stop-instances', { 'instance-ids': ['--debug'] })).toBeUndefined();
});

it('joins a value to its option, so that a dash in front stays a value', () => {
  expect(awsCommand('iam get-role', { 'role-name': '--debug' })).toBe('aws iam get-role --role-name=--debug');
  expect(awsCommand('ec2 stop-instances', { region: 'eu-west-1', 'instance-ids': ['i-1', 'i-2'] })).toBe(
    'aws ec2 stop-instances --region=eu-west-1 --instance-ids i-1 i-2',
  );
});

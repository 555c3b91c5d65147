/** Every kind of step says its change in words. */
import { describe, expect, it } from 'vitest';
import { PLAYBOOKS } from '../../playbooks/index.ts';
import { changeWords, describesKind, namesIn } from './change-words.ts';

describe('a change in words', () => {
  it.each([...new Set(PLAYBOOKS.flatMap(({ kinds }) => Object.keys(kinds)))])('knows the kind %s', (kind) => {
    expect(describesKind(kind)).toBe(true);
  });

  it('names groups, not ids alone', () => {
    const names = namesIn([{ interfaces: [{ id: 'eni-1', groups: [{ id: 'sg-0abc', name: 'web (x)' }] }] }]);
    const change = {
      kind: 'interface-groups',
      args: { eni: 'eni-0a' },
      before: ['sg-0abc'],
      after: ['sg-0def'],
    };
    expect(changeWords(change, { ...names, 'sg-0def': 'firebreak-quarantine' })).toEqual({
      setting: 'Security groups (eni-0a)',
      before: 'web x (sg-0abc)',
      after: 'firebreak-quarantine (sg-0def)',
      why: 'the quarantine group lets nothing in or out',
    });
  });

  it.each([
    ['termination-protection', false, true, 'off', 'on'],
    ['security-group', 'absent', 'right', 'not there', 'with Firebreak’s rules only'],
    ['shutdown-behaviour', 'terminate', 'stop', 'terminate', 'stop'],
    ['key', 'Active', 'Inactive', 'active', 'inactive'],
    ['profile', 'arn:aws:iam::111122223333:instance-profile/web', null, 'instance-profile/web', 'none'],
    ['desired-count', 4, 0, '4', '0'],
    [
      'deny-session',
      null,
      '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:userid":"AROA1:i-1"}}}]}',
      'none',
      'deny every action if aws:userid is AROA1:i-1',
    ],
    ['public-access-block', null, { BlockPublicAcls: true }, 'none', 'block public acls on'],
    // A kind of another release: still no JSON of a scalar.
    ['unheard-of', true, 'x', 'on', 'x'],
  ] as const)('%s: %j becomes %j', (kind, before, after, old, fresh) => {
    expect(changeWords({ kind, args: {}, before, after })).toMatchObject({ before: old, after: fresh });
  });
});

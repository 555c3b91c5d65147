import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { createTwin } from '../../sandbox/twin/twin.ts';
import { FOREIGN, onBucket } from '../../test/playbooks/bucket-world.ts';
import { SCOPE } from '../../test/playbooks/properties.ts';
import { choosePlaybook } from '../index.ts';

const chosen = (details: JsonObject, buckets?: readonly string[]) =>
  choosePlaybook(parseFinding(onBucket(createTwin(SCOPE), details, undefined, buckets)));

describe('who works on a bucket', () => {
  it.each([
    [
      'a user',
      { userType: 'IAMUser', userName: 'bob', principalId: 'AIDAEXAMPLE000000001' },
      'disable-user-keys',
    ],
    [
      "an instance's session",
      { userType: 'AssumedRole', userName: 'app', principalId: 'AROAEXAMPLE000000001:i-0123456789abcdef0' },
      'revoke-instance-session',
    ],
    [
      'another session',
      { userType: 'AssumedRole', userName: 'app', principalId: 'AROAEXAMPLE000000001:build-42' },
      'revoke-role-sessions',
    ],
    [
      'a session of Identity Center',
      {
        userType: 'AssumedRole',
        userName: 'AWSReservedSSO_Admin_0123',
        principalId: 'AROASSO0000000000001:ann',
      },
      'deny-bucket-principal',
    ],
    ['another account', { userType: 'AWSAccount', principalId: FOREIGN }, 'deny-bucket-principal'],
    [
      "another account's root",
      { userType: 'AWSAccount', principalId: '999988887777' },
      'deny-bucket-principal',
    ],
    [
      'a federated user',
      { userType: 'FederatedUser', principalId: '111122223333:ann' },
      'deny-bucket-principal',
    ],
  ])('is contained as %s', (_name, details, playbook) => {
    const choice = chosen(details);
    expect(choice).toMatchObject({ id: 'contain-bucket-principal', parts: [{ playbook: { id: playbook } }] });
    if ('none' in choice) throw new Error(choice.none);
    expect(choice.unhandled).toHaveLength(playbook === 'deny-bucket-principal' ? 1 : 0);
  });

  it.each([
    ['root', { userType: 'Root', principalId: '111122223333' }, 'SCP'],
    [
      "the bucket's own account by its id",
      { userType: 'AWSAccount', principalId: '111122223333' },
      'on the resource',
    ],
    ['a service', { userType: 'AWSService', principalId: 'x' }, 'on the resource'],
    ['a hostile id', { userType: 'AWSAccount', principalId: '*' }, 'on the resource'],
    ['a policy variable', { userType: 'AWSAccount', principalId: '${aws:userid}' }, 'on the resource'],
    ['no principal', {}, 'does not name a principal'],
  ])('is reported with what works for %s', (_name, details, words) => {
    expect(chosen(details)).toEqual({ none: expect.stringContaining(words) });
  });

  it('is denied in the permission set and on the bucket where Identity Center issued it', () => {
    const choice = chosen({
      userType: 'AssumedRole',
      userName: 'AWSReservedSSO_Admin_0123456789abcdef',
      principalId: 'AROASSO0000000000001:ann@example.com',
    });
    expect(choice).toMatchObject({
      parts: [{ playbook: { id: 'revoke-sso-sessions' } }, { playbook: { id: 'deny-bucket-principal' } }],
      unhandled: [],
    });
  });

  it('is denied on every bucket of the finding, and no more than ten', () => {
    const names = Array.from({ length: 12 }, (_, index) => `data-${index}`);
    const choice = chosen({ userType: 'AWSAccount', principalId: FOREIGN }, names);
    if ('none' in choice) throw new Error(choice.none);
    expect(choice.parts).toHaveLength(10);
    expect(choice.unhandled.join('\n')).toContain('data-11 for');
  });
});

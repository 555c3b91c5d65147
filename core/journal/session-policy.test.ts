import { describe, expect, it } from 'vitest';
import { PLAYBOOKS } from '../../playbooks/index.ts';
import { isolateInstance } from '../../playbooks/isolate-instance/playbook.ts';
import { quarantineAccount } from '../../playbooks/quarantine-account/playbook.ts';
import { restoreLogging } from '../../playbooks/restore-logging/playbook.ts';
import { throttleFunction } from '../../playbooks/throttle-function/playbook.ts';
import { evaluate } from '../../sandbox/twin/policy-evaluation.ts';
import { SESSION_POLICY_CHARACTERS } from '../aws/client.ts';
import { sessionPolicy } from './session-policy.ts';

const SCOPE = { partition: 'aws-us-gov', account: '444455556666', region: 'us-gov-west-1' };
const INSTANCE = 'arn:aws-us-gov:ec2:us-gov-west-1:444455556666:instance/i-0aaaaaaaaaaaaaaaa';
const decide = (policy: string, action: string, resource: string) =>
  evaluate(new Map([['session', policy]]), { action, resource, keys: {} }).decision;

describe('a session policy', () => {
  it.each(PLAYBOOKS)('of $id fits AssumeRole, with the longest names of its resources', (playbook) => {
    const arns = Array.from({ length: 2 }, (_, index) => `${INSTANCE}${index}/${'x'.repeat(60)}`);
    expect(sessionPolicy(playbook, SCOPE, arns, 'undo').length).toBeLessThanOrEqual(
      SESSION_POLICY_CHARACTERS,
    );
  });

  it('lets the playbook change what its plan names, and no neighbour', () => {
    const policy = sessionPolicy(isolateInstance, SCOPE, [INSTANCE], 'write');
    expect(decide(policy, 'ec2:ModifyInstanceAttribute', INSTANCE)).toBe('allowed');
    expect(decide(policy, 'ec2:ModifyInstanceAttribute', INSTANCE.replace('aaa', 'bbb'))).toBe(
      'implicitDeny',
    );
    // A group that is yet to be made has no name: its kind stays.
    const group = 'arn:aws-us-gov:ec2:us-gov-west-1:444455556666:security-group/sg-1';
    expect(decide(policy, 'ec2:CreateSecurityGroup', group)).toBe('allowed');
    expect(decide(policy, 'ec2:CreateSecurityGroup', INSTANCE)).toBe('implicitDeny');
  });

  it('lets it attach the policy that its plan names, whose id is known to the role alone', () => {
    const at = (path: string) => `arn:aws-us-gov:organizations::555566667777:${path}`;
    const quarantine = at('policy/o-exampleorgid/service_control_policy/p-quarantine1');
    const account = at('account/o-exampleorgid/444455556666');
    const policy = sessionPolicy(quarantineAccount, SCOPE, [quarantine, account], 'write');
    const attach = (resource: string) => decide(policy, 'organizations:AttachPolicy', resource);
    expect([attach(quarantine), attach(account)]).toEqual(['allowed', 'allowed']);
    expect(attach(quarantine.replace('quarantine1', 'guard'))).toBe('implicitDeny');
    expect(attach(account.replace('444455556666', '222233334444'))).toBe('implicitDeny');
  });

  it('holds for the versions and aliases of a function, and for no other function', () => {
    const name = 'arn:aws-us-gov:lambda:us-gov-west-1:444455556666:function:orders';
    const policy = sessionPolicy(throttleFunction, SCOPE, [name], 'write');
    const action = 'lambda:DeleteProvisionedConcurrencyConfig';
    expect(decide(policy, action, `${name}:live`)).toBe('allowed');
    expect(decide(policy, action, `${name}2:live`)).toBe('implicitDeny');
  });

  it('lets it change any of a kind where the target is the kind, in its Region and account', () => {
    const at = (region: string, account: string, id: string) =>
      `arn:aws-us-gov:guardduty:${region}:${account}:detector/${id}`;
    const policy = sessionPolicy(restoreLogging, SCOPE, [at(SCOPE.region, SCOPE.account, '*')], 'write');
    const may = (arn: string) => decide(policy, 'guardduty:UpdateDetector', arn);
    expect(may(at(SCOPE.region, SCOPE.account, '12abc'))).toBe('allowed');
    expect(may(at('us-gov-east-1', SCOPE.account, '12abc'))).toBe('implicitDeny');
    expect(may(at(SCOPE.region, '777788889999', '12abc'))).toBe('implicitDeny');
  });

  it('lets it do nothing of another playbook', () => {
    const policy = sessionPolicy(isolateInstance, SCOPE, [INSTANCE], 'write');
    for (const action of ['iam:PutRolePolicy', 's3:PutBucketPublicAccessBlock', 'rds:ModifyDBInstance']) {
      expect(decide(policy, action, '*'), action).toBe('implicitDeny');
    }
  });

  it('that does not fit is refused, never widened', () => {
    const resources = Array.from(
      { length: 40 },
      (_, index) => `arn:\${Partition}:x:::${'y'.repeat(60)}${index}`,
    );
    const permissions = { read: [], write: [{ actions: ['x:Y'], resources, why: 'test', worst: 'test' }] };
    expect(() => sessionPolicy({ id: 'wide', permissions }, SCOPE, [], 'write')).toThrow('more resources');
  });
});

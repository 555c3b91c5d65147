import { expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import { createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { SCOPE } from '../../test/playbooks/properties.ts';
import { choosePlaybook } from '../index.ts';

const USER = {
  userType: 'IAMUser',
  accessKeyId: 'AKIAEXAMPLE000000001',
  principalId: 'AIDAEXAMPLE000000001',
  userName: 'bob',
};
const chosen = (api: string, accessKeyDetails: object = USER, affectedResources?: object) => {
  const choice = choosePlaybook(
    parseFinding(
      findingOn(createTwin(SCOPE), {
        seed: api,
        type: 'DefenseEvasion:IAMUser/AnomalousBehavior',
        resource: { resourceType: 'AccessKey', accessKeyDetails: { ...accessKeyDetails } },
        action: {
          actionType: 'AWS_API_CALL',
          awsApiCallAction: {
            api,
            ...(affectedResources ? { affectedResources: { ...affectedResources } } : {}),
          },
        },
      }),
    ),
  );
  return 'none' in choice
    ? choice.none
    : { id: choice.id, parts: choice.parts.map(({ playbook, target }) => `${playbook.id} ${target.kind}`) };
};

it.each([
  ['StopLogging', 'cloudtrail'],
  ['PutEventSelectors', 'cloudtrail'],
  ['DeleteFlowLogs', 'vpc-flow-logs'],
  ['DeleteDetector', 'guardduty-detector'],
  ['DeleteAccountPasswordPolicy', 'password-policy'],
])('%s: the principal, and what it switched off', (api, kind) => {
  expect(chosen(api)).toEqual({
    id: 'respond-to-evasion',
    parts: ['disable-user-keys iam-user', `restore-logging ${kind}`],
  });
});

it('restores what was switched off even where the principal cannot be contained', () => {
  expect(chosen('StopLogging', { userType: 'Root', principalId: '111122223333' })).toEqual({
    id: 'respond-to-evasion',
    parts: ['restore-logging cloudtrail'],
  });
});

it('leaves other calls to the playbook of the principal', () => {
  expect(chosen('DisableAlarmActions')).toMatchObject({ id: 'disable-user-keys' });
  expect(chosen('toString')).toMatchObject({ id: 'disable-user-keys' });
  // A bucket that the finding does not name is not guessed.
  expect(chosen('PutBucketLogging')).toMatchObject({ id: 'disable-user-keys' });
  expect(chosen('PutBucketLogging', USER, { 'AWS::S3::Bucket': 'customer-data' })).toMatchObject({
    parts: ['disable-user-keys iam-user', 'restore-logging bucket-access-logs'],
  });
});

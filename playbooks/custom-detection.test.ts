/** A Custom Detection Rule reports who called; GuardDuty's own types of the same family report what happens to the resource. */
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../core/finding/finding.ts';
import type { JsonObject } from '../core/json.ts';
import { loadPolicy } from '../core/policy/policy.ts';
import { createTwin } from '../sandbox/twin/twin.ts';
import { findingOn } from '../sandbox/worlds.ts';
import { SCOPE } from '../test/playbooks/properties.ts';
import { choosePlaybook } from './index.ts';

const accessKeyDetails: JsonObject = {
  accessKeyId: 'AKIAEXAMPLE000000001',
  principalId: 'AIDAEXAMPLE000000001',
  userType: 'IAMUser',
  userName: 'mallory',
};
const database: JsonObject = {
  resourceType: 'RDSDBInstance',
  rdsDbInstanceDetails: { dbInstanceIdentifier: 'orders', engine: 'postgres' },
};

function answerTo(type: string, resource: JsonObject, customDetectionRuleName?: string): string {
  const event = findingOn(createTwin(SCOPE), { seed: type, type, resource });
  const detail = event['detail'] as JsonObject;
  const choice = choosePlaybook(
    parseFinding({ ...detail, ...(customDetectionRuleName ? { customDetectionRuleName } : {}) }),
  );
  return 'none' in choice ? choice.none : choice.id;
}

describe('a finding about a database', () => {
  it.each([
    'Exfiltration:RDS/AnomalousBehavior',
    'Exfiltration:RDS/MaliciousIPCaller',
    'Exfiltration:RDS/TorIPCaller',
    'Impact:RDS/AnomalousBehavior.Drop',
    'Impact:RDS/AnomalousBehavior.Delete',
    'Impact:RDS/MaliciousIPCaller',
    'Impact:RDS/TorIPCaller',
  ])('%s restricts the database, no matter who else the finding names', (type) => {
    expect(answerTo(type, { ...database, accessKeyDetails })).toBe('restrict-database');
  });

  it.each([
    'Exfiltration:RDS/TransferDataToCloudAccount',
    'Exfiltration:RDS/AnomalousBehavior',
    'Impact:RDS/NewRule',
  ])('%s of a Custom Detection Rule contains who called', (type) => {
    expect(answerTo(type, { ...database, accessKeyDetails }, 'RDSSnapshotPubliclyShared')).toBe(
      'disable-user-keys',
    );
  });
});

it('a new Custom Detection Rule about an instance or a function contains who called', () => {
  const resource: JsonObject = { accessKeyDetails, instanceDetails: { instanceId: 'i-0123456789abcdef0' } };
  expect(answerTo('Impact:EC2/NewRule', resource, 'NewRule')).toBe('disable-user-keys');
  expect(answerTo('Impact:Lambda/NewRule', resource, 'NewRule')).toBe('disable-user-keys');
});

it('asks where the account of the caller is an AWS service, whatever it says of affiliation', async () => {
  const policy = await loadPolicy('policy.yml');
  const type = 'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.InsideAWS';
  const decided = (account: JsonObject) => {
    const action: JsonObject = {
      actionType: 'AWS_API_CALL',
      awsApiCallAction: { api: 'ListBuckets', remoteAccountDetails: { affiliated: false, ...account } },
    };
    const finding = parseFinding(findingOn(createTwin(SCOPE), { seed: type, type, resource: {}, action }));
    return policy.decide(finding, {
      now: new Date(0),
      playbook: { id: 'revoke-instance-session', kind: 'role-session' },
    });
  };
  expect(decided({ accountId: '444455556666' }).kind).toBe('auto');
  const service = decided({ accountId: '444455556666', awsServiceName: 'bedrock.amazonaws.com' });
  expect(service.kind).toBe('ask');
  expect(service.reasons.join()).toContain("account 444455556666 is bedrock.amazonaws.com's own");
});

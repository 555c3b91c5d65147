/** Each containment of an identity has someone to look for; containments of what runs or is open have not. */
import { describe, expect, it } from 'vitest';
import { type Finding, parseFinding } from '../../finding/finding.ts';
import type { JsonObject } from '../../json.ts';
import type { Incident, IncidentTarget } from '../incident.ts';
import { recordOf } from './record.ts';
import { isBy, suspectsOf } from './suspects.ts';

const KEY = 'ASIAEXAMPLE000000001';
const SESSION = 'AROAEXAMPLE000000001:i-0123456789abcdef0';

const finding = (accessKeyDetails: JsonObject = {}): Finding =>
  parseFinding({
    ...{ id: 'f', type: 'UnauthorizedAccess:IAMUser/MaliciousIPCaller', severity: 8, schemaVersion: '2.0' },
    ...{ accountId: '111122223333', region: 'eu-west-1', partition: 'aws' },
    ...{ createdAt: '2026-11-25T07:00:00.000Z', updatedAt: '2026-11-25T07:00:00.000Z' },
    resource: { resourceType: 'AccessKey', accessKeyDetails },
    service: { archived: false },
  });

const on = (
  kind: string,
  facts: JsonObject,
  accessKey?: JsonObject,
  status: IncidentTarget['status'] = 'contained',
) => {
  const scope = { partition: 'aws', account: '111122223333', region: 'us-east-1' };
  const target = { ...scope, kind, id: 'x', display: 'x', facts };
  const targets = [{ key: 'k', playbook: 'p', target, status }] as readonly IncidentTarget[];
  return suspectsOf({ status: status ?? 'contained', targets } as Incident, finding(accessKey));
};

describe('who is looked for', () => {
  it('a user: by the reported key and by name', () => {
    const facts = { userName: 'alice', userId: 'AIDAEXAMPLE000000001', accessKeyId: null, firstSeen: null };
    expect(on('iam-user', facts, { accessKeyId: KEY, userName: 'alice' })).toMatchObject([
      { what: `access key ${KEY}`, keys: [KEY], name: 'alice', principalId: 'AIDAEXAMPLE000000001' },
    ]);
  });

  it('a session of a role: by its key and by its name', () => {
    const facts = { roleName: 'web', roleId: 'AROAEXAMPLE000000001', userId: SESSION, accessKeyId: KEY };
    expect(on('role-session', facts)).toMatchObject([
      { what: `access key ${KEY}`, keys: [KEY], name: 'i-0123456789abcdef0', principalId: SESSION },
    ]);
  });

  it('a session of IAM Identity Center', () => {
    const facts = { roleName: 'AWSReservedSSO_x', roleId: 'AROAEXAMPLE000000001', userName: 'alice@example' };
    expect(on('sso-session', facts)).toMatchObject([
      { what: 'session alice@example', principalId: 'AROAEXAMPLE000000001:alice@example' },
    ]);
  });

  it('a principal on a bucket', () => {
    expect(on('s3-bucket-principal', { bucket: 'b', value: SESSION, name: null })).toMatchObject([
      { name: 'i-0123456789abcdef0', principalId: SESSION },
    ]);
  });

  it('a session in a cluster, by its ARN; a role without a session is no one', () => {
    const arn = 'arn:aws:sts::111122223333:assumed-role/dev/alice';
    expect(on('eks-identity', { principal: 'role/dev', username: arn })).toMatchObject([
      { name: 'alice', arn },
    ]);
    expect(
      on('eks-identity', { principal: 'role/dev', username: 'arn:aws:iam::111122223333:role/dev' }),
    ).toEqual([]);
  });

  it("not by the finding's key where the finding is about another principal", () => {
    const facts = { userName: 'alice', userId: null, accessKeyId: null, firstSeen: null };
    expect(on('iam-user', facts, { accessKeyId: KEY, userName: 'bob' })).toMatchObject([{ keys: [] }]);
  });

  it('no one before anything is contained, and no one for what is no identity', () => {
    const facts = { userName: 'alice', userId: null, accessKeyId: null, firstSeen: null };
    expect(on('iam-user', facts, {}, 'failed')).toEqual([]);
    expect(on('ec2-instance', { userName: 'alice' })).toEqual([]);
  });

  it('no one by a name that no principal can have', () => {
    expect(on('iam-user', { userName: 'a"; drop', userId: null })).toEqual([]);
  });
});

it('tells a session from one of another role with the same name', () => {
  const [suspect] = on('role-session', { userId: SESSION });
  const call = (userIdentity: JsonObject) =>
    recordOf({
      ...{ eventTime: '2026-11-25T07:00:00Z', eventName: 'x', eventSource: 'y', awsRegion: 'eu-west-1' },
      userIdentity,
    });
  const [own, another] = [
    call({ principalId: SESSION }),
    call({ principalId: SESSION.replace('AROAEXAMPLE', 'AROAANOTHER') }),
  ];
  if (!suspect || !own || !another) throw new Error('no suspect or record');
  expect([isBy(own, suspect), isBy(another, suspect)]).toEqual([true, false]);
});

/** Damage to a bucket: the principal is contained, joins what another finding contained, and its expiry rules are asked about. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { accountOf } from '../../sandbox/saved.ts';
import { newBucket } from '../../sandbox/twin/s3.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { bobApproves, idle } from './people.ts';

const USER = { userType: 'IAMUser', userName: 'intern', principalId: 'AIDAINTERN0000000001' };
let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
  const { state } = sandbox.twin;
  state.users['intern'] = {
    UserName: 'intern',
    Path: '/',
    UserId: USER.principalId,
    Tags: [],
    inline: {},
    attached: {},
    keys: [],
    groups: [],
    console: false,
    mfa: [],
  };
  state.s3.buckets['customer-data'] = newBucket('customer-data', {
    lifecycle: [
      { ID: 'attacker', Status: 'Enabled', Filter: {}, Expiration: { Days: 1 } },
      { ID: 'logs', Status: 'Enabled', Filter: { Prefix: 'logs/' }, Expiration: { Days: 90 } },
    ],
  });
});
afterEach(() => sandbox.close());

const event = (type: string, details: JsonObject = USER): JsonObject =>
  findingOn(sandbox.twin, {
    seed: type,
    type,
    resource: { s3BucketDetails: [{ name: 'customer-data' }], accessKeyDetails: details },
  });
const deliver = async (type: string, details?: JsonObject) => {
  const { ended } = await sandbox.deliver(event(type, details));
  const approved = bobApproves(sandbox, (incident) => incident.type === type && !incident.followUpOf);
  await approved;
  await ended;
};
const intern = () => sandbox.twin.state.users['intern'];

it('joins the incident that contained the same user, and undo of one leaves the other', async () => {
  const before = accountOf(structuredClone(sandbox.twin.state));
  await deliver('UnauthorizedAccess:IAMUser/TorIPCaller');
  await deliver('Exfiltration:S3/AnomalousBehavior');
  await idle(sandbox);
  const incidents = await sandbox.incidents();
  expect(incidents.map(({ playbook }) => playbook).sort()).toEqual([
    'contain-bucket-principal',
    'disable-user-keys',
  ]);
  expect(Object.keys(intern()?.inline ?? {})).toHaveLength(1);
  for (const { id, playbook } of incidents.toSorted((a) => (a.playbook === 'disable-user-keys' ? -1 : 1))) {
    const undo = await sandbox.undo(id, 'U0ALICE');
    await bobApproves(sandbox, (one) => one.id === id, 'undo');
    await undo.ended;
    expect(Object.keys(intern()?.inline ?? {})).toHaveLength(playbook === 'disable-user-keys' ? 1 : 0);
  }
  expect(accountOf(sandbox.twin.state)).toEqual(before);
});

it('asks about the lifecycle rules that the user wrote, and suspends them once approved', async () => {
  sandbox.twin.region().cloudtrail.history.push({
    resource: 'customer-data',
    event: {
      eventName: 'PutBucketLifecycle',
      eventTime: '2026-11-24T07:00:00Z',
      userIdentity: { principalId: USER.principalId },
      requestParameters: { LifecycleConfiguration: { Rule: [{ ID: 'attacker' }] } },
    },
  });
  await deliver('Impact:S3/AnomalousBehavior.Delete');
  await bobApproves(sandbox, ({ followUpOf }) => followUpOf?.playbook === 'suspend-expiry');
  await idle(sandbox);
  expect(
    sandbox.twin.state.s3.buckets['customer-data']?.lifecycle?.map(({ ID, Status }) => `${ID} ${Status}`),
  ).toEqual(['attacker Disabled', 'logs Enabled']);
});

it('denies a caller of another account in the policy of the bucket, and says where it is stopped', async () => {
  await deliver('Exfiltration:S3/AnomalousBehavior', {
    userType: 'AWSAccount',
    principalId: 'AROAFOREIGN0000000001:thief',
  });
  const [incident] = await sandbox.incidents();
  expect(incident).toMatchObject({ status: 'residual', playbook: 'contain-bucket-principal' });
  expect(incident?.unhandled?.[0]).toContain('the caller itself');
  expect(sandbox.twin.state.s3.buckets['customer-data']?.policy).toContain('AROAFOREIGN0000000001:thief');
});

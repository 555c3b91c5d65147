/** Denied in the policy of a bucket, the attacker comes back as someone else of the same account, or under another name. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { risksOfIncident } from '../../core/incident/risks.ts';
import type { JsonObject } from '../../core/json.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { newBucket } from '../../sandbox/twin/s3.ts';
import { findingOn, THIEF_IP } from '../../sandbox/worlds.ts';
import { bobApproves, until } from '../workflow/people.ts';

const OUTSIDE = '999988887777';
const THIEF = 'AROAFOREIGN0000000001:thief';
const BUCKET = 'customer-data';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
});
afterEach(() => sandbox.close());

const allowing = (principals: unknown): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: principals, Action: 's3:*', Resource: `arn:aws:s3:::${BUCKET}/*` },
      {
        Effect: 'Deny',
        Principal: { AWS: `arn:aws:iam::${OUTSIDE}:role/denied` },
        Action: 's3:*',
        Resource: '*',
      },
    ],
  });
/** The risks of the incident about who worked on the bucket, once a person has approved it. */
async function risks(
  policy: string | null,
  details: JsonObject,
  account: string | null = OUTSIDE,
): Promise<string> {
  sandbox.twin.state.s3.buckets[BUCKET] = newBucket(BUCKET, { policy });
  const event = findingOn(sandbox.twin, {
    seed: 'outside',
    type: 'Exfiltration:S3/AnomalousBehavior',
    resource: { s3BucketDetails: [{ name: BUCKET }], accessKeyDetails: details },
    action: {
      actionType: 'AWS_API_CALL',
      awsApiCallAction: {
        api: 'GetObject',
        remoteIpDetails: { ipAddressV4: THIEF_IP },
        ...(account === null ? {} : { remoteAccountDetails: { accountId: account, affiliated: false } }),
      },
    },
  });
  const { ended } = await sandbox.deliver(event);
  const { id } = await bobApproves(sandbox, ({ followUpOf }) => !followUpOf);
  await ended;
  const incident = await sandbox.runtime.incidents.get(id);
  expect(incident.status).toBe('residual');
  return risksOfIncident(incident).join('\n');
}
const role = { userType: 'AWSAccount', principalId: THIEF };

describe('a principal of another account', () => {
  it.each([
    ['its account', { AWS: `arn:aws:iam::${OUTSIDE}:root` }, `arn:aws:iam::${OUTSIDE}:root`],
    ['its account by the id', { AWS: [OUTSIDE] }, OUTSIDE],
    ['another role of it', { AWS: [`arn:aws:iam::${OUTSIDE}:role/other`] }, 'role/other'],
    ['everyone', '*', 'everyone'],
    ['everyone of AWS', { AWS: '*' }, 'everyone'],
  ])('is followed by another where the policy lets in %s', async (_whom, principals, named) => {
    const said = await risks(allowing(principals), role);
    expect(said).toMatch(new RegExp(`other principals of account ${OUTSIDE} pass: .*${named}`));
    expect(said).not.toContain('role/denied');
  });
  it('has no other where the policy names accounts of others alone', async () => {
    const principals = {
      AWS: ['arn:aws:iam::111122223333:root', 'AROAFOREIGN0000000001', 'arn:aws:iam::222233334444:root'],
    };
    expect(await risks(allowing(principals), role)).not.toContain('other principals');
  });
  it('is of any outside account where the finding does not say which', async () => {
    const said = await risks(allowing({ AWS: 'arn:aws:iam::222233334444:root' }), role, null);
    expect(said).toMatch(/other principals of its account pass: .*222233334444:root/);
  });
  it('got in by another way than the policy, which others may as well', async () => {
    expect(await risks(null, role)).toMatch(/does not show what lets .* in/);
  });
  it('may come back under another session name', async () => {
    expect(await risks(null, role)).toContain('another session name');
  });
});

it('root of another account: its users and roles are other principals', async () => {
  const said = await risks(
    allowing({ AWS: OUTSIDE }),
    { userType: 'AWSAccount', principalId: OUTSIDE },
    null,
  );
  expect(said).toMatch(new RegExp(`users and roles of account ${OUTSIDE} pass: .*${OUTSIDE}`));
});

it('a federated user: who issued it can issue another under another name', async () => {
  const said = await risks(null, { userType: 'FederatedUser', principalId: '111122223333:ann' }, null);
  expect(said).toMatch(/federated .*another name/);
  expect(said).not.toContain('other principals');
});

describe('who opened a bucket to the public', () => {
  const USER = { userType: 'IAMUser', userName: 'intern', principalId: 'AIDAINTERN0000000001' };
  const opened = (type: string, details: JsonObject): JsonObject =>
    findingOn(sandbox.twin, {
      seed: type,
      type,
      resource: { s3BucketDetails: [{ name: BUCKET }], accessKeyDetails: details },
    });
  beforeEach(() => {
    const { state } = sandbox.twin;
    state.users['intern'] = {
      UserName: 'intern',
      Path: '/',
      UserId: USER.principalId,
      ...{ Tags: [], inline: {}, attached: {}, keys: [], groups: [], console: false, mfa: [] },
    };
    state.s3.buckets[BUCKET] = newBucket(BUCKET, {});
  });

  it('is asked about once it is closed, and contained when approved', async () => {
    await (await sandbox.deliver(opened('Policy:S3/BucketAnonymousAccessGranted', USER))).ended;
    const asked = await bobApproves(
      sandbox,
      ({ followUpOf }) => followUpOf?.playbook === 'contain-bucket-principal',
    );
    expect(asked.decision).toMatchObject({ kind: 'ask', expiry: 'escalate' });
    await until(() => Object.keys(sandbox.twin.state.users['intern']?.inline ?? {})[0]);
  });
  it('is said to be out of reach where it was root', async () => {
    await (
      await sandbox.deliver(
        opened('Policy:S3/BucketAnonymousAccessGranted', { userType: 'Root', principalId: '111122223333' }),
      )
    ).ended;
    const [first] = await sandbox.incidents();
    await until(async () =>
      (await sandbox.runtime.incidents.timeline(first?.id ?? '')).find(({ event }) =>
        event.includes('no follow-up by contain-bucket-principal'),
      ),
    );
  });
});

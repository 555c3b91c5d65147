/** Buckets and their objects: opened to the public, read by a principal, holding a malicious object. */
import { arn } from '../../../core/aws/arn.ts';
import { isAccessDenied } from '../../../core/errors.ts';
import type { JsonObject } from '../../../core/json.ts';
import { QUARANTINE_TAG } from '../../../playbooks/common/quarantine-tag.ts';
import {
  assume,
  bucketState,
  callOf,
  isRefused,
  makeBucket,
  makeRole,
  objectArn,
  objectKey,
  policy,
  readsIt,
} from '../parts.ts';
import type { Drill, Fact, Kit } from '../scene.ts';

const nameBucket = (bucket: string, more: JsonObject = {}): JsonObject => ({
  resourceType: 'S3Bucket',
  s3BucketDetails: [{ name: bucket, type: 'Destination', ...more }],
});

const BUCKET = { cost: { usd: 0.01, why: 'requests to S3' }, minutes: 2 } as const;

const isPublic = async (kit: Kit, Bucket: string): Promise<boolean> => {
  const { client, api } = await kit.aws.s3();
  const { PolicyStatus } = await client.send(new api.GetBucketPolicyStatusCommand({ Bucket }));
  return PolicyStatus?.IsPublic === true;
};

export const blockPublicBucket: Drill = {
  ...BUCKET,
  playbook: 'block-public-bucket',
  makes: 'a bucket with one worthless object, which anyone may read until it is contained',
  attack: 'reads the object without credentials',
  probe: 'reads the object without credentials',
  settles: ['policy-status-under-block', 'policy-public-under-block'],
  async play(kit) {
    const { client, api } = await kit.aws.s3();
    const Bucket = await makeBucket(kit, 'public');
    await client.send(new api.DeletePublicAccessBlockCommand({ Bucket }));
    const Policy = policy({
      ...{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject' },
      Resource: objectArn(kit, Bucket),
    });
    // Refused for some seconds after the block is gone; and for good where the account blocks public policies, so that no
    // bucket of it can be opened.
    await kit.until('the bucket takes a public policy (the account may block all of them)', async () => {
      try {
        await client.send(new api.PutBucketPolicyCommand({ Bucket, Policy }));
        return true;
      } catch (error) {
        if (isAccessDenied(error)) return false;
        throw error;
      }
    });
    const anyone = kit.as('no one');
    return {
      finding: {
        ...{ type: 'Policy:S3/BucketAnonymousAccessGranted', severity: 8, resourceRole: 'TARGET' },
        resource: nameBucket(Bucket),
        action: callOf('PutBucketPolicy', 's3.amazonaws.com'),
      },
      attack: () => readsIt(kit, anyone, Bucket),
      holds: () => isRefused(anyone, Bucket),
      works: async () => !(await isRefused(anyone, Bucket)),
      state: () => bucketState(kit, Bucket),
      facts: [
        async (): Promise<readonly Fact[]> => {
          const said = await isPublic(kit, Bucket);
          const saw = `GetBucketPolicyStatus answered ${said ? 'public' : 'not public'} under the block`;
          return [
            { id: 'policy-status-under-block', verdict: said ? 'refuted' : 'confirmed', saw },
            { id: 'policy-public-under-block', verdict: said ? 'confirmed' : 'refuted', saw },
          ];
        },
      ],
    };
  },
};

export const denyBucketPrincipal: Drill = {
  ...BUCKET,
  playbook: 'deny-bucket-principal',
  asks: true,
  makes: 'a role that only you may assume, a bucket with one object',
  attack: 'reads the object with a session of the role, as a federated principal does',
  probe: 'reads the object with that session',
  settles: [],
  async play(kit) {
    const bucket = await makeBucket(kit, 'principal');
    const role = await makeRole(kit, 'reader');
    const thief = kit.as(await assume(kit, role, 'stolen'));
    return {
      finding: {
        ...{ type: 'Exfiltration:S3/AnomalousBehavior', severity: 8, resourceRole: 'TARGET' },
        resource: {
          ...nameBucket(bucket),
          accessKeyDetails: {
            ...{ accessKeyId: '', principalId: `${role.roleId}:stolen` },
            // The playbook that contains callers which IAM here has no hold on.
            ...{ userType: 'FederatedUser', userName: role.name },
          },
        },
        action: callOf('GetObject', 's3.amazonaws.com'),
      },
      attack: () => readsIt(kit, thief, bucket),
      holds: () => isRefused(thief, bucket),
      works: async () => !(await isRefused(thief, bucket)),
      state: () => bucketState(kit, bucket),
    };
  },
};

export const quarantineObject: Drill = {
  ...BUCKET,
  playbook: 'quarantine-object',
  makes:
    'a role that only you may assume, a bucket whose policy denies reading what is quarantined, one harmless object',
  attack: 'reads the object, which the finding calls malicious',
  probe: 'reads the object with a session of the role',
  settles: [],
  async play(kit) {
    const { client, api } = await kit.aws.s3();
    const Bucket = await makeBucket(kit, 'scanned');
    const role = await makeRole(kit, 'downloader');
    await client.send(
      new api.PutBucketPolicyCommand({
        Bucket,
        Policy: policy({
          ...{ Effect: 'Deny', Principal: '*', Action: ['s3:GetObject', 's3:GetObjectVersion'] },
          Resource: objectArn(kit, Bucket),
          Condition: { Null: { [`s3:ExistingObjectTag/${QUARANTINE_TAG}`]: 'false' } },
        }),
      }),
    );
    const { Versions: [version] = [] } = await client.send(new api.ListObjectVersionsCommand({ Bucket }));
    const reader = kit.as(await assume(kit, role, 'reader'));
    return {
      finding: {
        ...{ type: 'Object:S3/MaliciousFile', severity: 8, resourceRole: 'TARGET' },
        resource: nameBucket(Bucket, {
          s3ObjectDetails: [
            {
              key: objectKey,
              eTag: (version?.ETag ?? '').replaceAll('"', ''),
              objectArn: arn({ ...kit.aws.scope, account: '', region: '' }, 's3', `${Bucket}/${objectKey}`),
            },
          ],
        }),
        action: {},
      },
      attack: () => readsIt(kit, reader, Bucket),
      holds: () => isRefused(reader, Bucket),
      works: async () => !(await isRefused(reader, Bucket)),
      state: () => bucketState(kit, Bucket),
    };
  },
};

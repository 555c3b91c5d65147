/** Evidence in a bucket with Object Lock, on moto: written once, with the sums S3 computed itself. */
import * as s3 from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { actingAs } from '../../core/aws/acting.ts';
import { keepEvidence, manifestOf } from '../../core/incident/evidence.ts';
import { motoStage } from './moto-stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await motoStage();
  await stage.reset();
});
afterAll(() => stage?.stop());

it('writes each file once and never over another, and the manifest names what is there', async () => {
  const client = new s3.S3Client({});
  const Bucket = 'firebreak-conformance-evidencebucket-1a2b3c';
  await client.send(new s3.CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
  await client.send(
    new s3.PutObjectLockConfigurationCommand({
      Bucket,
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } },
      },
    }),
  );
  const files = [
    { name: 'finding', value: { type: 'x', text: 'ü' } },
    { name: 'target-0/role', value: { RoleName: 'web' } },
  ];
  const now = new Date('2026-01-01T00:00:00Z');
  const asInvestigate = { function: { ...stage.scope, name: 'investigate', stage: 'conformance' } };
  const keep = () =>
    actingAs(asInvestigate, () => keepEvidence(stage.aws(), Bucket, 'fb-000000000001', files, now));
  const entries = await keep();
  expect(await keep()).toEqual(entries);
  const manifestFile = manifestOf('fb-000000000001', 'finding', entries);
  const [manifest] = await actingAs(asInvestigate, () =>
    keepEvidence(stage.aws(), Bucket, 'fb-000000000001', [manifestFile], now),
  );
  const { Versions = [] } = await client.send(new s3.ListObjectVersionsCommand({ Bucket }));
  expect(Versions.map(({ Key }) => Key).sort()).toEqual(
    [...entries.map(({ key }) => key), manifest?.key ?? ''].sort(),
  );
  for (const { key, bytes, sha256 } of entries) {
    const head = await client.send(new s3.HeadObjectCommand({ Bucket, Key: key, ChecksumMode: 'ENABLED' }));
    expect(head.ContentLength).toBe(bytes);
    if (head.ChecksumSHA256 === undefined) console.error('not checked on moto: the checksum S3 computed');
    else expect(Buffer.from(head.ChecksumSHA256, 'base64').toString('hex')).toBe(sha256);
  }
});

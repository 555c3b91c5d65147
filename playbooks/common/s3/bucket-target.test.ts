import { expect, it } from 'vitest';
import { parseFinding } from '../../../core/finding/finding.ts';
import type { JsonObject } from '../../../core/json.ts';
import { createTwin } from '../../../sandbox/twin/twin.ts';
import { findingOn } from '../../../sandbox/worlds.ts';
import { SCOPE } from '../../../test/playbooks/properties.ts';
import { bucketOf } from './bucket-target.ts';

const bucketIn = (s3BucketDetails: JsonObject[]) =>
  bucketOf(
    parseFinding(
      findingOn(createTwin(SCOPE), {
        seed: 'bucket',
        type: 'Policy:S3/BucketAnonymousAccessGranted',
        resource: { resourceType: 'S3Bucket', s3BucketDetails },
      }),
    ),
  );

it('is the first bucket of the finding, with the names of the others', () => {
  expect(bucketIn([{ name: 'customer-data' }, { name: 'second-one' }, { name: '../x' }])).toMatchObject({
    ok: true,
    target: {
      kind: 's3-bucket',
      id: 'customer-data',
      display: 'arn:aws:s3:::customer-data',
      facts: { others: ['second-one'] },
    },
  });
});

it.each([[[]], [[{}]], [[{ name: '../x' }]], [[{ name: 'UPPER' }]], [[{ name: 'x'.repeat(64) }]]])(
  'is not guessed from %j',
  (details) => {
    expect(bucketIn(details)).toEqual({ ok: false, reason: 'the finding does not name an S3 bucket' });
  },
);

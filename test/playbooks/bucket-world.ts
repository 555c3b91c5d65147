/** A bucket in the twin, and a finding about a principal that works on buckets. */
import fc from 'fast-check';
import type { JsonObject } from '../../core/json.ts';
import { newBucket, type TwinBucket } from '../../sandbox/twin/s3.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';

export const BUCKET = 'customer-data';
/** A session in another account, as `aws:userid` names it. */
export const FOREIGN = 'AROAFOREIGN0000000001:thief';

export const putBucket = (twin: AccountTwin, world: Partial<TwinBucket>): void => {
  twin.state.s3.buckets[BUCKET] = newBucket(BUCKET, world);
};
export const bucketIn = (twin: AccountTwin): TwinBucket => {
  const found = twin.state.s3.buckets[BUCKET];
  if (!found) throw new Error('the world has no bucket');
  return found;
};

/** Every public access block that a bucket or an account may have; null where none is set. */
export const publicAccessBlocks = fc.option(
  fc.record({
    BlockPublicAcls: fc.boolean(),
    BlockPublicPolicy: fc.boolean(),
    IgnorePublicAcls: fc.boolean(),
    RestrictPublicBuckets: fc.boolean(),
  }),
  { nil: null },
);

export const onBucket = (
  twin: AccountTwin,
  details: JsonObject,
  type = 'Exfiltration:S3/AnomalousBehavior',
  buckets: readonly string[] = [BUCKET],
) =>
  findingOn(twin, {
    seed: type,
    type,
    resource: {
      resourceType: 'S3Bucket',
      s3BucketDetails: buckets.map((name) => ({ name })),
      accessKeyDetails: details,
    },
  });

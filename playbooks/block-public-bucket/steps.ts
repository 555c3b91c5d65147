/** The step kind: the public access block of one bucket, set in the Region of the bucket. */
import { z } from 'zod';
import { BUCKET } from '../common/s3/bucket-target.ts';
import { ALL_BLOCKED, blockOf, blockValue } from '../common/s3/public-access-block.ts';
import { regionName, stepKind } from '../common/step-kind.ts';

const bucketArgs = z.object({ bucket: z.string().regex(BUCKET), region: regionName });

const publicAccessBlock = stepKind(bucketArgs, {
  value: blockValue,
  foreign: ({ bucket }, { target }) =>
    bucket === target.id ? undefined : `the bucket is ${target.id}, not ${bucket}`,
  async read({ bucket, region }, { aws }) {
    const { client, api } = await aws.inRegion(region).s3();
    return {
      value: await blockOf(() => client.send(new api.GetPublicAccessBlockCommand({ Bucket: bucket }))),
    };
  },
  after: () => ({ ...ALL_BLOCKED }),
  async apply({ bucket, region }, { aws }) {
    const { client, api } = await aws.inRegion(region).s3();
    await client.send(
      new api.PutPublicAccessBlockCommand({
        Bucket: bucket,
        PublicAccessBlockConfiguration: { ...ALL_BLOCKED },
      }),
    );
    return undefined;
  },
  async revert({ bucket, region }, { aws }, before) {
    const { client, api } = await aws.inRegion(region).s3();
    if (before === null) await client.send(new api.DeletePublicAccessBlockCommand({ Bucket: bucket }));
    else {
      await client.send(
        new api.PutPublicAccessBlockCommand({ Bucket: bucket, PublicAccessBlockConfiguration: before }),
      );
    }
    return 'reverted';
  },
});

export const KINDS = { 'public-access-block': publicAccessBlock };

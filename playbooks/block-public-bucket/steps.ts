/** The step kind: the public access block of one bucket, set in the Region of the bucket. */
import { z } from 'zod';
import { ALL_BLOCKED, blockOf, configurationOf } from '../common/s3/public-access-block.ts';
import { stepKind } from '../common/step-kind.ts';

const bucketArgs = z.object({ bucket: z.string(), region: z.string() });

const publicAccessBlock = stepKind(bucketArgs, {
  async read({ bucket, region }, { aws }) {
    const { client, api } = await aws.inRegion(region).s3();
    return {
      value: await blockOf(() => client.send(new api.GetPublicAccessBlockCommand({ Bucket: bucket }))),
    };
  },
  after: () => ({ ...ALL_BLOCKED }),
  async apply({ bucket, region }, { aws }, _before, after) {
    const { client, api } = await aws.inRegion(region).s3();
    await client.send(
      new api.PutPublicAccessBlockCommand({
        Bucket: bucket,
        PublicAccessBlockConfiguration: configurationOf(after),
      }),
    );
    return undefined;
  },
  async revert({ bucket, region }, { aws }, before) {
    const { client, api } = await aws.inRegion(region).s3();
    if (before === null) await client.send(new api.DeletePublicAccessBlockCommand({ Bucket: bucket }));
    else {
      const PublicAccessBlockConfiguration = configurationOf(before);
      await client.send(
        new api.PutPublicAccessBlockCommand({ Bucket: bucket, PublicAccessBlockConfiguration }),
      );
    }
    return 'reverted';
  },
});

export const KINDS = { 'public-access-block': publicAccessBlock };

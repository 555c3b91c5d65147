import { z } from 'zod';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { BUCKETS, bucket, bucketNames, inConfig, orNone, ownBucket, SOURCE } from '../bucket.ts';

/** null: the bucket is gone, or never had versions. */
const status = z.enum(['Enabled', 'Suspended']).nullable();

/** What is overwritten or deleted in a bucket without versions is gone: they are kept again. The request holds the XML [M-LAB]. */
export const reversedBucketVersioning = defineInverse({
  id: 'reversed-bucket-versioning',
  danger: 'destroys',
  calls: { source: SOURCE, names: ['PutBucketVersioning'] },
  does: 'a bucket whose versions were suspended keeps them again',
  resource: bucket,
  value: status,
  effects: ({ request }) => [
    {
      resource: { bucket: textIn(request, 'bucketName') },
      left: textIn(request, 'VersioningConfiguration', 'Status'),
      // To suspend what was never on would be in vain; it keeps more, and opens nothing.
      guess: 'Enabled',
    },
  ],
  listedAs: ({ bucket: name }) => name,
  recorded: {
    of: inConfig,
    value: ({ supplementary }) => textIn(supplementary, 'BucketVersioningConfiguration', 'status'),
  },
  names: bucketNames,
  says: ({ bucket: name }) => `Let bucket ${name} keep versions of its objects again`,
  async read(aws, of) {
    const { client, api } = await aws.s3();
    const live = await orNone([], () => client.send(new api.GetBucketVersioningCommand(ownBucket(aws, of))));
    return status.parse(live?.Status ?? null);
  },
  async put(aws, of, to) {
    if (to === null) return;
    const { client, api } = await aws.s3();
    await client.send(
      new api.PutBucketVersioningCommand({ ...ownBucket(aws, of), VersioningConfiguration: { Status: to } }),
    );
  },
  never: ({ bucket: name }, wanted, { by }) =>
    by === 'reversal' && wanted !== 'Enabled' ? `bucket ${name} kept no versions before` : undefined,
  remains: ({ bucket: name }) => [
    `what was overwritten or deleted in bucket ${name} while its versions were suspended is gone`,
  ],
  permissions: {
    read: [
      { actions: ['s3:GetBucketVersioning'], resources: [BUCKETS], why: 'whether a bucket keeps versions' },
    ],
    write: [
      {
        actions: ['s3:PutBucketVersioning'],
        resources: [BUCKETS],
        why: 'a bucket keeps versions of its objects again',
        worst: 'suspends the versions of any bucket: what is overwritten after that is gone',
      },
    ],
  },
  words: { setting: 'Versions of a bucket', why: 'without them what is overwritten or deleted is gone' },
  example: {
    eventName: 'PutBucketVersioning',
    requestParameters: {
      ...{ bucketName: 'customer-data', versioning: '' },
      VersioningConfiguration: { xmlns: 'http://s3.amazonaws.com/doc/2006-03-01/', Status: 'Suspended' },
    },
  },
});

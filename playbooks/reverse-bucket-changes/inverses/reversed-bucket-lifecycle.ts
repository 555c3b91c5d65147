import { z } from 'zod';
import { defineInverse, textIn, valueIn } from '../../common/changes/inverse.ts';
import { BUCKETS, bucket, bucketNames, inConfig, orNone, ownBucket, SOURCE } from '../bucket.ts';
import { forApi, fromXml, rules, rulesIn, sameRules } from '../rules.ts';

const lifecycle = z
  .strictObject({
    rules,
    /** The smallest objects that move to another storage class; null where the record does not say. */
    minimum: z.enum(['all_storage_classes_128K', 'varies_by_storage_class']).nullable(),
  })
  .nullable();

/** Which objects expire and move is again what it was. */
export const reversedBucketLifecycle = defineInverse({
  id: 'reversed-bucket-lifecycle',
  danger: 'destroys',
  // CloudTrail keeps the older name of the call as well [M-LAB].
  calls: {
    source: SOURCE,
    names: ['PutBucketLifecycle', 'PutBucketLifecycleConfiguration', 'DeleteBucketLifecycle'],
  },
  does: 'the rules that were there before are written again; ones that were not are removed',
  resource: bucket,
  value: lifecycle,
  effects({ name, request }) {
    const resource = { bucket: textIn(request, 'bucketName') };
    if (name === 'DeleteBucketLifecycle') return [{ resource, left: null }];
    const configuration = fromXml(valueIn(request, 'LifecycleConfiguration') ?? null);
    return [{ resource, left: { rules: valueIn(configuration, 'Rules'), minimum: null }, guess: null }];
  },
  listedAs: ({ bucket: name }) => name,
  recorded: {
    of: inConfig,
    // Config has the rules in a form of its own: it is taken to say only that there was none.
    value: ({ supplementary }) =>
      Object.keys(supplementary).length > 0 && supplementary['BucketLifecycleConfiguration'] === undefined
        ? null
        : undefined,
  },
  names: bucketNames,
  says: ({ bucket: name }, wanted) =>
    wanted === null
      ? `Remove the lifecycle rules of bucket ${name}`
      : `Restore the lifecycle rules of bucket ${name}`,
  async read(aws, of) {
    const { client, api } = await aws.s3();
    const answer = await orNone(['NoSuchLifecycleConfiguration'], () =>
      client.send(new api.GetBucketLifecycleConfigurationCommand(ownBucket(aws, of))),
    );
    if (!answer) return null;
    const { Rules, TransitionDefaultMinimumObjectSize: minimum = null } = answer;
    return { rules: rulesIn(Rules) ?? [], minimum };
  },
  async put(aws, of, to) {
    const { client, api } = await aws.s3();
    const own = ownBucket(aws, of);
    if (to === null) await client.send(new api.DeleteBucketLifecycleCommand(own));
    else
      await client.send(
        new api.PutBucketLifecycleConfigurationCommand({
          ...own,
          LifecycleConfiguration: { Rules: forApi(to.rules) },
          ...(to.minimum === null ? {} : { TransitionDefaultMinimumObjectSize: to.minimum }),
        }),
      );
  },
  same: (a, b) => a === b || (a !== null && b !== null && sameRules(a.rules, b.rules)),
  remains: () => ['objects that expired meanwhile are gone, unless the bucket keeps versions'],
  permissions: {
    read: [
      {
        actions: ['s3:GetLifecycleConfiguration'],
        resources: [BUCKETS],
        why: 'the lifecycle rules that the principal changed',
      },
    ],
    write: [
      {
        // Deleting the configuration is the same action.
        actions: ['s3:PutLifecycleConfiguration'],
        resources: [BUCKETS],
        why: 'the lifecycle rules of a bucket go back to what they were',
        worst: 'lets every object of any bucket expire',
      },
    ],
  },
  words: { setting: 'Lifecycle rules', why: 'they say which objects S3 deletes, and when' },
  example: {
    eventName: 'PutBucketLifecycle',
    requestParameters: {
      ...{ bucketName: 'customer-data', lifecycle: '' },
      LifecycleConfiguration: {
        xmlns: 'http://s3.amazonaws.com/doc/2006-03-01/',
        Rule: { ...{ ID: 'x', Status: 'Enabled', Filter: { Prefix: '' } }, Expiration: { Days: 1 } },
      },
    },
  },
});

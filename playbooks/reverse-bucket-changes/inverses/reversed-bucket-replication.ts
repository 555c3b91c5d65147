import { z } from 'zod';
import { defineInverse, textIn, valueIn } from '../../common/changes/inverse.ts';
import { BUCKETS, bucket, bucketNames, inConfig, orNone, ownBucket, SOURCE } from '../bucket.ts';
import { forApi, fromXml, rules, rulesIn, sameRules } from '../rules.ts';

const ROLE = /^arn:[a-z-]+:iam::\d{12}:role\/[\w+=,.@/-]{1,600}$/;
const replication = z.strictObject({ role: z.string().regex(ROLE), rules }).nullable();

/** Objects are no longer copied to where the principal sent them. To set replication up hands a role to S3: for undo alone. */
export const reversedBucketReplication = defineInverse({
  id: 'reversed-bucket-replication',
  danger: 'exposes data',
  calls: { source: SOURCE, names: ['PutBucketReplication', 'DeleteBucketReplication'] },
  does: 'replication that was not there before ends; one that was changed or removed is named',
  resource: bucket,
  value: replication,
  effects({ name, request }) {
    const resource = { bucket: textIn(request, 'bucketName') };
    if (name === 'DeleteBucketReplication') return [{ resource, left: null }];
    const configuration = fromXml(valueIn(request, 'ReplicationConfiguration') ?? null);
    const left = { role: textIn(configuration, 'Role'), rules: valueIn(configuration, 'Rules') };
    return [{ resource, left, guess: null }];
  },
  listedAs: ({ bucket: name }) => name,
  recorded: {
    of: inConfig,
    // Config has the rules in a form of its own: it is taken to say only that there was none.
    value: ({ supplementary }) =>
      Object.keys(supplementary).length > 0 &&
      textIn(supplementary, 'BucketReplicationConfiguration', 'roleARN') === undefined
        ? null
        : undefined,
  },
  names: bucketNames,
  says: ({ bucket: name }, wanted) =>
    wanted === null ? `End the replication of bucket ${name}` : `Restore the replication of bucket ${name}`,
  byHand: (wanted) => (wanted === null ? undefined : 'it would hand a role to S3 and copy objects elsewhere'),
  async read(aws, of) {
    const { client, api } = await aws.s3();
    const answer = await orNone(['ReplicationConfigurationNotFoundError'], () =>
      client.send(new api.GetBucketReplicationCommand(ownBucket(aws, of))),
    );
    const { Role, Rules } = answer?.ReplicationConfiguration ?? {};
    return Role === undefined ? null : { role: Role, rules: rulesIn(Rules) ?? [] };
  },
  async put(aws, of, to) {
    const { client, api } = await aws.s3();
    const own = ownBucket(aws, of);
    if (to === null) await client.send(new api.DeleteBucketReplicationCommand(own));
    else
      await client.send(
        new api.PutBucketReplicationCommand({
          ...own,
          ReplicationConfiguration: { Role: to.role, Rules: forApi(to.rules) },
        }),
      );
  },
  same: (a, b) => a === b || (a !== null && b !== null && a.role === b.role && sameRules(a.rules, b.rules)),
  remains: () => ['objects that were copied meanwhile belong to the other bucket'],
  permissions: {
    read: [
      {
        actions: ['s3:GetReplicationConfiguration'],
        resources: [BUCKETS],
        why: 'where a bucket is copied to',
      },
    ],
    write: [
      {
        actions: ['s3:PutReplicationConfiguration'],
        resources: [BUCKETS],
        why: 'replication that the principal set up ends',
        worst: 'ends the replication of any bucket',
      },
    ],
    undo: [
      {
        actions: ['iam:PassRole'],
        resources: ['arn:${Partition}:iam::${Account}:role/*'],
        condition: { StringEquals: { 'iam:PassedToService': 's3.amazonaws.com' } },
        why: 'sets replication up again as it was',
        worst: 'has S3 copy objects with any role that trusts it',
      },
    ],
  },
  words: { setting: 'Replication', why: 'it copies every new object to another bucket' },
  example: {
    eventName: 'PutBucketReplication',
    requestParameters: {
      ...{ bucketName: 'customer-data', replication: '' },
      ReplicationConfiguration: {
        xmlns: 'http://s3.amazonaws.com/doc/2006-03-01/',
        Role: ['arn', 'aws', 'iam', '', '111122223333', 'role/replication'].join(':'),
        Rule: {
          ...{ ID: 'all', Priority: 1, Status: 'Enabled', Filter: '' },
          DeleteMarkerReplication: { Status: 'Disabled' },
          Destination: {
            Bucket: ['arn', 'aws', 's3', '', '', 'elsewhere'].join(':'),
            Account: '444455556666',
          },
        },
      },
    },
  },
});

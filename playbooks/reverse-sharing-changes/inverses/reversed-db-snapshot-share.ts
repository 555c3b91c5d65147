import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { awsErrorName } from '../../../core/errors.ts';
import { defineInverse, objectsIn, textIn } from '../../common/changes/inverse.ts';
import { COPIED, effectOf, isShared, sharedWith, sharesAgain, sharesWith, WORDS } from '../sharing.ts';

const SNAPSHOTS = [
  'arn:${Partition}:rds:${Region}:${Account}:snapshot:*',
  'arn:${Partition}:rds:${Region}:${Account}:cluster-snapshot:*',
];

const shared = z.strictObject({
  of: z.enum(['snapshot', 'cluster-snapshot']),
  id: z.string().regex(/^[a-zA-Z][a-zA-Z0-9-]{0,254}$/),
  to: sharedWith,
});
type Shared = z.infer<typeof shared>;

const listOf = (list: unknown): readonly unknown[] => (Array.isArray(list) ? list : []);

/** A database is restored from a snapshot by whom it is shared with. */
export const reversedDbSnapshotShare = defineInverse({
  id: 'reversed-db-snapshot-share',
  danger: 'exposes data',
  calls: {
    source: 'rds.amazonaws.com',
    names: ['ModifyDBSnapshotAttribute', 'ModifyDBClusterSnapshotAttribute'],
  },
  does: 'the account that was added may not restore the snapshot any longer; one that was removed is named',
  resource: shared,
  value: isShared,
  effects({ name, request }) {
    if (textIn(request, 'attributeName') !== 'restore') return [];
    const cluster = name === 'ModifyDBClusterSnapshotAttribute';
    const one = {
      of: cluster ? 'cluster-snapshot' : 'snapshot',
      id: textIn(request, cluster ? 'dBClusterSnapshotIdentifier' : 'dBSnapshotIdentifier'),
    };
    return [
      ...listOf(request['valuesToAdd']).map((to) => effectOf({ ...one, to }, true)),
      ...listOf(request['valuesToRemove']).map((to) => effectOf({ ...one, to }, false)),
    ];
  },
  listedAs: ({ id }) => id,
  recorded: {
    of: ({ of, id }) => ({
      type: of === 'snapshot' ? 'AWS::RDS::DBSnapshot' : 'AWS::RDS::DBClusterSnapshot',
      name: id,
    }),
    // `[{ attributeName, attributeValues }]` [M].
    value({ supplementary }, { to }) {
      const [list] = Object.entries(supplementary).flatMap(([name, value]) =>
        /^DB(Cluster)?SnapshotAttributes$/.test(name) ? [value] : [],
      );
      const restore = objectsIn(list)?.find(({ attributeName }) => attributeName === 'restore');
      return restore && listOf(restore['attributeValues']).includes(to);
    },
  },
  names: ({ scope }, { of, id }) => [arn(scope, 'rds', `${of}:${id}`), id],
  byHand: sharesAgain,
  says: ({ id, to }, wanted) => sharesWith(`database snapshot ${id}`, to, wanted),
  async read(aws, one) {
    try {
      const attributes = await attributesOf(aws, one);
      const restore = attributes.find(({ AttributeName }) => AttributeName === 'restore');
      return restore?.AttributeValues?.includes(one.to) ?? false;
    } catch (error) {
      if (['DBSnapshotNotFound', 'DBClusterSnapshotNotFoundFault'].includes(awsErrorName(error) ?? ''))
        return false;
      throw error;
    }
  },
  async put(aws, { of, id, to }, wanted) {
    const { client, api } = await aws.rds();
    const change = {
      AttributeName: 'restore',
      ...(wanted ? { ValuesToAdd: [to] } : { ValuesToRemove: [to] }),
    };
    await (of === 'snapshot'
      ? client.send(new api.ModifyDBSnapshotAttributeCommand({ DBSnapshotIdentifier: id, ...change }))
      : client.send(
          new api.ModifyDBClusterSnapshotAttributeCommand({ DBClusterSnapshotIdentifier: id, ...change }),
        ));
  },
  remains: () => [COPIED],
  permissions: {
    read: [
      {
        actions: ['rds:DescribeDBClusterSnapshotAttributes', 'rds:DescribeDBSnapshotAttributes'],
        resources: SNAPSHOTS,
        why: 'whom a database snapshot is shared with',
      },
    ],
    write: [
      {
        actions: ['rds:ModifyDBClusterSnapshotAttribute', 'rds:ModifyDBSnapshotAttribute'],
        resources: SNAPSHOTS,
        why: 'whom the principal shared a database snapshot with loses access',
        worst: 'shares any database snapshot that is not under a key of AWS with anyone',
      },
    ],
  },
  words: {
    setting: 'Database snapshot',
    why: 'whom it is shared with may restore the whole database',
    values: WORDS,
  },
  example: {
    eventName: 'ModifyDBSnapshotAttribute',
    requestParameters: {
      dBSnapshotIdentifier: 'orders-before-sale',
      attributeName: 'restore',
      valuesToAdd: ['444455556666'],
    },
  },
});

async function attributesOf(aws: Aws, { of, id }: Shared) {
  const { client, api } = await aws.rds();
  if (of === 'snapshot') {
    const answer = await client.send(
      new api.DescribeDBSnapshotAttributesCommand({ DBSnapshotIdentifier: id }),
    );
    return answer.DBSnapshotAttributesResult?.DBSnapshotAttributes ?? [];
  }
  const answer = await client.send(
    new api.DescribeDBClusterSnapshotAttributesCommand({ DBClusterSnapshotIdentifier: id }),
  );
  return answer.DBClusterSnapshotAttributesResult?.DBClusterSnapshotAttributes ?? [];
}

import { z } from 'zod';
import { awsErrorName } from '../../../core/errors.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import {
  COPIED,
  effectOf,
  givenIn,
  isShared,
  publicNames,
  sharedWith,
  sharesWith,
  WORDS,
} from '../sharing.ts';

const SNAPSHOTS = 'arn:${Partition}:ec2:${Region}::snapshot/*';

/** Volumes are made from a snapshot by whom it is shared with. */
export const reversedSnapshotShare = defineInverse({
  id: 'reversed-snapshot-share',
  danger: 'exposes data',
  calls: { source: 'ec2.amazonaws.com', names: ['ModifySnapshotAttribute'] },
  does: 'the account that was added loses access to the snapshot; one that was removed has it again',
  resource: z.strictObject({ snapshot: z.string().regex(/^snap-[0-9a-f]{8,17}$/), to: sharedWith }),
  value: isShared,
  effects: ({ request }) =>
    givenIn(request, 'createVolumePermission').map(({ to, left }) =>
      effectOf({ snapshot: textIn(request, 'snapshotId'), to }, left),
    ),
  listedAs: ({ snapshot }) => snapshot,
  names: (aws, { snapshot }) => publicNames(aws, 'snapshot', snapshot),
  says: ({ snapshot, to }, wanted) => sharesWith(snapshot, to, wanted),
  async read(aws, { snapshot, to }) {
    const { client, api } = await aws.ec2();
    try {
      const { CreateVolumePermissions = [] } = await client.send(
        new api.DescribeSnapshotAttributeCommand({
          SnapshotId: snapshot,
          Attribute: 'createVolumePermission',
        }),
      );
      return CreateVolumePermissions.some(({ UserId, Group }) => UserId === to || Group === to);
    } catch (error) {
      if (awsErrorName(error) === 'InvalidSnapshot.NotFound') return false;
      throw error;
    }
  },
  async put(aws, { snapshot, to }, wanted) {
    const { client, api } = await aws.ec2();
    await client.send(
      new api.ModifySnapshotAttributeCommand({
        ...{ SnapshotId: snapshot, Attribute: 'createVolumePermission' },
        OperationType: wanted ? 'add' : 'remove',
        ...(to === 'all' ? { GroupNames: ['all'] } : { UserIds: [to] }),
      }),
    );
  },
  remains: () => [COPIED],
  permissions: {
    read: [
      {
        actions: ['ec2:DescribeSnapshotAttribute'],
        resources: [SNAPSHOTS],
        why: 'whom a snapshot is shared with',
      },
    ],
    write: [
      {
        actions: ['ec2:ModifySnapshotAttribute'],
        resources: [SNAPSHOTS],
        why: 'whom the principal shared a snapshot with loses access',
        worst: 'shares any snapshot that is not encrypted with anyone',
      },
    ],
  },
  words: {
    setting: 'Snapshot',
    why: 'whom it is shared with may copy all that was on the volume',
    values: WORDS,
  },
  example: {
    eventName: 'ModifySnapshotAttribute',
    requestParameters: {
      snapshotId: 'snap-0123456789abcdef0',
      createVolumePermission: { add: { items: [{ userId: '444455556666' }] } },
      attributeType: 'CREATE_VOLUME_PERMISSION',
    },
  },
});

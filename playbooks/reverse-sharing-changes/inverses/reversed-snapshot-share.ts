import { ec2Share } from '../ec2-share.ts';

/** Volumes are made from a snapshot by whom it is shared with. */
export const reversedSnapshotShare = ec2Share({
  ...{
    id: 'reversed-snapshot-share',
    type: 'snapshot',
    prefix: 'snap',
    permission: 'createVolumePermission',
  },
  gone: ['InvalidSnapshot.NotFound'],
  does: 'the account that was added loses access to the snapshot; one that was removed is named',
  worst: 'shares any snapshot that is not encrypted with anyone',
  ...{ setting: 'Snapshot', why: 'whom it is shared with may copy all that was on the volume' },
  async shares(aws, SnapshotId) {
    const { client, api } = await aws.ec2();
    const input = { SnapshotId, Attribute: 'createVolumePermission' } as const;
    return (await client.send(new api.DescribeSnapshotAttributeCommand(input))).CreateVolumePermissions;
  },
  async share(aws, SnapshotId, { OperationType, users = { GroupNames: ['all'] } }) {
    const { client, api } = await aws.ec2();
    const input = { SnapshotId, Attribute: 'createVolumePermission' as const, OperationType, ...users };
    await client.send(new api.ModifySnapshotAttributeCommand(input));
  },
  example: {
    snapshotId: 'snap-0123456789abcdef0',
    createVolumePermission: { add: { items: [{ userId: '444455556666' }] } },
    attributeType: 'CREATE_VOLUME_PERMISSION',
  },
});

import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { awsErrorName } from '../../../core/errors.ts';
import type { Call } from '../../common/changes/call.ts';
import { defineInverse, itemsIn, textIn } from '../../common/changes/inverse.ts';

const THERE = 'available';
const KEPT = 'in the Recycle Bin';

const id = (prefix: string) => z.string().regex(new RegExp(`^${prefix}-[0-9a-f]{8,17}$`));
const recyclable = z.discriminatedUnion('of', [
  z.strictObject({ of: z.literal('image'), id: id('ami') }),
  z.strictObject({ of: z.literal('snapshot'), id: id('snap') }),
  z.strictObject({ of: z.literal('volume'), id: id('vol') }),
]);
type Recyclable = z.infer<typeof recyclable>;

/** An image, snapshot or volume that a retention rule keeps is taken out of the Recycle Bin. */
export const recycled = defineInverse({
  id: 'recycled',
  danger: 'destroys',
  calls: { source: 'ec2.amazonaws.com', names: ['DeregisterImage', 'DeleteSnapshot', 'DeleteVolume'] },
  does: 'it is restored from the Recycle Bin, where a retention rule keeps it; without one it is gone',
  resource: recyclable,
  value: z.enum([THERE, KEPT]).nullable(),
  // What is not there cannot be deleted.
  effects: (call) => deletedBy(call).map((resource) => ({ resource, left: KEPT, before: THERE })),
  listedAs: (one) => one.id,
  names: ({ scope }, one) => {
    const account = one.of === 'volume' ? scope.account : '';
    return [['arn', scope.partition, 'ec2', scope.region, account, `${one.of}/${one.id}`].join(':'), one.id];
  },
  says: (one) => `Restore ${one.of} ${one.id} from the Recycle Bin`,
  async read(aws, one) {
    if (await isThere(aws, one)) return THERE;
    return (await isKept(aws, one)) ? KEPT : null;
  },
  async put(aws, one) {
    const { client, api } = await aws.ec2();
    try {
      await (one.of === 'image'
        ? client.send(new api.RestoreImageFromRecycleBinCommand({ ImageId: one.id }))
        : one.of === 'snapshot'
          ? client.send(new api.RestoreSnapshotFromRecycleBinCommand({ SnapshotId: one.id }))
          : client.send(new api.RestoreVolumeFromRecycleBinCommand({ VolumeId: one.id })));
    } catch (error) {
      // A lost answer of this very call, or another caller: it is out of the bin.
      if (!NOT_THERE.test(awsErrorName(error) ?? '') || !(await isThere(aws, one))) throw error;
    }
  },
  never(one, value, { region }) {
    if (value === THERE) return undefined;
    const command =
      one.of === 'image'
        ? awsCommand('ec2 deregister-image', { region, 'image-id': one.id })
        : one.of === 'snapshot'
          ? awsCommand('ec2 delete-snapshot', { region, 'snapshot-id': one.id })
          : awsCommand('ec2 delete-volume', { region, 'volume-id': one.id });
    return `Firebreak deletes no ${one.of}: ${command}`;
  },
  permissions: {
    read: [
      {
        // None has a resource level.
        actions: [
          ...['ec2:DescribeImages', 'ec2:DescribeSnapshots', 'ec2:DescribeVolumes'],
          ...['ec2:ListImagesInRecycleBin', 'ec2:ListSnapshotsInRecycleBin', 'ec2:ListVolumesInRecycleBin'],
        ],
        resources: ['*'],
        why: 'whether what was deleted is in the Recycle Bin',
      },
    ],
    write: [
      {
        actions: [
          ...['ec2:RestoreImageFromRecycleBin', 'ec2:RestoreSnapshotFromRecycleBin'],
          'ec2:RestoreVolumeFromRecycleBin',
        ],
        resources: [
          'arn:${Partition}:ec2:${Region}::image/*',
          'arn:${Partition}:ec2:${Region}::snapshot/*',
          'arn:${Partition}:ec2:${Region}:${Account}:volume/*',
        ],
        why: 'images, snapshots and volumes are restored from the Recycle Bin',
        worst: 'restores what its owner deleted, which costs storage',
      },
    ],
  },
  words: { setting: 'Image, snapshot or volume', why: 'servers and data are restored from it' },
  example: { eventName: 'DeregisterImage', requestParameters: { imageId: 'ami-0123456789abcdef0' } },
});

/** An image may be deregistered with its snapshots. */
function deletedBy({ name, request, response }: Call): readonly unknown[] {
  if (name === 'DeleteSnapshot') return [{ of: 'snapshot', id: textIn(request, 'snapshotId') }];
  if (name === 'DeleteVolume') return [{ of: 'volume', id: textIn(request, 'volumeId') }];
  const snapshots = itemsIn(response, 'deleteSnapshotResultSet').filter(
    (one) => textIn(one, 'returnCode') === 'success',
  );
  return [
    { of: 'image', id: textIn(request, 'imageId') },
    ...snapshots.map((one) => ({ of: 'snapshot', id: textIn(one, 'snapshotId') })),
  ];
}

const NOT_THERE = /^Invalid(AMIID|Snapshot|Volume)\.(NotFound|Unavailable)$/;

async function isThere(aws: Aws, one: Recyclable): Promise<boolean> {
  const { client, api } = await aws.ec2();
  return found(async () => {
    if (one.of === 'image')
      return (await client.send(new api.DescribeImagesCommand({ ImageIds: [one.id] }))).Images;
    if (one.of === 'snapshot')
      return (await client.send(new api.DescribeSnapshotsCommand({ SnapshotIds: [one.id] }))).Snapshots;
    return (await client.send(new api.DescribeVolumesCommand({ VolumeIds: [one.id] }))).Volumes;
  });
}

async function isKept(aws: Aws, one: Recyclable): Promise<boolean> {
  const { client, api } = await aws.ec2();
  return found(async () => {
    if (one.of === 'image')
      return (await client.send(new api.ListImagesInRecycleBinCommand({ ImageIds: [one.id] }))).Images;
    if (one.of === 'snapshot')
      return (await client.send(new api.ListSnapshotsInRecycleBinCommand({ SnapshotIds: [one.id] })))
        .Snapshots;
    return (await client.send(new api.ListVolumesInRecycleBinCommand({ VolumeIds: [one.id] }))).Volumes;
  });
}

/** EC2 answers an error for an id that is not there; whether it does for the Recycle Bin is not documented [M-LAB]. */
async function found(asked: () => Promise<readonly unknown[] | undefined>): Promise<boolean> {
  try {
    return ((await asked()) ?? []).length > 0;
  } catch (error) {
    if (NOT_THERE.test(awsErrorName(error) ?? '')) return false;
    throw error;
  }
}

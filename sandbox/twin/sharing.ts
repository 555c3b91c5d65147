/** Whom snapshots and images are shared with. Part of EC2 and RDS. */
import { awsError } from '../aws-error.ts';
import type { Answers, TwinCall } from './twin.ts';

/** A copy of data that may be shared: with accounts, or with `all`. */
interface Copy {
  sharedWith?: string[];
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** To add who is there, or to remove who is not, is no error. Answers have no order. */
function share(copy: Copy, added: readonly string[], removed: readonly string[]): void {
  const left = new Set([...(copy.sharedWith ?? []), ...added]);
  for (const one of removed) left.delete(one);
  if (left.size > 0) copy.sharedWith = [...left].sort();
  else delete copy.sharedWith;
}

const permissionsOf = ({ sharedWith = [] }: Copy): object[] =>
  sharedWith.map((one) => (one === 'all' ? { Group: one } : { UserId: one }));

function modify(copy: Copy, input: TwinCall['input'], groups: string): object {
  const all = [...texts(input['UserIds']), ...texts(input[groups])];
  if (input['OperationType'] === 'add') share(copy, all, []);
  else share(copy, [], all);
  return {};
}

function snapshotOf({ region, input }: TwinCall) {
  const id = String(input['SnapshotId']);
  const found = region.snapshots.find(({ SnapshotId }) => SnapshotId === id);
  if (found) return found;
  throw awsError('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`);
}

function imageOf({ region, input }: TwinCall) {
  const id = String(input['ImageId']);
  const found = region.images?.find(({ ImageId }) => ImageId === id);
  if (found) return found;
  throw awsError('InvalidAMIID.NotFound', `The image id '[${id}]' does not exist`);
}

export const ec2Sharing: Answers = {
  DescribeSnapshotAttribute: (call) => ({
    SnapshotId: call.input['SnapshotId'],
    CreateVolumePermissions: permissionsOf(snapshotOf(call)),
  }),
  ModifySnapshotAttribute: (call) => modify(snapshotOf(call), call.input, 'GroupNames'),
  DescribeImageAttribute: (call) => ({
    ImageId: call.input['ImageId'],
    LaunchPermissions: permissionsOf(imageOf(call)),
  }),
  ModifyImageAttribute: (call) => modify(imageOf(call), call.input, 'UserGroups'),
};

/** Both kinds of snapshots of databases, by the start of their names. */
function database(kind: 'DBSnapshot' | 'DBClusterSnapshot', error: string): Answers {
  const copyOf = ({ region, input }: TwinCall) => {
    const id = String(input[`${kind}Identifier`]);
    const found = region.rds.snapshots.find((one) => one.id === id);
    if (found) return found;
    throw awsError(error, `${id} not found.`, 404);
  };
  const shown = (call: TwinCall) => ({
    [`${kind}AttributesResult`]: {
      [`${kind}Identifier`]: call.input[`${kind}Identifier`],
      [`${kind}Attributes`]: [{ AttributeName: 'restore', AttributeValues: copyOf(call).sharedWith ?? [] }],
    },
  });
  return {
    [`Describe${kind}Attributes`]: shown,
    [`Modify${kind}Attribute`]: (call) => {
      share(copyOf(call), texts(call.input['ValuesToAdd']), texts(call.input['ValuesToRemove']));
      return shown(call);
    },
  };
}

export const rdsSharing: Answers = {
  ...database('DBSnapshot', 'DBSnapshotNotFound'),
  ...database('DBClusterSnapshot', 'DBClusterSnapshotNotFoundFault'),
};

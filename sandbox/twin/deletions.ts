/** What is deleted after a waiting period, or kept for a while: KMS keys, secrets, and the Recycle Bin of EC2. */
import { arn } from '../../core/aws/arn.ts';
import { awsError } from '../aws-error.ts';
import type { Answers, TwinCall } from './twin.ts';

/** The state of each KMS key, by its id. */
export type TwinKeys = Record<string, string>;
/** Secrets by their names, which hold the six characters of the ARN; true: scheduled for deletion. */
export type TwinSecrets = Record<string, boolean>;

const keyOf = ({ region, input }: TwinCall): { readonly keys: TwinKeys; readonly id: string } => {
  const id = String(input['KeyId']).replace(/^.*:key\//, '');
  const { kmsKeys: keys = {} } = region;
  if (keys[id] === undefined)
    throw awsError('NotFoundException', `Key '${String(input['KeyId'])}' does not exist`);
  return { keys, id };
};

/** Sets the state of a key that is in none of these states. */
const moves =
  (to: string, unless: readonly string[], answer: (call: TwinCall, KeyId: string) => object) =>
  (call: TwinCall): object => {
    const { keys, id } = keyOf(call);
    const KeyId = arn(call.scope, 'kms', `key/${id}`);
    if (unless.includes(keys[id] ?? ''))
      throw awsError('KMSInvalidStateException', `${KeyId} is ${keys[id]}.`);
    keys[id] = to;
    return answer(call, KeyId);
  };

const secretOf = ({ region, input }: TwinCall): { readonly secrets: TwinSecrets; readonly name: string } => {
  const name = String(input['SecretId']).replace(/^.*:secret:/, '');
  const { secrets = {} } = region;
  if (secrets[name] === undefined)
    throw awsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  return { secrets, name };
};
const secretArn = ({ scope }: TwinCall, name: string): string =>
  arn(scope, 'secretsmanager', `secret:${name}`);

export const deletions: Readonly<Record<string, Answers>> = {
  KMS: {
    DescribeKey: (call) => {
      const { keys, id } = keyOf(call);
      return { KeyMetadata: { KeyId: id, Arn: arn(call.scope, 'kms', `key/${id}`), KeyState: keys[id] } };
    },
    EnableKey: moves('Enabled', ['PendingDeletion'], () => ({})),
    DisableKey: moves('Disabled', ['PendingDeletion'], () => ({})),
    ScheduleKeyDeletion: moves('PendingDeletion', ['PendingDeletion'], (_call, KeyId) => ({
      ...{ KeyId, KeyState: 'PendingDeletion', PendingWindowInDays: 7 },
    })),
    CancelKeyDeletion: moves('Disabled', ['Enabled', 'Disabled'], (_call, KeyId) => ({ KeyId })),
  },
  SecretsManager: {
    DescribeSecret: (call) => {
      const { secrets, name } = secretOf(call);
      const Name = name.replace(/-\w{6}$/, '');
      const going = secrets[name] ? { DeletedDate: new Date('2026-11-24T07:00:00Z') } : {};
      return { ARN: secretArn(call, name), Name, ...going };
    },
    DeleteSecret: (call) => {
      const { secrets, name } = secretOf(call);
      if (secrets[name])
        throw awsError('InvalidRequestException', 'the secret was already scheduled for deletion');
      secrets[name] = true;
      return { ARN: secretArn(call, name), Name: name.replace(/-\w{6}$/, '') };
    },
    RestoreSecret: (call) => {
      const { secrets, name } = secretOf(call);
      secrets[name] = false;
      return { ARN: secretArn(call, name), Name: name.replace(/-\w{6}$/, '') };
    },
  },
};

/** What the Recycle Bin keeps, by its id: what it was, to be restored whole. */
export type TwinRecycleBin = Record<string, object>;

interface Kind {
  readonly list: 'images' | 'snapshots' | 'volumes';
  readonly id: string;
  readonly error: string;
  readonly deletes: string;
}
const image: Kind = {
  ...{ list: 'images', id: 'ImageId' },
  ...{ error: 'InvalidAMIID.NotFound', deletes: 'DeregisterImage' },
};
const snapshot: Kind = {
  ...{ list: 'snapshots', id: 'SnapshotId' },
  ...{ error: 'InvalidSnapshot.NotFound', deletes: 'DeleteSnapshot' },
};
const volume: Kind = {
  ...{ list: 'volumes', id: 'VolumeId' },
  ...{ error: 'InvalidVolume.NotFound', deletes: 'DeleteVolume' },
};

function recyclable(kind: 'Image' | 'Snapshot' | 'Volume', { list, id, error, deletes }: Kind): Answers {
  const missing = (one: string) => awsError(error, `The ${kind.toLowerCase()} '${one}' does not exist.`);
  const all = ({ region }: TwinCall): object[] => region[list] ?? [];
  const idOf = (one: object): string => String(Object.entries(one).find(([name]) => name === id)?.[1]);
  return {
    [deletes]: (call) => {
      const one = String(call.input[id]);
      const kept = all(call).find((each) => idOf(each) === one);
      if (!kept) throw missing(one);
      all(call).splice(all(call).indexOf(kept), 1);
      // Without a retention rule nothing is kept.
      if (call.region.recycleBin) call.region.recycleBin[one] = kept;
      return {};
    },
    [`List${kind}sInRecycleBin`]: ({ region, input }) => {
      const asked = input[`${id}s`] as string[];
      const kept = asked.filter((one) => region.recycleBin?.[one] !== undefined);
      return { [`${kind}s`]: kept.map((one) => ({ [id]: one })) };
    },
    [`Restore${kind}FromRecycleBin`]: (call) => {
      const one = String(call.input[id]);
      const bin = call.region.recycleBin ?? {};
      const kept = bin[one];
      if (!kept) throw missing(one);
      // It was taken out of this very list.
      all(call).push(kept);
      delete bin[one];
      return kind === 'Snapshot' ? { SnapshotId: one, State: 'completed' } : { Return: true };
    },
  };
}

export const recycleBin: Answers = {
  ...recyclable('Image', image),
  ...recyclable('Snapshot', snapshot),
  ...recyclable('Volume', volume),
  DescribeVolumes: ({ region, input }) => {
    const asked = input['VolumeIds'] as string[];
    const { volumes = [] } = region;
    const unknown = asked.find((one) => !volumes.some(({ VolumeId }) => VolumeId === one));
    if (unknown) throw awsError('InvalidVolume.NotFound', `The volume '${unknown}' does not exist.`);
    return {
      Volumes: asked.map((VolumeId) => ({ VolumeId, State: 'available' })),
    };
  },
};

/** Secrets by their labels; what is in them no one here asks for. */
import { awsError } from '../aws-error.ts';
import { deletions } from './deletions.ts';
import type { TwinRegion } from './state.ts';
import type { Answers, TwinCall } from './twin.ts';

export interface TwinSecret {
  name: string;
  arn: string;
  /** Version -> its labels. */
  versions: Record<string, string[]>;
  /** ARN of the rotation function; null where none is set up. */
  rotator: string | null;
}

/** Looks at the secret until a rotation under way is finished. No part of the state: time passes on its own. */
const rotating = new WeakMap<TwinSecret, number>();

export function secretOf({ rotatedSecrets = [] }: TwinRegion, id: unknown): TwinSecret {
  const found = rotatedSecrets.find(({ name, arn }) => name === id || arn === id);
  if (found) return found;
  throw awsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
}

const versionWith = ({ versions }: TwinSecret, label: string): string | undefined =>
  Object.keys(versions).find((version) => versions[version]?.includes(label));

/** Begins a rotation; with the version of an earlier one nothing is done. */
export function rotate(secret: TwinSecret, version: string): void {
  if (Object.hasOwn(secret.versions, version)) return;
  if (versionWith(secret, 'AWSPENDING') !== undefined)
    throw awsError(
      'InvalidRequestException',
      'A previous rotation isn’t complete. That rotation will be reattempted.',
    );
  secret.versions[version] = ['AWSPENDING'];
  rotating.set(secret, 2);
}

/** The function sets the password and moves the labels. */
function goOn(secret: TwinSecret): void {
  const left = rotating.get(secret) ?? 0;
  const [current, pending] = [versionWith(secret, 'AWSCURRENT'), versionWith(secret, 'AWSPENDING')];
  if (pending === undefined || !rotating.has(secret)) return;
  rotating.set(secret, left - 1);
  if (left > 1) return;
  secret.versions = {
    ...(current === undefined ? {} : { [current]: ['AWSPREVIOUS'] }),
    [pending]: ['AWSCURRENT'],
  };
  rotating.delete(secret);
}

const asked = (call: TwinCall): TwinSecret => secretOf(call.region, call.input['SecretId']);

const DELETIONS: Answers = deletions['SecretsManager'] ?? {};

export const secretsManager: Readonly<Record<string, Answers>> = {
  SecretsManager: {
    ...DELETIONS,
    DescribeSecret: (call) => {
      const { rotatedSecrets = [] } = call.region;
      const id = call.input['SecretId'];
      // Of those that are only deleted and restored no labels are kept.
      if (!rotatedSecrets.some(({ name, arn }) => name === id || arn === id))
        return DELETIONS['DescribeSecret']?.(call) ?? {};
      const secret = asked(call);
      goOn(secret);
      return {
        ...{ ARN: secret.arn, Name: secret.name, VersionIdsToStages: secret.versions },
        RotationEnabled: secret.rotator !== null,
        ...(secret.rotator === null ? {} : { RotationLambdaARN: secret.rotator }),
      };
    },
    RotateSecret: (call) => {
      const secret = asked(call);
      if (secret.rotator === null)
        throw awsError(
          'InvalidRequestException',
          'No Lambda rotation function ARN is associated with this secret.',
        );
      const version = String(call.input['ClientRequestToken']);
      rotate(secret, version);
      return { ARN: secret.arn, Name: secret.name, VersionId: version };
    },
  },
};

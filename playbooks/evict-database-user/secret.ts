/** Which secret holds the user's password, and its rotation: by Secrets Manager's labels, never by what is in it. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseArn } from '../../core/aws/arn.ts';
import { type Aws, pause } from '../../core/aws/client.ts';
import { awsErrorName } from '../../core/errors.ts';
import { awsReason } from '../common/iam/aws-reason.ts';
import type { DescribedDatabase } from '../common/rds/database.ts';
import type { DatabaseFacts } from '../common/rds/database-target.ts';
import type { Settings } from './settings.ts';

/** How the functions are named that Secrets Manager makes; Firebreak may start no others. */
const ROTATION_FUNCTION = /^function:SecretsManager[\w-]*(:[\w$-]+)?$/;

export const rotation = z.object({
  /** managed: RDS rotates the master user's password · function: a rotation function does. */
  how: z.enum(['managed', 'function']),
  /** ARN of the secret. */
  secret: z.string(),
  /** Id of its current version. */
  version: z.string(),
});
export type Rotation = z.infer<typeof rotation>;
export const noRotation = z.object({ why: z.string() });

interface Labels {
  readonly arn: string;
  readonly current: string | undefined;
  /** A version that a rotation has begun and not finished. */
  readonly pending: string | undefined;
  /** ARN of the rotation function, where there is one and rotation is switched on. */
  readonly rotator: string | undefined;
}

export async function labelsOf(aws: Aws, SecretId: string): Promise<Labels> {
  const { client, api } = await aws.secretsManager();
  const {
    ARN,
    VersionIdsToStages = {},
    RotationEnabled,
    RotationLambdaARN,
  } = await client.send(new api.DescribeSecretCommand({ SecretId }));
  const labelled = (label: string) =>
    Object.entries(VersionIdsToStages).find(([, labels]) => labels.includes(label))?.[0];
  const [current, pending] = [labelled('AWSCURRENT'), labelled('AWSPENDING')];
  return {
    ...{ arn: ARN ?? '', current, pending: pending === current ? undefined : pending },
    rotator: RotationEnabled === true ? RotationLambdaARN : undefined,
  };
}

/** The secret of the user's password, or why none is rotated. */
export async function rotationOf(
  aws: Aws,
  { user }: Pick<DatabaseFacts, 'user'>,
  live: Pick<DescribedDatabase, 'secret' | 'masterUser'>,
  database: string,
  { rotate }: Settings,
): Promise<Rotation | z.infer<typeof noRotation>> {
  const managed = live.secret !== null && live.masterUser === user;
  const named = rotate.find((one) => one.database === database && one.user === user)?.secret;
  const id = managed ? live.secret : named;
  if (id === undefined || id === null)
    return {
      why: `no secret of Secrets Manager is known to hold the password of ${user}: change it by hand, or name the secret in policy.yml (evict-database-user: rotate)`,
    };
  try {
    const { arn, current, pending, rotator } = await labelsOf(aws, id);
    if (current === undefined) return { why: `${id} has no current version: change the password by hand` };
    if (managed) return { how: 'managed', secret: arn, version: current };
    if (rotator === undefined)
      return { why: `${id} has no rotation function switched on: change the password by hand` };
    if (!ROTATION_FUNCTION.test(parseArn(rotator)?.resource ?? ''))
      return {
        why: `the rotation function of ${id} is not named SecretsManager…, and Firebreak may start no other: rotate it by hand`,
      };
    if (pending !== undefined)
      return {
        why: `a rotation of ${id} has begun and not finished (AWSPENDING): see the log of its function, then rotate it by hand`,
      };
    return { how: 'function', secret: arn, version: current };
  } catch (error) {
    return { why: `${id} could not be looked at (${awsReason(error)}): change the password by hand` };
  }
}

/** The id of the version that a rotation of the incident makes: with the same one Secrets Manager rotates once. */
export function versionFor(caseId: string, secret: string): string {
  const hex = createHash('sha256').update(`${caseId} ${secret}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

/** A rotation that a call of ours or of another's has begun is not begun again. Secrets Manager refuses a second one. */
export async function startRotation(aws: Aws, SecretId: string, ClientRequestToken: string): Promise<void> {
  const { client, api } = await aws.secretsManager();
  await client.send(new api.RotateSecretCommand({ SecretId, ClientRequestToken }));
}

/** Waits some moments: sessions that end after it cannot come back with the old password. The proving read waits longer. */
export async function whileRotating(aws: Aws, { secret, version }: Rotation): Promise<void> {
  for (let look = 0; look < 12; look++) {
    if ((await currentVersion(aws, secret)) !== version) return;
    await pause(5000);
  }
}

/** Undefined where the secret is gone. */
export async function labelsIfThere(aws: Aws, secret: string): Promise<Labels | undefined> {
  try {
    return await labelsOf(aws, secret);
  } catch (error) {
    if (awsErrorName(error) === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}

/** Id of the current version; undefined where the secret is gone. */
export const currentVersion = async (aws: Aws, secret: string): Promise<string | undefined> =>
  (await labelsIfThere(aws, secret))?.current;

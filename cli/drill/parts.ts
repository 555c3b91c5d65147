/** What several drills make: roles that only the operator may assume, and buckets. */
import { CreateRoleCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, PutBucketTaggingCommand } from '@aws-sdk/client-s3';
import { arn } from '../../core/aws/arn.ts';
import type { Aws, OthersCredentials } from '../../core/aws/client.ts';
import { awsErrorName, FirebreakError, isAccessDenied } from '../../core/errors.ts';
import { DRILL_TAG } from '../../core/incident/drill.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { toJson } from '../../core/json.ts';
import { PATH } from './made/kind.ts';
import type { Kit } from './scene.ts';

/** From the range that RFC 5737 keeps for documentation. */
const THIEF_IP = '198.51.100.77';
const OBJECT = 'drill.txt';

export const tagOf = ({ id }: Pick<Kit, 'id'>) => [{ Key: DRILL_TAG, Value: id }];
export const policy = (...statements: readonly JsonObject[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });

export interface Role {
  readonly name: string;
  readonly roleId: string;
  readonly arn: string;
}

/** Who may assume a role: who runs the drill, a service, or both. */
export const trustOf = (
  { caller }: Pick<Kit, 'caller'>,
  { service, also }: { readonly service?: string; readonly also?: string } = {},
): string =>
  policy({
    Effect: 'Allow',
    Principal:
      service === undefined
        ? { AWS: caller, ...(also === undefined ? {} : { Service: also }) }
        : { Service: service },
    Action: 'sts:AssumeRole',
  });

/**
 * A role that may read the objects of the drill's buckets; only who runs the drill may assume it. So may the service of `also`,
 * and write. That of `service` is the service's alone and has no rights.
 */
export async function makeRole(
  kit: Kit,
  part: string,
  more: { readonly service?: string; readonly also?: string } = {},
): Promise<Role> {
  const { client, api } = await kit.aws.iam();
  const name = kit.name(part);
  const { Role: made } = await kit.make('role', name, () =>
    client.send(
      new CreateRoleCommand({
        ...{ RoleName: name, Path: PATH, Tags: tagOf(kit) },
        Description: 'Made by firebreak drill, and removed by it',
        AssumeRolePolicyDocument: trustOf(kit, more),
      }),
    ),
  );
  const Resource = arn({ ...kit.aws.scope, account: '', region: '' }, 's3', `${kit.name('*')}/*`);
  if (more.service === undefined)
    await client.send(
      new api.PutRolePolicyCommand({
        ...{ RoleName: name, PolicyName: 'drill' },
        PolicyDocument: policy({
          ...{ Effect: 'Allow', Resource },
          Action: more.also === undefined ? 's3:GetObject' : ['s3:GetObject', 's3:PutObject'],
        }),
      }),
    );
  return { name, roleId: made?.RoleId ?? '', arn: made?.Arn ?? '' };
}

/** The credentials of a session of the role. A new role cannot be assumed at once. */
export async function assume(
  kit: Kit,
  role: Role,
  session: string,
): Promise<Exclude<OthersCredentials, 'no one'>> {
  const { client, api } = await kit.aws.sts();
  let credentials: Exclude<OthersCredentials, 'no one'> | undefined;
  await kit.until(`${role.name} can be assumed`, async () => {
    try {
      const { Credentials: given } = await client.send(
        new api.AssumeRoleCommand({ RoleArn: role.arn, RoleSessionName: session }),
      );
      if (!given?.AccessKeyId || !given.SecretAccessKey || !given.SessionToken) return false;
      const {
        AccessKeyId: accessKeyId,
        SecretAccessKey: secretAccessKey,
        SessionToken: sessionToken,
      } = given;
      credentials = { accessKeyId, secretAccessKey, sessionToken };
      return true;
    } catch (error) {
      if (isAccessDenied(error)) return false;
      throw error;
    }
  });
  if (credentials) return credentials;
  throw new FirebreakError('NotFound', 'STS gave no credentials', { resource: role.name });
}

/** A bucket with one object of a few bytes, both tagged. */
export async function makeBucket(kit: Kit, part: string): Promise<string> {
  const { client, api } = await kit.aws.s3();
  const { region } = kit.aws.scope;
  const Bucket = kit.name(part);
  await kit.make('bucket', Bucket, () =>
    client.send(
      new CreateBucketCommand({
        Bucket,
        // S3 takes no constraint that names its first Region.
        ...(region === 'us-east-1'
          ? {}
          : { CreateBucketConfiguration: { LocationConstraint: region as never } }),
      }),
    ),
  );
  await client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: tagOf(kit) } }));
  await client.send(
    new api.PutObjectCommand({
      ...{ Bucket, Key: OBJECT, Body: 'Nothing of value: made by firebreak drill.' },
      Tagging: `${encodeURIComponent(DRILL_TAG)}=${kit.id}`,
    }),
  );
  return Bucket;
}

/** Whether S3 refuses to hand out the bucket's object. Throws what is no answer to that. */
export async function isRefused(as: Aws, Bucket: string): Promise<boolean> {
  const { client, api } = await as.s3();
  try {
    const { Body } = await client.send(new api.GetObjectCommand({ Bucket, Key: OBJECT }));
    await Body?.transformToString();
    return false;
  } catch (error) {
    if (isAccessDenied(error) || awsErrorName(error) === 'InvalidAccessKeyId') return true;
    throw error;
  }
}

/** The attack on what reads a bucket: reads it until that works. */
export const readsIt = (kit: Kit, as: Aws, bucket: string): Promise<void> =>
  kit.until(`the object of ${bucket} can be read`, async () => !(await isRefused(as, bucket)));

/** The role as undo must restore it: every inline and attached policy. */
export async function roleState(kit: Kit, { name: RoleName }: Role): Promise<Json> {
  const { client, api } = await kit.aws.iam();
  const { PolicyNames = [] } = await client.send(new api.ListRolePoliciesCommand({ RoleName }));
  const inline = await Promise.all(
    [...PolicyNames].sort().map(async (PolicyName) => {
      const { PolicyDocument = '' } = await client.send(
        new api.GetRolePolicyCommand({ RoleName, PolicyName }),
      );
      return [PolicyName, decodeURIComponent(PolicyDocument)];
    }),
  );
  const { AttachedPolicies = [] } = await client.send(new api.ListAttachedRolePoliciesCommand({ RoleName }));
  return { inline, attached: AttachedPolicies.map(({ PolicyArn }) => PolicyArn ?? '').sort() };
}

/** The bucket as undo must restore it: block, policy and tags. */
export async function bucketState(kit: Kit, Bucket: string): Promise<Json> {
  const { client, api } = await kit.aws.s3();
  const orNone = async (work: () => Promise<object>): Promise<Json> => {
    try {
      const { $metadata: _meta, ...found } = (await work()) as { readonly $metadata?: unknown };
      return toJson(found) ?? null;
    } catch (error) {
      if (/^NoSuch/.test(awsErrorName(error) ?? '')) return null;
      throw error;
    }
  };
  return {
    block: await orNone(() => client.send(new api.GetPublicAccessBlockCommand({ Bucket }))),
    policy: await orNone(() => client.send(new api.GetBucketPolicyCommand({ Bucket }))),
    tags: await orNone(() => client.send(new api.GetBucketTaggingCommand({ Bucket }))),
    object: await orNone(() => client.send(new api.GetObjectTaggingCommand({ Bucket, Key: OBJECT }))),
  };
}

export const objectArn = (kit: Kit, bucket: string): string =>
  arn({ ...kit.aws.scope, account: '', region: '' }, 's3', `${bucket}/*`);
export const objectKey = OBJECT;

/** The member of a finding that tells an API call from outside. */
export const callOf = (api: string, service: string): JsonObject => ({
  actionType: 'AWS_API_CALL',
  awsApiCallAction: {
    ...{ api, serviceName: service, callerType: 'Remote IP' },
    remoteIpDetails: { ipAddressV4: THIEF_IP, country: { countryName: 'Documentation' } },
  },
});

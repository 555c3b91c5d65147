/** Buckets (a global name space) and the account's public access block, as far as playbooks change them. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { own } from '../../core/json.ts';
import { awsError } from '../aws-error.ts';
import type { Answers, TwinCall } from './twin.ts';

type Block = Record<
  'BlockPublicAcls' | 'BlockPublicPolicy' | 'IgnorePublicAcls' | 'RestrictPublicBuckets',
  boolean
>;
interface TwinObjectVersion {
  Key: string;
  VersionId: string;
  ETag: string;
  IsLatest: boolean;
  Tags: Record<string, string>;
  Size?: number;
}
export interface TwinBucket {
  Name: string;
  Region: string;
  /** Null: no configuration, which S3 tells as an error. */
  block: Block | null;
  policy: string | null;
  website: boolean;
  Tags: Record<string, string>;
  /** Where server access logs go; null or left out where none are kept. */
  logging?: { TargetBucket: string; TargetPrefix: string } | null;
  versions: TwinObjectVersion[];
  /** Absent: no lifecycle configuration, which S3 tells as an error. */
  lifecycle?: { ID: string; Status: string; [key: string]: unknown }[];
  versioning?: string;
  /** Absent: the owner alone has rights. */
  acl?: TwinGrant[];
  /** Absent: objects are not copied elsewhere. */
  replication?: object;
  /** The account, where it is another one. */
  owner?: string;
}
interface TwinGrant {
  Grantee: { Type: string; ID?: string; URI?: string };
  Permission: string;
}
/** A bucket with nothing set, but for what is given. */
export const newBucket = (Name: string, given: Partial<TwinBucket> = {}): TwinBucket => ({
  Name,
  Region: 'eu-west-1',
  block: null,
  policy: null,
  website: false,
  Tags: {},
  versions: [],
  ...given,
});
/** This service's part of the account. */
export interface TwinS3 {
  buckets: Record<string, TwinBucket>;
  accountBlock: Block | null;
  /** Objects with content, by `bucket/key`. */
  objects: Record<string, { body: string; etag: string }>;
}
export const emptyS3 = (): TwinS3 => ({ buckets: {}, accountBlock: null, objects: {} });

/** The canonical id of the account. */
const CANONICAL = '0a'.repeat(32);
const OWNERS: TwinGrant = {
  Grantee: { Type: 'CanonicalUser', ID: CANONICAL },
  Permission: 'FULL_CONTROL',
};
const toGroup = (group: string, Permission: string): TwinGrant => ({
  Grantee: { Type: 'Group', URI: `http://acs.amazonaws.com/groups/${group}` },
  Permission,
});
const CANNED: Readonly<Record<string, TwinGrant[]>> = {
  private: [OWNERS],
  'public-read': [OWNERS, toGroup('global/AllUsers', 'READ')],
  'public-read-write': [OWNERS, toGroup('global/AllUsers', 'READ'), toGroup('global/AllUsers', 'WRITE')],
  'log-delivery-write': [OWNERS, toGroup('s3/LogDelivery', 'READ_ACP'), toGroup('s3/LogDelivery', 'WRITE')],
};

function bucketOf(call: TwinCall): TwinBucket {
  const name = String(call.input['Bucket']);
  const found = own(call.state.s3.buckets, name);
  if (!found) throw awsError('NoSuchBucket', 'The specified bucket does not exist', 404);
  const { ExpectedBucketOwner: expected } = call.input;
  if (expected !== undefined && expected !== (found.owner ?? call.scope.account))
    throw awsError('AccessDenied', 'Access Denied', 403);
  // Everything but the question for the Region must go to the bucket's own.
  if (found.Region !== call.scope.region) {
    throw awsError(
      'PermanentRedirect',
      'The bucket you are attempting to access must be addressed using the specified endpoint.',
      301,
    );
  }
  return found;
}

const blockAnswer = (block: Block | null): object => {
  if (block !== null) return { PublicAccessBlockConfiguration: block };
  throw awsError(
    'NoSuchPublicAccessBlockConfiguration',
    'The public access block configuration was not found',
    404,
  );
};

/** S3 calls a policy public that lets everybody in, whatever the block does about it [M-LAB]. */
const isPublic = ({ policy }: TwinBucket): boolean =>
  policy !== null && /"Principal":\s*("\*"|\{\s*"AWS":\s*"\*")/.test(policy);

function versionOf(call: TwinCall): TwinObjectVersion {
  const { Key, VersionId } = call.input;
  const found = bucketOf(call).versions.find(
    (one) => one.Key === Key && (VersionId === undefined ? one.IsLatest : one.VersionId === VersionId),
  );
  if (found) return found;
  throw VersionId === undefined
    ? awsError('NoSuchKey', 'The specified key does not exist.', 404)
    : awsError('NoSuchVersion', 'The specified version does not exist.', 404);
}

const tagSet = (tags: Record<string, string>) => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

const preconditionFailed = () =>
  awsError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412);

function putContent({ state, input }: TwinCall, bucket: string, key: string, body: string): object {
  const { objects } = state.s3;
  const old = objects[`${bucket}/${key}`];
  const { IfNoneMatch, IfMatch } = input;
  if ((IfNoneMatch === '*' && old) || (IfMatch !== undefined && IfMatch !== old?.etag))
    throw preconditionFailed();
  const etag = `"${createHash('md5').update(body).digest('hex')}"`;
  objects[`${bucket}/${key}`] = { body, etag };
  return { ETag: etag };
}

export const s3: Readonly<Record<string, Answers>> = {
  S3: {
    GetBucketLocation: ({ state, input }) => {
      const found = own(state.s3.buckets, String(input['Bucket']));
      if (!found) throw awsError('NoSuchBucket', 'The specified bucket does not exist', 404);
      return found.Region === 'us-east-1' ? {} : { LocationConstraint: found.Region };
    },
    GetBucketLogging: (call) => {
      const { logging } = bucketOf(call);
      return logging ? { LoggingEnabled: logging } : {};
    },
    PutBucketLogging: (call) => {
      const bucket = bucketOf(call);
      const { LoggingEnabled } = call.input['BucketLoggingStatus'] as {
        LoggingEnabled?: TwinBucket['logging'];
      };
      const target = LoggingEnabled ? own(call.state.s3.buckets, LoggingEnabled.TargetBucket) : undefined;
      if (LoggingEnabled && target?.Region !== bucket.Region)
        throw awsError('InvalidTargetBucketForLogging', 'The target bucket for logging does not exist');
      bucket.logging = LoggingEnabled ?? null;
      return {};
    },
    GetPublicAccessBlock: (call) => blockAnswer(bucketOf(call).block),
    PutPublicAccessBlock: (call) => {
      bucketOf(call).block = { ...(call.input['PublicAccessBlockConfiguration'] as Block) };
      return {};
    },
    DeletePublicAccessBlock: (call) => {
      bucketOf(call).block = null;
      return {};
    },
    GetBucketPolicy: (call) => {
      const { policy } = bucketOf(call);
      if (policy === null) throw awsError('NoSuchBucketPolicy', 'The bucket policy does not exist', 404);
      return { Policy: policy };
    },
    PutBucketPolicy: (call) => {
      const bucket = bucketOf(call);
      const text = String(call.input['Policy']);
      const { Statement = [] } = JSON.parse(text) as { Statement?: object | object[] };
      if ([Statement].flat().length === 0)
        throw awsError('MalformedPolicy', 'Could not parse the policy: Statement is empty!');
      if (Buffer.byteLength(text) > 20_480)
        throw awsError('MalformedPolicy', 'The policy is larger than 20480 bytes');
      bucket.policy = text;
      return {};
    },
    DeleteBucketPolicy: (call) => {
      bucketOf(call).policy = null;
      return {};
    },
    GetBucketLifecycleConfiguration: (call) => {
      const { lifecycle } = bucketOf(call);
      if (lifecycle) return { Rules: lifecycle };
      throw awsError('NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist', 404);
    },
    PutBucketLifecycleConfiguration: (call) => {
      const { Rules } = call.input['LifecycleConfiguration'] as {
        Rules: NonNullable<TwinBucket['lifecycle']>;
      };
      if (Rules.length === 0) throw awsError('MalformedXML', 'The XML you provided was not well-formed');
      bucketOf(call).lifecycle = structuredClone(Rules);
      return {};
    },
    DeleteBucketLifecycle: (call) => {
      delete bucketOf(call).lifecycle;
      return {};
    },
    GetBucketReplication: (call) => {
      const { replication } = bucketOf(call);
      if (replication) return { ReplicationConfiguration: replication };
      throw awsError(
        'ReplicationConfigurationNotFoundError',
        'The replication configuration was not found',
        404,
      );
    },
    PutBucketReplication: (call) => {
      bucketOf(call).replication = structuredClone(call.input['ReplicationConfiguration'] as object);
      return {};
    },
    DeleteBucketReplication: (call) => {
      delete bucketOf(call).replication;
      return {};
    },
    PutBucketVersioning: (call) => {
      const { Status } = call.input['VersioningConfiguration'] as { Status: string };
      bucketOf(call).versioning = Status;
      return {};
    },
    GetBucketVersioning: (call) => {
      const { versioning } = bucketOf(call);
      return versioning === undefined ? {} : { Status: versioning };
    },
    GetBucketAcl: (call) => {
      const { acl } = bucketOf(call);
      return { Owner: { ID: CANONICAL }, Grants: acl ?? [OWNERS] };
    },
    PutBucketAcl: (call) => {
      const bucket = bucketOf(call);
      const { ACL, AccessControlPolicy } = call.input;
      const grants =
        ACL === undefined ? (AccessControlPolicy as { Grants: TwinGrant[] }).Grants : CANNED[String(ACL)];
      if (!grants) throw awsError('InvalidArgument', `the twin does not know the ACL ${String(ACL)}`);
      // In an order of its own.
      const sorted = structuredClone(grants).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
      if (isDeepStrictEqual(sorted, [OWNERS])) delete bucket.acl;
      else bucket.acl = sorted;
      return {};
    },
    GetBucketPolicyStatus: (call) => {
      const bucket = bucketOf(call);
      if (bucket.policy === null)
        throw awsError('NoSuchBucketPolicy', 'The bucket policy does not exist', 404);
      return { PolicyStatus: { IsPublic: isPublic(bucket) } };
    },
    GetBucketWebsite: (call) => {
      if (bucketOf(call).website) return { IndexDocument: { Suffix: 'index.html' } };
      throw awsError(
        'NoSuchWebsiteConfiguration',
        'The specified bucket does not have a website configuration',
        404,
      );
    },
    GetBucketTagging: (call) => {
      const { Tags } = bucketOf(call);
      if (Object.keys(Tags).length === 0) throw awsError('NoSuchTagSet', 'The TagSet does not exist', 404);
      return { TagSet: tagSet(Tags) };
    },
    ListObjectVersions: (call) => {
      const { Prefix = '', KeyMarker } = call.input as { Prefix?: string; KeyMarker?: string };
      // One version a page: shows whether a caller reads on.
      const all = bucketOf(call).versions.filter(({ Key }) => Key.startsWith(Prefix));
      const start = KeyMarker === undefined ? 0 : Number(KeyMarker);
      const [found] = all.slice(start);
      const { Tags: _tags, ...version } = found ?? { Tags: {} };
      const more = start + 1 < all.length;
      return {
        Versions: found ? [version] : [],
        IsTruncated: more,
        ...(more ? { NextKeyMarker: String(start + 1) } : {}),
      };
    },
    GetObject: (call) => {
      const found = call.state.s3.objects[`${bucketOf(call).Name}/${String(call.input['Key'])}`];
      if (!found) throw awsError('NoSuchKey', 'The specified key does not exist.', 404);
      return { ETag: found.etag, Body: { transformToString: async () => found.body } };
    },
    PutObject: (call) => {
      const { state, input } = call;
      const key = String(input['Key']);
      const body = String(input['Body']);
      if (!String(input['Bucket']).includes('-evidencebucket-'))
        return putContent(call, bucketOf(call).Name, key, body);
      if (input['IfNoneMatch'] === '*' && Object.hasOwn(state.evidence, key)) throw preconditionFailed();
      const sum = createHash('sha256').update(body).digest('base64');
      if (input['ChecksumSHA256'] !== sum) {
        throw awsError('BadDigest', 'The SHA256 you specified did not match the calculated checksum.');
      }
      state.evidence[key] = body;
      return { ChecksumSHA256: sum, VersionId: 'v1' };
    },
    CopyObject: (call) => {
      const { CopySource, CopySourceIfMatch, Key } = call.input;
      const [path = '', VersionId] = String(CopySource).split('?versionId=');
      const [Bucket, ...parts] = path.split('/').map(decodeURIComponent);
      const source = versionOf({
        ...call,
        input: {
          Bucket,
          Key: parts.join('/'),
          ...(VersionId ? { VersionId: decodeURIComponent(VersionId) } : {}),
        },
      });
      if (CopySourceIfMatch !== undefined && CopySourceIfMatch !== source.ETag) throw preconditionFailed();
      const { versions } = bucketOf(call);
      versions.push({
        ...source,
        Key: String(Key),
        VersionId: 'null',
        IsLatest: true,
        Tags: { ...source.Tags },
      });
      return { CopyObjectResult: { ETag: source.ETag } };
    },
    GetObjectTagging: (call) => ({ TagSet: tagSet(versionOf(call).Tags) }),
    PutObjectTagging: (call) => {
      const { TagSet } = call.input['Tagging'] as { TagSet: { Key: string; Value: string }[] };
      if (TagSet.length > 10) throw awsError('BadRequest', 'Object tags cannot be greater than 10');
      versionOf(call).Tags = Object.fromEntries(TagSet.map(({ Key, Value }) => [Key, Value]));
      return {};
    },
  },
  S3Control: {
    GetPublicAccessBlock: ({ state }) => blockAnswer(state.s3.accountBlock),
    PutPublicAccessBlock: ({ state, input }) => {
      state.s3.accountBlock = { ...(input['PublicAccessBlockConfiguration'] as Block) };
      return {};
    },
    DeletePublicAccessBlock: ({ state }) => {
      state.s3.accountBlock = null;
      return {};
    },
  },
};

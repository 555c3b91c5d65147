/** Which IAM actions an API call asks for: its own name but for the odd ones (AWS's Service Authorization Reference). */
import type { AwsCall } from '../../core/aws/client.ts';

export type Input = Readonly<Record<string, unknown>>;

/** Prefix in policies of an SDK client's service, where it is not its name in lower case. */
const PREFIXES: Readonly<Record<string, string>> = {
  CloudWatchLogs: 'logs',
  ConfigService: 'config',
  ApplicationAutoScaling: 'application-autoscaling',
  ElasticLoadBalancingV2: 'elasticloadbalancing',
  EventBridge: 'events',
  NetworkFirewall: 'network-firewall',
  RDSData: 'rds-data',
  S3Control: 's3',
  SFN: 'states',
  SSOAdmin: 'sso',
};
export const prefixOf = (service: string): string => PREFIXES[service] ?? service.toLowerCase();

type Names = string | readonly string[] | ((input: Input) => readonly string[]);
const versioned = (name: string) => (input: Input) => [
  input['VersionId'] === undefined ? name : name.replace('Object', 'ObjectVersion'),
];

const ODD: Readonly<Record<string, Readonly<Record<string, Names>>>> = {
  S3: {
    // The source is asked about as well (deploy/iam/requests.ts).
    CopyObject: ['PutObject', 'PutObjectTagging'],
    DeleteBucketLifecycle: 'PutLifecycleConfiguration',
    DeleteBucketReplication: 'PutReplicationConfiguration',
    DeleteBucketTagging: 'PutBucketTagging',
    DeleteObject: versioned('DeleteObject'),
    DeleteObjectTagging: versioned('DeleteObjectTagging'),
    DeleteObjects: 'DeleteObject',
    DeletePublicAccessBlock: 'PutBucketPublicAccessBlock',
    GetBucketEncryption: 'GetEncryptionConfiguration',
    GetBucketLifecycleConfiguration: 'GetLifecycleConfiguration',
    GetBucketNotificationConfiguration: 'GetBucketNotification',
    GetBucketReplication: 'GetReplicationConfiguration',
    GetObject: versioned('GetObject'),
    GetObjectTagging: versioned('GetObjectTagging'),
    GetPublicAccessBlock: 'GetBucketPublicAccessBlock',
    HeadBucket: 'ListBucket',
    HeadObject: versioned('GetObject'),
    ListBuckets: 'ListAllMyBuckets',
    ListObjects: 'ListBucket',
    ListObjectsV2: 'ListBucket',
    ListObjectVersions: 'ListBucketVersions',
    PutBucketLifecycleConfiguration: 'PutLifecycleConfiguration',
    PutBucketNotificationConfiguration: 'PutBucketNotification',
    PutBucketReplication: 'PutReplicationConfiguration',
    PutObject: (input) => [
      'PutObject',
      ...(input['Tagging'] === undefined ? [] : ['PutObjectTagging']),
      ...(input['ObjectLockMode'] === undefined ? [] : ['PutObjectRetention']),
    ],
    PutObjectTagging: versioned('PutObjectTagging'),
    PutPublicAccessBlock: 'PutBucketPublicAccessBlock',
  },
  S3Control: {
    DeletePublicAccessBlock: 'PutAccountPublicAccessBlock',
    GetPublicAccessBlock: 'GetAccountPublicAccessBlock',
    PutPublicAccessBlock: 'PutAccountPublicAccessBlock',
  },
  Lambda: { Invoke: 'InvokeFunction' },
  DynamoDB: {
    TransactWriteItems: (input) => [
      ...new Set(
        (input['TransactItems'] as readonly object[]).flatMap((item) =>
          Object.keys(item).map((kind) => (kind === 'ConditionCheck' ? 'ConditionCheckItem' : `${kind}Item`)),
        ),
      ),
    ],
  },
};

/** Action names without prefix. */
export function actionNames({ service, operation, input }: AwsCall): readonly string[] {
  const odd = ODD[service]?.[operation];
  if (odd === undefined) return [operation];
  return typeof odd === 'function' ? odd((input ?? {}) as Input) : [odd].flat();
}

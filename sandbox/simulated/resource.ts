/** The `resource` of a simulated finding, by the family in its type. */
import { arn, type Scope } from '../../core/aws/arn.ts';
import type { JsonObject } from '../../core/json.ts';

export interface Ids {
  readonly scope: Scope;
  /** 64 hex digits; every id is a part of them. */
  readonly hex: string;
  readonly now: Date;
}

export const instanceId = ({ hex }: Ids): string => `i-${hex.slice(0, 17)}`;
export const roleId = ({ hex }: Ids): string => `AROA${hex.slice(0, 17).toUpperCase()}`;
export const bucketName = ({ hex }: Ids): string => `simulated-data-${hex.slice(0, 8)}`;
export const clusterName = 'simulated-cluster';
export const userName = 'simulated-user';
export const roleName = 'simulated-role';

export function resourceOf(type: string, ids: Ids): JsonObject {
  const family = /^[^:]+:([^/]+)\//.exec(type)?.[1] ?? '';
  if (type.startsWith('AttackSequence:')) return { resourceType: 'AttackSequence' };
  switch (family) {
    case 'IAMUser':
      return { resourceType: 'AccessKey', accessKeyDetails: principal(type, ids), ...aiUse(type, ids) };
    case 'S3':
    case 'S3Object':
    case 'Object':
      return bucketResource(type, ids);
    case 'Kubernetes':
      return kubernetes(type, ids);
    case 'ECS':
      return { resourceType: 'ECSCluster', ecsClusterDetails: task(ids) };
    case 'Container':
      return { resourceType: 'Container', containerDetails: container, instanceDetails: instance(ids) };
    case 'RDS':
      return database(ids);
    case 'Lambda':
      return lambda(ids);
    case 'EC2':
      return stored(type, ids) ?? { resourceType: 'Instance', instanceDetails: instance(ids) };
    case 'Runtime':
      return { resourceType: 'Instance', instanceDetails: instance(ids) };
    default:
      return { resourceType: 'Unknown' };
  }
}

function principal(type: string, ids: Ids): JsonObject {
  if (type.includes('RootCredentialUsage')) {
    return { accessKeyId: '', principalId: ids.scope.account, userType: 'Root', userName: 'Root' };
  }
  if (type.includes('InstanceCredentialExfiltration')) {
    return {
      accessKeyId: `ASIA${ids.hex.slice(20, 36).toUpperCase()}`,
      principalId: `${roleId(ids)}:${instanceId(ids)}`,
      userType: 'AssumedRole',
      userName: roleName,
    };
  }
  return userKey(ids);
}

export const userKey = ({ hex }: Ids): JsonObject => ({
  accessKeyId: `AKIA${hex.slice(20, 36).toUpperCase()}`,
  principalId: `AIDA${hex.slice(0, 17).toUpperCase()}`,
  userType: 'IAMUser',
  userName,
});

/** AI Protection: the models that were called, or the guardrail that saw the prompt. */
function aiUse(type: string, { scope, hex }: Ids): JsonObject {
  const model = arn({ ...scope, account: '' }, 'bedrock', 'foundation-model/anthropic.claude-opus-4-6');
  if (/AnomalousModelInvocation|CostHarvesting/.test(type)) return { modelDetails: [{ modelId: model }] };
  if (!type.includes('PromptInjection')) return {};
  return {
    bedrockGuardrailDetails: {
      guardrails: [{ arn: arn(scope, 'bedrock', `guardrail/${hex.slice(0, 12)}`), version: '1' }],
      guardrailAction: 'GUARDRAIL_INTERVENED',
      guardrailSource: 'INPUT',
      contentPolicyFilters: [{ type: 'PROMPT_ATTACK', confidence: 'HIGH', action: 'NONE' }],
    },
  };
}

const instance = (ids: Ids): JsonObject => ({
  instanceId: instanceId(ids),
  instanceType: 'm7g.large',
  launchTime: new Date(ids.now.getTime() - 86_400_000).toISOString(),
  platform: null,
  imageId: `ami-${ids.hex.slice(2, 19)}`,
  instanceState: 'running',
  availabilityZone: `${ids.scope.region}a`,
  iamInstanceProfile: {
    arn: arn({ ...ids.scope, region: '' }, 'iam', `instance-profile/${roleName}`),
    id: `AIPA${ids.hex.slice(0, 17).toUpperCase()}`,
  },
  tags: [{ key: 'Name', value: 'simulated' }],
  networkInterfaces: [
    {
      networkInterfaceId: `eni-${ids.hex.slice(3, 20)}`,
      privateIpAddress: '10.0.1.10',
      privateIpAddresses: [{ privateIpAddress: '10.0.1.10', privateDnsName: 'ip-10-0-1-10' }],
      publicIp: '203.0.113.20',
      publicDnsName: '',
      ipv6Addresses: [],
      vpcId: `vpc-${ids.hex.slice(4, 21)}`,
      subnetId: `subnet-${ids.hex.slice(5, 22)}`,
      securityGroups: [{ groupId: `sg-${ids.hex.slice(6, 23)}`, groupName: 'simulated' }],
    },
  ],
});

/** What a scan of images and backups names: no instance runs there. */
function stored(type: string, { scope, hex }: Ids): JsonObject | undefined {
  const of = (resource: string) => arn({ ...scope, account: '' }, 'ec2', resource);
  const id = hex.slice(0, 17);
  if (type.endsWith('!AMI'))
    return { resourceType: 'EC2Image', ec2ImageDetails: { imageArn: of(`image/ami-${id}`) } };
  if (type.endsWith('!Snapshot'))
    return { resourceType: 'EBSSnapshot', ebsSnapshotDetails: { snapshotArn: of(`snapshot/snap-${id}`) } };
  if (!type.endsWith('!RecoveryPoint')) return undefined;
  const recoveryPointArn = arn(scope, 'backup', `recovery-point:${id}`);
  return {
    resourceType: 'RecoveryPoint',
    recoveryPointDetails: { recoveryPointArn, backupVaultName: 'Default' },
  };
}

function bucketResource(type: string, ids: Ids): JsonObject {
  const name = bucketName(ids);
  const objects = /MaliciousFile/.test(type)
    ? { s3ObjectDetails: [{ key: 'uploads/invoice.exe', eTag: ids.hex.slice(0, 32), versionId: null }] }
    : {};
  return {
    resourceType: objects.s3ObjectDetails ? 'S3Object' : 'S3Bucket',
    accessKeyDetails: userKey(ids),
    s3BucketDetails: [
      {
        name,
        arn: arn({ ...ids.scope, account: '', region: '' }, 's3', name),
        type: 'Destination',
        owner: { id: ids.hex },
        tags: [],
        defaultServerSideEncryption: { encryptionType: 'AES256', kmsMasterKeyArn: null },
        publicAccess: { effectivePermission: type.startsWith('Policy:') ? 'PUBLIC' : 'NOT_PUBLIC' },
        ...objects,
      },
    ],
  };
}

function kubernetes(type: string, ids: Ids): JsonObject {
  const anonymous = /Anonymous|ExposedDashboard|KubeflowDashboard/.test(type);
  const workload = /File$|Container|ExecIn|Workload/.test(type);
  return {
    resourceType: 'EKSCluster',
    eksClusterDetails: {
      name: clusterName,
      arn: arn(ids.scope, 'eks', `cluster/${clusterName}`),
      vpcId: `vpc-${ids.hex.slice(4, 21)}`,
      status: 'ACTIVE',
      tags: [],
    },
    kubernetesDetails: {
      kubernetesUserDetails: {
        username: anonymous
          ? 'system:anonymous'
          : arn({ ...ids.scope, region: '' }, 'iam', `user/${userName}`),
        uid: ids.hex.slice(0, 12),
        groups: [anonymous ? 'system:unauthenticated' : 'system:authenticated'],
      },
      ...(workload
        ? {
            kubernetesWorkloadDetails: {
              name: 'simulated-pod',
              type: 'pods',
              uid: ids.hex.slice(12, 24),
              namespace: 'default',
              containers: [container],
            },
          }
        : {}),
    },
  };
}

const container: JsonObject = {
  id: 'simulated-container',
  name: 'app',
  image: 'example/app:1.0',
  imagePrefix: 'example',
  containerRuntime: 'containerd',
};

const task = (ids: Ids): JsonObject => ({
  name: clusterName,
  arn: arn(ids.scope, 'ecs', `cluster/${clusterName}`),
  status: 'ACTIVE',
  taskDetails: {
    arn: arn(ids.scope, 'ecs', `task/${clusterName}/${ids.hex.slice(0, 32)}`),
    definitionArn: arn(ids.scope, 'ecs', 'task-definition/app:1'),
    version: '1',
    startedBy: 'ecs-svc/1',
    group: 'service:app',
    containers: [container],
  },
});

const database = ({ scope }: Ids): JsonObject => ({
  resourceType: 'RDSDBInstance',
  rdsDbInstanceDetails: {
    dbInstanceIdentifier: 'simulated-database',
    engine: 'postgres',
    engineVersion: '17.2',
    dbInstanceArn: arn(scope, 'rds', 'db:simulated-database'),
    tags: [],
  },
  rdsDbUserDetails: {
    user: 'app',
    application: 'psql',
    database: 'app',
    ssl: 'true',
    authMethod: 'password',
  },
});

const lambda = ({ scope, now }: Ids): JsonObject => ({
  resourceType: 'Lambda',
  lambdaDetails: {
    functionArn: arn(scope, 'lambda', 'function:simulated-function'),
    functionName: 'simulated-function',
    functionVersion: '$LATEST',
    lastModifiedAt: now.toISOString(),
    role: arn({ ...scope, region: '' }, 'iam', `role/${roleName}`),
    tags: [],
  },
});

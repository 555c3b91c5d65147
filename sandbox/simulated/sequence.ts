/** `service.detection.sequence` of an attack sequence: its actors and what the sequence touched. */
import { arn } from '../../core/aws/arn.ts';
import type { JsonObject } from '../../core/json.ts';
import {
  bucketName,
  clusterName,
  type Ids,
  instanceId,
  roleId,
  roleName,
  userKey,
  userName,
} from './resource.ts';

/** Empty for every other type. */
export function sequenceOf(type: string, ids: Ids): JsonObject {
  if (!type.startsWith('AttackSequence:')) return {};
  const { scope, now } = ids;
  const common = { accountId: scope.account, region: scope.region, service: 'guardduty' };
  const user = {
    name: userName,
    uid: `AIDA${ids.hex.slice(0, 17).toUpperCase()}`,
    type: 'IAMUser',
    credentialUid: `AKIA${ids.hex.slice(20, 36).toUpperCase()}`,
  };
  // The key itself is the uid of the resource.
  const { accessKeyId: _uid, ...owner } = userKey(ids);
  const key = {
    resourceType: 'ACCESS_KEY',
    uid: user.credentialUid,
    name: user.credentialUid,
    data: { accessKey: owner },
  };
  const family = /^AttackSequence:([^/]+)/.exec(type)?.[1] ?? '';
  const { others = [], resources } = touched(family, ids);
  const seen = now.toISOString();
  const signal = (name: string, actorIds: readonly string[], resourceUids: readonly string[]) => ({
    uid: ids.hex.slice(32, 64),
    type: 'FINDING',
    name,
    ...{ createdAt: seen, updatedAt: seen, firstSeenAt: seen, lastSeenAt: seen, count: 1 },
    actorIds: [...actorIds],
    resourceUids: [...resourceUids],
  });
  return {
    detection: {
      sequence: {
        uid: ids.hex.slice(0, 32),
        description: 'A simulated attack sequence',
        actors: [{ id: 'actor-1', user }, ...others],
        resources: [key, ...resources].map((resource) => ({ ...common, ...resource })),
        endpoints: [{ id: 'endpoint-1', ip: '198.51.100.77', port: 443 }],
        signals: [
          signal('Discovery:S3/AnomalousBehavior', ['actor-1'], [key.uid]),
          ...(others.length > 0 || resources.length > 0
            ? [
                signal(
                  SIGNALS[family] ?? 'Impact:IAMUser/AnomalousBehavior',
                  others.map(({ id }) => id),
                  resources.map(({ uid }) => uid),
                ),
              ]
            : []),
        ],
        sequenceIndicators: [{ key: 'ATTACK_TACTIC', values: ['Exfiltration'] }],
      },
    },
  };
}

/** What GuardDuty found in the sequence, by what the sequence is about. */
const SIGNALS: Readonly<Record<string, string>> = {
  EKS: 'PrivilegeEscalation:Kubernetes/PrivilegedContainer',
  ECS: 'CryptoCurrency:Runtime/BitcoinTool.B!DNS',
  EC2: 'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS',
  S3: 'Exfiltration:S3/AnomalousBehavior',
};

interface Touched {
  /** Actors next to the user whose key was stolen. */
  readonly others?: readonly (JsonObject & { readonly id: string })[];
  readonly resources: readonly (JsonObject & { readonly uid: string })[];
}

function touched(family: string, ids: Ids): Touched {
  const { scope, hex } = ids;
  switch (family) {
    case 'EC2':
      return instances(ids);
    case 'S3': {
      const name = bucketName(ids);
      const uid = arn({ ...scope, account: '', region: '' }, 's3', name);
      const object = `${uid}/customers.csv`;
      return {
        resources: [
          {
            resourceType: 'S3_BUCKET',
            uid,
            name,
            data: { s3Bucket: { effectivePermission: 'PUBLIC', s3ObjectUids: [object] } },
          },
          { resourceType: 'S3_OBJECT', uid: object, data: { s3Object: { key: 'customers.csv' } } },
        ],
      };
    }
    case 'EKS':
      return kubernetes(ids);
    case 'ECS': {
      const uid = arn(scope, 'ecs', `cluster/${clusterName}`);
      const task = arn(scope, 'ecs', `task/${clusterName}/${hex.slice(0, 32)}`);
      return {
        resources: [
          { resourceType: 'ECS_CLUSTER', uid, name: clusterName, data: { ecsCluster: { status: 'ACTIVE' } } },
          {
            resourceType: 'ECS_TASK',
            uid: task,
            data: { ecsTask: { launchType: 'FARGATE', containerUids: ['container-1'] } },
          },
          {
            resourceType: 'CONTAINER',
            uid: 'container-1',
            name: 'app',
            data: { container: { image: 'example/app:1.0' } },
          },
        ],
      };
    }
    default:
      return { resources: [] };
  }
}

/** An instance, and the credentials of its role in someone else's hands. */
function instances(ids: Ids): Touched {
  const { scope, hex } = ids;
  const uid = arn(scope, 'ec2', `instance/${instanceId(ids)}`);
  const networkInterface = arn(scope, 'ec2', `network-interface/eni-${hex.slice(3, 20)}`);
  return {
    others: [
      {
        id: 'actor-2',
        user: {
          name: roleName,
          uid: `${roleId(ids)}:${instanceId(ids)}`,
          type: 'AssumedRole',
          credentialUid: `ASIA${hex.slice(24, 40).toUpperCase()}`,
        },
        session: { issuer: arn(scope, 'iam', `role/${roleName}`, { global: true }) },
      },
    ],
    resources: [
      {
        resourceType: 'EC2_INSTANCE',
        uid,
        name: instanceId(ids),
        data: { ec2Instance: { ec2NetworkInterfaceUids: [networkInterface] } },
      },
      { resourceType: 'EC2_NETWORK_INTERFACE', uid: networkInterface },
      {
        resourceType: 'IAM_INSTANCE_PROFILE',
        uid: arn(scope, 'iam', `instance-profile/${roleName}`, { global: true }),
        name: roleName,
        data: { iamInstanceProfile: { ec2InstanceUids: [uid] } },
      },
    ],
  };
}

/** A pod, and the service account that was misused from it. */
function kubernetes({ scope, hex }: Ids): Touched {
  const cluster = arn(scope, 'eks', `cluster/${clusterName}`);
  return {
    others: [
      {
        id: 'actor-2',
        user: {
          name: 'system:serviceaccount:default:simulated-account',
          uid: hex.slice(0, 12),
          type: 'Kubernetes',
        },
      },
    ],
    resources: [
      {
        resourceType: 'EKS_CLUSTER',
        uid: cluster,
        name: clusterName,
        data: { eksCluster: { arn: cluster, status: 'ACTIVE' } },
      },
      {
        resourceType: 'KUBERNETES_WORKLOAD',
        uid: 'workload-1',
        name: 'simulated-pod',
        data: { kubernetesWorkload: { namespace: 'default', kubernetesResourcesTypes: 'PODS' } },
      },
    ],
  };
}

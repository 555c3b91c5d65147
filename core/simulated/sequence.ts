/** `service.detection.sequence` of an attack sequence: an actor and what the sequence touched. */
import { arn } from '../arn.ts';
import type { JsonObject } from '../json.ts';
import { bucketName, clusterName, type Ids, instanceId, userKey, userName } from './resource.ts';

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
  const key = {
    ...common,
    resourceType: 'ACCESS_KEY',
    uid: user.credentialUid,
    name: user.credentialUid,
    data: { accessKey: userKey(ids) },
  };
  return {
    detection: {
      sequence: {
        uid: ids.hex.slice(0, 32),
        description: 'A simulated attack sequence',
        actors: [{ id: 'actor-1', user }],
        resources: [key, ...touched(type, ids).map((resource) => ({ ...common, ...resource }))],
        endpoints: [{ id: 'endpoint-1', ip: '198.51.100.77', port: 443 }],
        signals: [
          {
            uid: ids.hex.slice(32, 64),
            type: 'FINDING',
            name: 'Discovery:S3/AnomalousBehavior',
            createdAt: now.toISOString(),
            actorIds: ['actor-1'],
          },
        ],
        sequenceIndicators: [{ key: 'ATTACK_TACTIC', values: ['Exfiltration'] }],
      },
    },
  };
}

function touched(type: string, ids: Ids): readonly JsonObject[] {
  if (/EC2/.test(type)) {
    return [
      {
        resourceType: 'EC2_INSTANCE',
        uid: arn(ids.scope, 'ec2', `instance/${instanceId(ids)}`),
        name: instanceId(ids),
      },
    ];
  }
  if (/S3/.test(type)) {
    const name = bucketName(ids);
    const uid = arn({ ...ids.scope, account: '', region: '' }, 's3', name);
    return [{ resourceType: 'S3_BUCKET', uid, name, data: { s3Bucket: { effectivePermission: 'PUBLIC' } } }];
  }
  if (/EKS|ECS/.test(type)) {
    const service = /EKS/.test(type) ? 'eks' : 'ecs';
    return [
      {
        resourceType: `${service.toUpperCase()}_CLUSTER`,
        uid: arn(ids.scope, service, `cluster/${clusterName}`),
        name: clusterName,
      },
    ];
  }
  return [];
}

/** Attack sequences for the workflow tests, as Extended Threat Detection tells them. */

import type { JsonObject } from '../../core/json.ts';
import { newBucket } from '../../sandbox/twin/s3.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { findingOn, ROLE } from '../../sandbox/worlds.ts';

export const sequence = (
  twin: AccountTwin,
  resources: readonly JsonObject[],
  actors: readonly JsonObject[] = [],
  more: JsonObject = {},
): JsonObject => {
  const event = findingOn(twin, {
    seed: 'sequence',
    severity: 9.5,
    type: 'AttackSequence:S3/CompromisedData',
    resource: { resourceType: 'AttackSequence' },
  });
  const detail = event['detail'] as JsonObject;
  const service = detail['service'] as JsonObject;
  return {
    ...event,
    detail: { ...detail, service: { ...service, detection: { sequence: { actors, resources, ...more } } } },
  };
};

export const instanceResource = (id: string, more: JsonObject = {}): JsonObject => ({
  uid: `arn:aws:ec2:eu-west-1:111122223333:instance/${id}`,
  resourceType: 'EC2_INSTANCE',
  ...more,
});

export const bucketResource = (name: string, effectivePermission?: 'PUBLIC'): JsonObject => ({
  uid: `bucket-${name}`,
  name,
  resourceType: 'S3_BUCKET',
  data: { s3Bucket: effectivePermission ? { effectivePermission } : {} },
});

/** A session of the role of `credentialWorld`. */
export const roleActor = (twin: AccountTwin, session = 'build-42'): JsonObject => ({
  user: { name: ROLE, uid: `${twin.state.roles[ROLE]?.RoleId}:${session}`, type: 'AssumedRole' },
});

/** A bucket with nothing set. */
export function addBucket(twin: AccountTwin, Name: string): void {
  twin.state.s3.buckets[Name] = newBucket(Name);
}

/**
 * A realistic finding of any type, as EventBridge delivers it: the resource, the action and the actor that GuardDuty writes
 * for this family. Ids are made up and in AWS's form; the addresses are those that RFC 5737 keeps for documentation.
 */
import { createHash } from 'node:crypto';
import { arn, type Scope } from '../../core/aws/arn.ts';
import type { SeverityLabel } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { actionOf } from './action.ts';
import { type Ids, resourceOf } from './resource.ts';
import { sequenceOf } from './sequence.ts';

const SEVERITIES: Readonly<Record<SeverityLabel, number>> = { low: 2, medium: 5, high: 8, critical: 9.5 };

export interface SimulatedEventOptions {
  /** Account, Region and partition of the finding. */
  readonly scope: Scope;
  readonly severity: SeverityLabel;
  readonly now: Date;
  /** The same seed gives the same ids: a second event is then an update of the first. */
  readonly seed: string;
  /** Marks it as a sample: the pipeline tells it and changes nothing. */
  readonly sample: boolean;
}

/** The event. `type` is any `Purpose:Resource/Name`; a family that is not known gets a finding that does not name a resource. */
export function simulatedEvent(type: string, options: SimulatedEventOptions): JsonObject {
  const { scope, now, sample } = options;
  const hex = createHash('sha256').update(`${type}/${options.seed}`).digest('hex');
  const ids: Ids = { scope, hex, now };
  const id = hex.slice(0, 32);
  const detectorId = hex.slice(32, 64);
  const at = now.toISOString();
  const seen = new Date(now.getTime() - 5 * 60_000).toISOString();
  const title = `${sample ? '[SAMPLE] ' : ''}A simulated ${type}.`;
  const eventId = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join('-');
  return inEnvelope(
    scope,
    { id: eventId, time: at },
    {
      schemaVersion: '2.0',
      ...{ accountId: scope.account, region: scope.region, partition: scope.partition },
      id,
      arn: arn(scope, 'guardduty', `detector/${detectorId}/finding/${id}`),
      type,
      resource: resourceOf(type, ids),
      service: {
        ...{ serviceName: 'guardduty', detectorId, archived: false, count: 1 },
        ...{ eventFirstSeen: seen, eventLastSeen: at },
        resourceRole: attacked(type) ? 'TARGET' : 'ACTOR',
        ...actionOf(type),
        ...sequenceOf(type, ids),
        additionalInfo: sample
          ? { sample: true, value: '{"sample":true}', type: 'default' }
          : { value: '{}', type: 'default' },
      },
      severity: SEVERITIES[options.severity],
      createdAt: at,
      updatedAt: at,
      title,
      description: `${title} Made by firebreak simulate.`,
    },
  );
}

/** A finding as EventBridge delivers it. `time` is ISO 8601 UTC. */
export const inEnvelope = (
  { account, region }: Scope,
  event: { readonly id: string; readonly time: string },
  detail: JsonObject,
): JsonObject => ({
  version: '0',
  id: event.id,
  'detail-type': 'GuardDuty Finding',
  source: 'aws.guardduty',
  account,
  time: event.time,
  region,
  resources: [],
  detail,
});

/** The resource is attacked in these, and attacks in the others. */
const attacked = (type: string): boolean =>
  /:(IAMUser|S3|Kubernetes|RDS)\/|PortProbe|Exfiltration|^Policy:|Credential/.test(type);

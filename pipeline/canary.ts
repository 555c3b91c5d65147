/** The canary: a sample finding of Firebreak's own. It stands in the table; the event that carries it says nothing. */
import { z } from 'zod';
import { FirebreakError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { partitionKey } from '../core/table/partitions.ts';
import { parseRecord } from '../core/table/record.ts';
import type { Runtime } from './runtime.ts';

export const CANARY_SOURCE = 'firebreak.canary';
const CANARY_TYPE = 'Firebreak:Pipeline/Canary';
export const CANARY_KEY = { pk: partitionKey('canary'), sk: 'LAST' };

const canary = z.object({
  /** One a day and stage; the id of a finding of GuardDuty is none. Earlier releases left the stage out. */
  findingId: z.string().regex(/^firebreak-canary-(.+-)?\d{4}-\d\d-\d\d$/),
  /** Counts up over the day, as `service.count` of a finding that goes on. */
  number: z.number().int().positive(),
  sentAt: z.iso.datetime(),
  cameOutAt: z.iso.datetime().optional(),
});
export type Canary = z.infer<typeof canary>;

/** Returns the canary that was sent last. */
export async function lastCanary({ table }: Pick<Runtime, 'table'>): Promise<Canary | undefined> {
  const item = await table.get(CANARY_KEY);
  return item ? parseRecord(canary, item) : undefined;
}

/** Returns the finding of the canary that is under way. Throws NotFound where none was ever sent. */
export async function canaryUnderWay(runtime: Runtime): Promise<JsonObject> {
  const last = await lastCanary(runtime);
  if (last) return canaryFinding(runtime, last);
  throw new FirebreakError('NotFound', 'an event of the canary came, and no canary was sent', {
    resource: CANARY_KEY.pk,
    next: 'Find out who puts events with this source.',
  });
}

/** Returns the id of a day's canary. */
export const canaryId = ({ env }: Pick<Runtime, 'env'>, at: Date): string =>
  `firebreak-canary-${env.STAGE}-${at.toISOString().slice(0, 10)}`;

/** Returns a finding as GuardDuty publishes samples; it does not name a resource. */
export const canaryFinding = (
  { own: { scope }, env }: Pick<Runtime, 'own' | 'env'>,
  { findingId, number, sentAt }: Canary,
): JsonObject => ({
  schemaVersion: '2.0',
  accountId: scope.account,
  region: scope.region,
  partition: scope.partition,
  id: findingId,
  type: CANARY_TYPE,
  severity: 2,
  title: '[SAMPLE] Firebreak canary: the pipeline works',
  description: 'Sent by Firebreak itself every half hour. Nothing is wrong, and nothing is to be done.',
  createdAt: sentAt,
  updatedAt: sentAt,
  resource: {},
  service: {
    serviceName: 'guardduty',
    archived: false,
    count: number,
    additionalInfo: { sample: true, stage: env.STAGE },
  },
});

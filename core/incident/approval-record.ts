/**
 * The record of an approval, `DECISION#<id>`: the approval as people see it, and with it what they never see, the task
 * token. core/approval writes it; the incident is read with it.
 */
import { z } from 'zod';
import { partitionKey } from '../table/partitions.ts';
import { parseRecord } from '../table/record.ts';
import type { Item, Key, Table } from '../table/table.ts';
import type { ApprovalView } from './incident.ts';
import { approvalSchema } from './schema.ts';

export interface DecisionRecord {
  readonly incidentId: string;
  readonly view: ApprovalView;
  readonly version: number;
  /** Never logged, shown or put in a button. Gone once the workflow was resumed. */
  readonly taskToken: string | undefined;
}

export const decisionKey = (id: string): Key => ({ pk: partitionKey('approval', id), sk: 'META' });

/** Ids come from outside: anything that is not one of ours is not looked up. */
export async function readDecision(table: Table, id: string): Promise<DecisionRecord | undefined> {
  const item = /^[0-9a-f]{32}$/.test(id) ? await table.get(decisionKey(id)) : undefined;
  return item && decisionOf(item);
}

const schema = z.object({
  incidentId: z.string(),
  view: approvalSchema,
  version: z.number(),
  taskToken: z.string().optional(),
});

/** Returns the record that an item holds. Throws InputInvalid where it is damaged. */
export const decisionOf = (item: Item): DecisionRecord => ({
  taskToken: undefined,
  ...parseRecord(schema, item),
});

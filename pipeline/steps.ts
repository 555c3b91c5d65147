import type { Incident } from '../core/incident/incident.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import { journalOf } from '../core/journal/journal.ts';
import type { Runtime } from './runtime.ts';

/** Every journalled step of the incident, target by target. */
export async function stepsOf(
  { table }: Pick<Runtime, 'table'>,
  incident: Incident,
): Promise<readonly StepRecord[]> {
  const lists = await Promise.all(
    incident.targets.map(({ target, playbook }) => journalOf(table, target, playbook)),
  );
  return lists.flat();
}

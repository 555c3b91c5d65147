/**
 * Asks for an undo: the one way in for the Slack button, the command and the console. The workflow then previews, asks a
 * second person where that is needed, and undoes.
 */

import type { Aws } from '../aws/client.ts';
import { executionArn, executionStatus, isAlive, startExecution } from '../aws/executions.ts';
import { isAccessDenied } from '../errors.ts';
import type { Incident } from '../incident/incident.ts';
import { isContainment, isRunning, mayUndo, statusWords } from '../incident/status.ts';
import type { Table } from '../table/table.ts';
import { type Door, doorKey, nameOf, recordUndo } from './door.ts';

export type UndoStart =
  | { readonly kind: 'started' }
  /** There is nothing to start, in a sentence for the person who asked. */
  | { readonly kind: 'refused'; readonly why: string };

export interface UndoDeps {
  readonly table: Table;
  /** The pipeline's own account and Region. */
  readonly aws: Aws;
  readonly stateMachineArn: string;
}

/** An earlier release did not say which execution undoes; it took less than this. */
const EARLIER_UNDO_MS = 2 * 3_600_000;

/**
 * Who asks is recorded through their door before the start, and may not agree to it as the second person. An undo that
 * waits for one is not asked for again: a second execution would take its card away from the first. One start for an
 * incident and minute: Step Functions takes a name once.
 */
export async function startUndo(
  { table, aws, stateMachineArn }: UndoDeps,
  incident: Incident,
  door: Door,
  now: Date,
): Promise<UndoStart> {
  const why = await whyNot({ table, aws, stateMachineArn }, incident, now);
  if (why !== undefined) return { kind: 'refused', why };
  const { id: incidentId } = incident;
  const name = `undo-${incidentId}-${now.toISOString().slice(0, 16).replace(/\D/g, '')}`;
  await recordUndo(table, door, name, { incidentId }, now);
  const said = { channel: 'undo', incidentId, requestedBy: nameOf(door), door: doorKey(door) };
  const started = await startExecution(aws, { stateMachineArn, name, input: JSON.stringify(said) });
  return started ? { kind: 'started' } : { kind: 'refused', why: 'It was asked for a moment ago.' };
}

/** Nothing is refused because of what no execution moves any more. */
async function whyNot(
  { aws, stateMachineArn }: UndoDeps,
  incident: Incident,
  now: Date,
): Promise<string | undefined> {
  const { id, status, approval, undoRun, updatedAt } = incident;
  const isAsked = approval?.purpose === 'undo' && approval.outcome === undefined;
  if (status === 'undoing' || isAsked) {
    const isMoved = undoRun
      ? await goesOn(aws, executionArn(stateMachineArn, undoRun.execution))
      : now.getTime() - Date.parse(updatedAt) < EARLIER_UNDO_MS;
    if (!isMoved) return undefined;
    return status === 'undoing'
      ? 'It is being undone already.'
      : 'The undo was asked for already: a second person decides on the card.';
  }
  if (mayUndo(status)) return undefined;
  if (isContainment(status) && isRunning(status) && !(await goesOn(aws, incident.execution)))
    return undefined;
  return `There is nothing to undo: ${id} is ${statusWords(status)}.`;
}

/** The caller may lack the right to ask: then it is taken for under way, as long as its status says so. */
async function goesOn(aws: Aws, execution: string): Promise<boolean> {
  try {
    return isAlive(await executionStatus(aws, execution));
  } catch (error) {
    if (isAccessDenied(error)) return true;
    throw error;
  }
}

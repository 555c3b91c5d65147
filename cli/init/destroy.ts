/**
 * `firebreak destroy`: the stack, its table and Slack's values go; the evidence bucket stays, since Object Lock keeps what
 * was promised to investigators.
 */
import {
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ResourceNotFoundException,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb';
import { describeError, FirebreakError, isAwsError, TableUnavailable } from '../../core/errors.ts';
import type { IncidentRow } from '../../core/incident/list.ts';
import { isInPlace, LISTED, statusWords } from '../../core/incident/status.ts';
import { incidentStore } from '../../core/incident/store.ts';
import { openTable } from '../../core/table/table.ts';
import { namedRegion } from '../region.ts';
import * as settings from '../settings.ts';
import { plainText, terminal } from '../terminal.ts';
import { whoAmI } from './account.ts';
import { deleteParameters } from './parameters.ts';
import { ask, somebodyThere } from './questions.ts';
import { deployedStack, remains } from './remains.ts';
import { serverless } from './serverless.ts';

export interface DestroyInput {
  readonly stage: string;
  readonly region: string | undefined;
  /** Not asked again. */
  readonly yes: boolean;
}

/** So that a test need neither remove a stack nor wait for a table. */
export interface DestroyMeans {
  readonly remove: typeof serverless;
  /** How long DynamoDB may take to let the table go. */
  readonly patienceSeconds: number;
}

/**
 * Exit status 0 when it is proven that nothing but the bucket is left, 1 when something remains, which is named. Throws
 * FirebreakError; one that comes while the stack is removed says whether the table is protected from deletion again.
 */
export async function destroy(
  { stage, region: given, yes }: DestroyInput,
  { remove, patienceSeconds }: DestroyMeans = { remove: serverless, patienceSeconds: 300 },
): Promise<number> {
  const { out, paint } = terminal();
  const known = await settings.readStage(stage);
  const region = given ?? known?.region ?? (await namedRegion(undefined));
  if (!region)
    throw new FirebreakError('InputInvalid', '--region is not given, and firebreak.json does not know it');
  const { account } = await whoAmI(region);
  const service = `firebreak-${stage}`;
  const stack = await deployedStack(region, service);
  const held = await stillHeld(region, service);
  out(`Stack ${service} in account ${account}, ${region}, its table and its Slack values will be deleted.`);
  if (held.length > 0) {
    out(
      paint(
        'red',
        `${held.length} incidents are contained or half undone; with the table the way back is gone:`,
      ),
    );
    for (const { id, status, display, createdAt } of held.slice(0, SHOWN))
      out(plainText(`  ${id} ${createdAt.slice(0, 10)} ${statusWords(status)} ${display ?? ''}`));
    if (held.length > SHOWN) out(`  … and ${held.length - SHOWN} older ones`);
    out(paint('red', 'Undo them first, or leave them as they are for good.'));
  }
  if (!yes) await confirmed(stage);
  const dynamo = new DynamoDBClient({ region });
  try {
    const protection = await unprotect(dynamo, service);
    try {
      // The Serverless Framework fails on a stack that is not there; a removal that stopped half-way goes on with the rest.
      if (stack) await remove('remove', { stage, region, params: known?.params ?? {} });
      await ignoringAbsent(() => dynamo.send(new DeleteTableCommand({ TableName: service })));
    } catch (error) {
      const table = await protectAgain(dynamo, service, region, protection);
      throw new FirebreakError(
        'StepFailed',
        `${error instanceof Error ? error.message : String(error)}. ${table}. The Slack values were not deleted`,
        {
          resource: service,
          next: `Fix the reason (CloudFormation's events of ${service} have it) and run the same command again.`,
          cause: error,
        },
      );
    }
  } finally {
    dynamo.destroy();
  }
  const left = [...(await valuesKept(region, stage)), ...(await remains(region, stage, patienceSeconds))];
  if (left.length > 0) {
    out(paint('red', `${service} is not proven gone:`));
    for (const line of left) out(`  ${plainText(line)}`);
    out('Run the same command again; it goes on with what is left.');
  } else {
    // Another Region than the stage's own says nothing of that one.
    if (known?.region === region) await settings.writeStage(stage, undefined);
    out(
      paint(
        'green',
        `${service} is gone: stack, table and Slack values were looked for in ${region} and are not there.`,
      ),
    );
  }
  out(
    stack?.bucket === undefined
      ? 'No stack named an evidence bucket; one of an earlier deployment stays where it is.'
      : `The evidence bucket ${stack.bucket} stays: Object Lock keeps its objects until their retention ends.`,
  );
  return left.length > 0 ? 1 : 0;
}

async function confirmed(stage: string): Promise<void> {
  if (!somebodyThere())
    throw new FirebreakError('InputInvalid', 'no one is at the terminal to be asked', {
      next: 'Give --yes.',
    });
  const said = await ask(`Type the stage's name to delete it`, settings.stageName, stage);
  if (said !== stage) throw new FirebreakError('InputInvalid', `that is not ${stage}: nothing was deleted`);
}

const SHOWN = 20;
const LOOK_BACK_MS = 90 * 86_400_000;
/** What the table still has a way back from. */
const HELD = LISTED.filter((status) => status !== 'open' && isInPlace(status));

/**
 * Incidents of any age, newest first: the counters of the months (one partition) tell when the first one was, and the index
 * by status is asked for each month since.
 */
async function stillHeld(region: string, tableName: string): Promise<readonly IncidentRow[]> {
  const dynamo = new DynamoDBClient({ region });
  try {
    const to = new Date().toISOString();
    const store = incidentStore(openTable(tableName, dynamo));
    const [oldest] = await store.counts('2000-01', to, 'month');
    // Counters can be off by a crash: what is recent is looked at in any case.
    const recent = new Date(Date.now() - LOOK_BACK_MS).toISOString();
    const from = oldest && oldest.time < recent ? oldest.time : recent;
    const held: IncidentRow[] = [];
    for (const status of HELD) {
      let cursor: string | undefined;
      do {
        const query = { from, to, limit: 100, filter: { status }, ...(cursor ? { cursor } : {}) };
        const page = await store.list(query);
        held.push(...page.items);
        cursor = page.cursor;
      } while (cursor);
    }
    return held.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  } catch (error) {
    if (error instanceof TableUnavailable && error.cause instanceof ResourceNotFoundException) return [];
    throw error;
  } finally {
    dynamo.destroy();
  }
}

/** Why the Slack values could not be deleted; stack and table are gone by then, and what remains is still to be reported. */
async function valuesKept(region: string, stage: string): Promise<readonly string[]> {
  try {
    await deleteParameters(region, stage);
    return [];
  } catch (error) {
    if (!isAwsError(error)) throw error;
    return [`Slack values could not be deleted: ${describeError(error)}`];
  }
}

/** Of the table, before `unprotect`. */
type Protection = 'on' | 'off' | 'no table';

/** The table is protected from deletion, by CloudFormation and on its own: it holds every prior value. */
async function unprotect(dynamo: DynamoDBClient, TableName: string): Promise<Protection> {
  try {
    const { Table } = await dynamo.send(new DescribeTableCommand({ TableName }));
    if (Table?.DeletionProtectionEnabled !== true) return 'off';
    await dynamo.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }));
    return 'on';
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return 'no table';
    throw error;
  }
}

/** What became of the protection, as a sentence. */
async function protectAgain(
  dynamo: DynamoDBClient,
  TableName: string,
  region: string,
  before: Protection,
): Promise<string> {
  if (before === 'no table') return `There was no table ${TableName}`;
  if (before === 'off') return `Table ${TableName} was not protected from deletion before, and is not now`;
  try {
    await dynamo.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: true }));
    return `Table ${TableName} is protected from deletion again`;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return `Table ${TableName} is gone`;
    // Printed with the reason why the removal failed, which is the one to throw.
    return `Table ${TableName} is NOT protected from deletion any more (${describeError(error)}): aws dynamodb update-table --table-name ${TableName} --deletion-protection-enabled --region ${region}`;
  }
}

async function ignoringAbsent(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
}

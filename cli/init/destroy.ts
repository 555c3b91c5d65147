/**
 * `firebreak destroy`: the stack, its table and Slack's values go; the evidence bucket stays, since Object Lock keeps what
 * was promised to investigators.
 */
import { CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation';
import {
  DeleteTableCommand,
  DynamoDBClient,
  ResourceNotFoundException,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb';
import { FirebreakError } from '../../core/errors.ts';
import { isContained } from '../../core/incident.ts';
import type { IncidentRow } from '../../core/incident-list.ts';
import { incidentStore } from '../../core/incident-store.ts';
import { openTable } from '../../core/table.ts';
import { terminal } from '../terminal.ts';
import { whoAmI } from './account.ts';
import { deleteParameters } from './parameters.ts';
import { ask, somebodyThere } from './questions.ts';
import { serverless } from './serverless.ts';
import * as settings from './settings.ts';

export interface DestroyInput {
  readonly stage: string;
  readonly region: string | undefined;
  /** Not asked again. */
  readonly yes: boolean;
}

const LOOK_BACK_MS = 90 * 86_400_000;

/** Exit status 0 when nothing but the bucket is left. Throws FirebreakError. */
export async function destroy({ stage, region: given, yes }: DestroyInput): Promise<number> {
  const { out, paint } = terminal();
  const known = await settings.readStage(stage);
  const region = given ?? known?.region ?? process.env['AWS_REGION'];
  if (!region)
    throw new FirebreakError('InputInvalid', '--region is not given, and firebreak.json does not know it');
  const { account } = await whoAmI(region);
  const service = `firebreak-${stage}`;
  const bucket = await evidenceBucket(region, service);
  const contained = await stillContained(region, service);
  out(`Stack ${service} in account ${account}, ${region}, its table and its Slack values will be deleted.`);
  if (contained.length > 0) {
    out(paint('red', `${contained.length} incidents are contained; with the table the way back is gone:`));
    for (const { id, display } of contained.slice(0, 20)) out(`  ${id} ${display ?? ''}`);
    out(paint('red', 'Undo them first, or leave them contained for good.'));
  }
  if (!yes) await confirmed(stage);
  const dynamo = new DynamoDBClient({ region });
  try {
    await unprotect(dynamo, service);
    await serverless('remove', { stage, region, params: known?.params ?? {} });
    await ignoringAbsent(() => dynamo.send(new DeleteTableCommand({ TableName: service })));
  } finally {
    dynamo.destroy();
  }
  await deleteParameters(region, stage);
  if (known) await settings.writeStage(stage, undefined);
  out(paint('green', `${service} is gone.`));
  out(
    bucket === undefined
      ? 'There was no evidence bucket.'
      : `The evidence bucket ${bucket} stays: Object Lock keeps its objects until their retention ends.`,
  );
  return 0;
}

async function confirmed(stage: string): Promise<void> {
  if (!somebodyThere())
    throw new FirebreakError('InputInvalid', 'nobody is at the terminal to be asked', {
      next: 'Give --yes.',
    });
  const said = await ask(`Type the stage's name to delete it`, settings.stageName, stage);
  if (said !== stage) throw new FirebreakError('InputInvalid', `that is not ${stage}: nothing was deleted`);
}

async function evidenceBucket(region: string, stack: string): Promise<string | undefined> {
  const client = new CloudFormationClient({ region });
  try {
    for await (const page of paginateListStackResources({ client }, { StackName: stack })) {
      const bucket = page.StackResourceSummaries?.find((each) => each.LogicalResourceId === 'EvidenceBucket');
      if (bucket) return bucket.PhysicalResourceId;
    }
    return undefined;
  } catch (error) {
    // CloudFormation's only answer for a stack or resource that is not there.
    if (error instanceof Error && error.name === 'ValidationError') return undefined;
    throw error;
  } finally {
    client.destroy();
  }
}

async function stillContained(region: string, tableName: string): Promise<readonly IncidentRow[]> {
  const dynamo = new DynamoDBClient({ region });
  try {
    const to = new Date();
    const store = incidentStore(openTable(tableName, dynamo));
    const contained: IncidentRow[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.list({
        from: new Date(to.getTime() - LOOK_BACK_MS).toISOString(),
        to: to.toISOString(),
        limit: 100,
        ...(cursor ? { cursor } : {}),
      });
      contained.push(...page.items.filter(({ status }) => isContained(status)));
      cursor = page.cursor;
    } while (cursor);
    return contained;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return [];
    throw error;
  } finally {
    dynamo.destroy();
  }
}

/** The table is protected from deletion, by CloudFormation and by itself: it holds every prior value. */
const unprotect = (dynamo: DynamoDBClient, TableName: string) =>
  ignoringAbsent(() => dynamo.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false })));

async function ignoringAbsent(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
}

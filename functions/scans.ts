/**
 * Counts the results of malware scans, a batch at a time. What is clean is counted and nothing more; of what was not scanned, an
 * execution notifies: one for each bucket or vault, result and day, and again at 10, 100, 1,000 … of them. What has threats is
 * counted here and answered by its own rule, which starts the workflow for each.
 */
import { z } from 'zod';
import { inBatches } from '../core/aws/batches.ts';
import { startExecution } from '../core/aws/executions.ts';
import { describeError, isFirebreakError } from '../core/errors.ts';
import { parseScan, type ScanResult } from '../core/finding/scan.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import { countScans, type ScanCounter, scansCounted } from '../core/table/scan-counts.ts';
import type { ChannelEnvelope } from '../pipeline/channel.ts';
import { lambda } from '../pipeline/lambda.ts';
import { countMetric, logger, type Runtime } from '../pipeline/runtime.ts';

const input = z.object({ Records: z.array(z.object({ messageId: z.string(), body: z.string() })) });
const event = z.custom<JsonObject>(isJsonObject, 'expected an event');

/** SQS keeps these and delivers them again (ReportBatchItemFailures); in the end they wait in the dead queue, which pages. */
interface Taken {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

export const handler = lambda(async (given, runtime): Promise<Taken> => {
  const groups = new Map<string, Group>();
  const batchItemFailures: { itemIdentifier: string }[] = [];
  for (const { messageId, body } of input.parse(given).Records) {
    try {
      const sent = event.parse(JSON.parse(body));
      add(groups, sent, parseScan(sent));
    } catch (error) {
      // The event itself stays out of the log: anyone who uploads an object writes its name.
      const reason = isFirebreakError(error) ? error.code : describeError(error).slice(0, 200);
      logger.error('the result of a malware scan could not be read', { messageId, reason });
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  await inBatches([...groups.values()], 10, (group) => take(runtime, group));
  return { batchItemFailures };
});

interface Group {
  readonly counter: ScanCounter;
  /** The newest of them: an update is newer than what it updates. */
  newest: { readonly event: JsonObject; readonly scan: ScanResult };
  scans: number;
}

function add(groups: Map<string, Group>, sent: JsonObject, scan: ScanResult): void {
  const { account, region, kind, place, status, at } = scan;
  const counter: ScanCounter = { account, region, kind, place, status, day: at.slice(0, 10) };
  const id = JSON.stringify(Object.values(counter));
  const known = groups.get(id);
  const newest = { event: sent, scan };
  if (!known) groups.set(id, { counter, newest, scans: 1 });
  else {
    known.scans += 1;
    if (at > known.newest.scan.at) known.newest = newest;
  }
}

async function take(runtime: Runtime, { counter, newest, scans }: Group): Promise<void> {
  const { table, now } = runtime;
  // Before it is counted: a batch that fails between the two is delivered again, and the same name starts nothing twice.
  if (newest.scan.outcome === 'unscanned') {
    const total = (await scansCounted(table, counter)) + scans;
    await notify(runtime, newest, 10 ** Math.floor(Math.log10(total)), total);
  }
  await countScans(table, counter, scans, now());
  countMetric(`MalwareScans_${newest.scan.outcome}`, scans);
}

async function notify(
  { own, env }: Runtime,
  { event: sent, scan }: Group['newest'],
  reached: number,
  total: number,
): Promise<void> {
  const envelope: ChannelEnvelope = { channel: 'scan', event: sent, count: total };
  await startExecution(own, {
    stateMachineArn: env.RESPOND_STATE_MACHINE_ARN,
    name: `${scan.id}-${reached}`,
    input: JSON.stringify(envelope),
  });
}

/**
 * CloudTrail's event history: management events of the last 90 days, there without a trail, some minutes late.
 * LookupEvents answers two calls a second for an account and Region, newest events first.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Aws } from './client.ts';

export interface EventSearch {
  readonly attribute: 'AccessKeyId' | 'EventName' | 'ResourceName' | 'Username';
  readonly value: string;
  readonly from?: Date;
  readonly to?: Date;
}

export const LOOKUP_PAUSE_MS = 500;

const paused = async (): Promise<boolean> => {
  await sleep(LOOKUP_PAUSE_MS);
  return true;
};

/**
 * Pages of raw CloudTrail records, parsed from their JSON text; what is no JSON (CloudTrail cuts oversize events) is left
 * out. `again` waits before each further page, and ends the search where it returns false.
 */
export async function* eventPages(
  aws: Aws,
  search: EventSearch,
  again: () => Promise<boolean> = paused,
): AsyncGenerator<readonly unknown[]> {
  const { client, api } = await aws.cloudTrail();
  let next: string | undefined;
  do {
    if (next !== undefined && !(await again())) return;
    const answer = await client.send(
      new api.LookupEventsCommand({
        LookupAttributes: [{ AttributeKey: search.attribute, AttributeValue: search.value }],
        MaxResults: 50,
        ...(search.from ? { StartTime: search.from } : {}),
        ...(search.to ? { EndTime: search.to } : {}),
        ...(next === undefined ? {} : { NextToken: next }),
      }),
    );
    next = answer.NextToken;
    yield (answer.Events ?? []).flatMap(({ CloudTrailEvent }) => jsonOf(CloudTrailEvent));
  } while (next !== undefined);
}

function jsonOf(text: string | undefined): readonly unknown[] {
  try {
    return [JSON.parse(text ?? 'null')];
  } catch {
    return [];
  }
}

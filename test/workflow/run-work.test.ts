/** What `run` does for one finding does not grow with the findings before it. Work is counted, not time. */
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it, vi } from 'vitest';
import { caseOf, ran } from './run-findings.ts';

const raws = caseOf('49-many-asks.ndjson');

/** Findings like the case's, each on an instance of its own: every one is asked about. */
const findings = (count: number): unknown[] =>
  Array.from({ length: count }, (_, index) => {
    const line = JSON.stringify(raws[0]);
    const own = (text: string) => text.slice(0, -4) + String(index).padStart(4, '0');
    return JSON.parse(
      line
        .replaceAll('33333333333333333333333333333331', own)
        .replaceAll('i-0aaaaaaaaaaaa0491', own)
        .replaceAll('eni-0bbbbbbbbbbbb0491', own),
    );
  });

async function requestsOf(count: number): Promise<number> {
  const requests = vi.spyOn(DynamoDBDocumentClient.prototype, 'send');
  try {
    expect(await ran(findings(count))).toHaveLength(count);
    return requests.mock.calls.length;
  } finally {
    requests.mockRestore();
  }
}

describe('run', () => {
  it('answers each card once: no incident carries notes of clicks on others', async () => {
    const printed = await ran(raws);
    expect(printed).toHaveLength(6);
    for (const { timeline } of printed) {
      const clicks = timeline.map(({ event }) => event).filter((event) => /approv/.test(event));
      expect(clicks).toEqual([expect.stringMatching(/^approval to contain asked/), 'approved by U0BOB']);
    }
  });

  it('reads and writes as much of the table for the twentieth finding as for the second', async () => {
    const [few, more, many] = [await requestsOf(4), await requestsOf(8), await requestsOf(20)];
    const [early, late] = [(more - few) / 4, (many - more) / 12];
    expect(late).toBeLessThan(early * 1.15);
  });
});

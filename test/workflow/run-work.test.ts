/** What `run` does for one finding does not grow with the findings before it. Work is counted, not time. */
import { readFileSync } from 'node:fs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it, vi } from 'vitest';
import { runFindings } from '../../cli/run.ts';
import { loadPolicy } from '../../core/policy/policy.ts';

const lines = readFileSync(new URL('../fixtures/cases/49-many-asks.ndjson', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '');
const policy = await loadPolicy(new URL('../../policy.yml', import.meta.url).pathname);

/** Findings like the case's, each on an instance of its own: every one is asked about. */
const findings = (count: number): unknown[] =>
  Array.from({ length: count }, (_, index) => {
    const line = lines[0] ?? '';
    const own = (text: string) => text.slice(0, -4) + String(index).padStart(4, '0');
    return JSON.parse(
      line
        .replaceAll('33333333333333333333333333333331', own)
        .replaceAll('i-0aaaaaaaaaaaa0491', own)
        .replaceAll('eni-0bbbbbbbbbbbb0491', own),
    );
  });

interface Line {
  readonly status: string;
  readonly timeline: readonly { readonly event: string }[];
}

async function ran(raws: readonly unknown[]): Promise<{ lines: readonly Line[]; requests: number }> {
  const printed: Line[] = [];
  const requests = vi.spyOn(DynamoDBDocumentClient.prototype, 'send');
  const log = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    for (const line of String(text).split('\n'))
      if (line.startsWith('{"index"')) printed.push(JSON.parse(line));
    return true;
  });
  try {
    await runFindings(
      raws.map((raw) => ({ raw })),
      { policy, answer: 'approve', json: true },
    );
    return { lines: printed, requests: requests.mock.calls.length };
  } finally {
    log.mockRestore();
    requests.mockRestore();
  }
}

describe('run', () => {
  it('answers each card once: no incident carries notes of clicks on others', async () => {
    const { lines: printed } = await ran(lines.map((line): unknown => JSON.parse(line)));
    expect(printed).toHaveLength(6);
    for (const { timeline } of printed) {
      const clicks = timeline.map(({ event }) => event).filter((event) => /approv/.test(event));
      expect(clicks).toEqual([expect.stringMatching(/^approval to contain asked/), 'approved by U0BOB']);
    }
  });

  it('reads and writes as much of the table for the twentieth finding as for the second', async () => {
    const few = await ran(findings(4));
    const more = await ran(findings(8));
    const many = await ran(findings(20));
    expect(many.lines).toHaveLength(20);
    const early = (more.requests - few.requests) / 4;
    const late = (many.requests - more.requests) / 12;
    expect(late).toBeLessThan(early * 1.15);
  });
});

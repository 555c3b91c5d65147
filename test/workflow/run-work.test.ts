/** What `run` does for one finding does not grow with the findings before it. Work is counted, not time. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it, vi } from 'vitest';
import { caseOf, ran } from './run-findings.ts';

/** Findings like the first of a case, each on an instance of its own in the same subnet. */
const findings = (count: number): unknown[] =>
  Array.from({ length: count }, (_, index) => {
    const own = (text: string) => text.slice(0, -4) + String(index).padStart(4, '0');
    const names = /(?<="id":")[0-9a-f]{32}|\bi-[0-9a-f]{17}|eni-[0-9a-f]{17}/g;
    return JSON.parse(JSON.stringify(caseOf('49-many-asks.ndjson')[0]).replace(names, own));
  });

/** Requests to the table by the end of each finding of one run, from the first to the last. */
async function requestsOf(count: number): Promise<readonly number[]> {
  const requests = vi.spyOn(DynamoDBDocumentClient.prototype, 'send');
  const after: number[] = [];
  try {
    await ran(findings(count), undefined, () => after.push(requests.mock.calls.length));
    expect(after).toHaveLength(count);
    return after;
  } finally {
    requests.mockRestore();
  }
}

describe('run', () => {
  it('answers each card once: no incident carries notes of clicks on others', async () => {
    const printed = await ran(caseOf('49-many-asks.ndjson'));
    expect(printed).toHaveLength(6);
    for (const { timeline } of printed) {
      const clicks = timeline
        .map(({ event }) => event)
        .filter((event) => /^approv(?:al to|ed by)/.test(event));
      expect(clicks).toEqual([expect.stringMatching(/^approval to contain requested/), 'approved by U0BOB']);
    }
  });

  it('works as much in the table for the twentieth finding as for the fifth', async () => {
    const after = await requestsOf(20);
    const between = (from: number, to: number) =>
      ((after[to - 1] ?? 0) - (after[from - 1] ?? 0)) / (to - from);
    const [early, late] = [between(4, 8), between(8, 20)];
    expect(early).toBeGreaterThan(0);
    expect(late).toBeLessThan(early * 1.15);
  });

  it('keeps of each finding what it saves, and little else', async () => {
    const home = mkdtempSync(join(tmpdir(), 'firebreak-'));
    try {
      const file = join(home, 'findings.ndjson');
      writeFileSync(
        file,
        findings(40)
          .map((one) => JSON.stringify(one))
          .join('\n'),
      );
      const policy = new URL('../../policy.yml', import.meta.url).pathname;
      const words = ['run', file, '--json', '--approve', '--policy', policy];
      const reporter = new URL('./heap-of-run.ts', import.meta.url).pathname;
      // Until about the twentieth, code that is no longer used leaves the heap, which would hide as much that stays.
      const command = ['--expose-gc', reporter, '20', '40', ...words];
      const { stderr } = await promisify(execFile)(process.execPath, command, { cwd: home, maxBuffer: 1e8 });
      const [early = 0, late = 0] = [...stderr.matchAll(/heap: (\d+)/g)].map(([, bytes]) => Number(bytes));
      for (const heap of [early, late]) expect(heap).toBeGreaterThan(0);
      const sandbox = join(home, '.firebreak', 'sandbox');
      const sizes = readdirSync(sandbox).map((name) => statSync(join(sandbox, name)).size);
      const saved = sizes.reduce((sum, size) => sum + size, 0) / 40;
      // An object takes two to three times as much as its JSON.
      expect((late - early) / 20).toBeLessThan(3 * saved);
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  it('makes a subnet once, so that a block of an address has as many steps for each of its instances', async () => {
    const home = mkdtempSync(join(tmpdir(), 'firebreak-'));
    try {
      await ran(findings(3), home);
      const { state } = JSON.parse(readFileSync(join(home, 'account.json'), 'utf8'));
      expect(state.regions['eu-west-1'].networks.acls).toHaveLength(1);
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});

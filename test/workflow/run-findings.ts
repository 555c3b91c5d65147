/** `firebreak run --json --approve` in this process, with a sandbox of its own. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { runFindings } from '../../cli/run.ts';
import { loadPolicy } from '../../core/policy/policy.ts';

export interface RunLine {
  readonly incident: string;
  readonly target: string | null;
  readonly playbook: string | null;
  readonly decision: string;
  readonly status: string;
  readonly reasons: readonly string[];
  readonly steps: readonly { readonly id: string; readonly status: string }[];
  readonly blastRadius: readonly string[];
  readonly remainingRisk: readonly string[];
  readonly timeline: readonly { readonly event: string }[];
  readonly followUps: readonly {
    readonly playbook: string;
    readonly target: string;
    readonly decision: string;
    readonly status: string;
  }[];
}

/** The findings of a case from the field. */
export const caseOf = (name: string): readonly unknown[] =>
  readFileSync(new URL(`../fixtures/cases/${name}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));

/**
 * Returns the lines that were printed. `home`: where the sandbox is left; it is removed without it. `onLine` hears of each line
 * as it is printed, one a finding.
 */
export async function ran(
  raws: readonly unknown[],
  home?: string,
  onLine: () => void = () => {},
): Promise<readonly RunLine[]> {
  const policy = await loadPolicy(new URL('../../policy.yml', import.meta.url).pathname);
  const folder = home ?? mkdtempSync(join(tmpdir(), 'firebreak-'));
  const printed: RunLine[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    for (const line of String(text).split('\n'))
      if (line.startsWith('{"index"')) {
        printed.push(JSON.parse(line));
        onLine();
      }
    return true;
  });
  try {
    const items = raws.map((raw) => ({ raw }));
    await runFindings(items, { policy, answer: 'approve', json: true, home: folder });
    return printed;
  } finally {
    write.mockRestore();
    if (home === undefined) rmSync(folder, { recursive: true });
  }
}

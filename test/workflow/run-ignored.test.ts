import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { runFindings } from '../../cli/run.ts';
import { loadPolicy } from '../../core/policy/policy.ts';

it('prints a stale and a duplicate delivery as ignored', async () => {
  const text = readFileSync(new URL('../fixtures/cases/32c-out-of-order.ndjson', import.meta.url), 'utf8');
  const [newer, older] = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
  const policy = await loadPolicy(new URL('../../policy.yml', import.meta.url).pathname);
  const lines: unknown[] = [];
  const log = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    for (const line of String(text).split('\n'))
      if (line.startsWith('{"index"')) lines.push(JSON.parse(line));
    return true;
  });
  try {
    const items = [newer, older, newer].map((raw) => ({ raw }));
    await runFindings(items, { policy, answer: 'approve', json: true });
  } finally {
    log.mockRestore();
  }
  expect(lines).toMatchObject([
    { decision: 'auto' },
    {
      status: 'ignored',
      reasons: [expect.stringMatching(/^ignored: stale delivery; fb-\w{12} has the update of /)],
    },
    { status: 'ignored', reasons: [expect.stringMatching(/^ignored: duplicate of fb-\w{12}$/)] },
  ]);
});

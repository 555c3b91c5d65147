import { expect, it } from 'vitest';
import { caseOf, ran } from './run-findings.ts';

it('prints a stale and a duplicate delivery as ignored', async () => {
  const [newer, older] = caseOf('32c-out-of-order.ndjson');
  expect(await ran([newer, older, newer])).toMatchObject([
    { decision: 'auto' },
    {
      status: 'ignored',
      reasons: [
        expect.stringMatching(/^ignored: duplicate of fb-\w{12}, and stale: the incident has the update of /),
      ],
    },
    { status: 'ignored', reasons: [expect.stringMatching(/^ignored: duplicate of fb-\w{12}$/)] },
  ]);
});

/**
 * Generates docs/permissions.md, docs/coverage.md and docs/playbooks/ID.md from the playbooks,
 * deploy/access.ts and policy.yml. `--check` exits 1 when they are stale.
 */
import { PLAYBOOKS } from '../playbooks/index.ts';
import { coveragePage } from './coverage.ts';
import { type Generated, generate } from './generate.ts';
import { permissionsPage } from './permissions.ts';
import { playbookPage } from './playbook-page.ts';

export async function generatedDocs(): Promise<Generated> {
  return {
    'docs/coverage.md': await coveragePage(PLAYBOOKS),
    'docs/permissions.md': permissionsPage(PLAYBOOKS),
    ...Object.fromEntries(
      PLAYBOOKS.map((playbook) => [`docs/playbooks/${playbook.id}.md`, playbookPage(playbook)]),
    ),
  };
}

if (import.meta.main) {
  await generate(await generatedDocs(), ['docs/playbooks'], process.argv.includes('--check'));
}

/**
 * Generates slack/manifest.yml, slack/roboto.json, docs/commands.md, docs/permissions.md, docs/coverage.md, docs/kubernetes.md,
 * docs/state-machines.md and docs/playbooks/ID.md from the playbooks,
 * deploy/access.ts and policy.yml. `--check` exits 1 when they are stale.
 */
import { COMPOSITES, NOTICE, PLAYBOOKS } from '../playbooks/index.ts';
import { RIGHTS } from '../playbooks/known.ts';
import { manifestText } from '../slack/manifest-text.ts';

import { architectureDrawing } from './architecture.ts';
import { aslPage } from './asl-features.ts';
import { assumptionsPage } from './assumptions.ts';
import { commandsPage } from './commands.ts';
import { coveragePage } from './coverage.ts';
import { drillPage } from './drill.ts';
import { eventSchema } from './event-schema.ts';
import { pictureFont } from './font.ts';
import { type Generated, generate, jsonText } from './generate.ts';
import { kubernetesPage } from './kubernetes.ts';
import { permissionsPage } from './permissions.ts';
import { compositePage, noticePage, playbookPage } from './playbook-page.ts';
import { resourcesPage } from './resources-page.ts';

export async function generatedDocs(): Promise<Generated> {
  return {
    'docs/coverage.md': await coveragePage(),
    'docs/commands.md': commandsPage(),
    'docs/architecture.svg': architectureDrawing(),
    'docs/assumptions.md': assumptionsPage(),
    'docs/drill.md': drillPage(),
    'docs/incident-event.schema.json': jsonText(eventSchema()),
    [`docs/playbooks/${NOTICE.id}.md`]: noticePage(NOTICE),
    'docs/resources.md': await resourcesPage(),
    'docs/permissions.md': permissionsPage(RIGHTS),
    'docs/state-machines.md': aslPage(),
    'docs/kubernetes.md': kubernetesPage(),
    'slack/manifest.yml': manifestText(),
    'slack/roboto.json': jsonText(await pictureFont()),
    ...Object.fromEntries(
      PLAYBOOKS.map((playbook) => [`docs/playbooks/${playbook.id}.md`, playbookPage(playbook)]),
    ),
    ...Object.fromEntries(
      COMPOSITES.map((composite) => [`docs/playbooks/${composite.id}.md`, compositePage(composite)]),
    ),
  };
}

if (import.meta.main) {
  await generate(await generatedDocs(), ['docs/playbooks'], process.argv.includes('--check'));
}

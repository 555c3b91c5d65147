import type { Composite, Notice, Playbook } from '../core/journal/playbook.ts';
import { code, GENERATED, page } from './markdown.ts';
import { permissionTable, playbookPermissions } from './permissions.ts';

/** docs/playbooks/ID.md */
export function playbookPage(playbook: Playbook): string {
  const { id, title, about, handles, reversible, proofDelaySeconds } = playbook;
  return page(
    GENERATED,
    `# ${title}`,
    `Playbook ${code(id)}`,
    about.trim(),
    '## Finding types',
    typeList(handles),
    '## Undo',
    reversible.kind === 'fully'
      ? 'Undo restores everything it changes to exactly what was.'
      : `Undo restores what it changes, except: ${reversible.lost}`,
    '## Proof',
    proofDelaySeconds === 0
      ? 'The proving read is made at once, and again until AWS shows the change.'
      : `The proving read is made ${proofDelaySeconds} seconds after the last change, and again until AWS shows it.`,
    '## Permissions',
    ...playbookPermissions(playbook, '###'),
  );
}

/** docs/playbooks/ID.md of an answer that is made of playbooks. */
export const compositePage = ({ id, title, about, handles, reads }: Composite): string =>
  page(
    GENERATED,
    `# ${title}`,
    `${code(id)}, made of other playbooks`,
    about.trim(),
    '## Finding types',
    typeList(handles),
    '## Undo, proof and permissions',
    'Those of the playbooks it is made of.',
    ...(reads ? ['Next to those it reads:', permissionTable(reads)] : []),
  );

/** docs/playbooks/ID.md of the answer that changes nothing. */
export const noticePage = ({ id, title, about, reads }: Notice): string =>
  page(
    GENERATED,
    `# ${title}`,
    code(id),
    about.trim(),
    '## Finding types',
    'Every finding in which no playbook finds something to act on, and every one that policy only tells.',
    '## Permissions',
    permissionTable(reads),
  );

const typeList = (handles: readonly string[]): string =>
  handles.length > 0
    ? handles.map((type) => `- ${code(type)}`).join('\n')
    : 'None on its own: other answers and follow-ups use it.';

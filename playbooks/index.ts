/** Every playbook there is. The registry is this list; nothing registers itself at import. */
import type { Finding } from '../core/finding.ts';
import { compileGlobs } from '../core/glob.ts';
import type { Playbook, Target } from '../core/playbook.ts';
import { isolateInstance } from './isolate-instance.ts';
import { revokeInstanceSession } from './revoke-instance-session.ts';

export const PLAYBOOKS: readonly Playbook[] = [revokeInstanceSession, isolateInstance];

const handlers = PLAYBOOKS.map((playbook) => ({ playbook, handles: compileGlobs(playbook.handles) }));

export type Choice = { readonly playbook: Playbook; readonly target: Target } | { readonly none: string };

/** The first playbook that handles the type and finds its target in the finding; otherwise why none does. */
export function choosePlaybook(finding: Finding): Choice {
  const reasons: string[] = [];
  for (const { playbook, handles } of handlers) {
    if (!handles(finding.type)) continue;
    const choice = playbook.targetOf(finding);
    if (choice.ok) return { playbook, target: choice.target };
    reasons.push(`${playbook.id}: ${choice.reason}`);
  }
  return { none: reasons.join('; ') || `no playbook handles ${finding.type} yet` };
}

export const playbookById = (id: string): Playbook | undefined =>
  PLAYBOOKS.find((playbook) => playbook.id === id);

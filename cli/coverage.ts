/** `firebreak coverage`: what would be done for every published finding type. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { SeverityLabel } from '../core/finding.ts';
import { exampleOf } from '../core/finding-example.ts';
import type { DecisionKind } from '../core/incident.ts';
import type { Policy } from '../core/policy.ts';
import { answersFor, COMPOSITES, playbookById } from '../playbooks/index.ts';
import { terminal } from './terminal.ts';

const LABELS: readonly SeverityLabel[] = ['low', 'medium', 'high', 'critical'];
const catalogue = z.array(z.object({ type: z.string() }));
const TYPES = new URL('../playbooks/finding-types.json', import.meta.url);

export interface CoverageLine extends Readonly<Record<SeverityLabel, DecisionKind>> {
  readonly type: string;
  /** The playbooks that may answer; which one does depends on the resource the finding carries. */
  readonly playbooks: readonly string[];
  readonly playbook: string | null;
  readonly reversible: 'fully' | 'partly' | 'by part' | null;
}

export async function coverageLines(policy: Policy): Promise<readonly CoverageLine[]> {
  const types = catalogue.parse(JSON.parse(await readFile(TYPES, 'utf8')));
  return types.map(({ type }) => {
    const playbooks = answersFor(type);
    const [playbook] = playbooks;
    const facts =
      playbook === undefined ? { none: `no playbook handles ${type} yet` } : { id: playbook, kind: 'any' };
    const decide = (label: SeverityLabel) =>
      policy.decide(exampleOf(type, label), { now: new Date(0), playbook: facts }).kind;
    const [low, medium, high, critical] = LABELS.map(decide);
    return {
      type,
      playbook: playbook ?? null,
      playbooks,
      low: low ?? 'notify',
      medium: medium ?? 'notify',
      high: high ?? 'notify',
      critical: critical ?? 'notify',
      reversible: reversibleOf(playbook),
    };
  });
}

function reversibleOf(id: string | undefined): CoverageLine['reversible'] {
  if (id === undefined) return null;
  if (COMPOSITES.some((composite) => composite.id === id)) return 'by part';
  return playbookById(id)?.reversible.kind ?? null;
}

export async function coverage(policy: Policy, json: boolean): Promise<number> {
  const { out, paint } = terminal();
  const lines = await coverageLines(policy);
  for (const line of lines) {
    if (json) {
      out(JSON.stringify(line));
      continue;
    }
    const cells = LABELS.map((label) => line[label].padEnd(6)).join(' ');
    out(`${line.type.padEnd(72)} ${cells} ${line.playbooks.join(' or ') || paint('dim', 'told to people')}`);
  }
  const answered = lines.filter(({ playbook }) => playbook !== null).length;
  if (!json) out(`${lines.length} types: ${answered} with a playbook, the others are told to people`);
  return 0;
}

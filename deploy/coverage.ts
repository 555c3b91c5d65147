import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Finding, SeverityLabel } from '../core/finding.ts';
import { exampleOf } from '../core/finding-example.ts';
import { loadPolicy, type Policy } from '../core/policy.ts';
import { code, GENERATED, page, table } from './markdown.ts';

const LABELS: readonly SeverityLabel[] = ['low', 'medium', 'high', 'critical'];

/** What a rule can distinguish within one finding type. */
const VARIANTS: readonly { readonly name: string; readonly change: Partial<Finding> }[] = [
  { name: '', change: {} },
  { name: 'resource attacked (TARGET)', change: { resourceRole: 'TARGET' } },
  { name: 'resource attacking (ACTOR)', change: { resourceRole: 'ACTOR' } },
  {
    name: 'used from an account of the same organisation',
    change: { action: { kind: 'AWS_API_CALL', remote: [{ account: '210987654321', affiliated: true }] } },
  },
];

const catalogue = z.array(z.object({ type: z.string(), purpose: z.string(), defaultSeverity: z.string() }));

/** docs/coverage.md: every published finding type, its playbook, and what policy.yml decides at each severity. */
/** Ids of the playbooks that may answer a type. */
type Answers = (type: string) => readonly string[];

export async function coveragePage(answers: Answers): Promise<string> {
  const policy = await loadPolicy('policy.yml');
  const types = catalogue.parse(JSON.parse(await readFile('playbooks/finding-types.json', 'utf8')));
  const purposes = [...new Set(types.map(({ purpose }) => purpose))].sort();
  const handled = types.filter(({ type }) => answers(type).length > 0).length;
  return page(
    GENERATED,
    '# Coverage',
    `${types.length} finding types of GuardDuty, ${handled} with a playbook, as the shipped policy.yml decides them. ` +
      'A live gate (exemption, blast radius, circuit breaker, kill switch, a plan that needs a person) can lower a ' +
      'decision further; nothing raises it. In brackets: what the rule asks for where no playbook exists yet, so that ' +
      'people are told instead. Bold is the default severity of the type. A type that is not listed here is told to ' +
      'people and raises the alarm `unknown-finding-type`.',
    ...purposes.flatMap((purpose) => [
      `## ${purpose}`,
      table(
        ['Finding type', 'Playbook', ...LABELS],
        types
          .filter((entry) => entry.purpose === purpose)
          .flatMap(({ type, defaultSeverity }) =>
            rows(policy, answers(type), type, defaultSeverity.toLowerCase()),
          ),
      ),
    ]),
  );
}

/** One row, and one more for each variant that is decided differently. */
function rows(policy: Policy, answers: readonly string[], type: string, usual: string): readonly string[][] {
  const cells = (change: Partial<Finding>) =>
    LABELS.map((label) => {
      const text = decided(policy, answers, { ...exampleOf(type, label), ...change });
      return label === usual ? `**${text}**` : text;
    });
  const plain = cells({});
  const given: string[][] = [];
  for (const { name, change } of VARIANTS) {
    const own = cells(change);
    if (name !== '' && own.join() === plain.join()) continue;
    given.push([name === '' ? code(type) : `↳ ${name}`, answers.join(' or '), ...own]);
  }
  return given;
}

function decided(policy: Policy, [playbook]: readonly string[], finding: Finding): string {
  const now = new Date(finding.updatedAt);
  // The kind only counts for the circuit breaker, which has nothing to count here.
  const asked = policy.decide(finding, { now, playbook: { id: playbook ?? 'none', kind: 'any' } });
  if (playbook !== undefined) return asked.kind;
  const told = policy.decide(finding, { now, playbook: { none: 'no playbook' } });
  return told.kind === asked.kind ? told.kind : `${told.kind} (${asked.kind})`;
}

import { loadPolicy, type Policy } from '../core/policy/policy.ts';
import {
  coverageLine,
  judge,
  LABELS,
  type PublishedType,
  SCAN_RESULTS,
  typeCatalogue,
  VARIANTS,
} from '../playbooks/coverage.ts';
import { NOTICE } from '../playbooks/index.ts';
import { code, GENERATED, page, table } from './markdown.ts';

/** docs/coverage.md: every published finding type, its playbook, and what policy.yml decides at each severity. */
export async function coveragePage(): Promise<string> {
  const policy = await loadPolicy('policy.yml');
  const { asOf, types } = await typeCatalogue();
  const purposes = [...new Set(types.map(({ purpose }) => purpose))].sort();
  const handled = types.filter(({ type }) => coverageLine(policy, type).playbook !== NOTICE.id).length;
  return page(
    GENERATED,
    '# Coverage',
    `${types.length} finding types of GuardDuty as of ${asOf}, ${handled} with a playbook, as the shipped policy.yml decides them. ` +
      'A live gate (exemption, blast radius, circuit breaker, kill switch, a plan that needs a person) can lower a ' +
      'decision further; nothing raises it once its rule is found. In brackets: what the rule asks for where no playbook ' +
      `contains the type, so that the channel is notified instead (\`${NOTICE.id}\`). Bold is the default severity of the type. A ` +
      'type that is not listed here falls to the playbook and the rule of its family, and where no rule knows it the ' +
      'channel is notified and the alarm `unknown-finding-type` is raised.',
    ...purposes.flatMap((purpose) => [
      `## ${purpose}`,
      decisions(
        policy,
        types.filter((entry) => entry.purpose === purpose),
      ),
    ]),
    '## Malware scans',
    'Results of Malware Protection for S3 and of AWS Backup’s scans. What has threats is decided as the finding type that GuardDuty ' +
      'has for it (`Object:S3/MaliciousFile`, `Execution:*/MaliciousFile!…`), with or without a detector; the other results have types ' +
      'of Firebreak’s own. What finds no threats is only counted, whatever policy.yml says.',
    decisions(policy, SCAN_RESULTS),
  );
}

const decisions = (policy: Policy, types: readonly PublishedType[]): string =>
  table(
    ['Finding type', 'Playbook', ...LABELS, 'Undo'],
    types.flatMap((entry) => rows(policy, entry)),
  );

/** One row, and one more for each variant that is decided differently. */
function rows(policy: Policy, { type, defaultSeverity, state, aliasOf }: PublishedType): readonly string[][] {
  const usual = defaultSeverity.toLowerCase();
  const { playbooks, reversible } = coverageLine(policy, type);
  const cells = VARIANTS.map((variant) =>
    LABELS.map((label) => {
      const { kind, wanted } = judge(policy, type, label, variant);
      const text = kind === wanted ? kind : `${kind} (${wanted})`;
      return label === usual ? `**${text}**` : text;
    }),
  );
  const [plain = []] = cells;
  return VARIANTS.flatMap(({ name }, index) => {
    const own = cells[index] ?? [];
    if (name !== '' && own.join() === plain.join()) return [];
    return [
      [
        name === '' ? `${code(type)}${noteOf(state, aliasOf)}` : `↳ ${name}`,
        playbooks.join(' or '),
        ...own,
        reversible,
      ],
    ];
  });
}

function noteOf(state: PublishedType['state'], aliasOf: string | undefined): string {
  if (aliasOf !== undefined) return ` (as ${code(aliasOf)})`;
  switch (state) {
    case 'active':
    case 'scan':
      return '';
    case 'retired':
      return ' (retired)';
    case 'custom':
      return ' (Custom Detection Rule)';
  }
}

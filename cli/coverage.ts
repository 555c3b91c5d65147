/** `firebreak coverage`: what would be done for every published finding type. */
import type { Policy } from '../core/policy/policy.ts';
import { coverageLine, LABELS, SCAN_RESULTS, typeCatalogue } from '../playbooks/coverage.ts';
import { NOTICE } from '../playbooks/index.ts';
import { screenWidth, terminal, wrapped } from './terminal.ts';

/** A line of each type: its decisions, under them where its name is long, and below it its playbooks. */
const WIDEST = 100;
const CELL = 8;

const typeLines = (type: string, cells: readonly string[]): readonly string[] => {
  const room = Math.min(screenWidth() ?? WIDEST, WIDEST) - CELL * LABELS.length;
  const decisions = cells
    .map((cell) => cell.padEnd(CELL))
    .join('')
    .trimEnd();
  return type.length < room ? [type.padEnd(room) + decisions] : [type, ' '.repeat(room) + decisions];
};
const header = (): readonly string[] => [
  ...typeLines(
    'FINDING TYPE',
    LABELS.map((label) => label.toUpperCase()),
  ),
  '    playbook',
];

const paragraph = (text: string, indent = '    '): Generator<string> =>
  wrapped(text, indent, indent, Math.min(screenWidth() ?? WIDEST, WIDEST));

export async function coverage(policy: Policy, json: boolean): Promise<number> {
  const { out, paint } = terminal();
  const { asOf, types } = await typeCatalogue();
  const lines = [...types, ...SCAN_RESULTS].map(({ type, state }) => ({
    ...coverageLine(policy, type),
    state,
  }));
  if (!json) for (const line of header()) out(paint('bold', line));
  for (const line of lines) {
    if (json) {
      out(JSON.stringify(line));
      continue;
    }
    for (const text of typeLines(
      line.type,
      LABELS.map((label) => line[label]),
    ))
      out(text);
    const notified = line.playbook === NOTICE.id;
    for (const text of paragraph(notified ? NOTICE.id : line.playbooks.join(' or '))) out(paint('dim', text));
  }
  const contained = lines.filter(({ playbook }) => playbook !== NOTICE.id).length;
  if (!json)
    for (const text of paragraph(
      `${types.length} finding types as of ${asOf} and ${SCAN_RESULTS.length} results of malware scans: ${contained} with a playbook, the others notify the channel (${NOTICE.id})`,
      '',
    ))
      out(text);
  return 0;
}

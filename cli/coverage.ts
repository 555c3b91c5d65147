/** `firebreak coverage`: what would be done for every published finding type. */
import type { Policy } from '../core/policy/policy.ts';
import { coverageLine, LABELS, SCAN_RESULTS, typeCatalogue } from '../playbooks/coverage.ts';
import { NOTICE } from '../playbooks/index.ts';
import { terminal } from './terminal.ts';

/** A terminal of 100 columns shows a line of each type whole: its decisions, and under it its playbooks. */
const COLUMNS = 100;
const TYPE = 68;

const typeLines = (type: string, cells: readonly string[]): readonly string[] => {
  const decisions = cells
    .map((cell) => cell.padEnd(8))
    .join('')
    .trimEnd();
  return type.length < TYPE ? [type.padEnd(TYPE) + decisions] : [type, ' '.repeat(TYPE) + decisions];
};
const HEADER = [
  ...typeLines(
    'FINDING TYPE',
    LABELS.map((label) => label.toUpperCase()),
  ),
  '    playbook',
];

const wrapped = (text: string, indent = '    '): readonly string[] =>
  (text.match(new RegExp(`.{1,${COLUMNS - indent.length}}(?: |$)`, 'g')) ?? []).map(
    (line) => `${indent}${line.trimEnd()}`,
  );

export async function coverage(policy: Policy, json: boolean): Promise<number> {
  const { out, paint } = terminal();
  const { asOf, types } = await typeCatalogue();
  const lines = [...types, ...SCAN_RESULTS].map(({ type, state }) => ({
    ...coverageLine(policy, type),
    state,
  }));
  if (!json) for (const line of HEADER) out(paint('bold', line));
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
    for (const text of wrapped(notified ? NOTICE.id : line.playbooks.join(' or '))) out(paint('dim', text));
  }
  const contained = lines.filter(({ playbook }) => playbook !== NOTICE.id).length;
  if (!json)
    for (const text of wrapped(
      `${types.length} finding types as of ${asOf} and ${SCAN_RESULTS.length} results of malware scans: ${contained} with a playbook, the others notify the channel (${NOTICE.id})`,
      '',
    ))
      out(text);
  return 0;
}

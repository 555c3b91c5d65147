/** `firebreak coverage`: what would be done for every published finding type. */
import type { Policy } from '../core/policy/policy.ts';
import { coverageLine, LABELS, SCAN_RESULTS, typeCatalogue } from '../playbooks/coverage.ts';
import { NOTICE } from '../playbooks/index.ts';
import { terminal } from './terminal.ts';

export async function coverage(policy: Policy, json: boolean): Promise<number> {
  const { out, paint } = terminal();
  const { asOf, types } = await typeCatalogue();
  const lines = [...types, ...SCAN_RESULTS].map(({ type, state }) => ({
    ...coverageLine(policy, type),
    state,
  }));
  if (!json) out(`${'FINDING TYPE'.padEnd(72)} ${LABELS.map((label) => label.padEnd(6)).join(' ')} ANSWER`);
  for (const line of lines) {
    if (json) {
      out(JSON.stringify(line));
      continue;
    }
    const cells = LABELS.map((label) => line[label].padEnd(6)).join(' ');
    const told = line.playbook === NOTICE.id;
    out(`${line.type.padEnd(72)} ${cells} ${told ? paint('dim', NOTICE.id) : line.playbooks.join(' or ')}`);
  }
  const contained = lines.filter(({ playbook }) => playbook !== NOTICE.id).length;
  if (!json)
    out(
      `${types.length} finding types as of ${asOf} and ${SCAN_RESULTS.length} results of malware scans: ${contained} with a playbook, the others notify people (${NOTICE.id})`,
    );
  return 0;
}

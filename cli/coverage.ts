/** `firebreak coverage`: what would be done for every published finding type. */
import type { Policy } from '../core/policy/policy.ts';
import { coverageLine, LABELS, publishedTypes } from '../playbooks/coverage.ts';
import { NOTICE } from '../playbooks/index.ts';
import { terminal } from './terminal.ts';

export async function coverage(policy: Policy, json: boolean): Promise<number> {
  const { out, paint } = terminal();
  const lines = (await publishedTypes()).map(({ type }) => coverageLine(policy, type));
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
    out(`${lines.length} types: ${contained} with a playbook, the others are told to people (${NOTICE.id})`);
  return 0;
}

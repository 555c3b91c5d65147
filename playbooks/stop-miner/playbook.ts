/** Something mines cryptocurrency: stop it where it runs, and never call that contained while it can be started again. */
import type { Finding } from '../../core/finding/finding.ts';
import { defineComposite, type Expansion, type PartChoice } from '../../core/journal/playbook.ts';

export const stopMiner = defineComposite({
  id: 'stop-miner',
  title: 'Stop a cryptocurrency miner',
  about: `
The playbook of the resource that mines: \`isolate-instance\` for an instance, \`stop-task\` for an ECS task,
\`throttle-function\` for a Lambda function, and whatever contains a pod. Each has its own status, journal and undo.

**Never plain \`contained\`**: the principal that started it can start it again, here or in a Region where no one looks. Once it is
stopped, a person is asked about \`stop-launcher\`: the principal that launched it, and what else that principal launched.
Its outcome is noted on this incident.

**A DNS request** (\`!DNS\`) may be one that the instance passes on for others. An instance that lets others reach port 53 is
therefore asked about and not isolated automatically, and so is one whose finding names a source address that is not its own.
`.trim(),
  handles: ['CryptoCurrency:*', 'Impact:*/BitcoinDomainRequest*', 'Impact:Runtime/CryptoMinerExecuted'],
  expand,
});

function expand(finding: Finding, single: (finding: Finding) => PartChoice): Expansion {
  const choice = single(finding);
  if (!choice.ok) return choice;
  const { part, unhandled = [], residual = [] } = choice;
  return {
    ok: true,
    parts: [part],
    unhandled,
    residual: [
      ...residual,
      `the principal that started ${part.target.display} can start it again until they are contained as well`,
    ],
  };
}

/**
 * Findings for `firebreak run`: `node bench/findings.ts 2000 > findings.ndjson`. Ten types and three severities in turn, each on a
 * resource of its own.
 */
import { simulatedEvent } from '../sandbox/simulated/event.ts';
import { TYPES } from './types.ts';

const SEVERITIES = ['high', 'medium', 'low'] as const;
const scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };

for (let index = 0; index < Number(process.argv[2]); index++) {
  const type = TYPES[index % TYPES.length] ?? TYPES[0];
  const severity = SEVERITIES[index % SEVERITIES.length] ?? SEVERITIES[0];
  const given = { scope, severity, now: new Date(), seed: `finding ${index}`, sample: false };
  process.stdout.write(`${JSON.stringify(simulatedEvent(type, given))}\n`);
}

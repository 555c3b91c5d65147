/** Writes policy.schema.json for editors, from the schema that reads policy.yml. `--check` fails when it is stale. */
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { policySchemaWith } from '../core/policy/schema.ts';
import { KNOWN_PLAYBOOKS } from '../playbooks/known.ts';

const FILE = 'policy.schema.json';
const text = `${JSON.stringify(z.toJSONSchema(policySchemaWith(KNOWN_PLAYBOOKS), { io: 'input' }), null, 2)}\n`;
if (process.argv.includes('--check')) {
  if ((await readFile(FILE, 'utf8').catch(() => '')) !== text) {
    console.error(`${FILE} is stale: npm run generate`);
    process.exitCode = 1;
  }
} else {
  await writeFile(FILE, text);
  console.log(`written: ${FILE}`);
}

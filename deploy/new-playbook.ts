/**
 * `npm run new-playbook ID`: lays the folder of a playbook with its test, its registry line and its scene on moto. What it
 * lays compiles; every part that is still to be written throws an error that says where and what.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const ID = /^[a-z]+(-[a-z]+)+$/;
const camelOf = (id: string): string =>
  id.replace(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase());

const FOLDER = new URL('./new-playbook/', import.meta.url);

/** Returns the files of a new playbook, by path from the project root: deploy/new-playbook/ with its id put in. */
export function filesOf(id: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readdirSync(FOLDER).map((name) => {
      const file = name.replace(/\.txt$/, '');
      const text = readFileSync(new URL(name, FOLDER), 'utf8')
        .replaceAll('PLAYBOOK-ID', id)
        .replaceAll('playbookId', camelOf(id));
      return [file === SCENE ? `test/conformance/${id}.test.ts` : `playbooks/${id}/${file}`, text];
    }),
  );
}
/** Its scene on moto stands with the others. */
const SCENE = 'conformance.test.ts';

/** Returns the registry with the playbook as its last entry: the narrower containment comes first, so move it up. */
export function registered(index: string, id: string): string {
  const name = camelOf(id);
  const line = `import { ${name} } from './${id}/playbook.ts';\n`;
  const first = /^import \{ \w+ \} from '\.\/[\w-]+\/playbook\.ts';\n/m.exec(index);
  const end = index.indexOf('\n];', index.indexOf('export const PLAYBOOKS'));
  if (!first || end < 0) throw new Error('playbooks/index.ts: the list PLAYBOOKS was not found');
  const withEntry = `${index.slice(0, end)}\n  ${name},${index.slice(end)}`;
  return `${withEntry.slice(0, first.index)}${line}${withEntry.slice(first.index)}`;
}

const NEXT = `
Next, in this order:
  1. playbooks/ID/: every error names what is missing. Shared code is in playbooks/common/, by subject.
  2. playbooks/index.ts: move its line to where it belongs; the first playbook that finds its target answers.
  3. policy.yml: a rule for its finding types, or a followUp where it is asked after another playbook.
  4. core/aws/services/: the SDK commands it sends. sandbox/twin/: the answers to them, with AWS's error names.
  5. deploy/iam/actions.ts and resources.ts: calls whose IAM action or resource is called otherwise than the call.
  6. npm run generate, npm test, npm run test:conformance, npm run permissions:check
docs/adding-a-playbook.md explains each.`;

async function main(id: string | undefined): Promise<void> {
  if (id === undefined || !ID.test(id)) {
    console.error(
      `"${id ?? ''}" is not an id for a playbook.\nFix: npm run new-playbook verb-object, such as isolate-instance`,
    );
    process.exitCode = 2;
    return;
  }
  if (existsSync(join('playbooks', id))) {
    console.error(`playbooks/${id} exists already.\nFix: choose another id, or edit what is there.`);
    process.exitCode = 2;
    return;
  }
  const index = await readFile('playbooks/index.ts', 'utf8');
  const files = { ...filesOf(id), 'playbooks/index.ts': registered(index, id) };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, text);
    console.log(path === 'playbooks/index.ts' ? `registered in ${path}` : `laid ${path}`);
  }
  console.log(NEXT.replaceAll('ID', id));
}

if (import.meta.main) await main(process.argv[2]);

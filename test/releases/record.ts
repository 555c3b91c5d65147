/** `npm run release:record`: keeps what this version leaves for the next one. Once a release; an earlier one is never made anew. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { FOLDER, recordRelease } from './release.ts';

const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
const file = new URL(`${version}.json`, FOLDER);
if (existsSync(file) && !process.argv.includes('--again')) {
  console.error(
    `${version} is recorded already. What is released does not change; --again is for before that.`,
  );
  process.exit(1);
}
await mkdir(FOLDER, { recursive: true });
await writeFile(file, `${JSON.stringify(await recordRelease(version))}\n`);
process.stdout.write(`recorded ${version}\n`);

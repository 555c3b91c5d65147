/** The licences of the packages that are built into ours: MIT, BSD and Apache want them to come along. */
import { existsSync, globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const manifest = z.object({ name: z.string(), version: z.string(), license: z.string() });

/** Returns one text for the packages that these files are of. */
export async function noticesOf(files: readonly string[]): Promise<string> {
  const folders = new Set(
    files.flatMap((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []),
  );
  const texts = new Map<string, string>();
  for (const folder of folders) {
    const path = join(folder, 'package.json');
    if (!existsSync(path)) throw new Error(`${folder} has no package.json`);
    const { name, version, license } = manifest.parse(JSON.parse(await readFile(path, 'utf8')));
    const [own] = globSync('{LICENSE,LICENCE,license,licence,COPYING}*', { cwd: folder });
    const terms = own === undefined ? '' : `\n\n${(await readFile(join(folder, own), 'utf8')).trim()}`;
    texts.set(`${name}@${version}`, `${name} ${version} (${license})${terms}`);
  }
  return `${[...texts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, text]) => text)
    .join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

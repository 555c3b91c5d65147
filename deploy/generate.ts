/** Writes generated files, or with `--check` says which ones are stale. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Path from the project root -> content. */
export type Generated = Readonly<Record<string, string>>;

/**
 * Makes the tree equal to `files`. `owned` directories hold generated files only, so a file there that is not
 * generated any more goes. Sets the exit code when `--check` finds a difference.
 */
export async function generate(
  files: Generated,
  owned: readonly string[],
  check: boolean,
  command = 'npm run generate',
): Promise<void> {
  const stale: string[] = [];
  for (const [path, content] of Object.entries(files)) {
    if ((await readFile(path, 'utf8').catch(() => undefined)) === content) continue;
    stale.push(path);
    if (check) continue;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  for (const directory of owned) {
    for (const name of await readdir(directory).catch(() => [])) {
      const path = join(directory, name);
      if (path in files) continue;
      stale.push(path);
      if (!check) await rm(path);
    }
  }
  if (stale.length === 0) return;
  console.log(check ? `stale: ${stale.join(', ')}` : `written: ${stale.join(', ')}`);
  if (check) {
    console.error(`Generated files differ from their source: run \`${command}\` and commit the result.`);
    process.exitCode = 1;
  }
}

export const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

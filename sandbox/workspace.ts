/** Where a team keeps Firebreak's files, found from any folder below it as git finds its repository. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** What `firebreak init` writes. */
export const SETTINGS_FILE = 'firebreak.json';
/** Where a team's own policy stands: no release of Firebreak brings a file of this name. */
export const OWN_POLICY = 'firebreak/policy.yml';
/** The policy that comes with Firebreak. */
export const SHIPPED_POLICY = fileURLToPath(new URL('../policy.yml', import.meta.url));

/** Returns the nearest folder upward that holds firebreak.json or policy.yml; the working directory where none does. */
export function workspace(): string {
  const from = process.cwd();
  for (let at = from; ; at = dirname(at)) {
    if ([SETTINGS_FILE, 'policy.yml'].some((name) => existsSync(join(at, name)))) return at;
    if (dirname(at) === at) return from;
  }
}

/** Returns the policy to use, as a path from the working directory: `--policy`, the team's own, or the one that comes along. */
export function policyFile(given?: string): string {
  if (given !== undefined) return given;
  const at = workspace();
  const named = namedPolicy(at);
  const own = [named, OWN_POLICY, 'policy.yml'].find(
    (path) => path !== undefined && existsSync(join(at, path)),
  );
  return relative(process.cwd(), own === undefined ? SHIPPED_POLICY : resolve(at, own));
}

const settings = z.looseObject({ policy: z.string().optional() });

/** Returns the policy that firebreak.json in this folder names. What else is wrong with the file, its reader says. */
export function namedPolicy(folder: string): string | undefined {
  const path = join(folder, SETTINGS_FILE);
  if (!existsSync(path)) return undefined;
  try {
    return settings.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data?.policy;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

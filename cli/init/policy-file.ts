/** Changes to policy.yml that keep its comments and its order. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { isNode, parseDocument } from 'yaml';
import { parsePolicy } from '../../core/policy/policy.ts';
import { namedPolicy, OWN_POLICY, SHIPPED_POLICY, workspace } from '../../sandbox/workspace.ts';

export interface PolicyChanges {
  readonly mode: 'observe' | 'enforce';
  /** Undefined leaves them as they are. */
  readonly approvers: readonly string[] | undefined;
}

/** The text with the changes made, the rest letter for letter. Throws PolicyInvalid when it is no policy before or after. */
export function changedPolicy(text: string, { mode, approvers }: PolicyChanges, name = 'policy.yml'): string {
  parsePolicy(text, name);
  const withMode = replaced(text, 'mode', mode);
  const after =
    approvers === undefined ? withMode : replaced(withMode, 'approvers', `[${approvers.join(', ')}]`);
  parsePolicy(after, name);
  return after;
}

/** Puts a value where the top-level key's stands, or a line of its own behind the version's. */
function replaced(text: string, key: string, value: string): string {
  const node = parseDocument(text).get(key, true);
  if (isNode(node) && node.range) {
    const [start, end] = node.range;
    return text.slice(0, start) + value + text.slice(end);
  }
  return text.replace(/^version:.*$/m, (line) => `${line}\n${key}: ${value}`);
}

/** The policy that `init` works on. */
interface PolicyPlace {
  /** From the working directory. */
  readonly path: string;
  /** As firebreak.json names it; undefined where it names none. */
  readonly named: string | undefined;
  readonly isNew: boolean;
  readonly text: string;
}

/**
 * Returns the team's policy: the one given, the one that firebreak.json names, or the policy.yml that they changed. Anyone else
 * gets a copy of the one that comes along under a name that no release brings, so that an update never conflicts with it.
 */
export async function policyPath(given: string | undefined): Promise<PolicyPlace> {
  const at = workspace();
  const shipped = await readFile(SHIPPED_POLICY, 'utf8');
  const edited = (await textOf(join(at, 'policy.yml'))) ?? shipped;
  const named =
    given === undefined ? (namedPolicy(at) ?? (edited === shipped ? OWN_POLICY : undefined)) : undefined;
  const path = given ?? relative(process.cwd(), join(at, named ?? 'policy.yml'));
  const text = await textOf(path);
  // Editors find the schema from where the copy stands.
  const copy = shipped.replace('$schema=./policy', '$schema=../policy');
  return { path, named, isNew: text === undefined, text: text ?? copy };
}

const textOf = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
};

/** Returns true when the file was changed. */
export async function writePolicy(path: string, text: string): Promise<boolean> {
  if ((await textOf(path)) === text) return false;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return true;
}

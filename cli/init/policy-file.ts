/** Changes to policy.yml that keep its comments and its order. */
import { readFile, writeFile } from 'node:fs/promises';
import { isNode, parseDocument } from 'yaml';
import { parsePolicy } from '../../core/policy/policy.ts';

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

/** The mode that the file has. Throws PolicyInvalid. */
export const modeIn = async (file: string): Promise<'observe' | 'enforce'> =>
  parsePolicy(await readFile(file, 'utf8'), file).mode;

/** True when the file was changed. */
export async function changePolicyFile(file: string, changes: PolicyChanges): Promise<boolean> {
  const before = await readFile(file, 'utf8');
  const after = changedPolicy(before, changes, file);
  if (after === before) return false;
  await writeFile(file, after);
  return true;
}

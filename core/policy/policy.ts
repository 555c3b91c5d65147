/** policy.yml -> a decision with its reasons. Functions read it as it was compiled (compiled.ts). */
import { readFile } from 'node:fs/promises';
import { FirebreakError } from '../errors.ts';
import { type Policy, policyOf } from './compiled.ts';
import { parseDocument } from './document.ts';
import type { GateFacts } from './facts.ts';
import type { KnownPlaybooks } from './schema.ts';

export type { GateFacts, Policy };

/**
 * Reads and parses a policy file. Throws PolicyInvalid with line and column of everything that is wrong. `known` has ids
 * and settings of playbooks checked as well.
 */
export async function loadPolicy(path: string, known?: KnownPlaybooks): Promise<Policy> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new FirebreakError('PolicyInvalid', `${path} cannot be read`, {
      resource: path,
      next: 'Name the policy file, or restore policy.yml.',
      cause: error,
    });
  }
  return parsePolicy(text, path, known);
}

export const parsePolicy = (text: string, file = 'policy.yml', known?: KnownPlaybooks): Policy =>
  policyOf(parseDocument(text, file, known));

/** Returns the text of a policy as functions read it (`readCompiled`). Throws PolicyInvalid as `loadPolicy` does. */
export const compilePolicy = (text: string, file: string, known?: KnownPlaybooks): string =>
  JSON.stringify(parseDocument(text, file, known));

/** policy.yml for tests in which nothing is to follow. */
import { readFile } from 'node:fs/promises';

/** Returns the text of policy.yml without its follow-ups, each of which is a line, or several where its list is long. */
export const policyWithoutFollowUps = async (): Promise<string> =>
  (await readFile('policy.yml', 'utf8')).replaceAll(/^ *followUp:.*(\n +\[[^\]]*\])?$/gm, '');

/** policy.yml for tests in which nothing is to follow. */
import { readFile } from 'node:fs/promises';
import { withoutFollowUps } from '../sandbox/policy-text.ts';

/** Returns the text of policy.yml without its follow-ups. */
export const policyWithoutFollowUps = async (): Promise<string> =>
  withoutFollowUps(await readFile('policy.yml', 'utf8'));

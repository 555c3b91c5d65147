/** policy.yml for tests in which nothing is to follow. */
import { readFile } from 'node:fs/promises';

<<<<<<< HEAD
/** Returns the text of policy.yml without its follow-ups, each of which is a line, or several where its list is long. */
=======
/** Returns the text of policy.yml without its follow-ups, each of which is a line, or a list below it. */
>>>>>>> 7fbe0fd (List what waits first, and answer it from the console)
export const policyWithoutFollowUps = async (): Promise<string> =>
  (await readFile('policy.yml', 'utf8')).replaceAll(/^ *followUp:.*(\n +\[[^\]]*\])?$/gm, '');

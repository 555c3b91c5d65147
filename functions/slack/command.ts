/** `/firebreak …`: answered in the response, seen by whoever typed it. */
import type { SlashCommand } from '../../slack/request.ts';
import type { Runtime } from '../runtime.ts';
import { audit } from './audit.ts';
import { ephemeral, type HttpAnswer } from './http.ts';
import { may } from './may.ts';

const HELP = `*/firebreak status*: what is open, and the kill switch
*/firebreak incident ID*: one incident
*/firebreak undo ID*: takes its containment back; a second person may have to agree
*/firebreak kill-switch on|off*: on: nothing is contained automatically; off takes two people
*/firebreak break-glass ID*: contains at once, on your word alone; pages everyone
*/firebreak simulate*: a SAMPLE finding through the whole workflow; nothing is changed`;

export async function command(given: Runtime, typed: SlashCommand): Promise<HttpAnswer> {
  const allowed = await may(given, typed.userId, 'responder', undefined);
  if (!allowed.ok) {
    await audit(given, allowed.reason, typed);
    return ephemeral(`Not done: ${allowed.reason}.`);
  }
  switch (typed.command) {
    case 'status':
    case 'incident':
    case 'undo':
    case 'kill-switch':
    case 'break-glass':
    case 'simulate':
    case 'help':
      return ephemeral(HELP);
  }
}

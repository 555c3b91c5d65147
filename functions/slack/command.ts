/** `/firebreak …`: answered in the response, seen by the person who typed it. */

import { isFirebreakError } from '../../core/errors.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { statusWords } from '../../core/incident/status.ts';
import { askKillSwitchOff, killSwitch, setKillSwitch } from '../../core/table/breaker.ts';
import { authorize, type Right } from '../../pipeline/authorize.ts';
import { switchMode } from '../../pipeline/mode.ts';
import type { Runtime } from '../../pipeline/runtime.ts';
import type { SlashCommand } from '../../slack/request.ts';
import { when } from '../../slack/text.ts';
import { audit } from './audit.ts';
import { handOver } from './hand-over.ts';
import { ephemeral, type HttpAnswer } from './http.ts';
import { requestUndo } from './incident-actions.ts';
import { openModal } from './open-modal.ts';
import type { Outcome } from './outcome.ts';
import { simulate } from './simulate.ts';
import { incidentText, statusText } from './status.ts';

const HELP = `*/firebreak status*: what is open, and the kill switch
*/firebreak incident ID*: one incident
*/firebreak undo ID*: undoes its containment; a second person may have to agree
*/firebreak kill-switch on|off*: on: nothing is contained automatically; off takes two people
*/firebreak mode observe|enforce*: observe: Firebreak decides and changes nothing; enforce takes two people
*/firebreak break-glass ID*: approves on your word alone; pages everyone
*/firebreak simulate*: a SAMPLE finding through the whole workflow; nothing is changed`;

export async function command(given: Runtime, typed: SlashCommand): Promise<HttpAnswer> {
  const { words } = typed;
  switch (typed.command) {
    case 'status':
      return whoMay(given, typed, 'responder', async () => ({ say: await statusText(given) }));
    case 'incident':
      return about(given, typed, 'responder', async (incident) => ({
        say: incidentText(incident, await given.incidents.timeline(incident.id)),
      }));
    case 'undo':
      return about(given, typed, 'approver', (incident) => requestUndo(given, typed.userId, incident));
    case 'break-glass':
      return about(given, typed, 'break-glass', (incident) => openBreakGlass(given, typed, incident));
    case 'kill-switch':
      if (words[0] !== 'on' && words[0] !== 'off')
        return ephemeral('Say */firebreak kill-switch on* or *off*.');
      return whoMay(given, typed, 'responder', () =>
        words[0] === 'on' ? switchOn(given, typed.userId) : switchOff(given, typed.userId),
      );
    case 'mode': {
      const [to] = words;
      if (to !== 'observe' && to !== 'enforce')
        return ephemeral('Say */firebreak mode observe* or */firebreak mode enforce*.');
      return whoMay(given, typed, 'responder', async () => {
        const { say, announcement } = await switchMode(given, to, typed.userId);
        return { say, jobs: announcement ? [{ kind: 'alert', ...announcement }] : [] };
      });
    }
    case 'simulate':
      return whoMay(given, typed, 'responder', () => simulate(given, typed.userId));
    case 'help':
      return ephemeral(HELP);
  }
}

/**
 * A command that names an incident. Without the right to the command, only a person who may see every incident learns
 * why; anyone else reads the same words for an id that exists and one that does not.
 */
async function about(
  given: Runtime,
  typed: SlashCommand,
  right: Right,
  work: (incident: Incident) => Promise<Outcome>,
): Promise<HttpAnswer> {
  const [id = ''] = typed.words;
  const known = /^fb-[0-9a-f]{12}$/.test(id) ? await given.incidents.find(id) : undefined;
  const sees = await authorize(given, typed.userId, 'responder', undefined);
  const asked = known === undefined && right === 'approver' ? 'responder' : right;
  const may = asked === 'responder' ? sees : await authorize(given, typed.userId, asked, known);
  if (!may.ok) return refuse(given, typed, sees.ok ? may.reason : sees.reason, known);
  if (!known) return ephemeral('There is no such incident. */firebreak status* lists those that are open.');
  return answer(given, await work(known));
}

async function whoMay(
  given: Runtime,
  typed: SlashCommand,
  right: Right,
  work: () => Promise<Outcome>,
): Promise<HttpAnswer> {
  const allowed = await authorize(given, typed.userId, right, undefined);
  return allowed.ok ? answer(given, await work()) : refuse(given, typed, allowed.reason);
}

async function refuse(
  given: Runtime,
  typed: SlashCommand,
  reason: string,
  incident?: Incident,
): Promise<HttpAnswer> {
  await audit(given, reason, typed, incident);
  return ephemeral(`Not done: ${reason}.`);
}

async function answer(given: Runtime, { say = '', jobs = [] }: Outcome): Promise<HttpAnswer> {
  await handOver(given, jobs);
  return ephemeral(say);
}

async function openBreakGlass(given: Runtime, typed: SlashCommand, incident: Incident): Promise<Outcome> {
  const { approval } = incident;
  if (!approval || approval.outcome !== undefined) {
    return { say: `Nothing is being asked about ${incident.id}: it is ${statusWords(incident.status)}.` };
  }
  const opened = await openModal(given, typed, 'breakGlass', incident);
  return {
    say: opened ? 'Say why in the dialog: everyone is paged.' : 'Slack did not open the dialog. Try again.',
  };
}

async function switchOn(given: Runtime, by: string): Promise<Outcome> {
  if (await killSwitch(given.table)) return { say: 'The kill switch is on already: nothing is automatic.' };
  await setKillSwitch(given.table, true, by, given.now());
  return {
    say: 'The kill switch is on: from now on nothing is contained automatically.',
    jobs: [alert('Firebreak: kill switch ON', `${by} switched automatic containment off.`, by)],
  };
}

async function switchOff(given: Runtime, by: string): Promise<Outcome> {
  for (let attempt = 0; ; attempt++) {
    try {
      const result = await askKillSwitchOff(given.table, by, given.now());
      switch (result.kind) {
        case 'already-off':
          return {
            say: given.policy.killSwitch
              ? 'policy.yml holds the kill switch on: only a deploy switches it off.'
              : 'The kill switch is off already.',
          };
        case 'asked':
          return {
            say: `A second person must say */firebreak kill-switch off* as well, until ${when(result.until)}.`,
            jobs: result.again
              ? []
              : [
                  alert(
                    'Firebreak: kill switch',
                    `${by} wants it off; a second person must agree until ${result.until}.`,
                    by,
                  ),
                ],
          };
        case 'off':
          return {
            say: given.policy.killSwitch
              ? 'The kill switch is off here; policy.yml still holds it on until a deploy.'
              : 'The kill switch is off: policy decides again.',
            jobs: [
              alert(
                'Firebreak: kill switch OFF',
                `${result.first} and ${by} switched automatic containment on again.`,
                result.first,
                by,
              ),
            ],
          };
      }
    } catch (error) {
      if (!isFirebreakError(error, 'Conflict') || attempt >= 3) throw error;
    }
  }
}

const alert = (subject: string, text: string, ...people: string[]) =>
  ({ kind: 'alert', subject, text, people }) as const;

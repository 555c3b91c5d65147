/** How an incident is spoken of in Slack: one wording for the card, the modals and notifications. */

import { BRIEF_TITLES, type Brief, nextWords } from '../core/incident/brief.ts';
import type { Incident, IncidentTarget } from '../core/incident/incident.ts';
import { severityLooks } from '../core/incident/looks.ts';
import { nameAfter, playbookWords, targetName } from '../core/incident/names.ts';
import { statusMark, statusWords } from '../core/incident/status.ts';
import { counted, type Words, type Writer, writeWith } from '../core/words.ts';
import { type Block, list, section } from './block-kit.ts';
import { code, cut, middle, person, untrusted, when } from './text.ts';

/** `🔴 HIGH · awaiting approval`. Once it has ended, the mark says how. */
export const headline = ({ label, status, approval }: Incident): string => {
  const undo = approval?.purpose === 'undo' && approval.outcome === undefined ? ', undo requested' : '';
  return `${statusMark(status) ?? severityLooks(label).mark} ${label.toUpperCase()} · ${statusWords(status)}${undo}`;
};

export const namedTarget = (entry: IncidentTarget): string =>
  `${untrusted(playbookWords(entry.playbook))} ${code(middle(nameAfter(entry.playbook, targetName(entry)), 100))}`;

/** Who or what decided, and when; undefined while nothing is decided. */
export function decidedWords({ approval, decision, status }: Incident): string | undefined {
  if (approval?.outcome !== undefined) {
    const what = approval.purpose === 'undo' ? 'Undo' : 'Containment';
    const at = approval.decidedAt ? `, ${when(approval.decidedAt)}` : '';
    const why = approval.reason ? `: “${untrusted(cut(approval.reason, 300))}”` : '';
    if (approval.breakGlass) {
      return `🚨 *BREAK-GLASS*: ${person(approval.decidedBy ?? 'someone')} used break-glass to ${approval.purpose === 'undo' ? 'undo' : 'contain'}${at}${why}`;
    }
    if (approval.outcome === 'expired') return `*${what}: the approval expired*${at}`;
    const others = approval.approvedBy.filter((id) => id !== approval.decidedBy);
    const by = [...others, approval.decidedBy ?? 'someone'].map(person).join(' and ');
    const part = approval.chosen ? ' in part' : '';
    const joined = approval.joined ? ` with ${code(approval.joined.incident)}` : '';
    return `*${what} ${approval.outcome}${part}* by ${by}${joined}${at}${why}`;
  }
  if (approval || !decision || status === 'received') return undefined;
  switch (decision.kind) {
    case 'auto':
      return `*Contained by policy* without asking: ${untrusted(cut(decision.rule, 150))}`;
    case 'ask':
    case 'notify':
    case 'record':
      return undefined;
  }
}

const SLACK: Writer<string> = {
  text: untrusted,
  person,
  at: when,
  name: (name) => code(middle(name, 150)),
};
/** Returns the words as Slack markup, escaped. */
export const slackWords = (words: Words): string => writeWith(words, SLACK).join('');

/** Some lines of a phone, and the rest of the card below them. */
const LONGEST_ANSWER = 1500;

/** The four lines, a block each. The command stands in the details: here its button does. */
export function briefBlocks({ happened, did, remains, next }: Brief, most: number, longest: number): Block[] {
  const line = (title: string, text: string) => section(cut(`*${title}*\n${text}`, LONGEST_ANSWER));
  const press = next.button === undefined ? '' : ` Press *${untrusted(next.button)}*.`;
  return [
    line(BRIEF_TITLES.happened, slackWords(happened)),
    line(BRIEF_TITLES.did, slackWords(did)),
    ...list(`*${BRIEF_TITLES.remains}*`, firstOf(remains.map(slackWords), most, longest)),
    line(BRIEF_TITLES.next, `${slackWords(nextWords(next))}${press}`),
  ];
}

/** The first lines, and how many more there are in the details. */
export function firstOf(lines: readonly string[], most: number, longest: number): readonly string[] {
  const shown = lines.slice(0, most).map((line) => cut(line, longest));
  const rest = lines.length - shown.length;
  return rest > 0 ? [...shown, `${counted(rest, 'more', 'more')} in _Details_`] : shown;
}

/** Context on the card: whose resource, which technique, what else the principal did, where to look on. */
import type { IncidentContext } from '../core/incident/context.ts';
import { modelUseWords } from '../core/incident/model-use.ts';
import { cut, untrusted } from './text.ts';

/** No name of AWS or MITRE is longer; one that a record gives may be. */
const named = (name: string): string => untrusted(cut(name, 100));

/** Lines of Slack markup; everything from outside is escaped. URLs are made by Firebreak from checked parts. */
export function contextLines(context: IncidentContext): readonly string[] {
  const { owner, attack, links, activity, models } = context;
  const lines: string[] = [];
  if (owner !== undefined) lines.push(`*Team (tag)* ${untrusted(cut(owner, 100))}`);
  if (attack.length > 0) {
    const techniques = attack
      .slice(0, 5)
      .map(({ id, name, url }) =>
        url === undefined ? named(name) : `<${url}|${untrusted(id)}> ${named(name)}`,
      );
    lines.push(`*ATT&amp;CK* ${techniques.join(', ')}`);
  }
  lines.push(`*CloudTrail* ${activityLine(activity)}`);
  if (models) lines.push(`*Models* ${modelUseWords(models).map(untrusted).join('\n• ')}`);
  if (links.length > 0) lines.push(links.map(({ label, url }) => `<${url}|${label}>`).join(' · '));
  return lines;
}

function activityLine(activity: IncidentContext['activity']): string {
  if (activity.kind === 'not-read') return untrusted(activity.why);
  const { events, more } = activity;
  const count = `${more ? 'more than ' : ''}${events.length} calls by ${untrusted(activity.of)}`;
  if (events.length === 0) return `${count} around the finding (events come some minutes late)`;
  const denied = events.filter(({ error }) => error !== undefined).length;
  const names = [...new Set(events.filter(({ readOnly }) => !readOnly).map(({ name }) => name))];
  const changes =
    names.length > 0 ? `; changes: ${names.slice(0, 8).map(named).join(', ')}` : '; none of them a change';
  return `${count}${denied > 0 ? `, ${denied} of them refused` : ''}${changes}`;
}

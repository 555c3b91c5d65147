/** What `/firebreak status` and `/firebreak incident` say. Short: it is read on a phone. */

import type { Incident, TimelineEvent } from '../../core/incident/incident.ts';
import type { IncidentRow } from '../../core/incident/list.ts';
import { isOver, statusWords } from '../../core/incident/status.ts';
import { killSwitch } from '../../core/table/breaker.ts';
import { modeState } from '../../core/table/mode.ts';
import { counted } from '../../core/words.ts';
import type { Runtime } from '../../pipeline/runtime.ts';
import { cut, LIMITS, person, untrusted, when } from '../../slack/text.ts';

/** Newest incidents looked at: one page of the index, well within Slack's three seconds. */
const LOOK_AT = 100;
const LOOK_BACK_MS = 7 * 86_400_000;
const SHOW = 15;

export async function statusText({ incidents, table, policy, now }: Runtime): Promise<string> {
  const to = now().toISOString();
  const from = new Date(now().getTime() - LOOK_BACK_MS).toISOString();
  const [page, stopped, { mode, changes }] = await Promise.all([
    incidents.list({ from, to, limit: LOOK_AT }),
    killSwitch(table),
    modeState(table, policy.mode),
  ]);
  const last = changes.at(-1);
  const open = page.items.filter(({ status }) => !isOver(status));
  const lines = [
    stopped || policy.killSwitch
      ? `:octagonal_sign: *The kill switch is on*${policy.killSwitch ? ' (policy.yml)' : ''}: nothing is contained automatically.`
      : 'The kill switch is off: policy decides.',
    mode === 'observe'
      ? `:eyes: *Observe mode*${last ? ` since ${when(last.at)} by ${person(last.by)}` : ' (policy.yml)'}: Firebreak decides and changes nothing.`
      : 'Enforce mode: Firebreak contains as policy.yml says.',
    `*${open.length} open* of the ${counted(page.items.length, page.cursor === undefined ? 'incident' : 'newest incident')} of the last 7 days.`,
    ...open.slice(0, SHOW).map(line),
    ...(open.length > SHOW ? [`and ${open.length - SHOW} more`] : []),
  ];
  return cut(lines.join('\n'), LIMITS.section);
}

export function incidentText(incident: Incident, timeline: readonly TimelineEvent[]): string {
  const { approval, owner, decision } = incident;
  const lines = [
    line(incident),
    untrusted(cut(incident.title, 300)),
    ...(decision ? [`Decision: ${untrusted(cut(decision.reasons.join('; '), 600))}`] : []),
    ...(approval
      ? [
          approval.outcome === undefined
            ? `Asked to ${approval.purpose} until ${when(approval.expiresAt)}; ${approval.approvedBy.length} of ${approval.needed} approvals.`
            : `${approval.purpose} ${approval.outcome} by ${person(approval.decidedBy ?? 'someone')}${approval.breakGlass ? ', BREAK-GLASS' : ''}.`,
        ]
      : []),
    ...(owner ? [`Owned by ${person(owner.by)}.`] : []),
    '*Last*',
    ...timeline.slice(-6).map(({ at, event }) => `• ${at.slice(0, 19)}Z ${untrusted(cut(event, 200))}`),
  ];
  return cut(lines.join('\n'), LIMITS.section);
}

const line = ({ id, label, status, type, display }: Incident | IncidentRow): string =>
  `• \`${id}\` ${label.toUpperCase()} *${statusWords(status)}* ${untrusted(cut(type, 120))} on ${untrusted(cut(display ?? 'no named resource', 200))}`;

/** How an incident is spoken of in Slack: one wording for the card, the modals and notifications. */

import type { Incident, IncidentTarget } from '../core/incident/incident.ts';
import { risksOfResponse, risksOfTarget } from '../core/incident/risks.ts';
import { isContainment, isUndo, statusMark, statusWords } from '../core/incident/status.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import { code, counted, cut, middle, person, untrusted, when } from './text.ts';

/** Severity at a glance; the word stands beside it for those who do not see colours. */
const MARKS = { critical: '🟣', high: '🔴', medium: '🟠', low: '🟡' } as const;

/** `🔴 HIGH · awaiting approval`. Once it has ended, the mark says how. */
export const headline = ({ label, status, approval }: Incident): string => {
  const undo = approval?.purpose === 'undo' && approval.outcome === undefined ? ', undo asked' : '';
  return `${statusMark(status) ?? MARKS[label]} ${label.toUpperCase()} · ${statusWords(status)}${undo}`;
};

/** `instance/i-0abc` of `arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc`: account and Region stand beside it. */
export function shortName(display: string | null): string {
  if (display === null) return 'no named resource';
  const [, service = '', resource = ''] = /^arn:[^:]*:([^:]*):[^:]*:[^:]*:(.+)$/s.exec(display) ?? [];
  if (resource === '') return display;
  return service === 's3' ? `bucket ${resource}` : resource;
}

export const namedTarget = ({ target, playbook }: IncidentTarget): string =>
  `${playbookWords(playbook)} ${code(middle(shortName(target.display), 80))}`;

/** `isolate-instance` as people say it. */
export const playbookWords = (playbook: string): string => untrusted(playbook.replaceAll('-', ' '));

/** `1 instance`, `3 instances`: units are written in the plural. */
export const reach = ({ count, unit }: { readonly count: number; readonly unit: string }): string =>
  `${count} ${count === 1 ? unit.replace(/ies$/, 'y').replace(/([^s])s$/, '$1') : unit}`;

/** Who or what decided, and when; undefined while nothing is decided. */
export function decidedWords({ approval, decision, status }: Incident): string | undefined {
  if (approval?.outcome !== undefined) {
    const what = approval.purpose === 'undo' ? 'Undo' : 'Containment';
    const at = approval.decidedAt ? `, ${when(approval.decidedAt)}` : '';
    const why = approval.reason ? `: “${untrusted(cut(approval.reason, 300))}”` : '';
    if (approval.breakGlass) {
      return `🚨 *BREAK-GLASS*: ${approval.purpose === 'undo' ? 'undone' : 'contained'} on the word of ${person(approval.decidedBy ?? 'somebody')} alone${at}${why}`;
    }
    if (approval.outcome === 'expired') return `*${what}: nobody decided in time*${at}`;
    const others = approval.approvedBy.filter((id) => id !== approval.decidedBy);
    const by = [...others, approval.decidedBy ?? 'somebody'].map(person).join(' and ');
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

/**
 * The journal as far as it is this incident's: it belongs to the resource, so an incident that only asks, tells or is a
 * sample would show what another one did.
 */
export function ownSteps({ status, sample }: Incident, steps: readonly StepRecord[]): readonly StepRecord[] {
  return !sample && (isContainment(status) || isUndo(status)) ? steps : [];
}

/** What went wrong without where and what to do next: those are in the details. */
export const inShort = (problem: string): string => untrusted(problem.split(' · ')[0] ?? problem);

/** What happens when nobody decides in time. */
export function expiryWords({ approval, decision }: Pick<Incident, 'approval' | 'decision'>): string {
  if (approval?.purpose === 'undo') return 'the containment stays';
  return decision?.expiry === 'contain' ? 'it is contained' : 'it is escalated and nothing is changed';
}

/** Every remaining risk once, what is worse than before first: told by the answer as a whole, by plan, proof or notes. */
export function risksOf(incident: Pick<Incident, 'targets' | 'residual' | 'madeBefore'>): readonly string[] {
  return [
    ...new Set([
      ...incident.targets.flatMap(({ worse = [] }) => worse),
      ...risksOfResponse(incident),
      ...incident.targets.flatMap((entry) => [...risksOfTarget(entry), ...(entry.notes ?? [])]),
    ]),
  ];
}

/** The first lines, and how many more there are in the details. */
export function firstOf(lines: readonly string[], most: number, longest: number): readonly string[] {
  const shown = lines.slice(0, most).map((line) => cut(line, longest));
  const rest = lines.length - shown.length;
  return rest > 0 ? [...shown, `${counted(rest, 'more', 'more')} in _Details_`] : shown;
}

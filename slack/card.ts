/** The incident as one Slack message: what happened, what will change or did, what remains, who decides until when. */
import type { IncidentContext } from '../core/context.ts';
import type { Finding } from '../core/finding.ts';
import type { StepRecord } from '../core/hold.ts';
import { type Incident, isContained } from '../core/incident.ts';
import type { Json } from '../core/json.ts';
import { ACTIONS } from './actions.ts';
import { actions, type Block, button, confirm, context, fields, header, list, section } from './block-kit.ts';
import { contextLines } from './context-block.ts';
import { cut, LIMITS, untrusted } from './text.ts';

export type { Block, Button } from './block-kit.ts';

export interface CardView {
  readonly incident: Incident;
  readonly finding: Finding;
  /** The journal as it stands; empty before containment. */
  readonly steps: readonly StepRecord[];
  readonly policyApprovers: readonly string[];
  readonly now: Date;
  readonly context?: IncidentContext | undefined;
  readonly consoleUrl?: string;
}

export interface Card {
  /** For notifications and for the page topic when Slack is down. */
  readonly text: string;
  readonly blocks: readonly Block[];
}

export function incidentCard(view: CardView): Card {
  const { incident } = view;
  const headline = `${incident.sample ? 'SAMPLE · ' : ''}${incident.label.toUpperCase()} · ${statusWords(incident)}`;
  const what = `${untrusted(incident.type)} on ${untrusted(incident.display ?? 'no named resource')} in account ${untrusted(incident.account)}, ${untrusted(incident.region)}`;
  const blocks: Block[] = [
    header(headline),
    section(`*${what}*\n${untrusted(incident.title)}`),
    ...banners(incident),
    ...facts(view),
    ...list('*Decision*', incident.decision?.reasons.map(untrusted) ?? []),
    ...changes(view),
    ...list('*Not handled*', (incident.unhandled ?? []).map(untrusted)),
    ...residual(view),
    ...(view.context ? [section(contextLines(view.context).join('\n'))] : []),
    ...approval(view),
    ...buttons(view),
    context(
      `${incident.id}${view.consoleUrl ? ` · <${view.consoleUrl}/incident/${incident.id}|open in the console>` : ''}`,
    ),
  ];
  return { text: cut(`${headline}: ${what}`, LIMITS.section), blocks: blocks.slice(0, LIMITS.blocks) };
}

function statusWords(incident: Incident): string {
  switch (incident.status) {
    case 'received':
    case 'containing':
    case 'verifying':
      return 'working on it';
    case 'awaiting-approval':
      return 'waiting for approval';
    case 'residual':
      return 'contained, with a remaining risk';
    case 'partial':
      return 'PARTLY contained';
    case 'failed':
      return 'NOT contained: failed';
    case 'escalated':
      return 'NOT contained: a person must act';
    case 'expired':
      return 'NOT contained: nobody decided in time';
    case 'declined':
      return 'not contained: declined';
    case 'undo-partial':
      return 'undo incomplete';
    case 'contained':
    case 'recorded':
    case 'notified':
    case 'undoing':
    case 'undone':
      return incident.status;
  }
}

function banners(incident: Incident): Block[] {
  const banners: Block[] = [];
  if (incident.sample) banners.push(section(':test_tube: *SAMPLE finding: nothing was or will be changed.*'));
  if (incident.activeAfterContainment) {
    banners.push(section(':rotating_light: *Still active: GuardDuty saw more of it after the containment.*'));
  }
  return banners;
}

function facts({ finding, incident }: CardView): Block[] {
  const { action, accessKey, instance } = finding;
  const [remote] = action?.remote ?? [];
  const pairs: [string, string | undefined][] = [
    ['Severity', `${finding.severity} (${finding.label})`],
    ['Seen', `${incident.count} times, ${finding.firstSeen ?? '?'} to ${finding.lastSeen ?? '?'}`],
    ['Resource', incident.display ?? finding.resourceType],
    ['Role of the resource', finding.resourceRole],
    [
      'Actor',
      [remote?.ip, remote?.country, remote?.organisation, remote?.account].filter(Boolean).join(', ') ||
        undefined,
    ],
    [
      'Action',
      [action?.kind, action?.api, action?.service, action?.domain].filter(Boolean).join(' ') || undefined,
    ],
    [
      'Network',
      [instance?.vpcId, ...(instance?.privateIps ?? []), ...(instance?.publicIps ?? [])]
        .filter(Boolean)
        .join(', ') || undefined,
    ],
    [
      'IAM',
      [accessKey?.userType, accessKey?.userName, accessKey?.principalId].filter(Boolean).join(' ') ||
        undefined,
    ],
    ['Threat lists', finding.threatLists.join(', ') || undefined],
  ];
  return fields(
    pairs
      .filter((pair): pair is [string, string] => pair[1] !== undefined)
      .map(([name, text]) => cut(`*${name}*\n${untrusted(text)}`, LIMITS.field)),
  );
}

/** The plan before containment, the journal after it: each step with before and after. */
function changes({ incident, steps }: CardView): Block[] {
  if (steps.length > 0) {
    const containing = steps.filter(({ role }) => role === 'contain');
    const done = containing.filter(({ status }) => status === 'done' || status === 'already').length;
    const lines = steps.map(
      (step) =>
        `${mark(step.status)} ${untrusted(step.describe)} (${step.status})${step.note ? `: ${untrusted(step.note)}` : ''}`,
    );
    return list(`*Changes* · ${done} of ${containing.length} containing steps in place`, lines);
  }
  return incident.targets.flatMap(({ plan, problem }) => {
    if (problem !== undefined) return list('*Cannot act*', [untrusted(problem)]);
    if (plan?.kind === 'refused')
      return list('*Will not act*', [untrusted(plan.reason), `instead: ${untrusted(plan.alternative)}`]);
    if (plan?.kind !== 'plan') return [];
    const { blastRadius } = plan;
    return [
      ...list(
        '*What will change*',
        plan.steps.map((step) => `${untrusted(step.describe)}: ${value(step.before)} → ${value(step.after)}`),
      ),
      ...list(
        `*Blast radius: ${blastRadius.count} ${untrusted(blastRadius.unit)}*`,
        blastRadius.detail.map(untrusted),
      ),
      ...list('*Mind*', plan.warnings.map(untrusted)),
    ];
  });
}

const mark = (status: StepRecord['status']): string => {
  if (status === 'done' || status === 'already' || status === 'undone') return ':white_check_mark:';
  if (status === 'kept') return ':paperclip:';
  return status === 'failed' || status === 'drift' ? ':x:' : ':hourglass:';
};
const value = (json: Json): string =>
  untrusted(cut(typeof json === 'string' ? json : JSON.stringify(json), 120));

function residual({ incident }: CardView): Block[] {
  const risks = incident.targets.flatMap(({ plan, proof, notes }) => [
    ...(plan?.kind === 'plan' ? plan.residual : []),
    ...(proof?.residual ?? []),
    ...(notes ?? []),
  ]);
  return list('*What remains at risk or open*', [...new Set(risks)].map(untrusted));
}

function approval({ incident, policyApprovers }: CardView): Block[] {
  const view = incident.approval;
  if (!view) return [];
  if (view.outcome !== undefined) {
    const who = view.decidedBy ? person(view.decidedBy) : 'somebody';
    return [
      section(
        `*${view.purpose === 'undo' ? 'Undo' : 'Containment'} ${view.outcome}* by ${who} at ${view.decidedAt ?? '?'}${view.reason ? `: ${untrusted(view.reason)}` : ''}`,
      ),
    ];
  }
  const seconds = Math.floor(Date.parse(view.expiresAt) / 1000);
  const then =
    view.purpose === 'undo'
      ? 'the containment stays'
      : incident.decision?.expiry === 'contain'
        ? 'it is contained'
        : 'it is escalated and nothing is changed';
  const why =
    view.purpose === 'undo' && incident.undo && !incident.undo.safe
      ? `\n:warning: ${untrusted(incident.undo.why)}`
      : '';
  return [
    section(
      `*May ${view.purpose === 'undo' ? 'undo' : 'contain'}*: ${policyApprovers.map(person).join(', ') || 'nobody is configured'}${view.requestedBy ? `, except ${person(view.requestedBy)} who asked` : ''}; ${view.approvedBy.length} of ${view.needed} approvals; until <!date^${seconds}^{date_short_pretty} {time}|${view.expiresAt}>, then ${then}.${why}`,
    ),
  ];
}

/** Slack ids become mentions; anything else is text. */
const person = (id: string): string => (/^[UW][A-Z0-9]+$/.test(id) ? `<@${id}>` : untrusted(id));

function buttons({ incident }: CardView): Block[] {
  const { approval: view } = incident;
  if (view && view.outcome === undefined) {
    return actions([
      button(ACTIONS.approve, view.purpose === 'undo' ? 'Approve undo' : 'Contain now', view.id, {
        style: 'primary',
      }),
      button(ACTIONS.deny, 'Deny', view.id, { style: 'danger' }),
    ]);
  }
  if (!isContained(incident.status) && incident.status !== 'undo-partial') return [];
  const safety = incident.targets.map(({ undo }) => undo).find((undo) => undo && !undo.safe);
  const told = safety
    ? `A second person must agree: ${safety.why}`
    : 'Everything is put back as it was; evidence stays.';
  return actions([
    button(ACTIONS.undo, 'Undo', incident.id, { confirm: confirm('Undo?', told, 'Undo', 'Keep') }),
  ]);
}

/**
 * The incident as one Slack message, made from the record alone. It is read on a phone at night: what, where and how
 * bad, what will be done, who decides until when. Everything else is one press away in the details.
 */

import { createHash } from 'node:crypto';
import { partsOf } from '../core/approval/parts.ts';
import type { Finding } from '../core/finding/finding.ts';
import { indications } from '../core/finding/indications.ts';
import { isScanId } from '../core/finding/scan.ts';
import {
  attackPaths,
  type PathChain,
  type PathGraph,
  type PathView,
  pathChains,
} from '../core/incident/attack-path.ts';
import { briefOf, deadlineWords, expiryOf, inShort, ownSteps } from '../core/incident/brief.ts';
import type { IncidentContext } from '../core/incident/context.ts';
import {
  type IdentityRow,
  identityCount,
  identityMark,
  identityOf,
  identityWords,
} from '../core/incident/identity.ts';
import { type ApprovalView, type Incident, isUnconfirmed, verifiedAt } from '../core/incident/incident.ts';
import { actionOn, playbookWords, shortName } from '../core/incident/names.ts';
import type { Relative } from '../core/incident/relatives.ts';
import {
  isContained,
  isContainment,
  isInPlace,
  isRunning,
  isUndo,
  statusWords,
  stepWords,
} from '../core/incident/status.ts';
import { visible } from '../core/invisible.ts';
import { plainValue } from '../core/journal/change-words.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import { inPlace } from '../core/journal/playbook.ts';
import { capitalised, counted, reach } from '../core/words.ts';
import { ACTIONS } from './actions.ts';
import { actions, type Block, button, confirm, context, header, image, list, section } from './block-kit.ts';
import { contextLines } from './context-block.ts';
import { code, cut, isUser, LIMITS, messageUrl, person, untrusted, when } from './text.ts';
import { briefBlocks, decidedWords, firstOf, headline, namedTarget, slackWords } from './words.ts';

export interface CardView {
  readonly incident: Incident;
  readonly finding: Finding;
  /** The journal as it stands; empty before containment. */
  readonly steps: readonly StepRecord[];
  readonly policyApprovers: readonly string[];
  /** Someone may break the glass: policy names them. */
  readonly breakGlass?: boolean;
  readonly now: Date;
  readonly context?: IncidentContext | undefined;
  readonly consoleUrl?: string;
  /** What it follows, and its follow-ups. */
  readonly relatives?: readonly Relative[];
}

export interface Card {
  /** For notifications and for the page topic when Slack is down. */
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** What fits a screen or two of a phone; the rest is in the details. */
const LINES = {
  paths: 3,
  steps: 3,
  targets: 6,
  risks: 8,
  identity: 6,
  unread: 2,
  warnings: 2,
  reasons: 1,
} as const;
const LONGEST = 160;

export function incidentCard(view: CardView): Card {
  const { incident } = view;
  const head = headline(incident);
  const where = `${shortName(incident.display)} in ${incident.account}, ${incident.region}`;
  const sample = incident.sample ? 'SAMPLE · ' : '';
  const again =
    incident.status === 'awaiting-approval'
      ? incident.targets.flatMap(({ changed }) => changed?.reason ?? [])
      : [];
  return {
    text: cut(
      `${sample}${[...again.map(untrusted), head].join(' · ')}: ${untrusted(`${incident.type} on ${where}`)}`,
      LIMITS.section,
    ),
    blocks: [
      header(`${sample}${head}`),
      ...again.map((reason) => section(`🔁 *Asked again*: ${untrusted(cut(reason, 2 * LONGEST))}`)),
      ...banners(incident),
      ...briefBlocks(briefOf(view), LINES.risks, 2 * LONGEST),
      ...path(view),
      ...what(view),
      ...changes(view),
      ...identity(view),
      ...observed(incident),
      ...madeBefore(view),
      ...(view.context ? [section(contextLines(view.context).join('\n'))] : []),
      ...decision(view),
      ...buttons(view),
      footer(view),
    ],
  };
}

const SIGNS: Readonly<Record<PathChain['rest'][number]['way']['state'], string>> = {
  past: '→',
  cut: '✂️',
  open: '⇢',
};

/** How the parts of a line are written: for Slack's markup, or plain for the text in the place of a picture. */
interface PathWriter {
  name(text: string): string;
  labels(text: string): string;
}
const MARKED: PathWriter = { name: code, labels: (text) => `_${untrusted(text)}_` };
const PLAIN: PathWriter = { name: visible, labels: visible };

const pathLines = (attack: PathGraph, { name, labels: written }: PathWriter): readonly string[] =>
  pathChains(attack).map(({ first, rest }) => {
    const way = rest.map(({ way: { state }, node }) => `${SIGNS[state]} ${name(node.name)}`);
    const labels = [...new Set(rest.flatMap(({ way: { label } }) => (label === '' ? [] : [label])))];
    return `${[name(first.name), ...way].join(' ')}${labels.length > 0 ? ` · ${written(labels.join(', '))}` : ''}`;
  });

/** What the card's picture shows. */
export interface CardPicture {
  readonly graph: PathGraph;
  /** Another one where the graph, or how it is drawn, is another. */
  readonly shows: string;
  /** What it says, without a picture. */
  readonly text: string;
}
/** Raised where the same graph is drawn differently: the cards get the new picture. */
const DRAWING = 1;

/** Returns what the picture of an attack has to show; undefined where there is none: nothing to cut, or nothing known of the way. */
export function cardPicture(view: PathView): CardPicture | undefined {
  const [graph] = attackPaths(view);
  if (!graph || view.incident.targets.length === 0) return undefined;
  const shows = createHash('sha256')
    .update(JSON.stringify([DRAWING, graph]))
    .digest('hex');
  return { graph, shows: shows.slice(0, 16), text: pathLines(graph, PLAIN).join('; ') };
}

/** The attack as its picture where Slack holds the one of this state, else as lines from the attacker on, with the cut where it was made. */
function path(view: CardView): Block[] {
  const [attack] = attackPaths(view);
  if (!attack) return [];
  const { picture } = view.incident;
  const drawn = cardPicture(view);
  if (picture && picture.shows === drawn?.shows) return [image(picture.file, attack.title, drawn.text)];
  const lines = pathLines(attack, MARKED);
  return list(`*${attack.title}*`, firstOf(lines, LINES.paths, 4 * LONGEST));
}

/** Small below the four lines: the type, where it is as it can be copied, and how often it was seen. */
function what({ incident, finding }: CardView): Block[] {
  const seen = finding.lastSeen ? `, last ${when(finding.lastSeen)}` : '';
  return [
    context(
      [
        `${untrusted(cut(incident.type, LONGEST))} · severity ${incident.severity} · seen ${counted(incident.count, 'time')}${seen}`,
        `${code(cut(incident.display ?? 'no named resource', 300))} in account ${code(incident.account)}, ${untrusted(cut(incident.region, LONGEST))}`,
      ].join('\n'),
    ),
    ...evidence(finding),
  ];
}

/** File and process, models and guardrail, rule or sequence: what decides whether it is an attack. */
function evidence(finding: Finding): Block[] {
  const lines = indications(finding).map(({ name, value }) => `*${name}* ${code(cut(value, 250))}`);
  return lines.length > 0 ? [section(lines.join('\n'))] : [];
}

function banners(incident: Incident): Block[] {
  return [
    ...(incident.sample ? [section('🧪 *SAMPLE finding: nothing was or will be changed.*')] : []),
    ...(incident.approval?.breakGlass
      ? [section('🚨 *BREAK-GLASS: one person decided this without the approvers. The on-call was paged.*')]
      : []),
  ];
}

/** Everything that the identity is: what is not contained first, since that is what is left to do. */
function identity({ incident, steps, relatives = [] }: CardView): Block[] {
  const rows = identityOf(incident, steps, relatives);
  if (rows.length === 0) return [];
  const contained = rows.filter(({ state }) => state === 'contained');
  const open = rows.filter((row) => !contained.includes(row));
  const asked = rows.some((row) => row.state === 'asked' && row.incident === undefined);
  const tick = asked && partsOf(incident).length > 1 ? ' · tick them one by one: *Approve part…*' : '';
  return list(
    `*Identity: ${identityCount(rows)}*${tick}`,
    firstOf(
      [...open, ...contained].map((row) => identityLine(row, relatives)),
      LINES.identity,
      2 * LONGEST,
    ),
  );
}

/** `⚠️ console password: left, …`, with the card on which it is ticked where that is another one. */
function identityLine({ what, state, why, incident }: IdentityRow, relatives: readonly Relative[]): string {
  const { slack } = relatives.find(({ id }) => id === incident) ?? {};
  const card = slack && incident !== undefined ? ` <${messageUrl(slack)}|${incident}>` : '';
  const said = why === undefined ? '' : `, ${untrusted(cut(why, LONGEST))}`;
  return `${identityMark(state)} ${untrusted(cut(what, LONGEST))}:${card} ${identityWords(state)}${said}`;
}

/** What a live read showed of a resource that is only reported, and how many addresses took part so far. */
function observed({ observed: seen }: Incident): Block[] {
  if (!seen) return [];
  const from =
    seen.addresses > 1
      ? [
          `${seen.more ? 'more than ' : ''}${counted(seen.addresses, 'distinct address', 'distinct addresses')} so far`,
        ]
      : [];
  return list(
    `*Seen live* ${when(seen.at)}`,
    firstOf([...from, ...seen.lines.map(untrusted)], LINES.targets, LONGEST),
  );
}

/** What the contained principal made before: the first of it, and where the rest is with its commands. */
function madeBefore({ incident: { id, madeBefore: made }, consoleUrl }: CardView): Block[] {
  if (!made || made.found + made.unread.length === 0) return [];
  const rest = consoleUrl
    ? `<${consoleUrl}/incident/${id}#made|all with their commands>`
    : 'all with their commands: Details';
  return list(`*Made before containment: ${made.found}* · ${rest}`, [
    ...made.first.map(
      ({ call, what, action }) =>
        `${untrusted(cut(`${what} (${call})`, LONGEST))}: ${untrusted(cut(action, LONGEST))}`,
    ),
    ...firstOf(
      made.unread.map((what) => `⚠️ not read: ${untrusted(what)}`),
      LINES.unread,
      2 * LONGEST,
    ),
  ]);
}

/** The plan before containment, how far it has come after it began. */
function changes({ incident, steps: all }: CardView): Block[] {
  const steps = ownSteps(incident, all);
  return steps.length > 0 ? progress(incident, steps) : plans(incident);
}

function plans({ targets, status, sample }: Incident): Block[] {
  const title = sample
    ? '*Proposed action, were it real*'
    : isRunning(status) && !isContainment(status)
      ? '*Proposed action*'
      : isContainment(status)
        ? '*Plan*'
        : '*Plan, not carried out*';
  const [only] = targets.length === 1 ? targets : [];
  const lines = targets.map((each) => {
    const { plan, problem } = each;
    if (problem !== undefined) return `⚠️ ${namedTarget(each)}: cannot act, ${untrusted(inShort(problem))}`;
    if (plan?.kind === 'refused') {
      return `⚠️ ${namedTarget(each)}: will not act, ${untrusted(plan.reason)} *Instead*: ${untrusted(plan.alternative)}`;
    }
    if (plan?.kind !== 'plan') return `${namedTarget(each)}: not read yet`;
    const name = only ? untrusted(playbookWords(each.playbook)) : namedTarget(each);
    return `${name}: ${counted(plan.steps.length, 'step')}, affects ${untrusted(reach(plan.blastRadius))}`;
  });
  const containing =
    only?.plan?.kind === 'plan' ? only.plan.steps.filter(({ role }) => role === 'contain') : [];
  const warnings = targets.flatMap(({ plan }) => (plan?.kind === 'plan' ? plan.warnings : []));
  return [
    ...list(title, [
      ...firstOf(lines, LINES.targets, 2 * LONGEST),
      ...firstOf(
        containing.map(({ describe }) => untrusted(describe)),
        LINES.steps,
        LONGEST,
      ),
    ]),
    ...list('*Warnings*', firstOf(warnings.map(untrusted), LINES.warnings, LONGEST)),
  ];
}

function progress(incident: Incident, steps: readonly StepRecord[]): Block[] {
  const undo = isUndo(incident.status);
  const counting = steps.filter(({ role }) => role === 'contain');
  // What was left out, or could not even begin, is not in the journal: it counts all the same.
  const all = undo ? counting.length : Math.max(counting.length, partsOf(incident).length);
  const reached = counting.filter(({ status }) =>
    undo ? status === 'undone' || status === 'kept' || status === 'already' : inPlace(status),
  );
  const wrong = steps.filter(({ status }) => status === 'failed' || status === 'drift');
  const current = steps.find(({ status }) => status === 'applying' || status === 'undoing');
  const done = `${reached.length} of ${counted(all, 'containing step')} ${undo ? 'restored' : 'in place'}`;
  const names =
    incident.targets.length > 0 ? firstOf(incident.targets.map(outcome), LINES.targets, LONGEST) : [];
  return list(`*${done}* ${bar(reached.length, all)}`, [
    ...names,
    ...(current ? [`⏳ now: ${untrusted(cut(current.describe, LONGEST))}`] : []),
    ...firstOf(
      wrong.map(
        ({ describe, status, note }) =>
          `❌ ${untrusted(describe)}: ${stepWords(status)}${note ? `, ${untrusted(note)}` : ''}`,
      ),
      LINES.steps,
      LONGEST,
    ),
  ]);
}

function outcome(each: Incident['targets'][number]): string {
  if (each.problem !== undefined)
    return `⚠️ ${namedTarget(each)}: cannot act, ${untrusted(inShort(each.problem))}`;
  const left = each.declined?.length ?? 0;
  const became = isUnconfirmed(each) ? 'could not be confirmed' : each.status && statusWords(each.status);
  return `${namedTarget(each)}${became ? `: ${became}` : ''}${left > 0 && each.status !== 'declined' ? `, ${counted(left, 'step')} left out as decided` : ''}`;
}

const BAR = 10;
const bar = (done: number, all: number): string => {
  const filled = all === 0 ? 0 : Math.floor((done / all) * BAR);
  return `${'▰'.repeat(filled)}${'▱'.repeat(BAR - filled)}`;
};

/** Why it is asked, who may answer until when, and then what; after the decision who decided, what, and when. */
function decision(view: CardView): Block[] {
  const { incident } = view;
  const reasons = incident.decision?.reasons ?? [];
  const decided = decidedWords(incident);
  const asking = incident.approval && incident.approval.outcome === undefined;
  return [
    ...(asking || decided === undefined
      ? firstOf(reasons.map(untrusted), LINES.reasons, 2 * LONGEST).map((line) => context(line))
      : []),
    ...(decided === undefined ? [] : [section(decided)]),
    ...question(view),
  ];
}

function question({ incident, policyApprovers, now }: CardView): Block[] {
  const view = incident.approval;
  if (!view || view.outcome !== undefined) return [];
  if (view.joined) {
    return [
      section(
        `*Decided with* ${code(view.joined.incident)}: its card in this thread requests the same containment.`,
      ),
    ];
  }
  const undo = view.purpose === 'undo';
  const may = policyApprovers.slice(0, 10).map(person).join(', ') || '*no approver is configured*';
  const { requestedBy } = view;
  const isPerson = requestedBy !== undefined && isUser(requestedBy);
  const except = isPerson ? `, except ${person(requestedBy)} who asked for it` : '';
  const given = view.approvedBy.length > 0 ? ` (so far ${view.approvedBy.map(person).join(', ')})` : '';
  const { undo: safety } = incident;
  const risks = safety
    ? [...(safety.safe ? [] : [safety.why]), ...(safety.residual ?? [])].map((text) => `⚠️ ${untrusted(text)}`)
    : [];
  return [
    ...(undo ? overwrites(incident) : []),
    section(
      [
        ...(undo ? risks : []),
        ...(requestedBy === undefined || isPerson
          ? []
          : [`*Requested by* ${person(requestedBy)}: counts as no approval`]),
        `*${undo ? 'May undo' : 'May contain'}*: ${may}${except}`,
        ...(view.needed > 1
          ? [`*${view.approvedBy.length} of ${view.needed} people* have approved${given}`]
          : []),
        slackWords(deadlineWords(expiryOf(view, incident))),
        ...(undo ? [] : ['The answer also counts for later findings that ask for the same.']),
      ].join('\n'),
    ),
    context(clock(view, now)),
  ];
}

/** What of the clock has passed, and what comes next. */
function clock({ remindAt, remindedAt, escalateAt, escalatedAt, snoozed }: ApprovalView, now: Date): string {
  const rests = snoozed && Date.parse(snoozed.until) > now.getTime();
  const together = !remindedAt && !escalatedAt && !rests && remindAt === escalateAt;
  if (together) return `reminder and escalation ${when(remindAt)}`;
  return [
    ...(remindedAt ? [`🔔 reminded ${when(remindedAt)}`] : []),
    ...(rests ? [`💤 ${person(snoozed.by)} snoozed the reminder until ${when(snoozed.until)}`] : []),
    ...(remindedAt || rests ? [] : [`reminder ${when(remindAt)}`]),
    escalatedAt ? `📣 *escalated* ${when(escalatedAt)}` : `escalation ${when(escalateAt)}`,
  ].join(' · ');
}

/** What was changed since, and the undo would take away: shown before anyone agrees to it. */
function overwrites({ undoOverwrites }: Incident): Block[] {
  const lines = (undoOverwrites?.steps ?? []).map(
    ({ describe, live, before }) =>
      `${untrusted(describe)}: ${code(cut(plainValue(live), 80))} → ${code(cut(plainValue(before), 80))}`,
  );
  return list(
    '⚠️ *Changed since the containment; the undo would overwrite it*',
    firstOf(lines, LINES.targets, 2 * LONGEST),
  );
}

function buttons({ incident, breakGlass = false }: CardView): Block[] {
  const { approval, id } = incident;
  const details = button(ACTIONS.details, 'Details', id);
  if (approval && approval.outcome === undefined && !approval.joined) {
    const undo = approval.purpose === 'undo';
    return [
      ...actions([
        button(ACTIONS.approve, undo ? 'Approve undo' : 'Contain now', approval.id, {
          style: 'primary',
          confirm: undo
            ? confirm('Approve the undo?', undoWords(incident), 'Undo', 'Not yet')
            : confirm('Contain now?', containWords(incident), 'Contain', 'Not yet'),
        }),
        button(ACTIONS.deny, 'Deny…', approval.id, { style: 'danger' }),
        details,
      ]),
      ...(undo ? [] : actions(secondRow(incident, approval.id, breakGlass))),
    ];
  }
  const undo = isInPlace(incident.status);
  return actions([
    ...(undo
      ? [
          button(ACTIONS.undo, 'Undo…', id, {
            confirm: confirm('Undo?', undoWords(incident), 'Undo', 'Keep'),
          }),
        ]
      : []),
    details,
    ...(incident.owner ? [] : [button(ACTIONS.own, 'Take ownership', id)]),
    ...(isSuppressible(incident) ? [button(ACTIONS.suppress, 'Suppress similar…', id)] : []),
  ]);
}

/** Whether a filter of GuardDuty can hide findings like it: of a scan's result there is none. */
const isSuppressible = ({ label, findingId }: Incident): boolean =>
  label !== 'critical' && !isScanId(findingId);

function secondRow(incident: Incident, decisionId: string, breakGlass: boolean) {
  const parts = partsOf(incident).length > 1;
  return [
    ...(parts ? [button(ACTIONS.approvePart, 'Approve part…', decisionId)] : []),
    ...(incident.owner ? [] : [button(ACTIONS.own, 'Take ownership', incident.id)]),
    button(ACTIONS.snooze, 'Snooze…', decisionId),
    ...(isSuppressible(incident) ? [button(ACTIONS.suppress, 'Suppress similar…', incident.id)] : []),
    ...(breakGlass ? [button(ACTIONS.breakGlass, 'Break glass…', decisionId)] : []),
  ];
}

function containWords({ targets, display }: Incident): string {
  const plans = targets.flatMap(({ plan }) => (plan?.kind === 'plan' ? [plan] : []));
  const steps = plans.reduce((sum, { steps: { length } }) => sum + length, 0);
  const [reached] = plans.map(({ blastRadius }) => reach(blastRadius));
  const many = targets.length > 1 ? `${counted(targets.length, 'target')}: ` : '';
  const names = [...new Set(targets.map(({ playbook }) => playbook))];
  const on = cut(shortName(display), 80);
  const [only] = names.length === 1 ? names : [];
  const what = `${many}${only ? actionOn(only, on) : `${names.map(playbookWords).join(', ')} on ${on}`}`;
  return `${capitalised(what)}: ${counted(steps, 'step')}${reached ? `, affects ${reached}` : ''}. Previous values are stored and can be restored.`;
}

function undoWords({ targets }: Incident): string {
  const undos = targets.flatMap(({ undo }) => (undo ? [undo] : []));
  const unsafe = undos.find(({ safe }) => !safe);
  const first = unsafe
    ? `A second person must agree: ${unsafe.why}`
    : 'Every previous value is restored; evidence stays.';
  // Said first where there is one: Slack cuts a dialog's text at 300 characters.
  return [...undos.flatMap(({ residual }) => residual ?? []).slice(0, 1), first].join('. ');
}

/** The one before and those after it, each with its card and its page. */
function relative({ id, what, slack }: Relative, consoleUrl: string | undefined): string {
  const card = slack ? `<${messageUrl(slack)}|${id}>` : id;
  return `${untrusted(capitalised(what))} ${card}${consoleUrl ? ` · <${consoleUrl}/incident/${id}|its page>` : ''}`;
}

function footer({ incident, consoleUrl, relatives = [] }: CardView): Block {
  const confirmed = verifiedAt(incident);
  return context(
    [
      ...(incident.owner
        ? [`👤 ${person(incident.owner.by)} works on it since ${when(incident.owner.at)}`]
        : []),
      ...relatives.map((one) => relative(one, consoleUrl)),
      ...(confirmed === undefined || !isContained(incident.status) ? [] : [`Verified ${when(confirmed)}`]),
      `${incident.id}${consoleUrl ? ` · <${consoleUrl}/incident/${incident.id}|open in the console>` : ''}`,
    ].join('\n'),
  );
}

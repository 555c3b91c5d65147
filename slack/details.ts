/** Everything about an incident, in a modal: a menu of chapters, each as many pages as it needs. Nothing is left out. */

import type { Finding } from '../core/finding/finding.ts';
import { indications } from '../core/finding/indications.ts';
import { attackPaths, type PathView, pathText } from '../core/incident/attack-path.ts';
import { briefOf, ownSteps } from '../core/incident/brief.ts';
import { changeNames } from '../core/incident/change-names.ts';
import type { IncidentContext } from '../core/incident/context.ts';
import { identityMark, identityOf, identityWords } from '../core/incident/identity.ts';
import type { Incident, IncidentTarget, TimelineEvent } from '../core/incident/incident.ts';
import { entryLine, type MadeBefore } from '../core/incident/made/made.ts';
import { playbookWords, shortName } from '../core/incident/names.ts';
import type { Relative } from '../core/incident/relatives.ts';
import type { SimilarIncident, SimilarIncidents } from '../core/incident/similar.ts';
import { statusWords, stepWords } from '../core/incident/status.ts';
import { type ChangedStep, changeWords } from '../core/journal/change-words.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import type { Json } from '../core/json.ts';
import { counted, reach } from '../core/words.ts';
import { ACTIONS, MENU, optionValue, VIEWS } from './actions.ts';
import { button, context, type Modal, option, plain, section, type ViewBlock } from './block-kit.ts';
import { changeLines } from './changes.ts';
import { chunks, code, cut, LIMITS, person, preformatted, untrusted, when } from './text.ts';
import { decidedWords, headline, namedTarget, slackWords } from './words.ts';

export interface DetailsContent {
  readonly incident: Incident;
  readonly finding: Finding;
  readonly steps: readonly StepRecord[];
  readonly timeline: readonly TimelineEvent[];
  readonly context?: IncidentContext | undefined;
  readonly madeBefore?: MadeBefore | undefined;
  readonly similar?: SimilarIncidents | undefined;
  readonly relatives?: readonly Relative[];
  readonly consoleUrl?: string | undefined;
  /** `plan.1` is the second page of the chapter `plan`; the first page of the first chapter without it. */
  readonly page?: string | undefined;
}

/** Escaped text; a chapter is a list of them. A heading begins with an empty line. */
type Entry = string;
interface Chapter {
  readonly title: string;
  readonly entries: (content: DetailsContent) => readonly Entry[];
}

const CHAPTERS = {
  finding: { title: 'Finding', entries: findingEntries },
  plan: { title: 'Plan: before and after', entries: planEntries },
  identity: { title: 'Identity', entries: identityEntries },
  calls: { title: 'CloudTrail timeline', entries: callEntries },
  risk: { title: 'Risk and proof', entries: riskEntries },
  made: { title: 'Made before containment', entries: madeEntries },
  similar: { title: 'Similar incidents', entries: similarEntries },
  history: { title: 'Decision and history', entries: historyEntries },
  raw: {
    title: 'Finding as received',
    entries: ({ finding }) => pre(JSON.stringify(finding.detail, null, 2)),
  },
} as const satisfies Record<string, Chapter>;
type ChapterName = keyof typeof CHAPTERS;
const NAMES = Object.keys(CHAPTERS) as readonly ChapterName[];

/** One section of a modal, and how many of its characters a page has: some screens of a phone. */
const SECTION = LIMITS.section - 100;
const PAGE = 9000;

export function detailsView(ticket: string, content: DetailsContent): Modal {
  const { incident, consoleUrl } = content;
  const [, asked = '', number = '0'] = /^(\w+)\.(\d{1,4})$/.exec(content.page ?? '') ?? [];
  const name = NAMES.find((each) => each === asked) ?? 'finding';
  const pages = pagesOf(CHAPTERS[name].entries(content));
  const at = Math.min(Number(number), pages.length - 1);
  return {
    type: 'modal',
    callback_id: VIEWS.details,
    private_metadata: ticket,
    title: plain(incident.id, LIMITS.viewTitle),
    close: plain('Close', LIMITS.viewTitle),
    blocks: [
      section(`*${headline(incident)}*${incident.sample ? ' · 🧪 SAMPLE' : ''}`),
      menu(name),
      ...(pages[at] ?? []).map((text) => section(text.replace(/^\n+/, ''))),
      ...turning(name, at, pages.length),
      context(
        [
          pages.length > 1 ? `Page ${at + 1} of ${pages.length}` : `All of it`,
          ...(consoleUrl ? [`<${consoleUrl}/incident/${incident.id}|open in the console>`] : []),
        ].join(' · '),
      ),
    ],
  };
}

function menu(current: ChapterName): ViewBlock {
  const options = NAMES.map((name) => option(CHAPTERS[name].title, optionValue('detailsPage', `${name}.0`)));
  const initial = options[NAMES.indexOf(current)];
  return {
    type: 'actions',
    // A block that keeps its id keeps what was chosen in it; the chapter shown decides instead.
    block_id: `chapters-${current}`,
    elements: [
      {
        type: 'static_select',
        action_id: MENU,
        options,
        placeholder: plain('Chapter', LIMITS.placeholder),
        ...(initial ? { initial_option: initial } : {}),
      },
    ],
  };
}

function turning(name: ChapterName, at: number, count: number): readonly ViewBlock[] {
  const turn = (to: number, text: string, words: string) =>
    section(words, button(ACTIONS.detailsPage, text, `${name}.${to}`));
  return [
    ...(at + 1 < count ? [turn(at + 1, 'Next page', `${count - at - 1} more to read`)] : []),
    ...(at > 0 ? [turn(at - 1, 'Previous page', `Page ${at} of ${count}`)] : []),
  ];
}

/** Entries packed into sections, sections into pages. */
function pagesOf(entries: readonly Entry[]): readonly (readonly string[])[] {
  const sections: string[] = [];
  for (const piece of entries.flatMap((entry) => chunks(entry, SECTION))) {
    const last = sections.at(-1);
    if (last !== undefined && last.length + piece.length < SECTION && !isBlock(last) && !isBlock(piece)) {
      sections[sections.length - 1] = `${last}\n${piece}`;
    } else sections.push(piece);
  }
  const pages: string[][] = [[]];
  let length = 0;
  for (const text of sections) {
    if (length > 0 && length + text.length > PAGE) {
      pages.push([]);
      length = 0;
    }
    pages.at(-1)?.push(text);
    length += text.length;
  }
  return pages;
}

const FENCE = '```';
const isBlock = (text: string): boolean => text.startsWith(FENCE);
/** Lines as they are, each piece a code block of its own. */
const pre = (text: string): readonly Entry[] =>
  chunks(preformatted(text), SECTION - 2 * FENCE.length - 2).map((piece) => `${FENCE}\n${piece}\n${FENCE}`);

const named = (name: string, value: string | undefined): readonly Entry[] =>
  value ? [`*${name}* ${value}`] : [];

function findingEntries({ finding, incident, steps, context: around }: DetailsContent): readonly Entry[] {
  const { action, accessKey, instance } = finding;
  const codes = (values: readonly (string | undefined)[]) =>
    values
      .filter((value) => value !== undefined && value !== '')
      .map((value) => code(value ?? ''))
      .join(' ');
  const remotes = (action?.remote ?? []).map(({ ip, country, organisation, account }) =>
    codes([ip, country, organisation, account]),
  );
  const first = finding.firstSeen ? when(finding.firstSeen) : '?';
  const last = finding.lastSeen ? when(finding.lastSeen) : '?';
  return [
    `*${untrusted(finding.title)}*`,
    ...named('Type', code(finding.type)),
    ...named('Severity', `${finding.severity} (${finding.label})`),
    ...named('Seen', `${counted(incident.count, 'time')}, ${first} to ${last}`),
    ...named('Account', `${code(finding.account)} ${untrusted(finding.region)}`),
    ...named('Resource', code(incident.display ?? finding.resourceType ?? '')),
    ...named('Role', finding.resourceRole ? untrusted(finding.resourceRole) : undefined),
    ...named('Actor', remotes.slice(0, 20).join(', ') || undefined),
    ...named('Action', codes([action?.kind, action?.api, action?.service, action?.domain]) || undefined),
    ...named(
      'Network',
      codes([instance?.vpcId, ...(instance?.privateIps ?? []), ...(instance?.publicIps ?? [])]) || undefined,
    ),
    ...named('IAM', codes([accessKey?.userType, accessKey?.userName, accessKey?.principalId]) || undefined),
    ...indications(finding).flatMap(({ name, value }) => named(name, code(value))),
    ...named('Threat lists', finding.threatLists.map(untrusted).join(', ') || undefined),
    ...aroundEntries(around),
    ...pathEntries({ incident, finding, steps, context: around }),
  ];
}

/** The attack path way by way, to be copied and read aloud; the card has the picture. */
const pathEntries = (view: PathView): readonly Entry[] =>
  attackPaths(view).flatMap((graph) => [`\n*${untrusted(graph.title)}*`, ...pre(pathText(graph).join('\n'))]);

function aroundEntries(around: IncidentContext | undefined): readonly Entry[] {
  if (!around) return [];
  const { owner, attack, links, tags } = around;
  return [
    ...named('Team (tag)', owner === undefined ? undefined : untrusted(owner)),
    ...attack.map(
      ({ kind, id, name, url }) =>
        `*ATT&amp;CK ${untrusted(kind)}* ${url === undefined ? '' : `<${url}|${untrusted(id)}> `}${untrusted(name)}`,
    ),
    ...named(
      'Tags',
      Object.entries(tags)
        .map(([key, value]) => code(`${key}=${value}`))
        .join(' ') || undefined,
    ),
    ...(links.length > 0 ? [links.map(({ label, url }) => `<${url}|${untrusted(label)}>`).join(' · ')] : []),
  ];
}

function planEntries({ incident, steps: all }: DetailsContent): readonly Entry[] {
  const steps = ownSteps(incident, all);
  const names = changeNames(incident, all);
  if (steps.length > 0) {
    return steps.flatMap((step, index) => [
      `\n*${index + 1}. ${untrusted(step.describe)}*\n${step.role} · ${stepWords(step.status)}${step.doneAt ? `, ${when(step.doneAt)}` : ''}${step.note ? `: ${untrusted(step.note)}` : ''}`,
      ...change(step, names),
    ]);
  }
  const entries = incident.targets.flatMap((each) => targetEntries(each, names));
  return entries.length > 0 ? entries : ['There is nothing that Firebreak would change.'];
}

function targetEntries(each: IncidentTarget, names: Readonly<Record<string, string>>): readonly Entry[] {
  const { plan, problem, target } = each;
  const title = `\n*${untrusted(playbookWords(each.playbook))}*\n${code(target.display)}`;
  if (problem !== undefined) return [title, `⚠️ Cannot act: ${untrusted(problem)}`];
  switch (plan?.kind) {
    case undefined:
      return [title, 'Its live state was not read yet.'];
    case 'refused':
      return [
        title,
        `⚠️ Will not act: ${untrusted(plan.reason)}`,
        `*Instead*: ${untrusted(plan.alternative)}`,
      ];
    case 'plan':
      return [
        title,
        ...plan.steps.flatMap((step, index) => [
          `\n*${index + 1}. ${untrusted(step.describe)}* · ${step.role}`,
          ...change(step, names),
        ]),
      ];
  }
}

/** The change in words; where its values have parts, these are compared line by line as well. */
function change(step: ChangedStep, names: Readonly<Record<string, string>>): readonly Entry[] {
  const { setting, before, after, why } = changeWords(step, names);
  const line = `${untrusted(setting)}: ${code(before)} → ${code(after)}\n_${untrusted(why)}_`;
  const hasParts = (value: Json | undefined) =>
    (typeof value === 'object' && value !== null) || (typeof value === 'string' && value.startsWith('{'));
  return hasParts(step.before) || hasParts(step.after)
    ? [line, ...pre(changeLines(step.before, step.after).join('\n'))]
    : [line];
}

function callEntries({ context: around }: DetailsContent): readonly Entry[] {
  if (!around) return ['CloudTrail was not asked yet.'];
  const { activity } = around;
  if (activity.kind === 'not-read') return [untrusted(activity.why)];
  const { events, more, of, from, to } = activity;
  const head = `*${more ? 'The newest ' : ''}${counted(events.length, 'call')} by ${untrusted(of)}*, ${when(from)} to ${when(to)}`;
  if (events.length === 0) return [`${head}. CloudTrail is some minutes late.`];
  return [
    head,
    ...events.map(({ at, name, source, region, ip, agent, error, readOnly }) =>
      [
        `${error === undefined ? (readOnly ? '👁' : '✏️') : '⛔'} ${when(at)} *${untrusted(name)}* ${untrusted(source.replace(/\.amazonaws\.com(\.cn)?$/, ''))} ${untrusted(region)}`,
        ...(ip === undefined ? [] : [`from ${code(ip)}`]),
        ...(error === undefined ? [] : [`refused: ${untrusted(error)}`]),
        ...(agent === undefined ? [] : [`by ${untrusted(cut(agent, 100))}`]),
      ].join(', '),
    ),
  ];
}

function riskEntries({ incident, finding, steps }: DetailsContent): readonly Entry[] {
  const bullets = (title: string, lines: readonly string[]): readonly Entry[] =>
    lines.length === 0 ? [] : [`\n${title}`, ...lines.map((line) => `• ${line}`)];
  const plans = incident.targets.flatMap((each) =>
    each.plan?.kind === 'plan' ? [{ each, plan: each.plan }] : [],
  );
  const entries = [
    ...bullets('*What remains*', briefOf({ incident, finding, steps }).remains.map(slackWords)),
    ...plans.flatMap(({ each, plan: { blastRadius } }) =>
      bullets(`*Blast radius* of ${namedTarget(each)}: ${untrusted(reach(blastRadius))}`, [
        ...blastRadius.detail.map(untrusted),
      ]),
    ),
    ...bullets(
      '*Warnings*',
      plans.flatMap(({ plan }) => plan.warnings.map(untrusted)),
    ),
    ...incident.targets.flatMap((each) =>
      bullets(
        `*Proof* of ${namedTarget(each)}${each.verifiedAt ? `, verified ${when(each.verifiedAt)}` : ''}`,
        (each.proof?.checks ?? []).map(
          ({ ok, saw }) => `${ok ? '✅ verified' : '❌ not verified'}: ${untrusted(saw)}`,
        ),
      ),
    ),
    ...incident.targets.flatMap((each) =>
      each.undo
        ? bullets(`*Undo* of ${namedTarget(each)}`, [
            `${each.undo.safe ? 'one person may' : '⚠️ a second person must agree'}: ${untrusted(each.undo.why)}${each.undo.safeAt ? `, safe on its own ${when(each.undo.safeAt)}` : ''}`,
            ...(each.undo.residual ?? []).map(untrusted),
          ])
        : [],
    ),
  ];
  return entries.length > 0 ? entries : ['No remaining risk is known.'];
}

function identityEntries({ incident, steps, relatives = [] }: DetailsContent): readonly Entry[] {
  const rows = identityOf(incident, steps, relatives);
  if (rows.length === 0) return ['The incident is not about an identity of IAM.'];
  return rows.map(
    ({ what, state, why, incident: other }) =>
      `${identityMark(state)} *${untrusted(what)}*: ${identityWords(state)}${other === undefined ? '' : ` (${code(other)})`}${why === undefined ? '' : `\n   ${untrusted(why)}`}`,
  );
}

function madeEntries({ madeBefore: made }: DetailsContent): readonly Entry[] {
  if (!made) return ['Not looked up: that is done once an identity is contained.'];
  const { entries, left, unread, refused, of, from, to } = made;
  return [
    `*${entries.length + left} made by ${untrusted(of)}*, ${when(from)} to ${when(to)}. CloudTrail is some minutes late: looked up again after 20 minutes.`,
    ...entries.map(
      (entry) =>
        `• ${untrusted(entryLine(entry))}\n   ${entry.command === undefined ? untrusted(entry.action) : code(entry.command)}`,
    ),
    ...(left > 0 ? [`${left} more are not listed: see CloudTrail`] : []),
    ...unread.map((what) => `⚠️ not read: ${untrusted(what)}`),
    ...refused.map((what) => `not looked up: ${untrusted(what)}`),
  ];
}

function similarEntries({ similar }: DetailsContent): readonly Entry[] {
  if (!similar) return ['The table was not read.'];
  const { found, days, more } = similar;
  if (found.length === 0) return [`No other of this type in this account in the last ${days} days.`];
  const tally = new Map<string, number>();
  for (const { decided } of found) tally.set(decided, (tally.get(decided) ?? 0) + 1);
  const counts = [...tally].map(([decided, count]) => `${count} ${decided}`).join(', ');
  return [
    `*${more ? 'At least ' : ''}${counted(found.length, 'other')} of this type in this account* in the last ${days} days: ${counts}`,
    ...found.map(similarLine),
  ];
}

function similarLine({
  id,
  at,
  status,
  display,
  sameResource,
  decided,
  decidedBy,
  reason,
}: SimilarIncident): Entry {
  const by = decidedBy ? ` by ${person(decidedBy)}` : '';
  const why = reason ? `: “${untrusted(cut(reason, 200))}”` : '';
  return `• ${when(at)} ${code(id)} ${statusWords(status)} · ${decided}${by}${why}\n   ${sameResource ? '*the same resource*' : code(cut(shortName(display), 100))}`;
}

function historyEntries({ incident, timeline }: DetailsContent): readonly Entry[] {
  const decided = decidedWords(incident);
  return [
    ...(decided === undefined ? [] : [decided]),
    ...(incident.decision
      ? [`*Policy* ${untrusted(incident.decision.rule)}: ${incident.decision.kind}`]
      : []),
    ...(incident.decision?.reasons ?? []).map((reason) => `• ${untrusted(reason)}`),
    '\n*What happened*',
    ...timeline.map(({ at, event }) => `${when(at)} ${untrusted(event)}`),
  ];
}

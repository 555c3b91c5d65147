/**
 * An incident as a file: a post-mortem in Markdown, and everything as JSON. Text of the finding is the attacker's: in
 * Markdown no character of it makes a link, a tag, a table or a formula, in both no control or direction character is left.
 */

import { attackPaths, pathText } from '../core/incident/attack-path.ts';
import { BRIEF_TITLES, briefOf, nextWords } from '../core/incident/brief.ts';
import { changeNames } from '../core/incident/change-names.ts';
import { entryLine } from '../core/incident/made/made.ts';
import { momentsOf, readable } from '../core/incident/moments.ts';
import { risksOfIncident } from '../core/incident/risks.ts';
import { isContained, statusWords, stepWords } from '../core/incident/status.ts';
import { visible } from '../core/invisible.ts';
import { type ChangedStep, changeWords } from '../core/journal/change-words.ts';
import type { Json } from '../core/json.ts';
import { duration, plainWords, type Words } from '../core/words.ts';
import type { Review } from './source.ts';
import { jsonDiff } from './step-diff.ts';

/** Text within a line of Markdown. What is no markup where it stands stays as it is: a name can be copied. */
const inline = (text: string): string =>
  visible(text)
    .replaceAll('\n', ' ')
    .replace(/[\\`*[\]|~$]/g, '\\$&')
    // Within a word it is not emphasis (GitHub Flavored Markdown).
    .replace(/(?<![\p{L}\p{N}_])_|_(?![\p{L}\p{N}_])/gu, '\\_')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    // A list, a heading, a quotation; a spreadsheet that takes over a table would calculate the others.
    .replace(/^(\s*)([-+#>=@]|\d+(?=[.)]))/, '$1\\$2')
    .replace(/:\/\//g, ':&#47;&#47;');

/** Code in a fence that the text itself cannot close; line feeds stay. */
function fenced(text: string, language: string): string {
  const safe = visible(text);
  const longest = Math.max(2, ...[...safe.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${safe}\n${fence}`;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const list = (lines: readonly string[], none: string): string =>
  lines.length > 0 ? lines.map((line) => `- ${line}`).join('\n') : none;

/** Facts and headings; what only people know is left as questions. */
export function postMortem(review: Review): string {
  const { incident, steps, calls, evidence } = review;
  const parts = [
    `# Post-mortem: ${inline(incident.type)}`,
    incident.sample ? '**SAMPLE finding: nothing was changed.**' : '',
    table(['What', 'Value'], factsOf(review)),
    '## Summary',
    summaryOf(review),
    '## Attack path',
    pathsOf(review),
    '## Timeline (UTC)',
    table(
      ['At', 'Since the finding', 'What'],
      momentsOf(review).map(({ at, since, text }) => [
        `${at.slice(0, 19).replace('T', ' ')}`,
        `${since < 0 ? '\u2212' : '+'}${duration(Math.abs(since))}`,
        inline(readable(text)),
      ]),
    ),
    '## Why it was decided so',
    list((incident.decision?.reasons ?? []).map(inline), 'No decision was made.'),
    '## What was changed',
    changesOf(steps, changeNames(incident, steps)),
    '## Proof',
    list(
      incident.targets.flatMap(({ proof }) =>
        (proof?.checks ?? []).map(({ ok, saw }) => `${ok ? 'verified' : '**not verified**'}: ${inline(saw)}`),
      ),
      'No proving read.',
    ),
    '## What remains at risk',
    list(risksOfIncident(incident).map(inline), 'Nothing known.'),
    '## Made before containment',
    madeOf(review.madeBefore),
    '## Evidence',
    list(
      evidence.map(
        ({ key, bytes, sha256 }) => `\`${key.replaceAll('`', '')}\` (${bytes} bytes, SHA-256 ${sha256})`,
      ),
      'None.',
    ),
    '## AWS calls',
    callsOf(calls),
    '## What to do now',
    '- [ ] *Root cause: how did they get in?*',
    '- [ ] *What else could the same hole reach?*',
    '- [ ] *Undo the containment, or replace what it contains*',
    '- [ ] *What would have made this faster, or impossible?*',
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** The four lines that page and card open with. */
function summaryOf({ incident, steps, parsed }: Review): string {
  const { happened, did, remains, next } = briefOf({ incident, steps, finding: parsed });
  const line = (title: string, words: Words) => `**${title}.** ${inline(plainWords(words))}`;
  return [
    line(BRIEF_TITLES.happened, happened),
    line(BRIEF_TITLES.did, did),
    `**${BRIEF_TITLES.remains}.**`,
    list(
      remains.map((words) => inline(plainWords(words))),
      '',
    ),
    line(BRIEF_TITLES.next, nextWords(next)),
  ].join('\n\n');
}

/** As text: Markdown has no drawing that every reader shows. `--X` is a cut, `- ->` what is open. */
function pathsOf({ incident, parsed, steps, context }: Review): string {
  const graphs = attackPaths({ incident, finding: parsed, steps, context });
  return graphs.length === 0
    ? 'Not known.'
    : fenced(
        graphs.flatMap((graph) => [graph.title, ...pathText(graph).map((line) => `  ${line}`)]).join('\n'),
        'text',
      );
}

function factsOf({ incident, context }: Review): readonly (readonly [string, string])[] {
  const { approval, decision, containedAt } = incident;
  const took =
    containedAt === undefined ? undefined : Date.parse(containedAt) - Date.parse(incident.createdAt);
  return [
    ['Incident', incident.id],
    [
      'Outcome',
      `${statusWords(incident.status)}${isContained(incident.status) && took !== undefined ? ` after ${duration(took)}` : ''}`,
    ],
    [
      'Finding',
      `${inline(incident.type)} (${incident.severity} ${incident.label}), seen ${incident.count} times`,
    ],
    ['Resource', inline(incident.display ?? 'none named')],
    ['Account and Region', `${incident.account}, ${incident.region}`],
    ['Team (tag)', inline(context?.owner ?? 'not known')],
    ['Opened', incident.createdAt],
    ['Containment proven', containedAt ?? 'never'],
    ['Playbook', incident.playbook ?? 'none'],
    ['Decision', `${decision?.kind ?? 'none'} by ${inline(decision?.rule ?? 'no rule')}`],
    ...(approval
      ? ([
          [
            'Approval',
            `${approval.outcome ?? 'open'} by ${inline(approval.decidedBy ?? 'no one')}${approval.reason ? `: ${inline(approval.reason)}` : ''}`,
          ],
        ] as const)
      : []),
  ];
}

function changeLine(step: ChangedStep, names: Readonly<Record<string, string>>): string {
  const { setting, before, after, why } = changeWords(step, names);
  return `**${inline(setting)}**: ${inline(before)} → ${inline(after)} (${inline(why)})`;
}

const changesOf = (steps: Review['steps'], names: Readonly<Record<string, string>>): string =>
  steps.length === 0
    ? 'Nothing.'
    : steps
        .map(
          ({ describe, status, note, kind, args, before, after }) =>
            `### ${inline(describe)} (${stepWords(status)})\n\n${note ? `${inline(note)}\n\n` : ''}${changeLine({ kind, args, before, after }, names)}\n\n${fenced(diffText(before, after), 'diff')}`,
        )
        .join('\n\n');

function madeOf(made: Review['madeBefore']): string {
  if (!made) return 'Not looked up.';
  const { entries, left, unread, refused } = made;
  const gaps = [
    ...(left > 0 ? [`${left} more are not listed: see CloudTrail`] : []),
    ...unread.map((what) => `not read: ${inline(what)}`),
    ...refused.map((what) => `not looked up: ${inline(what)}`),
  ];
  return [
    ...(entries.length > 0 ? [] : ['Nothing was found.']),
    ...entries.map((entry) =>
      [
        `### ${inline(entryLine(entry))}`,
        `${inline(entry.action)}.`,
        ...(entry.command === undefined ? [] : [fenced(entry.command, 'sh')]),
      ].join('\n\n'),
    ),
    ...(gaps.length > 0 ? [list(gaps, '')] : []),
  ].join('\n\n');
}

const callsOf = (calls: Review['calls']): string =>
  table(
    ['At', 'Task', 'Call', 'Region', 'Outcome', 'Request id'],
    calls.map(({ at, task, service, operation, region, error, requestId }) => [
      at,
      task,
      `${service}:${operation}`,
      region,
      error ?? 'ok',
      requestId ?? '',
    ]),
  );

function diffText(before: Json | undefined, after: Json | undefined): string {
  const signs = { same: ' ', added: '+', removed: '-', gap: ' ' } as const;
  return jsonDiff(before, after)
    .map(({ kind, text }) => `${signs[kind]}${text}`)
    .join('\n');
}

/** Everything there is about the incident, without the ids by which people decide. */
export function incidentJson({ incident, ...rest }: Review): string {
  const { approval, ...facts } = incident;
  const { id: _id, ...shown } = approval ?? { id: '' };
  const text = JSON.stringify(
    {
      incident: { ...facts, ...(approval ? { approval: shown } : {}) },
      residual: risksOfIncident(incident),
      ...rest,
    },
    null,
    2,
  );
  return `${visible(text)}\n`;
}

/** policy.yml with validation as someone types, and a backtest of the change before it is deployed. */

import { isFirebreakError } from '../../core/errors.ts';
import { directionOf, effectInWords } from '../../core/policy/backtest.ts';
import { type Policy, parsePolicy } from '../../core/policy/policy.ts';
import { KNOWN_PLAYBOOKS } from '../../playbooks/known.ts';
import { type Backtest, backtest } from '../backtest.ts';
import { count, severityBadge } from '../format.ts';
import { CSRF_FIELD, hidden, type Page } from '../layout.ts';
import { breakable, type Markup, markup, type Value } from '../markup.ts';
import type { ReviewSource } from '../source.ts';
import { diffHtml, textDiff } from '../step-diff.ts';

export interface PolicyProblem {
  /** From 1; 0 where the problem has no place. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** What is wrong with the text, by line; the policy when nothing is. */
export function checkPolicy(
  text: string,
):
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] } {
  try {
    return { ok: true, policy: parsePolicy(text, 'policy.yml', KNOWN_PLAYBOOKS) };
  } catch (error) {
    if (!isFirebreakError(error, 'PolicyInvalid')) throw error;
    return {
      ok: false,
      problems: error.lines.map((problem) => {
        const [, line, column, message] = /^policy\.yml:(\d+):(\d+): (.*)$/.exec(problem) ?? [];
        return { line: Number(line ?? 0), column: Number(column ?? 0), message: message ?? problem };
      }),
    };
  }
}

interface View {
  readonly source: ReviewSource;
  readonly csrf: string;
  readonly now: Date;
  /** What someone wrote; absent when the page is opened. */
  readonly draft?: string | undefined;
  /** Rules were chosen to be tried on past findings. */
  readonly tried: boolean;
}

export async function policyPage({ source, csrf, now, draft, tried }: View): Promise<Page> {
  const { file, text } = await source.policy();
  const current = draft ?? text;
  const checked = checkPolicy(current);
  const result =
    tried && checked.ok ? await backtest(source, parsePolicy(text, file), checked.policy, now) : undefined;
  const lines = current.split('\n').length;
  return {
    title: 'Policy',
    live: false,
    wide: true,
    scripts: ['/policy.js'],
    main: markup`<h1>Policy</h1><p>Change ${file} here and try it on past findings before it is deployed. Nothing is saved: take the text over into the file, then <code>npm run deploy</code>.</p>
<form method="post" action="/policy#result" class="policy">${hidden({ [CSRF_FIELD]: csrf })}
<label for="policy-text">${file}</label>
<div class="editor"><pre class="gutter" aria-hidden="true" data-gutter>${Array.from({ length: lines }, (_, index) => `${index + 1}\n`)}</pre><textarea id="policy-text" name="text" spellcheck="false" autocapitalize="off" autocomplete="off" wrap="off" aria-describedby="problems" data-problems="/policy/check">
${current}</textarea></div>
<div id="problems" class="problems" role="status" aria-live="polite">${problems(checked)}</div>
<p><button class="primary" data-submit>Backtest on past findings</button> <button type="button" data-copy hidden>Copy</button> <a class="button" href="/policy">Start again from ${file}</a> <span class="note">Tab indents, Escape then Tab leaves the text.</span></p></form>
<section id="result" class="panel" aria-labelledby="result-title" tabindex="-1"><h2 id="result-title">Backtest</h2>${
      result
        ? backtestResult(result)
        : markup`<p class="note">${tried ? 'Fix the lines named above first.' : 'Not run yet.'}</p>`
    }${current.trim() === text.trim() ? '' : markup`<details data-keep="text-diff"><summary>The change to ${file}</summary>${diffHtml(textDiff(text, current), `Change to ${file}`)}</details>`}</section>`,
  };
}

export function problems(checked: ReturnType<typeof checkPolicy>): Value {
  if (checked.ok) return markup`<p class="ok">The policy is valid.</p>`;
  return markup`<p class="bad">${count(checked.problems.length, 'problem')}:</p><ul>${checked.problems.map(
    ({ line, column, message }) =>
      markup`<li>${line > 0 ? markup`<a href="#policy-text" data-line="${line}">line ${line}, column ${column}</a>: ` : ''}${message}</li>`,
  )}</ul>`;
}

type Line = Backtest['lines'][number];
const MARKS: Readonly<Record<ReturnType<typeof directionOf>, string>> = {
  raised: '▲ more is done',
  lowered: '▼ less is done',
  other: 'other terms',
  same: 'same',
};
const SHOWN = 200;

function backtestResult({ lines, left, more }: Backtest): Markup {
  const differing = lines.filter(({ changed }) => changed);
  const head = markup`<p role="status"><strong>${count(differing.length, 'decision')} of ${lines.length.toLocaleString('en-GB')} would differ.</strong>${more ? ' Only the newest findings were tried.' : ''}${left > 0 ? ` ${count(left, 'finding')} could not be read.` : ''}</p>
<p class="note">Each with the plan that was made for it then: blast radius, tags and exemptions count as they did. What a playbook's own settings change in a plan is not seen here.</p>`;
  if (differing.length === 0) return head;
  const rows = [...differing]
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, SHOWN)
    .map((line) => {
      const { incidentId, finding, before, after } = line;
      const change = directionOf(line);
      return markup`<tr class="${change}"><th scope="row"><a href="/incident/${incidentId}">${incidentId}</a><span class="note">${breakable(finding.type)}</span></th><td>${severityBadge(finding.label, finding.severity)}</td><td>${effect(before)}</td><td>${effect(after)}</td><td>${MARKS[change]}</td></tr>`;
    });
  return markup`${head}${moves(differing)}
<div class="scroll" role="region" tabindex="0" aria-label="Decisions that differ"><table><thead><tr><th scope="col">Incident</th><th scope="col">Severity</th><th scope="col">Old decision</th><th scope="col">New decision</th><th scope="col">Change</th></tr></thead><tbody>${rows}</tbody></table></div>${differing.length > SHOWN ? markup`<p class="note">The first ${SHOWN} of ${differing.length} are shown.</p>` : ''}`;
}

/** The decision, its terms, and the reason that came last: a gate that lowered it, or the rule. */
const effect = (decision: Line['before']): Markup =>
  markup`<span class="decision ${decision.kind}">${decision.kind}</span>${effectInWords(decision).slice(decision.kind.length)}<span class="note">${breakable(decision.reasons.at(-1) ?? '')}</span>`;

/** `ask -> auto` and how often, the most frequent first. */
function moves(lines: readonly Line[]): Markup {
  const numbers = new Map<string, number>();
  for (const { before, after } of lines) {
    const name = `${before.kind} ${after.kind}`;
    numbers.set(name, (numbers.get(name) ?? 0) + 1);
  }
  const sorted = [...numbers].sort(([, a], [, b]) => b - a);
  return markup`<ul class="moves">${sorted.map(([name, number]) => {
    const [from, to] = name.split(' ');
    return markup`<li><span class="big">${number}</span> <span class="decision ${from}">${from}</span> → <span class="decision ${to}">${to}</span></li>`;
  })}</ul>`;
}

/** What is raised first: that is where a mistake hurts. */
const rank = (line: Line): number => ['raised', 'lowered', 'other', 'same'].indexOf(directionOf(line));

/** The matrix of finding families and severities: what happens in each cell, and why. */

import { exampleOf } from '../../core/finding/example.ts';
import type { SeverityLabel } from '../../core/finding/finding.ts';
import type { DecisionKind } from '../../core/incident/incident.ts';
import { type Policy, parsePolicy } from '../../core/policy/policy.ts';
import {
  coverageLine,
  type Judged,
  judge,
  LABELS,
  publishedTypes,
  SCAN_RESULTS,
} from '../../playbooks/coverage.ts';
import { count } from '../format.ts';
import type { Page } from '../layout.ts';
import { breakable, Markup, markup, type Value } from '../markup.ts';
import type { ReviewSource } from '../source.ts';

const KINDS: readonly (readonly [DecisionKind, string])[] = [
  ['auto', 'contained automatically, the channel is notified'],
  ['ask', 'a person approves in Slack'],
  ['notify', 'the channel is notified'],
  ['record', 'kept, no one is notified'],
];

interface CoveredType {
  readonly type: string;
  readonly family: string;
  /** The severity GuardDuty gives it by default. */
  readonly usual: string;
  readonly playbooks: readonly string[];
  /** A playbook changes something; otherwise the channel is notified. */
  readonly contains: boolean;
  readonly decisions: Readonly<Record<SeverityLabel, Judged>>;
}

function coveredType(policy: Policy, type: string, usual: string): CoveredType {
  const { playbooks, reversible } = coverageLine(policy, type);
  return {
    ...{ type, playbooks, usual: usual.toLowerCase(), family: exampleOf(type, 'low').family },
    contains: reversible !== 'no change',
    decisions: {
      low: judge(policy, type, 'low'),
      medium: judge(policy, type, 'medium'),
      high: judge(policy, type, 'high'),
      critical: judge(policy, type, 'critical'),
    },
  };
}

export async function coveragePage(source: ReviewSource, query: URLSearchParams): Promise<Page> {
  const { text, file } = await source.policy();
  const policy = parsePolicy(text, file);
  const types = [...(await publishedTypes()), ...SCAN_RESULTS].map((one) =>
    coveredType(policy, one.type, one.defaultSeverity),
  );
  const families = [...new Set(types.map(({ family }) => family))].sort();
  const family = families.find((name) => name === query.get('family'));
  const severity = LABELS.find((label) => label === query.get('severity'));
  const covered = types.filter(({ contains }) => contains).length;
  return {
    title: 'Coverage',
    live: false,
    wide: true,
    main: markup`<h1>Coverage</h1><p>${count(types.length, 'finding type')} of GuardDuty, ${covered} of which a playbook contains, as ${file} decides them. A live gate can lower a decision further (an exemption, the blast radius, the circuit breaker, the kill switch); nothing raises it. A type that is not listed is reported and raises an alarm.</p>
<ul class="keys">${KINDS.map(([kind, words]) => markup`<li><span class="decision ${kind}">${kind}</span> ${words}</li>`)}</ul>
<div class="scroll" role="region" tabindex="0" aria-label="Families and severities"><table class="matrix"><thead><tr><th scope="col">Family</th>${LABELS.map((label) => markup`<th scope="col">${label}</th>`)}</tr></thead>
<tbody>${families.map((name) => familyRow(name, types, family === name ? severity : undefined))}</tbody></table></div>
${family ? details(family, severity, types) : markup`<p class="note">Choose a cell to see its types and the reasons.</p>`}`,
  };
}

function familyRow(family: string, types: readonly CoveredType[], current: SeverityLabel | undefined): Value {
  const own = types.filter((type) => type.family === family);
  const cells = LABELS.map((label) => {
    const parts = KINDS.flatMap(([kind]) => {
      const number = own.filter(({ decisions }) => decisions[label].kind === kind).length;
      return number > 0
        ? [markup`<span class="decision ${kind}">${kind}${number < own.length ? ` ${number}` : ''}</span> `]
        : [];
    });
    const query = new URLSearchParams({ family, severity: label });
    return markup`<td><a href="/coverage?${query.toString()}#why"${label === current ? new Markup(' aria-current="true"') : ''}><span class="sr">${family}, ${label}: </span>${parts}</a></td>`;
  });
  return markup`<tr><th scope="row">${family}<span class="note">${count(own.length, 'type')}</span></th>${cells}</tr>`;
}

function details(family: string, severity: SeverityLabel | undefined, types: readonly CoveredType[]): Markup {
  const labels = severity ? [severity] : LABELS;
  const own = types.filter((type) => type.family === family);
  const rows = labels.flatMap((label) =>
    own.map(({ type, usual, playbooks, decisions }) => {
      const decision = decisions[label];
      return markup`<tr><th scope="row">${breakable(type)}${usual === label ? markup`<span class="note">its usual severity</span>` : ''}</th><td><span class="decision ${decision.kind}">${decision.kind}</span>${decision.page ? markup` <span class="badge wait">page</span>` : ''}</td><td>${playbooks.join(' or ') || 'none'}</td><td><ul class="plain">${decision.reasons.map((reason) => markup`<li>${breakable(reason)}</li>`)}</ul></td></tr>`;
    }),
  );
  return markup`<section id="why" aria-labelledby="why-title"><h2 id="why-title">${family}${severity ? `, ${severity}` : ''}: why</h2><div class="scroll" role="region" tabindex="0" aria-label="${`Types of ${family}`}"><table><thead><tr><th scope="col">Finding type</th><th scope="col">Decision</th><th scope="col">Playbook</th><th scope="col">Because</th></tr></thead><tbody>${rows}</tbody></table></div></section>`;
}

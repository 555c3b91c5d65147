/** One incident, from GuardDuty's first event to the proof, with everything that was read, decided and changed. */

import type { IncidentCall } from '../../core/aws/call-log.ts';
import { attackPaths } from '../../core/incident/attack-path.ts';
import { briefOf, type Next, ownSteps } from '../../core/incident/brief.ts';
import { changeNames } from '../../core/incident/change-names.ts';
import { executionLink } from '../../core/incident/console-links.ts';
import { type ApprovalView, type Incident, verifiedAt } from '../../core/incident/incident.ts';
import { momentsOf, readable } from '../../core/incident/moments.ts';
import { risksOfResponse, risksOfTarget } from '../../core/incident/risks.ts';
import { isContained, isContainment, isRunning, statusWords } from '../../core/incident/status.ts';
import type { StepRecord } from '../../core/journal/hold.ts';
import { capitalised, duration } from '../../core/words.ts';
import { drawAttack } from '../attack-drawing.ts';
import { briefSection } from '../brief.ts';
import { changeHtml } from '../change.ts';
import { contextSection } from '../context-section.ts';
import type { ExecutionView, StateVisit } from '../execution.ts';
import { findingSection } from '../finding-section.ts';
import { clock, count, second, severityBadge, statusBadge, stepBadge, time } from '../format.ts';
import { identitySection } from '../identity-section.ts';
import type { Page } from '../layout.ts';
import { madeSection } from '../made-section.ts';
import { breakable, Markup, markup, type Value } from '../markup.ts';
import type { Approvers, Review } from '../source.ts';
import { type Asl, drawStateMachine } from '../state-machine.ts';
import { whoMay } from './answer.ts';

export type Machines = Readonly<Record<'respond' | 'undo', Asl>>;

export function incidentPage(
  review: Review,
  machines: Machines,
  command: (given: string) => string,
  /** Where something is asked. */
  approvers?: Approvers,
): Page {
  const { incident, steps, calls, evidence, context, madeBefore, executions, finding } = review;
  const sections: readonly (readonly [string, string, Value])[] = [
    ['path', 'Attack path', attack(review)],
    ['timeline', 'Timeline', timeline(review)],
    ['decision', 'Decision', decision(incident)],
    ['changes', 'Changes', changes(steps, incident)],
    ['identity', 'Identity', identitySection(review)],
    ['proof', 'Proof and risk', proof(incident)],
    ['made', 'Made before', madeSection(madeBefore)],
    ['calls', 'AWS calls', callTable(calls)],
    ['context', 'Context', contextSection(context)],
    ['evidence', 'Evidence', evidenceTable(evidence)],
    ['finding', 'Finding', findingSection(finding)],
    [
      'workflow',
      'Workflow',
      markup`<details data-keep="workflow"><summary>States and times of the workflow</summary>${executions.map((execution) => workflow(execution, machines))}</details>`,
    ],
  ];
  return {
    title: `${incident.id} ${statusWords(incident.status)}`,
    live: true,
    wide: true,
    main: markup`<p class="crumbs"><a href="/">Incidents</a> / <span>${incident.id}</span></p>
<div class="incident-head"><div class="badges">${statusBadge(incident.status)} ${severityBadge(incident.label, incident.severity)}${incident.sample ? markup` <span class="badge calm">sample: nothing is ever changed</span>` : ''}</div>
<h1>${breakable(incident.title)}</h1>${briefSection(review, act(review, command, approvers))}
<p class="target">${breakable(incident.type)}</p><p class="target">${breakable(incident.display ?? 'The finding does not name a resource to act on')}</p>
<p class="actions"><a class="button" href="/incident/${incident.id}/post-mortem.md" download>Post-mortem, Markdown</a> <a class="button" href="/incident/${incident.id}/incident.json" download>JSON</a></p>
${facts(review)}</div>
<nav class="sections" aria-label="Of this incident"><ul>${sections.map(([id, title]) => markup`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
${sections.map(([id, title, body]) => markup`<section id="${id}" class="panel" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${body}</section>`)}`,
  };
}

/** What to press, or to type where the page cannot do it. */
function act(
  { incident, steps, parsed }: Review,
  command: (given: string) => string,
  approvers: Approvers | undefined,
): Value {
  const { next } = briefOf({ incident, steps, finding: parsed });
  if (approvers)
    return markup`<p class="actions"><a class="button primary" id="answer" href="/incident/${incident.id}/answer">Approve or deny…</a></p>${whoMay(approvers, incident)}`;
  const undoable = steps.some(({ status }) => ['done', 'drift', 'undoing'].includes(status));
  if (undoable && incident.approval?.outcome === undefined && incident.approval !== undefined)
    return typed(next, command);
  return undoable
    ? markup`<p class="actions"><a class="button primary" id="undo" href="/incident/${incident.id}/undo">Preview undo</a></p>`
    : typed(next, command);
}

const typed = ({ commands }: Next, command: (given: string) => string): Value =>
  commands.map((given) => markup`<p class="command"><code>${command(given)}</code></p>`);

function facts({ incident, context, relatives, thread }: Review): Markup {
  const { containedAt, createdAt, approval, owner } = incident;
  const confirmed = verifiedAt(incident);
  const took = containedAt === undefined ? undefined : Date.parse(containedAt) - Date.parse(createdAt);
  const pairs: readonly (readonly [string, Value])[] = [
    ['Incident', incident.id],
    ['Account', `${incident.account}, ${incident.region}`],
    ['Opened', time(createdAt)],
    ['Contained', took === undefined ? 'not confirmed' : markup`after ${duration(Math.max(0, took))}`],
    ...(confirmed === undefined || !isContained(incident.status)
      ? []
      : ([['Last verified', time(confirmed)]] as const)),
    ['Playbook', incident.playbook ?? 'none'],
    ['Decision', incident.decision?.kind ?? 'not yet'],
    ...(approval?.decidedBy ? ([['Decided by', approval.decidedBy]] as const) : []),
    ...(owner ? ([['Worked on by', owner.by]] as const) : []),
    ...(context?.owner ? ([['Team (tag)', context.owner]] as const) : []),
    ['Seen', count(incident.count, 'time')],
    ...relatives.map(
      ({ id, what, status }) =>
        [capitalised(what), markup`<a href="/incident/${id}">${id}</a> ${statusBadge(status)}`] as const,
    ),
    ...(thread === undefined
      ? []
      : [['Slack', markup`<a href="${thread}">the card and its thread</a>`] as const]),
  ];
  return markup`<dl class="facts">${pairs.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function attack({ incident, parsed, steps, context }: Review): Value {
  const graphs = attackPaths({ incident, finding: parsed, steps, context });
  return graphs.length > 0
    ? graphs.map(drawAttack)
    : markup`<p class="note">The finding names neither where it came from nor what it touched.</p>`;
}

function timeline(review: Review): Markup {
  const moments = momentsOf(review);
  let day = '';
  const lines = moments.map(({ at, kind, text, since }) => {
    const head = at.slice(0, 10) === day ? '' : markup`<li class="day">${at.slice(0, 10)}</li>`;
    day = at.slice(0, 10);
    const offset = since === 0 ? '' : `${since < 0 ? '−' : '+'}${duration(Math.abs(since))}`;
    return markup`${head}<li class="moment of-${kind}"><span class="at">${second(at)}<span class="note">${offset}</span></span><span class="dot" aria-hidden="true"></span><span class="text"><span class="sr">${kind}: </span>${folded(text)}</span></li>`;
  });
  return markup`<p class="note">Times are UTC<span data-zone></span>. Calls are those that CloudTrail has of the finding's principal.</p><ol class="timeline">${lines}</ol>`;
}

/** A hash is short in the line, and whole where one looks for it. */
function folded(text: string): Value {
  const short = readable(text);
  return short === text
    ? breakable(text)
    : markup`${breakable(short)}<details class="fold"><summary>whole</summary>${breakable(text)}</details>`;
}

function decision(incident: Incident): Value {
  const { decision: made, approval, unhandled = [] } = incident;
  if (!made) return markup`<p class="note">Not decided yet.</p>`;
  return markup`<p><strong class="word">${made.kind}</strong> by ${made.rule}</p><ul>${made.reasons.map((reason) => markup`<li>${breakable(reason)}</li>`)}</ul>
${approval ? approvalCard(approval) : ''}
${unhandled.length > 0 ? markup`<h3>Named by the finding and not contained</h3><ul>${unhandled.map((what) => markup`<li>${breakable(what)}</li>`)}</ul>` : ''}`;
}

function approvalCard(approval: ApprovalView): Markup {
  const {
    purpose,
    requestedAt,
    expiresAt,
    needed,
    approvedBy,
    outcome,
    decidedBy,
    decidedAt,
    reason,
    requestedBy,
  } = approval;
  const words = purpose === 'contain' ? 'to contain' : 'to undo';
  const waited = decidedAt === undefined ? undefined : Date.parse(decidedAt) - Date.parse(requestedAt);
  return markup`<h3>The card ${words}</h3><dl class="facts"><div><dt>Asked</dt><dd>${time(requestedAt)}${requestedBy ? markup` for ${requestedBy}` : ''}</dd></div><div><dt>${outcome ? 'Outcome' : 'Waits until'}</dt><dd>${outcome ? markup`<strong>${outcome}</strong>` : time(expiresAt)}</dd></div>${
    decidedBy ? markup`<div><dt>By</dt><dd>${decidedBy}</dd></div>` : ''
  }${waited === undefined ? '' : markup`<div><dt>After</dt><dd>${duration(Math.max(0, waited))}</dd></div>`}<div><dt>Approved by</dt><dd>${approvedBy.length > 0 ? approvedBy.join(', ') : 'no one'} <span class="note">of ${needed} needed</span></dd></div>${
    reason ? markup`<div><dt>Reason</dt><dd>${reason}</dd></div>` : ''
  }</dl>`;
}

function workflow(execution: ExecutionView, machines: Machines): Markup {
  const link = executionLink(execution.arn);
  const head = markup`<h3>${execution.title}${execution.kind === 'read' ? markup` <span class="badge ${execution.status === 'SUCCEEDED' ? 'good' : execution.status === 'RUNNING' ? 'wait' : 'bad'}">${execution.status.toLowerCase()}</span>` : ''}${
    link
      ? markup` <a class="small" href="${link}" rel="noreferrer noopener" target="_blank">Open in Step Functions</a>`
      : ''
  }</h3>`;
  if (execution.kind === 'not-read') return markup`${head}<p class="note">${execution.why}</p>`;
  const rows = execution.visits.map(visitRow);
  return markup`${head}<div class="workflow">${drawStateMachine(machines[execution.machine], execution, execution.title)}
<div class="scroll visits" role="region" tabindex="0" aria-label="${`States of the ${execution.title.toLowerCase()}`}"><table><thead><tr><th scope="col">State</th><th scope="col">Entered</th><th scope="col">Took</th><th scope="col">Tries</th></tr></thead><tbody>${rows}</tbody></table></div></div>${
    execution.more ? markup`<p class="note">There are more events than were read.</p>` : ''
  }`;
}

function visitRow({ state, enteredAt, exitedAt, tries, errors }: StateVisit): Markup {
  const took =
    exitedAt === undefined
      ? 'under way'
      : duration(Math.max(0, Date.parse(exitedAt) - Date.parse(enteredAt)));
  return markup`<tr><th scope="row">${state}${errors.map(({ error, cause }) => markup`<span class="error"><strong>${error}</strong> ${breakable(cause.slice(0, 300))}</span>`)}</th><td>${clock(enteredAt)}</td><td>${took}</td><td>${tries > 0 ? tries : ''}</td></tr>`;
}

function changes(steps: readonly StepRecord[], incident: Incident): Value {
  if (ownSteps(incident, steps).length === 0) return planned(incident);
  const names = changeNames(incident, steps);
  return markup`<ol class="steps">${steps.map(
    (step) =>
      markup`<li><p class="step-head">${stepBadge(step.status)} <strong>${breakable(step.describe)}</strong> <span class="note">${step.role}${step.doneAt ? markup`, ${clock(step.doneAt)}` : ''}</span></p>${step.note ? markup`<p class="note">${breakable(step.note)}</p>` : ''}${
        step.before === undefined && step.after === undefined
          ? ''
          : changeHtml(step, `Before and after of ${step.describe}`, names)
      }</li>`,
  )}</ol>`;
}

/** Before anything is changed: what would be, as the person who decides is shown it in Slack. */
function planned(incident: Incident): Value {
  const { targets, status } = incident;
  const names = changeNames(incident, []);
  const plans = targets.flatMap(({ target, plan }) => (plan?.kind === 'plan' ? [{ target, plan }] : []));
  if (plans.length === 0) return markup`<p class="note">Nothing was changed.</p>`;
  return markup`<p>${isRunning(status) && isContainment(status) ? 'Containment is running. The plan:' : 'Nothing was changed. Proposed, by the state that was read:'}</p>${plans.map(
    ({ target, plan }) =>
      markup`<h3>${breakable(target.display)}</h3><p>Blast radius: ${plan.blastRadius.count} ${plan.blastRadius.unit}.</p>${plan.warnings.length > 0 ? markup`<ul>${plan.warnings.map((warning) => markup`<li>${breakable(warning)}</li>`)}</ul>` : ''}<ol class="steps">${plan.steps.map(
        (step) =>
          markup`<li><p class="step-head">${stepBadge('planned')} <strong>${breakable(step.describe)}</strong> <span class="note">${step.role}</span></p>${changeHtml(step, `Plan: ${step.describe}`, names)}</li>`,
      )}</ol>`,
  )}`;
}

function proof(incident: Incident): Value {
  const targets = incident.targets.map((entry) => {
    const { target, status, proof: seen, plan, notes = [], problem } = entry;
    const residual = risksOfTarget(entry);
    const checks = seen?.checks.map(
      ({ ok, saw }) =>
        markup`<li class="${ok ? 'seen' : 'unseen'}"><strong>${ok ? 'Verified' : 'Not verified'}</strong> ${breakable(saw)}</li>`,
    );
    return markup`<h3>${breakable(target.display)}${status ? markup` ${statusBadge(status)}` : ''}</h3>${
      checks && checks.length > 0
        ? markup`<ul class="checks">${checks}</ul>`
        : markup`<p class="note">${problem ?? (plan?.kind === 'refused' ? `${plan.reason}; instead: ${plan.alternative}` : 'No proving read.')}</p>`
    }${residual.length > 0 ? markup`<h4>What remains at risk</h4><ul class="risks">${residual.map((risk) => markup`<li>${breakable(risk)}</li>`)}</ul>` : ''}${notes.map((note) => markup`<p class="note">${breakable(note)}</p>`)}`;
  });
  const own = risksOfResponse(incident);
  const ofIncident =
    own.length > 0
      ? markup`<h3>What remains at risk</h3><ul class="risks">${own.map((risk) => markup`<li>${breakable(risk)}</li>`)}</ul>`
      : '';
  return targets.length > 0 || own.length > 0
    ? [ofIncident, targets]
    : markup`<p class="note">There was no target to contain.</p>`;
}

/** A call that only reads, by the words AWS begins its operations with. */
const READS = /^(Describe|Get|List|Lookup|Head|Simulate|Batch?Get)/;

/** A look for something that may not be there, and a trial that AWS was asked not to carry out. */
const isAnswer = ({ operation, error = '' }: IncidentCall): boolean =>
  error === 'DryRunOperation' ||
  (READS.test(operation) && /^NoSuch|NotFound|DoesNotExist|^Missing|404/.test(error));

function callTable(calls: readonly IncidentCall[]): Value {
  if (calls.length === 0) return markup`<p class="note">No AWS call was kept.</p>`;
  const writes = calls.filter(({ operation }) => !READS.test(operation)).length;
  const failed = calls.filter((call) => call.error !== undefined && !isAnswer(call)).length;
  const absent = calls.filter(isAnswer).length;
  const rows = calls.map((call) => {
    const { at, task, service, operation, region, account, ms, attempts, error, requestId } = call;
    const said =
      error &&
      (isAnswer(call)
        ? markup`<span class="note">${error}, as expected</span>`
        : markup`<span class="error"><strong>${error}</strong></span>`);
    return markup`<tr${READS.test(operation) ? '' : new Markup(' class="write"')}><td>${clock(at)}</td><td>${task}</td><th scope="row">${service}:${operation}${said}</th><td>${region}<span class="note">${account}</span></td><td class="num">${ms} ms${attempts && attempts > 1 ? markup`<span class="note">${attempts} tries</span>` : ''}</td><td><code>${requestId ?? 'none'}</code></td></tr>`;
  });
  return markup`<p>${count(calls.length, 'call')}: ${writes} that change something, in bold; ${failed} failed${absent > 0 ? `, ${absent} looked for what is not there` : ''}. The request id finds a call in CloudTrail and is what AWS Support asks for.</p>
<details data-keep="calls"><summary>Every call</summary><div class="scroll" role="region" tabindex="0" aria-label="Table of AWS calls"><table class="calls"><thead><tr><th scope="col">At</th><th scope="col">Task</th><th scope="col">Call</th><th scope="col">Region</th><th scope="col">Took</th><th scope="col">Request id</th></tr></thead><tbody>${rows}</tbody></table></div></details>`;
}

function evidenceTable(evidence: Review['evidence']): Value {
  if (evidence.length === 0) return markup`<p class="note">No file of evidence was written.</p>`;
  const rows = evidence.map(
    ({ name, key, bytes, sha256, writtenAt }) =>
      markup`<tr><th scope="row">${name}<span class="note">${breakable(key)}</span></th><td class="num">${bytes.toLocaleString('en-GB')}</td><td>${clock(writtenAt)}</td><td><code>${breakable(sha256)}</code></td></tr>`,
  );
  return markup`<p>In the evidence bucket, under Object Lock.</p><div class="scroll" role="region" tabindex="0" aria-label="Files of evidence"><table><thead><tr><th scope="col">File</th><th scope="col">Bytes</th><th scope="col">Written</th><th scope="col">SHA-256</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

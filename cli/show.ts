/** `firebreak show`: one incident with everything that is kept about it. */

import type { Finding } from '../core/finding/finding.ts';
import { indications } from '../core/finding/indications.ts';
import { attackPaths, pathText } from '../core/incident/attack-path.ts';
import { changeNames } from '../core/incident/change-names.ts';
import type { Incident } from '../core/incident/incident.ts';
import { type MadeBefore, madeLines } from '../core/incident/made/made.ts';
import { momentsOf } from '../core/incident/moments.ts';
import { risksOfIncident } from '../core/incident/risks.ts';
import { statusWords, stepWords } from '../core/incident/status.ts';
import { incidentStore } from '../core/incident/store.ts';
import { changeWords } from '../core/journal/change-words.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import { journalOf } from '../core/journal/journal.ts';
import { isJsonObject } from '../core/json.ts';
import { briefText, timelineText } from './brief.ts';
import { openPlace, type Place, type PlaceOptions } from './place.ts';
import { plainText, stepColour, terminal, wrapped } from './terminal.ts';

export interface ShowInput extends PlaceOptions {
  readonly id: string;
  readonly json: boolean;
}

/** Exit status 0. Throws `NotFound`. */
export async function show(input: ShowInput): Promise<number> {
  const { out } = terminal();
  const place = await openPlace(input);
  try {
    const whole = await readWhole(place, input.id);
    const parsed = await incidentStore(place.table).normalised(input.id);
    if (input.json) out(JSON.stringify(whole));
    else {
      const command = (given: string) => `npx firebreak ${given}${input.live ? ' --live' : ''}`;
      for (const line of briefText(whole.incident, parsed, whole.steps.flat(), command)) out(line);
      for (const line of linesOf(whole, parsed)) out(line);
    }
    return 0;
  } finally {
    await place.close();
  }
}

interface WholeIncident {
  readonly incident: Incident;
  /** Every risk that remains, of plans, proofs and the response as a whole. */
  readonly residual: readonly string[];
  readonly timeline: readonly { readonly at: string; readonly event: string }[];
  /** The journal, target by target, in the incident's order. */
  readonly steps: readonly (readonly StepRecord[])[];
  readonly context: Awaited<ReturnType<ReturnType<typeof incidentStore>['context']>> | null;
  readonly madeBefore: MadeBefore | null;
  readonly evidence: readonly { readonly name: string; readonly key: string; readonly sha256: string }[];
  readonly calls: readonly unknown[];
  readonly finding: unknown;
}

async function readWhole({ table }: Place, id: string): Promise<WholeIncident> {
  const store = incidentStore(table);
  const incident = await store.get(id);
  const [timeline, steps, context, madeBefore, evidence, calls, finding] = await Promise.all([
    store.timeline(id),
    Promise.all(incident.targets.map(({ target, playbook }) => journalOf(table, target, playbook))),
    store.context(id),
    store.madeBefore(id),
    store.evidence(id),
    store.calls(id),
    store.finding(id),
  ]);
  return {
    incident,
    residual: risksOfIncident(incident),
    timeline,
    steps,
    context: context ?? null,
    madeBefore: madeBefore ?? null,
    evidence,
    calls,
    finding,
  };
}

function* linesOf(whole: WholeIncident, parsed: Finding | undefined): Generator<string> {
  const { paint } = terminal();
  const { incident, timeline, steps, context, madeBefore, evidence, calls, finding } = whole;
  const { decision, approval } = incident;
  const names = changeNames(incident, steps.flat());
  yield '';
  yield `${plainText(incident.type)}, ${incident.label} (${incident.severity}), account ${incident.account}, ${incident.region}`;
  yield plainText(incident.display ?? 'no named resource');
  for (const { name, value } of parsed ? indications(parsed) : []) yield `${name}: ${plainText(value)}`;
  if (incident.partOf) yield `a signal of the attack sequence ${incident.partOf}`;
  if (incident.followUpOf) yield `a follow-up of ${incident.followUpOf.incidentId}`;
  if (decision) {
    yield '';
    yield paint('bold', `Decided ${decision.kind}`);
    for (const reason of decision.reasons) yield `  - ${plainText(reason)}`;
  }
  if (approval) {
    const who = approval.decidedBy ?? (approval.approvedBy.join(', ') || 'no one yet');
    const why = approval.reason === undefined ? '' : `: ${plainText(approval.reason)}`;
    yield `  approval to ${approval.purpose}: ${approval.outcome ?? `open until ${approval.expiresAt}`}, ${plainText(who)}${why}`;
  }
  for (const [index, entry] of incident.targets.entries()) {
    yield '';
    yield `${paint('bold', plainText(entry.target.display))}: ${entry.playbook}, ${entry.status ? statusWords(entry.status) : 'nothing done'}`;
    if (entry.problem !== undefined) yield paint('red', `  ${plainText(entry.problem)}`);
    for (const step of steps[index] ?? []) yield* stepLines(step, names);
    if (entry.plan?.kind === 'plan')
      for (const warning of entry.plan.warnings) yield paint('dim', `  note: ${plainText(warning)}`);
    if (entry.plan?.kind === 'refused')
      yield paint(
        'yellow',
        `  refused: ${plainText(entry.plan.reason)}; instead: ${plainText(entry.plan.alternative)}`,
      );
    if (entry.verifiedAt !== undefined)
      yield `  Verified ${entry.verifiedAt.slice(0, 16).replace('T', ' ')} UTC`;
    for (const check of entry.proof?.checks ?? [])
      yield `  ${check.ok ? paint('green', 'verified') : paint('red', 'not verified')} ${check.id}: ${plainText(check.saw)}`;
    for (const note of entry.notes ?? []) yield `  ${plainText(note)}`;
  }
  yield '';
  for (const graph of attackPaths({
    incident,
    finding: parsed,
    steps: steps.flat(),
    context: context ?? undefined,
  })) {
    yield paint('bold', plainText(graph.title));
    for (const line of pathText(graph)) yield* wrapped(plainText(line), '  ', '      ');
    yield '';
  }
  const stored = isJsonObject(finding) ? finding : undefined;
  yield* timelineText(momentsOf({ incident, timeline, finding: stored, context: context ?? undefined }));
  if (context) {
    yield '';
    yield paint('bold', 'Context');
    if (context.owner !== undefined) yield `  owner: ${plainText(context.owner)}`;
    for (const { kind, id, name } of context.attack)
      yield `  ATT&CK ${kind}: ${plainText(id)} ${plainText(name)}`;
    for (const link of context.links) yield `  ${link.label}: ${link.url}`;
  }
  if (madeBefore) {
    yield '';
    yield paint('bold', 'Made before containment');
    for (const line of madeLines(madeBefore)) yield `  ${plainText(line)}`;
  }
  if (evidence.length > 0) {
    yield '';
    yield paint('bold', `Evidence (${evidence.length} files, SHA-256 in the manifest)`);
    for (const { key } of evidence) yield `  ${plainText(key)}`;
  }
  yield '';
  yield paint('dim', `${calls.length} AWS calls are kept with it: --json, or the page of firebreak console`);
}

function* stepLines(step: StepRecord, names: Readonly<Record<string, string>>): Generator<string> {
  const { paint } = terminal();
  yield `  ${paint(stepColour(step.status), stepWords(step.status).padEnd(8))} ${plainText(step.describe)}`;
  if (step.before !== undefined && step.after !== undefined) {
    const { setting, before, after, why } = changeWords(step, names);
    yield* wrapped(plainText(`${setting}: ${before} -> ${after}; ${why}`), '           ', '             ');
  }
  if (step.note !== undefined) yield `           ${plainText(step.note)}`;
}

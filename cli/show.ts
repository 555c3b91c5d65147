/** `firebreak show`: one incident with everything that is kept about it. */

import type { Finding } from '../core/finding/finding.ts';
import { indications } from '../core/finding/indications.ts';
import { attackPaths, pathText } from '../core/incident/attack-path.ts';
import { changeNames } from '../core/incident/change-names.ts';
import {
  type IdentityRow,
  identityCount,
  identityOf,
  identityTone,
  identityWords,
} from '../core/incident/identity.ts';
import type { Incident } from '../core/incident/incident.ts';
import { toneLooks } from '../core/incident/looks.ts';
import { type MadeBefore, madeLines } from '../core/incident/made/made.ts';
import { modelUseWords } from '../core/incident/model-use.ts';
import { momentsOf } from '../core/incident/moments.ts';
import { actionOn, targetName } from '../core/incident/names.ts';
import { type Relative, relativesOf } from '../core/incident/relatives.ts';
import { risksOfIncident } from '../core/incident/risks.ts';
import { statusWords, stepWords } from '../core/incident/status.ts';
import { incidentStore } from '../core/incident/store.ts';
import { changeWords } from '../core/journal/change-words.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import { journalOf } from '../core/journal/journal.ts';
import { isJsonObject } from '../core/json.ts';
import { capitalised, utcMinute } from '../core/words.ts';
import { briefText, timelineText } from './brief.ts';
import { openPlace, type Place, type PlaceOptions } from './place.ts';
import { type Colour, colourOf, plainText, stepColour, terminal, wrapped } from './terminal.ts';

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
  /** What it follows, and its follow-ups. */
  readonly relatives: readonly Relative[];
  /** Everything that the identity is, each with what became of it; empty where the incident is not about one. */
  readonly identity: readonly IdentityRow[];
  readonly calls: readonly unknown[];
  readonly finding: unknown;
}

async function readWhole({ table }: Place, id: string): Promise<WholeIncident> {
  const store = incidentStore(table);
  const incident = await store.get(id);
  const [timeline, steps, context, madeBefore, evidence, calls, finding, relatives] = await Promise.all([
    store.timeline(id),
    Promise.all(incident.targets.map(({ target, playbook }) => journalOf(table, target, playbook))),
    store.context(id),
    store.madeBefore(id),
    store.evidence(id),
    store.calls(id),
    store.finding(id),
    relativesOf(store, incident),
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
    relatives,
    identity: identityOf(incident, steps.flat(), relatives),
  };
}

function* linesOf(whole: WholeIncident, parsed: Finding | undefined): Generator<string> {
  const { paint } = terminal();
  const { incident, relatives, timeline, steps, context, madeBefore, evidence, calls, finding } = whole;
  const { identity } = whole;
  const { decision, approval } = incident;
  const names = changeNames(incident, steps.flat());
  yield '';
  yield paint('bold', plainText(incident.type));
  yield* text(
    `${incident.label} (${incident.severity}), account ${incident.account}, ${incident.region}, ${incident.display ?? 'no named resource'}`,
  );
  for (const { name, value } of parsed ? indications(parsed) : []) yield* text(`${name}: ${value}`);
  for (const { what, id, status } of relatives)
    yield* text(`${capitalised(what)} ${id}: ${statusWords(status)}`);
  if (decision) {
    yield '';
    yield paint('bold', `Decided ${decision.kind}`);
    for (const reason of decision.reasons) yield* item(reason);
  }
  if (approval) {
    const who = approval.decidedBy ?? (approval.approvedBy.join(', ') || 'no one yet');
    const why = approval.reason === undefined ? '' : `: ${approval.reason}`;
    const outcome = approval.outcome ?? `open until ${utcMinute(approval.expiresAt)}`;
    yield* text(`Approval to ${approval.purpose}: ${outcome}, ${who}${why}`);
  }
  for (const [index, entry] of incident.targets.entries()) {
    yield '';
    yield paint('bold', plainText(actionOn(entry.playbook, targetName(entry))));
    const became = entry.status ? statusWords(entry.status) : 'nothing done';
    yield `  ${paint(entry.status ? colourOf(entry.status) : 'dim', became)} (${entry.playbook})`;
    if (entry.problem !== undefined) yield* text(entry.problem, 'red');
    for (const step of steps[index] ?? []) yield* stepLines(step, names);
    if (entry.plan?.kind === 'plan')
      for (const warning of entry.plan.warnings) yield* text(`Warning: ${warning}`, 'dim');
    if (entry.plan?.kind === 'refused')
      yield* text(`Refused: ${entry.plan.reason}; instead: ${entry.plan.alternative}`, 'yellow');
    if (entry.verifiedAt !== undefined) yield `  Verified ${utcMinute(entry.verifiedAt)}`;
    for (const check of entry.proof?.checks ?? [])
      yield* text(
        `${check.ok ? 'Verified' : 'Not verified'} ${check.id}: ${check.saw}`,
        check.ok ? 'green' : 'red',
      );
    for (const note of entry.notes ?? []) yield* text(note);
  }
  if (identity.length > 0) {
    yield '';
    yield paint('bold', `Identity: ${identityCount(identity)}`);
    for (const row of identity) yield* identityLines(row);
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
    if (context.owner !== undefined) yield* text(`Team (tag): ${context.owner}`);
    for (const { kind, id, name } of context.attack) yield* text(`ATT&CK ${kind}: ${id} ${name}`);
    for (const line of context.models ? modelUseWords(context.models) : []) yield* text(`Models: ${line}`);
    for (const link of context.links) yield* text(`${link.label}: ${link.url}`);
  }
  if (madeBefore) {
    yield '';
    yield paint('bold', 'Made before containment');
    for (const line of madeLines(madeBefore)) yield* text(line);
  }
  if (evidence.length > 0) {
    yield '';
    yield paint('bold', `Evidence (${evidence.length} files, SHA-256 in the manifest)`);
    for (const { key } of evidence) yield `  ${plainText(key)}`;
  }
  yield '';
  yield paint('dim', `${calls.length} AWS calls are kept with it: --json, or the page of firebreak console`);
}

function* identityLines({ what, state, why, incident }: IdentityRow): Generator<string> {
  const { paint } = terminal();
  const words = identityWords(state);
  const where = incident === undefined ? '' : ` (${incident})`;
  const line = `${what}: ${words}${where}${why === undefined ? '' : `, ${why}`}`;
  const colour = toneLooks(identityTone(state)).terminal;
  for (const each of wrapped(plainText(line), '  ', '    '))
    yield each.replace(`: ${words}`, () => `: ${paint(colour, words)}`);
}

function* stepLines(step: StepRecord, names: Readonly<Record<string, string>>): Generator<string> {
  const { paint } = terminal();
  const [head = '', ...rest] = wrapped(
    plainText(step.describe),
    `  ${stepWords(step.status).padEnd(8)} `,
    '           ',
  );
  const words = stepWords(step.status).padEnd(8);
  yield head.replace(words, () => paint(stepColour(step.status), words));
  yield* rest;
  if (step.before !== undefined && step.after !== undefined) {
    const { setting, before, after, why } = changeWords(step, names);
    yield* wrapped(plainText(`${setting}: ${before} -> ${after}; ${why}`), '           ', '             ');
  }
  if (step.note !== undefined) yield* wrapped(plainText(step.note), '           ', '           ');
}

/** A paragraph, wrapped to the terminal; made plain. */
function* text(words: string, colour?: Colour): Generator<string> {
  const { paint } = terminal();
  for (const line of wrapped(plainText(words), '  ', '    ')) yield colour ? paint(colour, line) : line;
}

const item = (words: string): Generator<string> => wrapped(plainText(words), '  - ', '    ');

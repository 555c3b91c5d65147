/** `firebreak undo`: previews, and reverts here or in a deployed stack. */

import { startUndo } from '../core/approval/undo-start.ts';
import { arn } from '../core/aws/arn.ts';
import { FirebreakError } from '../core/errors.ts';
import { changeNames } from '../core/incident/change-names.ts';
import { undoWords } from '../core/incident/status.ts';
import { incidentStore } from '../core/incident/store.ts';
import { changeWords } from '../core/journal/change-words.ts';
import { journalOf } from '../core/journal/journal.ts';
import type { UndoPreviewStep } from '../core/journal/undo-preview.ts';
import { openPlace, type PlaceOptions } from './place.ts';
import { plainText, terminal, wrapped } from './terminal.ts';

export interface UndoInput extends PlaceOptions {
  readonly id: string | undefined;
  readonly answer: 'approve' | 'deny' | undefined;
  readonly preview: boolean;
  readonly json: boolean;
}

/** Exit status 0 undone (or asked for, with `live`), 1 not all of it, 2 nothing to undo. Throws FirebreakError. */
export async function undo(input: UndoInput): Promise<number> {
  if (input.live && input.id === undefined) {
    throw new FirebreakError('InputInvalid', 'no incident is named', {
      next: 'Name one: npx firebreak history --live shows them.',
    });
  }
  if (input.preview) return previewAll(input);
  if (input.live && input.id !== undefined) return askDeployed(input, input.id);
  const { undo: undoHere } = await import('./sandbox-commands.ts');
  const { id, policy, answer, json } = input;
  return undoHere({ operands: id === undefined ? [] : [id], policy, answer, json });
}

/** Without an id what `undo` would revert: everything that the last demo or run contained here, the latest first. */
async function previewAll(input: UndoInput): Promise<number> {
  if (input.id !== undefined) return preview(input, input.id);
  const { containedHere } = await import('../sandbox/saved.ts');
  const ids = await containedHere();
  if (ids.length === 0) {
    throw new FirebreakError('InputInvalid', 'nothing was contained here yet', {
      next: 'Start with: npx firebreak demo credential-exfiltration',
    });
  }
  let status = 0;
  for (const id of ids) {
    if (!input.json) terminal().out(id);
    status = Math.max(status, await preview(input, id));
  }
  return status;
}

/** What would be restored, and whether one person may. */
async function preview(input: UndoInput, id: string): Promise<number> {
  const { out, paint } = terminal();
  const { undoPreviewOf, undoSafetyOf } = await import('../pipeline/undo-preview.ts');
  const place = await openPlace(input);
  try {
    const runtime = await place.runtime();
    const incident = await incidentStore(place.table).get(id);
    const safety = await undoSafetyOf(runtime, incident);
    const targets = await Promise.all(
      incident.targets.map(async ({ target, playbook }) => ({
        target: target.display,
        playbook,
        steps: (await journalOf(place.table, target, playbook)).filter(({ status }) =>
          ['done', 'applying', 'undoing', 'drift', 'failed'].includes(status),
        ),
      })),
    );
    if (input.json) {
      out(JSON.stringify({ incident: id, safety, targets }));
      return 0;
    }
    if (targets.every(({ steps }) => steps.length === 0)) {
      out('Nothing of this incident is in place.');
      return 0;
    }
    const names = changeNames(
      incident,
      targets.flatMap(({ steps }) => steps),
    );
    for (const { target, holds, steps } of await undoPreviewOf(runtime, incident)) {
      out(paint('bold', plainText(target)));
      if (!holds) out('  nothing of this incident is in place here');
      for (const each of steps) for (const line of previewLines(each, names)) out(line);
    }
    out(
      safety.safe
        ? paint('green', 'One person may undo this.')
        : paint(
            'yellow',
            `Two people must agree: ${plainText(safety.why)}. With --live you are one of them where policy.yml maps you to an approver (people).`,
          ),
    );
    for (const risk of safety.residual ?? []) out(paint('yellow', `Warning: ${plainText(risk)}`));
    if (safety.safeAt !== undefined) out(`It is safe from ${safety.safeAt} on.`);
    out('Nothing was changed.');
    return 0;
  } finally {
    await place.close();
  }
}

/** What would become of one step, the last one first. */
function* previewLines(
  { step, will, live, why }: UndoPreviewStep,
  names: Readonly<Record<string, string>>,
): Generator<string> {
  if (will === 'nothing') return;
  const shown =
    will === 'leave'
      ? { ...step, before: step.after, after: live }
      : { ...step, before: live ?? step.after, after: step.before };
  const { setting, before, after } = changeWords(shown, names);
  const values = will === 'restore' || will === 'leave' ? `: ${before} -> ${after}` : '';
  const reason = why === undefined ? '' : ` (${why})`;
  yield* wrapped(plainText(`${undoWords(will)}: ${setting}${values}${reason}`), '  ', '    ');
}

/** Starts the deployed workflow: it asks a second person in Slack where the preview says so. */
async function askDeployed(input: UndoInput, id: string): Promise<number> {
  const { out } = terminal();
  const place = await openPlace(input);
  try {
    const incident = await incidentStore(place.table).get(id);
    const machine = arn(place.scope, 'states', `stateMachine:firebreak-${input.stage}-undo`);
    const deps = { table: place.table, aws: place.aws, stateMachineArn: machine };
    const start = await startUndo(deps, incident, await place.door(), new Date());
    const started = start.kind === 'started';
    if (input.json) out(JSON.stringify({ incident: id, started }));
    else {
      out(started ? `Undo of ${id} was started.` : start.why);
      out(`Follow it: npx firebreak show ${id} --live`);
    }
    return 0;
  } finally {
    await place.close();
  }
}

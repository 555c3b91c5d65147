/** What an undo would do, and whether it is safe: read by the workflow, the command and the console alike. */
import type { Incident, UndoOverwrite } from '../core/incident/incident.ts';
import { plainValue } from '../core/journal/change-words.ts';
import { journalOf } from '../core/journal/journal.ts';
import type { UndoSafety } from '../core/journal/playbook.ts';
import { driftsOf, previewUndo, type UndoPreview } from '../core/journal/undo-preview.ts';
import { playbookOf } from './plan-target.ts';
import { type JournalRuntime, journalRun } from './runtime.ts';

/** May this be undone now, and by one person? Used by the workflow, the command and the console alike. */
export async function undoSafetyOf(runtime: JournalRuntime, incident: Incident): Promise<UndoSafety> {
  return safetyOf(runtime, incident, await overwritesOf(runtime, incident));
}

/** What undoing the incident would do now, target by target. Reads only. */
export const undoPreviewOf = (
  runtime: JournalRuntime,
  incident: Incident,
): Promise<readonly (UndoPreview & { readonly target: string })[]> =>
  Promise.all(
    incident.targets.map(async (entry) => ({
      target: entry.target.display,
      ...(await previewUndo(journalRun(runtime, incident.id, playbookOf(entry), entry))),
    })),
  );

/** What was changed by another hand since the containment, and undoing again would overwrite. */
export async function overwritesOf(
  runtime: JournalRuntime,
  incident: Incident,
): Promise<readonly UndoOverwrite[]> {
  const drifts = await Promise.all(
    incident.targets.map(async (entry) => {
      const found = await driftsOf(journalRun(runtime, incident.id, playbookOf(entry), entry));
      return found.map((drift) => ({ target: entry.key, ...drift }));
    }),
  );
  return drifts.flat();
}

/** May this be undone now, given what undoing would overwrite? Every reason against it is named. */
export async function safetyOf(
  runtime: JournalRuntime,
  incident: Incident,
  overwrites: readonly UndoOverwrite[],
): Promise<UndoSafety> {
  const views = await Promise.all(
    incident.targets.map(async (entry) => {
      const steps = await journalOf(runtime.table, entry.target, entry.playbook);
      return playbookOf(entry).undoSafety?.(steps, entry.state ?? {}, runtime.now());
    }),
  );
  // What a drill made is no one's to attack: nothing speaks against its undo but another hand's change.
  const unsafe = views.filter(
    (view): view is UndoSafety => incident.drill === undefined && view !== undefined && !view.safe,
  );
  const why = unsafe.map((view) => view.why);
  if (incident.activeAfterContainment) why.push('the finding is still being updated: the activity goes on');
  for (const { step, live, before } of overwrites) {
    why.push(
      `DRIFT: ${step} was changed since; undoing overwrites ${plainValue(live)} with ${plainValue(before)}`,
    );
  }
  const latest = unsafe
    .map((view) => view.safeAt ?? '')
    .sort()
    .at(-1);
  const residual = views.flatMap((view) => view?.residual ?? []);
  return {
    safe: why.length === 0,
    why: why.join('; '),
    ...(latest ? { safeAt: latest } : {}),
    ...(residual.length > 0 ? { residual } : {}),
  };
}

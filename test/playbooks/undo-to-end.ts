/** Undoes as the workflow does: reverts, looks, tries again what is open, and ends where it gets no further. */
import type { StepRecord } from '../../core/journal/hold.ts';
import type { JournalRun } from '../../core/journal/journal.ts';
import { mayGoOn, type Overwrites, proveUndo, stopUndo, undo } from '../../core/journal/undo.ts';

export type UndoEnd =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'held'; readonly by: readonly string[] }
  | { readonly kind: 'undone' | 'partial'; readonly steps: readonly StepRecord[] };

export async function undoToEnd(run: JournalRun, overwrites: Overwrites = {}): Promise<UndoEnd> {
  for (let looks = 1; ; looks++) {
    const reverted = await undo(run, overwrites);
    if (reverted.kind !== 'reverted') return reverted;
    const proof = await proveUndo(run);
    if (proof.kind !== 'open') return proof;
    if (mayGoOn(proof.open, looks)) continue;
    await stopUndo(run);
    return { kind: 'partial', steps: proof.steps };
  }
}

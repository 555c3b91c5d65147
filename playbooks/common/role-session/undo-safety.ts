/** When the deny may go: not while a session from before it can still be alive. */
import { z } from 'zod';
import type { StepStatus, StepView, UndoSafety } from '../../../core/journal/playbook.ts';
import { utcMinute } from '../../../core/words.ts';
import { cutOffOf } from '../iam/policy-documents.ts';
import type { RoleState } from './state.ts';

/** Credentials from instance metadata live up to about 6 h whatever the role's maximum says [M]. */
const METADATA_SECONDS = 6 * 3600;
/** IAM's upper limit of MaxSessionDuration, where the role's own is not known. */
const LONGEST_SECONDS = 12 * 3600;

/** Undo may find a policy of ours behind these. `already` was there before us, so undo leaves it. */
const MAY_BE_IN_PLACE = new Set<StepStatus>(['applying', 'done', 'failed', 'drift', 'undoing']);

/**
 * Removing the deny before the stolen session has ended restores the attacker's access. The session was issued before the
 * deny was written (before the cut-off, where there is one), so it has ended once the longest life after that is over.
 */
export function revocationUndoSafety(
  steps: readonly StepView[],
  state: RoleState | undefined,
  now: Date,
): UndoSafety {
  const starts = steps
    .filter(({ status, after }) => after !== undefined && MAY_BE_IN_PLACE.has(status))
    .map((step) => deniedSince(step) ?? now.getTime());
  if (starts.length === 0) return { safe: true, why: 'no deny of this incident is in place' };
  const seconds = Math.max(METADATA_SECONDS, state?.role.maxSessionSeconds ?? LONGEST_SECONDS);
  const safeAt = new Date(Math.max(...starts) + seconds * 1000);
  const at = safeAt.toISOString();
  if (now.getTime() >= safeAt.getTime()) {
    return { safe: true, why: `every session from before the deny has ended (${utcMinute(at)})`, safeAt: at };
  }
  return {
    safe: false,
    why: `the stolen session may live until ${utcMinute(at)} (${seconds / 3600} h after the deny): removing the deny earlier restores the attacker's access`,
    safeAt: at,
  };
}

const sessionDeny = z.object({ lever: z.enum(['session', 'pin']), instanceId: z.string() });

/**
 * As `revocationUndoSafety`, with what time does not fix: the metadata service has issued the instance new sessions since,
 * and those carry the same aws:userid, so a deny by session (`lever: session` and `lever: pin`) holds them as well. This playbook
 * does not isolate the instance, so anyone who is still on it gets them back with the undo.
 */
export function instanceUndoSafety(
  steps: readonly StepView[],
  state: RoleState | undefined,
  now: Date,
): UndoSafety {
  const residual = steps
    .filter(({ status, after }) => after !== undefined && MAY_BE_IN_PLACE.has(status))
    .flatMap(({ args }) => {
      const deny = sessionDeny.safeParse(args);
      return deny.success && state?.named.by !== 'caller' ? [givesBack(deny.data.instanceId)] : [];
    });
  const safety = revocationUndoSafety(steps, state, now);
  return residual.length > 0 ? { ...safety, residual } : safety;
}

const givesBack = (instanceId: string): string =>
  `undo also restores the sessions that ${instanceId} was issued since the deny: if it is still compromised, isolate it first`;

/** The latest of the write and the cut-off as planned and as written; undefined for a write that was interrupted. */
function deniedSince({ doneAt, after, output }: StepView): number | undefined {
  const written = typeof output === 'string' ? output : undefined;
  const planned = after === undefined ? undefined : cutOffOf(after)?.getTime();
  const times = [doneAt, written].map((text) => Date.parse(text ?? '')).concat(planned ?? Number.NaN);
  const known = times.filter((time) => !Number.isNaN(time));
  return known.length > 0 ? Math.max(...known) : undefined;
}

/** `playbooks: revoke-instance-session:` and `revoke-role-sessions:` in policy.yml. */
import { z } from 'zod';
import type { JsonObject } from '../../../core/json.ts';

const LEVERS = ['session', 'name', 'pin', 'role'] as const;
type Choice = (typeof LEVERS)[number];

export const leverSettings = z.strictObject({ lever: z.enum(LEVERS).default('session') });

export interface LeverChoice {
  readonly lever: Choice;
  /** What is wrong with the settings; the narrowest deny is used then, and an approval is requested. */
  readonly problem?: string;
}

/**
 * The `lever` that policy.yml asks for. A mistake there must not stop the containment at 3 a.m., nor be taken for
 * consent to cut anything off: it gives the narrowest deny and an approval.
 */
export function leverOf(settings: JsonObject): LeverChoice {
  const parsed = leverSettings.safeParse(settings);
  if (parsed.success) return parsed.data;
  const what = parsed.error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; ');
  return {
    lever: 'session',
    problem: `policy.yml, playbooks.revoke-instance-session: ${what} (lever is one of ${LEVERS.join(', ')})`,
  };
}

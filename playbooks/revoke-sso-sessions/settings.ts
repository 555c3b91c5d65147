import { z } from 'zod';
import { FirebreakError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { managementAccount } from '../common/organization/policies.ts';

export const ssoSettings = z.strictObject({
  /**
   * sessions: those that were issued before now, so that the owner signs in again and works on. user: the user, until undo,
   * which also stops anyone who holds the portal session.
   */
  lever: z.enum(['sessions', 'user']).default('sessions'),
  /** The account in which IAM Identity Center is administered; without it the pipeline's own. */
  account: z
    .string()
    .regex(/^\d{12}$/, 'expected an account id of 12 digits, in quotes')
    .optional(),
  /** The organisation's management account: the user is denied in every account as well, by a service control policy there. */
  managementAccount,
});

/** Throws PolicyInvalid. */
export function settingsOf(settings: JsonObject): z.infer<typeof ssoSettings> {
  const parsed = ssoSettings.safeParse(settings);
  if (parsed.success) return parsed.data;
  throw new FirebreakError('PolicyInvalid', z.prettifyError(parsed.error), {
    resource: 'policy.yml: playbooks.revoke-sso-sessions',
    next: 'Fix these settings in policy.yml.',
  });
}

import { z } from 'zod';
import { FirebreakError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { managementAccount } from '../common/organization/policies.ts';

export const quarantineSettings = z.strictObject({
  /** The organisation's management account, in which deploy/generated/management-account.json is deployed. */
  managementAccount,
});

/** Returns the management account; undefined where policy.yml does not name it. Throws PolicyInvalid. */
export function managementOf(settings: JsonObject): string | undefined {
  const parsed = quarantineSettings.safeParse(settings);
  if (parsed.success) return parsed.data.managementAccount;
  throw new FirebreakError('PolicyInvalid', z.prettifyError(parsed.error), {
    resource: 'policy.yml: playbooks.quarantine-account',
    next: 'Fix these settings in policy.yml.',
  });
}

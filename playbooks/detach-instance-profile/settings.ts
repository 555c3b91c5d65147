/** `playbooks: detach-instance-profile:` in policy.yml. */
import { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';

/** Path and name as in the profile's ARN (IAM: InstanceProfileName, Path). */
const PROFILE = /^([\w+=,.@-]{1,128}\/)*[\w+=,.@-]{1,128}$/;

const schema = z.strictObject({ replacement: z.exactOptional(z.string().regex(PROFILE)) });

/** The profile that takes the place of the instance's own, or what is wrong with the setting. */
export function replacementOf(
  settings: JsonObject,
): { readonly name: string | undefined } | { readonly problem: string } {
  const parsed = schema.safeParse(settings);
  return parsed.success
    ? { name: parsed.data.replacement }
    : { problem: `policy.yml, playbooks.detach-instance-profile: ${z.prettifyError(parsed.error)}` };
}

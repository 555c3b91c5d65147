/** `playbooks: detach-instance-profile:` in policy.yml. */
import { z } from 'zod';
import { arn, type Scope } from '../../core/aws/arn.ts';
import type { JsonObject } from '../../core/json.ts';

/** Path and name as in the profile's ARN (IAM: InstanceProfileName, Path). */
const PROFILE = /^([\w+=,.@-]{1,128}\/)*[\w+=,.@-]{1,128}$/;

export const detachSettings = z.strictObject({ replacement: z.exactOptional(z.string().regex(PROFILE)) });

/** A function that contains passes roles of these names alone to EC2, so that it cannot give an instance any other. */
export const REPLACEMENT_ROLES = 'firebreak-replacement-';

/** The profile that takes the place of the instance's own, or what is wrong with the setting. */
export function replacementOf(
  settings: JsonObject,
): { readonly name: string | undefined } | { readonly problem: string } {
  const parsed = detachSettings.safeParse(settings);
  return parsed.success
    ? { name: parsed.data.replacement }
    : { problem: `policy.yml, playbooks.detach-instance-profile: ${z.prettifyError(parsed.error)}` };
}

/** ARN of the profile that policy.yml names, in the target's account; null where it names none that can be. */
export function replacementArn(settings: JsonObject, target: Scope): string | null {
  const setting = replacementOf(settings);
  if ('problem' in setting || setting.name === undefined) return null;
  return arn(target, 'iam', `instance-profile/${setting.name}`, { global: true });
}

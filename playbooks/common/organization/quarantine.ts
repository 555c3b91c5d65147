/** The policy that cuts an account off, as deploy/organization-policies.ts makes it. Pure. */
import { z } from 'zod';
import { MEMBER_ROLES } from '../../../core/policy/protected.ts';

/** Its name, which no two policies of an organisation have. */
export const QUARANTINE_POLICY = 'firebreak-quarantine';

const document = z.strictObject({
  Version: z.string(),
  Statement: z.tuple([
    z.strictObject({
      Sid: z.string().optional(),
      Effect: z.literal('Deny'),
      Action: z.literal('*'),
      Resource: z.literal('*'),
      Condition: z.strictObject({
        ArnNotLike: z.strictObject({
          'aws:PrincipalArn': z.array(z.string().regex(/^arn:\*:iam::\*:role\/[^*?]+$/)),
        }),
      }),
    }),
  ]),
});

const OWN = Object.values(MEMBER_ROLES);

/**
 * Returns the roles that the policy exempts, by path and name; undefined where it is not the quarantine: it denies less than
 * everything, exempts a pattern of names, or does not exempt Firebreak's own roles, which would not get back in.
 */
export function exemptIn(content: string): readonly string[] | undefined {
  const parsed = document.safeParse(json(content));
  if (!parsed.success) return undefined;
  const [{ Condition }] = parsed.data.Statement;
  const roles = Condition.ArnNotLike['aws:PrincipalArn'].map((arn) => arn.replace('arn:*:iam::*:role/', ''));
  return OWN.every((role) => roles.includes(role)) ? roles : undefined;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not a policy
  }
}

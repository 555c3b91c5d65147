/** The policy that denies the root user of an account, as deploy/management-account.ts makes it. Pure. */
import { sameJson } from '../../../core/json.ts';
import { parsedPolicy } from '../iam/policy-statements.ts';

/** Its name, which no two policies of an organisation have. */
export const DENIED_ROOT_POLICY = 'firebreak-denied-root';

/** Root with credentials of its own; the sessions of sts:AssumeRoot, by which they are deleted, go on (IAM guide, aws:AssumedRoot). */
export const NO_ROOT = {
  Sid: 'NoRoot',
  Effect: 'Deny',
  Action: '*',
  Resource: '*',
  Condition: {
    ArnLike: { 'aws:PrincipalArn': 'arn:*:iam::*:root' },
    Null: { 'aws:AssumedRoot': 'true' },
  },
} as const;

/** Returns no role, since the policy exempts none by name; undefined where the text is not that policy. */
export function noRootIn(text: string): readonly string[] | undefined {
  const [statement, ...others] = parsedPolicy(text)?.statements ?? [];
  return others.length === 0 && statement !== undefined && sameJson(statement, NO_ROOT) ? [] : undefined;
}

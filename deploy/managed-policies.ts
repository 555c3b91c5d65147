/**
 * Rights that several roles share, as managed policies. A role's inline policies may hold 10,240 characters together,
 * a managed policy 6,144, and a role may have ten of those (IAM quotas; white space does not count): statements are
 * packed into as many policies as they need.
 */
import { ROLE_PATH } from '../core/policy/protected.ts';
import { newerAction } from './iam/newer.ts';
import { LONGEST, render } from './render.ts';
import type { Statement } from './statements.ts';

export const QUOTA = {
  inlinePerRole: 10_240,
  managed: 6144,
  managedPerRole: 10,
  serviceControl: 5120,
} as const;

/** Characters of a policy document as IAM counts them, with the longest names a deployment can have. */
export const policySize = (statements: readonly Statement[]): number =>
  JSON.stringify(render(policyDocument(statements), LONGEST)).length;

export const policyDocument = (statements: readonly Statement[]): object => ({
  Version: '2012-10-17',
  Statement: statements,
});

/** CloudFormation resources `PREFIX1`, `PREFIX2`, ...: as few as hold all the statements, in their order. */
export function managedPolicies(
  prefix: string,
  description: string,
  statements: readonly Statement[],
): Readonly<Record<string, { readonly Metadata?: object }>> {
  const packs: Statement[][] = [];
  for (const statement of statements) {
    if (policySize([statement]) > QUOTA.managed) {
      throw new Error(
        `${prefix}: a statement of ${statement.Action.join(', ')} alone is larger than a managed policy: split it`,
      );
    }
    const fitting = packs.find((pack) => policySize([...pack, statement]) <= QUOTA.managed);
    if (fitting) fitting.push(statement);
    else packs.push([statement]);
  }
  return Object.fromEntries(
    packs.map((pack, index) => [
      `${prefix}${index + 1}`,
      {
        Type: 'AWS::IAM::ManagedPolicy',
        Properties: { Path: ROLE_PATH, Description: description, PolicyDocument: policyDocument(pack) },
        ...(pack.some(({ Action }) => Action.some((action) => newerAction(action) !== undefined))
          ? { Metadata: NOT_LISTED_YET }
          : {}),
      },
    ]),
  );
}

/** cfn-lint, and moto with it, takes an action for a mistake that its list of AWS's actions does not have. */
const NOT_LISTED_YET = { 'cfn-lint': { config: { ignore_checks: ['W3037'] } } };

export const referencesTo = (policies: Readonly<Record<string, object>>): readonly object[] =>
  Object.keys(policies).map((id) => ({ Ref: id }));

/** The step kind: one inline policy that denies logins at this one database, by token and through the Data API. */
import { z } from 'zod';
import type { Scope } from '../../core/aws/arn.ts';
import { arn } from '../../core/aws/arn.ts';
import type { JsonObject } from '../../core/json.ts';
import { deniesOnly, ownPolicyName } from '../common/iam/policy-documents.ts';
import { liveInline, putInline, removeInline } from '../common/role-session/inline-deny.ts';
import { anyJson, cannotRestore, stepKind } from '../common/step-kind.ts';
import { clusterArn, type Facts, facts } from './target.ts';

/**
 * Every user of the database: its name is the attacker's to choose, and a wildcard in it would reach further. RDS asks IAM when a
 * token is used, so it holds for those that were made before as well [M-LAB].
 */
export function denyLogins(
  scope: Scope,
  { resourceIds, dataApi }: Pick<Facts, 'resourceIds' | 'dataApi'>,
): JsonObject {
  const deny = (Sid: string, Action: string, Resource: string[]) => ({
    Sid,
    Effect: 'Deny',
    Action,
    Resource,
  });
  return {
    Version: '2012-10-17',
    Statement: [
      deny(
        'FirebreakDenyTokens',
        'rds-db:connect',
        resourceIds.map((id) => arn(scope, 'rds-db', `dbuser:${id}/*`)),
      ),
      ...(dataApi === null ? [] : [deny('FirebreakDenyDataApi', 'rds-data:*', [clusterArn(scope, dataApi)])]),
    ],
  };
}

export const policyNameFor = (caseId: string, database: string): string =>
  ownPolicyName(caseId, `logins of ${database}`);

const args = z.object({
  principal: z.enum(['role', 'user']),
  name: z.string(),
  policyName: z.string(),
});

const denyDatabaseLogins = stepKind(args, {
  value: anyJson,
  foreign({ principal, name, policyName }, { target, caseId }) {
    const own = policyNameFor(caseId, target.id);
    if (policyName !== own) return `the policy of the case is ${own}, not ${policyName}`;
    const known = facts
      .parse(target.facts)
      .principals.some((one) => one.principal === principal && one.name === name);
    return known ? undefined : `${principal} ${name} is not one that may log in`;
  },
  read: async (given, { aws }) => ({ value: await liveInline(aws, given) }),
  after: (_given, { target }) => denyLogins(target, facts.parse(target.facts)),
  async apply(given, { aws, target }) {
    await putInline(aws, given, denyLogins(target, facts.parse(target.facts)));
    return undefined;
  },
  async revert(given, { aws, target }, before) {
    if (before === null) await removeInline(aws, given);
    else if (deniesOnly(before)) await putInline(aws, given, before);
    else
      throw cannotRestore(
        `the recorded prior policy ${given.policyName} does more than deny, so it was not written back`,
        target.display,
        'Compare the record with CloudTrail, then write or delete the policy yourself.',
      );
    return 'reverted';
  },
});

export const KINDS = { 'deny-database-logins': denyDatabaseLogins };

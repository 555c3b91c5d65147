/** A deny for each role and user that may log in with a token, each with a tick. Pure. */
import { z } from 'zod';
import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { protectedBy } from '../common/protected.ts';
import { type LivePrincipal, livePrincipal, noRoom } from '../common/role-session/inline-deny.ts';
import { refusalFor } from '../common/role-session/protected-role.ts';
import { denyLogins, type KINDS, policyNameFor } from './steps.ts';
import type { Facts } from './target.ts';

/** It is stored with the incident: a new key must be optional. */
export const state = z.object({
  principals: z.array(livePrincipal.extend({ principal: z.enum(['role', 'user']) })),
});
type State = z.infer<typeof state>;
type Step = StepOf<typeof KINDS>;

export function plan(
  { principals }: State,
  target: Target<Facts>,
  { caseId, protectedArns }: PlanOptions,
): Plan<Step> {
  const { facts, id } = target;
  const pattern = protectedBy([id, target.display], protectedArns);
  if (pattern !== undefined)
    return {
      kind: 'refused',
      reason: `${id} is protected by policy.yml (protected: ${pattern})`,
      alternative: 'Ask its owner, or deny rds-db:connect by an SCP.',
    };
  const policyName = policyNameFor(caseId, id);
  const document = denyLogins(target, facts);
  const judged = facts.principals.map((known) => {
    const { principal, name, uniqueId } = known;
    const live = principals.find((one) => one.principal === principal && one.name === name);
    const policy = { principal, name, policyName };
    const why =
      live === undefined
        ? 'is gone'
        : live.uniqueId === uniqueId
          ? (blocked(live, principal, target, protectedArns) ?? noRoom(live, policy, document))
          : `was re-created since: its id is ${live.uniqueId}, not ${uniqueId}`;
    return { ...policy, live, why };
  });
  const steps = judged.flatMap(({ why, live: _live, ...policy }): readonly Step[] =>
    why === undefined
      ? [
          {
            id: `deny:${policy.principal}/${policy.name}`,
            kind: 'deny-database-logins',
            role: 'contain',
            describe: `Deny ${policy.principal} ${policy.name} to log in to ${id} (${policyName})`,
            args: policy,
            before: null,
            after: document,
            together: 'denies',
          },
        ]
      : [],
  );
  const left = judged.flatMap(({ principal, name, why }) =>
    why === undefined ? [] : [`${principal} ${name} may still log in with a token: ${why}`],
  );
  if (steps.length === 0)
    return {
      kind: 'refused',
      reason: left.join('; '),
      alternative: 'Deny rds-db:connect by an SCP, or revoke the grant of rds_iam in the database.',
    };
  const denied = judged.flatMap(({ why, live }) => (why === undefined && live ? [live] : []));
  const api = facts.dataApi === null ? '' : ' and its calls of the Data API';
  return {
    kind: 'plan',
    steps,
    blastRadius: {
      count: steps.length,
      unit: 'principals',
      detail: steps.map(({ args }) => `${args.principal} ${args.name} loses tokens for ${id}${api}`),
    },
    warnings: [
      `an application that logs in to ${id} with a token of one of them cannot connect until undo; at other databases it goes on`,
    ],
    residual: [
      ...left,
      ...facts.others,
      'connections that are open go on, and administrators can still make tokens',
    ],
    askBecause: ['GuardDuty does not say whose token was used, and the others are applications and people'],
    tags: denied[0]?.tags ?? {},
    arns: denied.map(({ arn }) => arn),
  };
}

function blocked(
  live: LivePrincipal,
  principal: 'role' | 'user',
  target: Target<Facts>,
  protectedArns: readonly string[],
): string | undefined {
  if (principal === 'role') return refusalFor(live, { ...target, display: live.arn }, protectedArns)?.reason;
  const entry = protectedBy([live.name, `user${live.path}${live.name}`, live.arn], protectedArns);
  return entry === undefined ? undefined : `is protected by policy.yml (protected: ${entry})`;
}

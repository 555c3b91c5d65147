/**
 * The permissions boundary of every role that Firebreak's functions run as or assume: the ceiling above whatever
 * policies are attached to them. It names each action that some function or playbook needs; nothing else is possible,
 * and the identities of deploy/never.ts are out of reach.
 */
import { assumeMemberRole, CUSTOMER_KEY, EVENT_STORES, FUNCTIONS, telemetry } from './access.ts';
import { policySize, QUOTA } from './managed-policies.ts';
import { destructive, NEVER_OWN, never } from './never.ts';
import { shortActions } from './short-actions.ts';
import { allOf, isIn, type Rights, type Statement, statements } from './statements.ts';

/** Every action that anything of Firebreak is granted, sorted. */
export function grantedActions(playbooks: Rights): readonly string[] {
  const permissions = [
    ...FUNCTIONS.flatMap(({ name, base }) => [...base, ...telemetry(name)]),
    assumeMemberRole('read'),
    CUSTOMER_KEY,
    ...Object.values(EVENT_STORES).flat(),
    ...playbooks.flatMap(({ permissions }) => allOf(permissions)).filter((one) => isIn(one, 'account')),
  ];
  return [...new Set(permissions.flatMap(({ actions }) => actions))].sort();
}

const playbookActions = (playbooks: Rights): readonly string[] => [
  ...new Set(
    playbooks
      .flatMap(({ permissions }) => allOf(permissions))
      .filter((one) => isIn(one, 'account'))
      .flatMap(({ actions }) => actions),
  ),
];

/** The explicit denies of the hub's functions (`hub`) and of the roles in member accounts. */
export const denies = (playbooks: Rights, where: 'hub' | 'member'): readonly Statement[] =>
  statements(
    'Never',
    [...never(where), ...(where === 'hub' ? NEVER_OWN : []), destructive(grantedActions(playbooks))],
    'Deny',
  );

/**
 * Reads of settings alone: nothing that these services answer to Get is data of the customer's, but for what is granted anyway
 * (results of a query of Athena, the code of a function).
 */
const SETTINGS =
  /^(athena|cloudtrail|config|guardduty|iam|lambda|route53resolver|scheduler|sns|sso|xray):Get[A-Za-z]+$/;

/**
 * Metadata reads are named by their verb (`ec2:Describe*`), so that the document stays within a managed policy; what
 * gives content away (`s3:GetObject`, `ssm:GetParameters`) and what changes anything is named in full, or by a pattern that no other
 * action of AWS has the form of.
 */
export function ceiling(actions: readonly string[]): readonly string[] {
  const short = actions.map((action) =>
    action
      .replace(/:(Describe|List)[A-Za-z]+$/, ':$1*')
      .replace(SETTINGS, '$1:Get*')
      .replace(/^s3:GetBucket[A-Za-z]+$/, 's3:GetBucket*'),
  );
  return shortActions([...new Set(short)]);
}

/** Actions outside the ceiling need no deny here; the identities are named because their actions are inside it. */
export function boundaryStatements(playbooks: Rights, where: 'hub' | 'member'): readonly Statement[] {
  const actions = where === 'hub' ? grantedActions(playbooks) : playbookActions(playbooks);
  const document: readonly Statement[] = [
    { Sid: 'Ceiling', Effect: 'Allow', Action: ceiling(actions), Resource: ['*'] },
    ...statements('Never', never(where), 'Deny'),
  ];
  const size = policySize(document);
  if (size > QUOTA.managed) {
    throw new Error(`the permissions boundary has ${size} characters, ${QUOTA.managed} fit`);
  }
  return document;
}

/** The people of the sandbox and of the examples: no Slack workspace has them. */
import type { Policy } from './policy.ts';

const PLACEHOLDERS = new Set(['U0ALICE', 'U0BOB', 'U0MALLORY', 'S0ONCALL', 'S0LEADS', 'S0PRODLEADS']);

/** Returns those whom a policy names to decide or to be asked, and who do not exist: no one could approve. */
export const placeholdersIn = (
  policy: Pick<Policy, 'approvers' | 'breakGlass' | 'escalateTo' | 'people'>,
): readonly string[] => {
  const { approvers, breakGlass, escalateTo, people } = policy;
  const named = [...approvers, ...breakGlass, ...escalateTo.mention, ...people.map(({ slack }) => slack)];
  return [...new Set(named)].filter((id) => PLACEHOLDERS.has(id));
};

/** Which user of which database: from the finding alone. */
import { z } from 'zod';
import type { Finding } from '../../../core/finding/finding.ts';
import type { TargetChoice } from '../../../core/journal/playbook.ts';
import { detailsOf } from '../details.ts';
import { databaseFacts, databaseOf } from './database-target.ts';

/** No engine has a longer one, and none has a control character in it. */
const USER = /^[^\p{C}]{1,63}$/u;

export const databaseUserFacts = databaseFacts.extend({ user: z.string().regex(USER) });
export type DatabaseUserFacts = z.infer<typeof databaseUserFacts>;

export function databaseUserOf(finding: Finding): TargetChoice<DatabaseUserFacts> {
  const choice = databaseOf(finding);
  if (!choice.ok) return choice;
  const user = detailsOf(finding, 'rdsDbUserDetails')?.optionalText('user') ?? '';
  if (!USER.test(user)) return { ok: false, reason: 'the finding does not name a user of the database' };
  return { ok: true, target: { ...choice.target, facts: { ...choice.target.facts, user } } };
}

/** The database, the secret of the user's password, the parameter of TLS and the login that ends sessions. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import type { Target } from '../../core/journal/playbook.ts';
import { describeDatabase, describedDatabase } from '../common/rds/database.ts';
import type { DatabaseUserFacts } from '../common/rds/user-target.ts';
import { noRotation, rotation, rotationOf } from './secret.ts';
import { login, loginOf, noLogin } from './sessions.ts';
import { settingsOf } from './settings.ts';
import { noRequirement, requirement, requirementOf } from './tls.ts';

/** It is stored with the incident: a new key must have a default. */
export const evictionState = describedDatabase.extend({
  rotation: z.union([rotation, noRotation]),
  tls: z.union([requirement, noRequirement]),
  sessions: z.union([login, noLogin]),
});
export type EvictionState = z.infer<typeof evictionState>;

/** Throws ResourceNotFound when the database is gone. */
export async function readEviction(
  target: Target<DatabaseUserFacts>,
  aws: Aws,
  given: unknown,
): Promise<EvictionState> {
  const { id, facts } = target;
  const settings = settingsOf(given);
  const live = await describeDatabase(aws, { id, cluster: facts.cluster });
  const [rotation, tls, sessions] = await Promise.all([
    rotationOf(aws, facts, live, id, settings),
    requirementOf(aws, target, live),
    loginOf(aws, facts.user, live, id, settings),
  ]);
  return { ...live, rotation, tls, sessions };
}

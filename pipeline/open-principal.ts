import type { Finding } from '../core/finding/finding.ts';
import { openOnPrincipal, type PrincipalIncident } from '../core/incident/principals.ts';
import type { Runtime } from './runtime.ts';

/** Another open incident on the finding's principal; looked for only where a rule of its type depends on it. */
export const openPrincipal = async (
  { policy, table, incidents, now }: Runtime,
  finding: Finding,
): Promise<PrincipalIncident | undefined> =>
  policy.asksForPrincipal(finding) ? openOnPrincipal(table, incidents, finding, now()) : undefined;

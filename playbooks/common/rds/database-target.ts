/** Which database: from the finding alone. Security groups of a cluster's member (Aurora, Multi-AZ DB cluster) belong to the cluster. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import type { Finding } from '../../../core/finding/finding.ts';
import type { TargetChoice } from '../../../core/journal/playbook.ts';
import { detailsOf } from '../details.ts';
import { elsewhere } from '../elsewhere.ts';

/** RDS identifiers: letters, digits, hyphens; the first a letter. */
const IDENTIFIER = /^[A-Za-z][A-Za-z0-9-]{0,62}$/;

export const databaseFacts = z.object({
  cluster: z.boolean(),
  /** Member the finding names, where the target is its cluster. */
  instance: z.string(),
  sources: z.array(z.string()),
  user: z.string().nullable(),
});
export type DatabaseFacts = z.infer<typeof databaseFacts>;

export function databaseOf(finding: Finding): TargetChoice<DatabaseFacts> {
  const details = detailsOf(finding, 'rdsDbInstanceDetails');
  const instance = details?.optionalText('dbInstanceIdentifier') ?? '';
  if (!IDENTIFIER.test(instance)) return { ok: false, reason: whyNone(finding) };
  const other = elsewhere(finding, 'database', details?.optionalText('dbInstanceArn'));
  if (other) return other;
  const clusterId = details?.optionalText('dbClusterIdentifier') ?? '';
  const cluster = IDENTIFIER.test(clusterId);
  const id = cluster ? clusterId : instance;
  const { partition, account, region } = finding;
  const scope = { partition, account, region };
  const remote = finding.action?.remote ?? [];
  const user = detailsOf(finding, 'rdsDbUserDetails')?.optionalText('user');
  const facts: DatabaseFacts = {
    cluster,
    instance,
    sources: [...new Set(remote.flatMap(({ ip }) => (ip !== undefined && isIP(ip) !== 0 ? [ip] : [])))],
    user: user?.slice(0, 63) ?? null,
  };
  return {
    ok: true,
    target: {
      ...scope,
      kind: cluster ? 'rds-cluster' : 'rds-instance',
      id,
      display: arn(scope, 'rds', `${cluster ? 'cluster' : 'db'}:${id}`),
      facts,
    },
  };
}

/** A shard group of an Aurora Limitless Database has no instance; what its cluster's security groups reach is unproven [M-LAB]. */
function whyNone(finding: Finding): string {
  const limitless = detailsOf(finding, 'rdsLimitlessDbDetails');
  const cluster = limitless?.optionalText('dbClusterIdentifier') ?? '';
  if (!limitless) return 'the finding does not name an RDS database';
  return `the finding is about an Aurora Limitless Database, which is not changed: restrict the security groups of its cluster${IDENTIFIER.test(cluster) ? ` ${cluster}` : ''} by hand`;
}

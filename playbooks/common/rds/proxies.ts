/** Proxies of RDS in front of a database: anyone who reaches one reaches the database, past the groups of its own. */
import { z } from 'zod';
import { inBatches } from '../../../core/aws/batches.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { allPages } from '../../../core/aws/pages.ts';
import { isAccessDenied } from '../../../core/errors.ts';
import { awsReason } from '../iam/aws-reason.ts';
import type { Database, DescribedDatabase } from './database.ts';

const proxySchema = z.object({
  name: z.string(),
  /** `prx-…`: by which IAM names it in the ARN of a database user. */
  resourceId: z.string().nullable(),
  groups: z.array(z.string()),
});
export type DatabaseProxy = z.infer<typeof proxySchema>;
export const proxiesSchema = z.union([z.array(proxySchema), z.object({ unread: z.string() })]);
export type Proxies = z.infer<typeof proxiesSchema>;

/** Member roles that were deployed for an earlier release may not list them. */
export async function proxiesOf(
  aws: Aws,
  database: Database,
  { vpcId, members }: Pick<DescribedDatabase, 'vpcId' | 'members'>,
): Promise<Proxies> {
  const { client, api } = await aws.rds();
  try {
    const all = await allPages(async (Marker) => {
      const page = await client.send(new api.DescribeDBProxiesCommand(Marker ? { Marker } : {}));
      return { items: page.DBProxies, next: page.Marker };
    });
    // A proxy and its database are in one VPC.
    const near = all.filter(({ VpcId }) => VpcId === undefined || VpcId === vpcId);
    const found = await inBatches(
      near,
      5,
      async ({ DBProxyName = '', DBProxyArn = '', VpcSecurityGroupIds }) => {
        const targets = await allPages(async (Marker) => {
          const page = await client.send(
            new api.DescribeDBProxyTargetsCommand({ DBProxyName, ...(Marker ? { Marker } : {}) }),
          );
          return { items: page.Targets, next: page.Marker };
        });
        const leads = targets.some(({ RdsResourceId = '', TrackedClusterId }) =>
          database.cluster
            ? RdsResourceId === database.id ||
              TrackedClusterId === database.id ||
              members.includes(RdsResourceId)
            : RdsResourceId === database.id,
        );
        const [resourceId = null] = /prx-[0-9a-z]+$/.exec(DBProxyArn) ?? [];
        return leads
          ? [{ name: DBProxyName, resourceId, groups: [...(VpcSecurityGroupIds ?? [])].sort() }]
          : [];
      },
    );
    return found.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (!isAccessDenied(error)) throw error;
    return { unread: awsReason(error) };
  }
}

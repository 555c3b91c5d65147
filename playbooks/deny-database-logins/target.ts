/** The database user of a finding, and who may log in as that user with a token: the policies of the account say it. */
import { z } from 'zod';
import { arn, type Scope } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import { PRINCIPAL_NAME } from '../common/iam/principal-name.ts';
import { describeDatabase } from '../common/rds/database.ts';
import { proxiesOf } from '../common/rds/proxies.ts';
import { databaseUserOf } from '../common/rds/user-target.ts';
import { grantsOf, type Principal } from './grants.ts';

/** `db-…`, `cluster-…`, `prx-…`: it becomes a resource of a policy. */
const RESOURCE_ID = /^(db|cluster|prx)-[A-Za-z0-9-]{1,80}$/;
const MOST = 10;

const principal = z.object({
  principal: z.enum(['role', 'user']),
  name: z.string().regex(PRINCIPAL_NAME),
  uniqueId: z.string(),
});

export const facts = z.object({
  user: z.string(),
  /** Of the database, and of each proxy that leads to it. */
  resourceIds: z.array(z.string().regex(RESOURCE_ID)).min(1),
  /** Identifier of the cluster where the Data API answers for it. */
  dataApi: z.string().nullable(),
  principals: z.array(principal).min(1),
  /** Who else has a way in, in words. */
  others: z.array(z.string()),
});
export type Facts = z.infer<typeof facts>;

export const userArn = (scope: Scope, resourceId: string, user: string): string =>
  arn(scope, 'rds-db', `dbuser:${resourceId}/${user}`);
export const clusterArn = (scope: Scope, cluster: string): string => arn(scope, 'rds', `cluster:${cluster}`);

const no = (reason: string): TargetChoice<never> => ({ ok: false, reason });

/** Throws ResourceNotFound when the database is gone. */
export async function locate(finding: Finding, aws: Aws): Promise<TargetChoice<Facts>> {
  const choice = databaseUserOf(finding);
  if (!choice.ok) return choice;
  const { target } = choice;
  const { user, cluster } = target.facts;
  const live = await describeDatabase(aws, { id: target.id, cluster });
  if (!live.takesTokens) return no('the database takes no tokens of IAM');
  const proxies = await proxiesOf(aws, { id: target.id, cluster }, live);
  const ids = [
    live.resourceId,
    ...(Array.isArray(proxies) ? proxies.map(({ resourceId }) => resourceId) : []),
  ];
  const resourceIds = ids.filter((id) => id !== null && RESOURCE_ID.test(id)) as string[];
  if (resourceIds.length === 0) return no('RDS does not say by which id IAM knows the database');
  const dataApi = cluster && live.dataApi ? target.id : null;
  const { logins, dataApi: callers } = await grantsOf(aws, {
    users: resourceIds.map((id) => userArn(target, id, user)),
    cluster: dataApi === null ? null : clusterArn(target, dataApi),
  });
  if (logins.length === 0) return no('no policy names a role or user that may log in with a token');
  const over = logins.slice(MOST);
  return {
    ok: true,
    target: {
      ...{ partition: target.partition, account: target.account, region: target.region },
      kind: 'rds-logins',
      id: target.id,
      display: target.display,
      facts: {
        ...{ user, resourceIds, dataApi },
        principals: logins.slice(0, MOST).map((one) => ({ ...one })),
        others: [
          ...(over.length > 0
            ? [`${over.length} more may log in with a token: ${over.slice(0, 5).map(named).join(', ')}`]
            : []),
          ...(callers.length > 0
            ? [
                `${callers.slice(0, 5).map(named).join(', ')}${callers.length > 5 ? ` and ${callers.length - 5} more` : ''} may call the Data API with a secret: contain who called it, if CloudTrail shows one`,
              ]
            : []),
        ],
      },
    },
  };
}

const named = ({ principal, name }: Principal): string => `${principal} ${name}`;

/** Log groups, and what filters their logs. CloudTrail names the members of a request as the API does [M-LAB]. */
import type { LogGroup } from '@aws-sdk/client-cloudwatch-logs';
import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';

export const LOGS = 'logs.amazonaws.com';
export const GROUPS = 'arn:${Partition}:logs:${Region}:${Account}:log-group:*';

export const groupName = z.string().regex(/^[\w./#-]{1,512}$/);
export const filter = z.strictObject({
  group: groupName,
  /** As the API allows it, without what a shell or a card could take for more. */
  name: z.string().regex(/^[\w./#@ -]{1,512}$/),
});

export const namesOf = ({ scope }: Aws, { group }: { readonly group: string }): readonly string[] => [
  arn(scope, 'logs', `log-group:${group}`),
  group,
];

/** Returns the group as CloudWatch Logs shows it; undefined where it is gone. */
export async function liveGroup(aws: Aws, group: string): Promise<LogGroup | undefined> {
  const { client, api } = await aws.cloudWatchLogs();
  let nextToken: string | undefined;
  do {
    const page = await client.send(
      new api.DescribeLogGroupsCommand({ logGroupNamePrefix: group, nextToken }),
    );
    const found = page.logGroups?.find(({ logGroupName }) => logGroupName === group);
    if (found) return found;
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return undefined;
}

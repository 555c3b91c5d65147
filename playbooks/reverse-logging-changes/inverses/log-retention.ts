import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';

const GROUPS = 'arn:${Partition}:logs:${Region}:${Account}:log-group:*';
const FOREVER = 'forever';
/** Days, or forever; null: the log group is gone. */
const retention = z.union([z.literal(FOREVER), z.int().min(1).max(36_500)]).nullable();
const daysOf = (value: z.infer<typeof retention>): number =>
  value === FOREVER ? Number.POSITIVE_INFINITY : (value ?? 0);
const said = (value: z.infer<typeof retention>): string => (value === FOREVER ? FOREVER : `${value} days`);

/** A log group keeps its logs as long as before, and never shorter than now. The record has the days as a number [M-LAB]. */
export const logRetention = defineInverse({
  id: 'log-retention',
  danger: 'blinds',
  calls: { source: 'logs.amazonaws.com', names: ['PutRetentionPolicy', 'DeleteRetentionPolicy'] },
  does: 'a retention that was shortened is as long as before, or forever where that is not known; none is shortened',
  resource: z.strictObject({ group: z.string().regex(/^[\w./#-]{1,512}$/) }),
  value: retention,
  effects({ name, request }) {
    const resource = { group: textIn(request, 'logGroupName') };
    const left = name === 'DeleteRetentionPolicy' ? FOREVER : request['retentionInDays'];
    return [{ resource, left, guess: FOREVER }];
  },
  listedAs: ({ group }) => group,
  names: ({ scope }, { group }) => [arn(scope, 'logs', `log-group:${group}`), group],
  says: ({ group }, wanted) => `Keep the logs of ${group} for ${said(wanted)} again`,
  async read(aws, { group }) {
    const { client, api } = await aws.cloudWatchLogs();
    let nextToken: string | undefined;
    do {
      const page = await client.send(
        new api.DescribeLogGroupsCommand({ logGroupNamePrefix: group, nextToken }),
      );
      const found = page.logGroups?.find(({ logGroupName }) => logGroupName === group);
      if (found) return found.retentionInDays ?? FOREVER;
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    return null;
  },
  async put(aws, { group: logGroupName }, to) {
    const { client, api } = await aws.cloudWatchLogs();
    await (to === FOREVER || to === null
      ? client.send(new api.DeleteRetentionPolicyCommand({ logGroupName }))
      : client.send(new api.PutRetentionPolicyCommand({ logGroupName, retentionInDays: to })));
  },
  never({ group }, value, { region, from }) {
    if (daysOf(value) >= daysOf(from)) return undefined;
    const command = awsCommand('logs put-retention-policy', {
      ...{ region, 'log-group-name': group, 'retention-in-days': String(daysOf(value)) },
    });
    return `Firebreak does not shorten the retention of ${group}, which deletes logs: ${command}`;
  },
  remains: ({ group }) => [`logs of ${group} that were past the shorter retention may be deleted`],
  permissions: {
    read: [
      {
        // No resource level.
        actions: ['logs:DescribeLogGroups'],
        resources: ['*'],
        why: 'how long a log group keeps its logs',
      },
    ],
    write: [
      {
        actions: ['logs:DeleteRetentionPolicy', 'logs:PutRetentionPolicy'],
        resources: [GROUPS],
        why: 'logs are kept as long as before',
        worst: "deletes the older logs of any group that is not Firebreak's, by a shorter retention",
      },
    ],
  },
  words: { setting: 'Retention of a log group', why: 'logs past it are deleted' },
  example: {
    eventName: 'PutRetentionPolicy',
    requestParameters: { logGroupName: '/aws/cloudtrail', retentionInDays: 1 },
  },
});

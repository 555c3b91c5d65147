import { z } from 'zod';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { GROUPS, groupName, LOGS, liveGroup, namesOf } from '../../common/logging/log-group.ts';

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
  calls: { source: LOGS, names: ['PutRetentionPolicy', 'DeleteRetentionPolicy', 'DeleteLogGroup'] },
  does: 'a retention that was shortened is as long as before, or forever where that is not known; none is shortened',
  resource: z.strictObject({ group: groupName }),
  value: retention,
  effects({ name, request }) {
    const resource = { group: textIn(request, 'logGroupName') };
    if (name === 'DeleteLogGroup') return [{ resource, left: null }];
    const left = name === 'DeleteRetentionPolicy' ? FOREVER : request['retentionInDays'];
    return [{ resource, left, guess: FOREVER }];
  },
  listedAs: ({ group }) => group,
  names: namesOf,
  says: ({ group }, wanted) => `Keep the logs of ${group} for ${said(wanted)} again`,
  async read(aws, { group }) {
    const live = await liveGroup(aws, group);
    return live ? (live.retentionInDays ?? FOREVER) : null;
  },
  async put(aws, { group: logGroupName }, to) {
    const { client, api } = await aws.cloudWatchLogs();
    await (to === FOREVER || to === null
      ? client.send(new api.DeleteRetentionPolicyCommand({ logGroupName }))
      : client.send(new api.PutRetentionPolicyCommand({ logGroupName, retentionInDays: to })));
  },
  needs: ({ group }, made) => made.inverse === 'deleted-group' && made.resource['group'] === group,
  // A group that was just created keeps its logs forever, or is not shown yet.
  between: (_group, left) => (left === null ? [FOREVER, null] : []),
  never({ group }, value, { region, from }) {
    // A group that was deleted has no older logs to lose.
    if (from === null || daysOf(value) >= daysOf(from)) return undefined;
    if (value === null) return `it stays as long as ${group} does`;
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

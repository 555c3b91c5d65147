import { z } from 'zod';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { GROUPS, groupName, LOGS, liveGroup, namesOf } from '../../common/logging/log-group.ts';

const value = z
  .strictObject({
    key: z
      .string()
      .regex(/^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/)
      .nullable(),
    class: z.enum(['STANDARD', 'INFREQUENT_ACCESS', 'DELIVERY']),
  })
  .nullable();

/** A log group is there again, empty: what writes to it (a trail, a flow log) does so again. */
export const deletedGroup = defineInverse({
  id: 'deleted-group',
  danger: 'blinds',
  calls: { source: LOGS, names: ['DeleteLogGroup'], alsoTold: ['CreateLogGroup'] },
  does: 'the log group is created again, with its key and class where CloudTrail shows them, so that it takes in logs; what was in it is gone',
  resource: z.strictObject({ group: groupName }),
  value,
  effects: ({ name, request }) => [
    {
      resource: { group: textIn(request, 'logGroupName') },
      left:
        name === 'DeleteLogGroup'
          ? null
          : {
              key: textIn(request, 'kmsKeyId') ?? null,
              class: textIn(request, 'logGroupClass') ?? 'STANDARD',
            },
      guess: { key: null, class: 'STANDARD' },
    },
  ],
  listedAs: ({ group }) => group,
  names: namesOf,
  says: ({ group }) => `Create log group ${group} again, empty`,
  async read(aws, { group }) {
    const live = await liveGroup(aws, group);
    return live ? value.parse({ key: live.kmsKeyId ?? null, class: live.logGroupClass ?? 'STANDARD' }) : null;
  },
  async put(aws, { group: logGroupName }, to) {
    if (to === null) return;
    const { client, api } = await aws.cloudWatchLogs();
    await client.send(
      new api.CreateLogGroupCommand({
        ...{ logGroupName, logGroupClass: to.class },
        ...(to.key === null ? {} : { kmsKeyId: to.key }),
      }),
    );
  },
  never: ({ group }, wanted, { region }) =>
    wanted === null
      ? `Firebreak deletes no log group: ${awsCommand('logs delete-log-group', { region, 'log-group-name': group })}`
      : undefined,
  remains: ({ group }) => [
    `filters, subscriptions, policy and tags of ${group} are put again from your template, and a key that it was given later`,
  ],
  permissions: {
    read: [
      {
        // No resource level.
        actions: ['logs:DescribeLogGroups'],
        resources: ['*'],
        why: 'whether a log group is there',
      },
    ],
    write: [
      {
        actions: ['logs:CreateLogGroup'],
        resources: [GROUPS],
        why: 'a deleted log group takes in logs again',
        worst: 'creates empty log groups',
      },
    ],
  },
  words: { setting: 'Log group', why: 'what writes to it fails without it' },
  example: { eventName: 'DeleteLogGroup', requestParameters: { logGroupName: '/aws/cloudtrail' } },
});

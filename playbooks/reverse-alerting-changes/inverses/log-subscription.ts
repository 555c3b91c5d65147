import { z } from 'zod';
import { toJson } from '../../../core/json.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { filter, GROUPS, LOGS, namesOf } from '../../common/logging/log-group.ts';
import { unlessGone } from '../../common/unless-gone.ts';

const shown = z.object({
  filterPattern: z.string().max(1024).default(''),
  destinationArn: z.string().regex(/^arn:[\w-]+:[\w-]+:/),
  roleArn: z
    .string()
    .nullish()
    .transform((role) => role ?? null),
  distribution: z.enum(['ByLogStream', 'Random']).default('ByLogStream'),
  applyOnTransformedLogs: z.boolean().default(false),
  fieldSelectionCriteria: z
    .string()
    .nullish()
    .transform((criteria) => criteria ?? null),
  emitSystemFields: z.array(z.string()).default([]),
});
/** null: there is none. */
const value = shown.nullable();

/** Logs go where they went: to the collector again, and no longer to where the principal sent them. */
export const logSubscription = defineInverse({
  id: 'log-subscription',
  danger: 'blinds',
  calls: { source: LOGS, names: ['DeleteSubscriptionFilter', 'PutSubscriptionFilter'] },
  does: 'a subscription of a log group that was deleted or changed is as before, and one that was added is deleted',
  resource: filter,
  value,
  effects: ({ name, request }) => [
    {
      resource: { group: textIn(request, 'logGroupName'), name: textIn(request, 'filterName') },
      // One that was put may have been there before: no subscription sends logs nowhere.
      ...(name === 'DeleteSubscriptionFilter'
        ? { left: null }
        : { left: shown.safeParse(request).data, guess: null }),
    },
  ],
  listedAs: ({ group }) => group,
  names: namesOf,
  says: ({ group, name }, wanted) =>
    wanted === null
      ? `Delete subscription ${name} of ${group}`
      : `Send the logs of ${group} to ${wanted.destinationArn} again`,
  async read(aws, { group: logGroupName, name }) {
    const { client, api } = await aws.cloudWatchLogs();
    const asked = { logGroupName, filterNamePrefix: name };
    const found = await unlessGone(client.send(new api.DescribeSubscriptionFiltersCommand(asked)));
    const live = found?.subscriptionFilters?.find(({ filterName }) => filterName === name);
    return live ? shown.parse(toJson(live)) : null;
  },
  async put(aws, { group: logGroupName, name: filterName }, to) {
    const { client, api } = await aws.cloudWatchLogs();
    const named = { logGroupName, filterName };
    if (to === null) {
      await unlessGone(client.send(new api.DeleteSubscriptionFilterCommand(named)));
      return;
    }
    const { roleArn, fieldSelectionCriteria, emitSystemFields, ...rest } = shown.parse(to);
    await client.send(
      new api.PutSubscriptionFilterCommand({
        ...{ ...named, ...rest },
        ...(roleArn === null ? {} : { roleArn }),
        ...(fieldSelectionCriteria === null ? {} : { fieldSelectionCriteria }),
        ...(emitSystemFields.length === 0 ? {} : { emitSystemFields }),
      }),
    );
  },
  unknown: () => 'put it from your template',
  remains: ({ group }) => [`the logs of ${group} meanwhile did not go where they should, or went elsewhere`],
  permissions: {
    read: [
      {
        actions: ['logs:DescribeSubscriptionFilters'],
        resources: [GROUPS],
        why: 'where the logs of a group go',
      },
    ],
    write: [
      {
        actions: ['logs:DeleteSubscriptionFilter', 'logs:PutSubscriptionFilter'],
        resources: [GROUPS, 'arn:${Partition}:logs:${Region}:*:destination:*'],
        why: 'the logs of a group go where they went',
        worst: 'sends the logs of any group elsewhere',
      },
      {
        actions: ['iam:PassRole'],
        resources: ['arn:${Partition}:iam::${Account}:role/*'],
        condition: { StringEquals: { 'iam:PassedToService': 'logs.amazonaws.com' } },
        why: 'the role under which a subscription wrote to its stream',
        worst: 'lets CloudWatch Logs write as any role that trusts it',
      },
    ],
  },
  words: { setting: 'Subscription of a log group', why: 'who collects its logs gets them by it' },
  example: {
    eventName: 'DeleteSubscriptionFilter',
    requestParameters: { logGroupName: '/aws/cloudtrail', filterName: 'siem' },
  },
});

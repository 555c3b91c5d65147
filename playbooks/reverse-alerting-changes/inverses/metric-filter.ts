import type { StandardUnit } from '@aws-sdk/client-cloudwatch-logs';
import { z } from 'zod';
import { toJson } from '../../../core/json.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { filter, GROUPS, LOGS, namesOf } from '../../common/logging/log-group.ts';
import { unlessGone } from '../../common/unless-gone.ts';

const transformation = z.object({
  metricName: z.string(),
  metricNamespace: z.string(),
  metricValue: z.string(),
  defaultValue: z.number().nullish().transform(orNull),
  dimensions: z.record(z.string(), z.string()).nullish().transform(orNull),
  /** None is what a metric without a unit shows. */
  unit: z
    .custom<StandardUnit>((unit) => typeof unit === 'string')
    .nullish()
    .transform((unit) => (unit === 'None' ? null : (unit ?? null))),
});
const shown = z.object({
  filterPattern: z.string().max(1024).default(''),
  metricTransformations: z.array(transformation).length(1),
  applyOnTransformedLogs: z.boolean().default(false),
  fieldSelectionCriteria: z.string().nullish().transform(orNull),
  emitSystemFieldDimensions: z.array(z.string()).default([]),
});
/** null: there is none. */
const value = shown.nullable();

/** A metric filter counts again what it counted: alarms on calls of root or of a trail that is stopped rest on it. */
export const metricFilter = defineInverse({
  id: 'metric-filter',
  danger: 'blinds',
  calls: { source: LOGS, names: ['DeleteMetricFilter', 'PutMetricFilter'] },
  does: 'a metric filter that was deleted or changed is as before; one that was added stays',
  resource: filter,
  value,
  effects: ({ name, request }) => [
    {
      resource: { group: textIn(request, 'logGroupName'), name: textIn(request, 'filterName') },
      left: name === 'DeleteMetricFilter' ? null : shown.safeParse(request).data,
    },
  ],
  listedAs: ({ group }) => group,
  names: namesOf,
  says: ({ group, name }) => `Put metric filter ${name} of ${group} as it was`,
  async read(aws, { group: logGroupName, name }) {
    const { client, api } = await aws.cloudWatchLogs();
    const asked = { logGroupName, filterNamePrefix: name };
    const found = await unlessGone(client.send(new api.DescribeMetricFiltersCommand(asked)));
    const live = found?.metricFilters?.find(({ filterName }) => filterName === name);
    return live ? shown.parse(toJson(live)) : null;
  },
  async put(aws, { group: logGroupName, name: filterName }, to) {
    const { client, api } = await aws.cloudWatchLogs();
    const named = { logGroupName, filterName };
    if (to === null) {
      await client.send(new api.DeleteMetricFilterCommand(named));
      return;
    }
    const { metricTransformations, fieldSelectionCriteria, emitSystemFieldDimensions, ...rest } =
      shown.parse(to);
    await client.send(
      new api.PutMetricFilterCommand({
        ...{ ...named, ...rest },
        ...(fieldSelectionCriteria === null ? {} : { fieldSelectionCriteria }),
        ...(emitSystemFieldDimensions.length === 0 ? {} : { emitSystemFieldDimensions }),
        metricTransformations: metricTransformations.map(({ defaultValue, dimensions, unit, ...of }) => ({
          ...of,
          ...(defaultValue === null ? {} : { defaultValue }),
          ...(dimensions === null ? {} : { dimensions }),
          ...(unit === null ? {} : { unit }),
        })),
      }),
    );
  },
  never: ({ group, name }, wanted, { by }) =>
    by === 'reversal' && wanted === null
      ? `metric filter ${name} of ${group} was not there before, and stays`
      : undefined,
  unknown: () => 'put it from your template',
  remains: ({ group, name }) => [
    `what metric filter ${name} of ${group} would have counted meanwhile was not counted`,
  ],
  permissions: {
    read: [
      { actions: ['logs:DescribeMetricFilters'], resources: [GROUPS], why: 'what a metric filter counts' },
    ],
    write: [
      {
        actions: ['logs:PutMetricFilter'],
        resources: [GROUPS],
        why: 'a metric filter counts what it counted',
        worst: 'makes metric filters count something else, so that alarms on them stay silent',
      },
    ],
    undo: [
      {
        actions: ['logs:DeleteMetricFilter'],
        resources: [GROUPS],
        why: 'deletes again the metric filters that it put again',
        worst: 'deletes any metric filter of the account',
      },
    ],
  },
  words: { setting: 'Metric filter of a log group', why: 'alarms count by it' },
  example: {
    eventName: 'DeleteMetricFilter',
    requestParameters: { logGroupName: '/aws/cloudtrail', filterName: 'root-login' },
  },
});

function orNull<T>(given: T | null | undefined): T | null {
  return given ?? null;
}

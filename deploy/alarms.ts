import { FUNCTIONS } from './access.ts';
import { pascal } from './statements.ts';

/** The workflow tries these again, and what fails for good pages on its own: one error that passed needs no one. */
const TRIED_AGAIN = new Set([
  ...['enrich', 'classify', 'request-approval', 'contain', 'verify', 'report', 'undo'],
  // So is the next sweep, a minute later; a queue delivers again what was not counted.
  ...['sweep', 'scans'],
]);
/** A click that is throttled is refused; everything else waits in a queue for a while. */
const NOT_QUEUED = new Set(['slack']);
/** One that still runs holds the next one up, which is dropped: `sweep-silent` says when none runs. */
const DROPPED = new Set(['sweep']);

interface Rings {
  readonly Period: number;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm: number;
  readonly when: string;
}
const AT_ONCE: Rings = { Period: 60, EvaluationPeriods: 1, DatapointsToAlarm: 1, when: '' };
const TWICE: Rings = {
  ...{ Period: 60, EvaluationPeriods: 15, DatapointsToAlarm: 2 },
  when: ' in two of fifteen minutes',
};
/** Step Functions and Lambda try again for an hour: half of it without an end is no burst. */
const LASTING: Rings = {
  ...{ Period: 300, EvaluationPeriods: 6, DatapointsToAlarm: 6 },
  when: ' for half an hour on end',
};

/** When an alarm rings; undefined where there is none. */
function ringsFor(name: string, metric: 'Errors' | 'Throttles'): Rings | undefined {
  if (metric === 'Errors') return TRIED_AGAIN.has(name) ? TWICE : AT_ONCE;
  if (DROPPED.has(name)) return undefined;
  return NOT_QUEUED.has(name) ? AT_ONCE : LASTING;
}

const PAGES = {
  Threshold: 1,
  ComparisonOperator: 'GreaterThanOrEqualToThreshold',
  TreatMissingData: 'notBreaching',
  AlarmActions: [{ Ref: 'PageTopic' }],
};

const UNCONTAINED = 'The finding may be uncontained.';
const HALF_RESTORED = 'Resources may be half restored; the incident says which.';
/** Executions that ended without success, by state machine and metric. */
const ENDS = [
  [
    'respond',
    'ExecutionsFailed',
    `A response ended in failure. Open the execution, then the incident. ${UNCONTAINED}`,
  ],
  ['respond', 'ExecutionsTimedOut', `A response ran out of time. ${UNCONTAINED}`],
  ['respond', 'ExecutionsAborted', 'A response was stopped. If it was none of you, treat it as tampering.'],
  ['undo', 'ExecutionsFailed', `An undo ended in failure. ${HALF_RESTORED}`],
  ['undo', 'ExecutionsTimedOut', `An undo ran out of time. ${HALF_RESTORED}`],
] as const;

/**
 * Executions are started at the alias. Whether their metrics carry its ARN, that of the machine or one of each, AWS does not
 * say [M]: one alarm adds up both, and rings once.
 */
export function executionAlarms(): Readonly<Record<string, object>> {
  return Object.fromEntries(
    ENDS.map(([machine, metric, description]) => {
      const end = metric.replace('Executions', '');
      const stat = (id: string, resource: string) => ({
        Id: id,
        ReturnData: false,
        MetricStat: {
          Metric: {
            Namespace: 'AWS/States',
            MetricName: metric,
            Dimensions: [{ Name: 'StateMachineArn', Value: { Ref: resource } }],
          },
          Period: 60,
          Stat: 'Sum',
        },
      });
      return [
        `${pascal(machine)}${end}Alarm`,
        {
          Type: 'AWS::CloudWatch::Alarm',
          Properties: {
            AlarmName: `\${self:service}-\${sls:stage}-${machine}-${end.replace('TimedOut', 'timed-out').toLowerCase()}`,
            AlarmDescription: description,
            Metrics: [
              stat('machine', `${pascal(machine)}StateMachine`),
              stat('alias', `${pascal(machine)}Alias`),
              { Id: 'both', Expression: 'FILL(machine, 0) + FILL(alias, 0)', ReturnData: true },
            ],
            EvaluationPeriods: 1,
            ...PAGES,
          },
        },
      ];
    }),
  );
}

/** Errors and throttles of each function, so that the alarm names the function. */
export function functionAlarms(): { readonly Resources: Readonly<Record<string, object>> } {
  const alarms: Record<string, object> = {};
  for (const { name } of FUNCTIONS) {
    for (const metric of ['Errors', 'Throttles'] as const) {
      const rings = ringsFor(name, metric);
      if (!rings) continue;
      const { when, ...periods } = rings;
      alarms[`${pascal(name)}${metric}Alarm`] = {
        Type: 'AWS::CloudWatch::Alarm',
        Properties: {
          AlarmName: `\${self:service}-\${sls:stage}-${name}-${metric.toLowerCase()}`,
          AlarmDescription: `${name}: Lambda ${metric.toLowerCase()}${when}. Look into /aws/lambda/\${self:service}-\${sls:stage}-${name}.`,
          Namespace: 'AWS/Lambda',
          MetricName: metric,
          Dimensions: [{ Name: 'FunctionName', Value: `\${self:service}-\${sls:stage}-${name}` }],
          Statistic: 'Sum',
          ...periods,
          ...PAGES,
        },
      };
    }
  }
  return { Resources: alarms };
}

import { FUNCTIONS } from './access.ts';
import { pascal } from './statements.ts';

/** Errors and throttles of each function, so that the alarm names the function. */
export function functionAlarms(): object {
  const alarms: Record<string, object> = {};
  for (const { name } of FUNCTIONS) {
    for (const metric of ['Errors', 'Throttles'] as const) {
      alarms[`${pascal(name)}${metric}Alarm`] = {
        Type: 'AWS::CloudWatch::Alarm',
        Properties: {
          AlarmName: `\${self:service}-\${sls:stage}-${name}-${metric.toLowerCase()}`,
          AlarmDescription: `${name}: Lambda ${metric.toLowerCase()}. Look into /aws/lambda/\${self:service}-\${sls:stage}-${name}.`,
          Namespace: 'AWS/Lambda',
          MetricName: metric,
          Dimensions: [{ Name: 'FunctionName', Value: `\${self:service}-\${sls:stage}-${name}` }],
          Statistic: 'Sum',
          Period: 60,
          EvaluationPeriods: 1,
          Threshold: 1,
          ComparisonOperator: 'GreaterThanOrEqualToThreshold',
          TreatMissingData: 'notBreaching',
          AlarmActions: [{ Ref: 'PageTopic' }],
        },
      };
    }
  }
  return { Resources: alarms };
}

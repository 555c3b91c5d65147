/**
 * GuardDuty is Regional: a rule in each other Region hands its findings to the bus of the Region Firebreak is deployed in.
 * Deployed by hand or as a stack set over Regions, in the administrator's account (its findings are its members' as well)
 * or in members.
 */

export function forwardRegion(): object {
  const hubRegion = { 'Fn::Select': [3, { 'Fn::Split': [':', { Ref: 'HubBusArn' }] }] };
  const only = { Condition: 'Elsewhere' };
  const paging = {
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    TreatMissingData: 'notBreaching',
    AlarmActions: { 'Fn::If': ['Paging', [{ Ref: 'AlarmTopicArn' }], { Ref: 'AWS::NoValue' }] },
  };
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: "Hands this Region's GuardDuty findings to Firebreak's event bus.",
    Parameters: {
      HubBusArn: {
        Type: 'String',
        AllowedPattern: 'arn:[a-z-]+:events:[a-z0-9-]+:\\d{12}:event-bus/firebreak-[a-z0-9-]+',
        Description: 'Output ForwardedBusArn of the Firebreak stack',
      },
      AlarmTopicArn: {
        Type: 'String',
        Default: '',
        Description:
          'SNS topic of this Region that pages when a finding could not be handed on; none: the alarm alone',
      },
    },
    Conditions: {
      // In its own Region Firebreak sees the findings already.
      Elsewhere: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'AWS::Region' }, hubRegion] }] },
      Paging: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'AlarmTopicArn' }, ''] }] },
    },
    Resources: {
      ForwardRole: {
        Type: 'AWS::IAM::Role',
        ...only,
        Properties: {
          Path: '/firebreak/',
          AssumeRolePolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Principal: { Service: 'events.amazonaws.com' },
                Action: 'sts:AssumeRole',
                Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
              },
            ],
          },
          Policies: [
            {
              PolicyName: 'least-privilege',
              PolicyDocument: {
                Version: '2012-10-17',
                Statement: [{ Effect: 'Allow', Action: 'events:PutEvents', Resource: { Ref: 'HubBusArn' } }],
              },
            },
          ],
        },
      },
      ForwardRule: {
        Type: 'AWS::Events::Rule',
        ...only,
        Properties: {
          Description: 'GuardDuty findings and results of malware scans to Firebreak',
          EventPattern: {
            source: ['aws.guardduty', 'aws.backup'],
            'detail-type': [
              'GuardDuty Finding',
              'GuardDuty Malware Protection Object Scan Result',
              'Scan Job State Change',
            ],
          },
          State: 'ENABLED',
          Targets: [
            {
              Id: 'hub',
              Arn: { Ref: 'HubBusArn' },
              RoleArn: { 'Fn::GetAtt': ['ForwardRole', 'Arn'] },
              RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
              DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['UndeliveredQueue', 'Arn'] } },
            },
          ],
        },
      },
      UndeliveredQueue: {
        Type: 'AWS::SQS::Queue',
        ...only,
        Properties: { SqsManagedSseEnabled: true, MessageRetentionPeriod: 1_209_600 },
      },
      UndeliveredQueuePolicy: {
        Type: 'AWS::SQS::QueuePolicy',
        ...only,
        Properties: {
          Queues: [{ Ref: 'UndeliveredQueue' }],
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              {
                Sid: 'EventBridge',
                Effect: 'Allow',
                Principal: { Service: 'events.amazonaws.com' },
                Action: 'sqs:SendMessage',
                Resource: { 'Fn::GetAtt': ['UndeliveredQueue', 'Arn'] },
                Condition: { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': ['ForwardRule', 'Arn'] } } },
              },
            ],
          },
        },
      },
      UndeliveredAlarm: {
        Type: 'AWS::CloudWatch::Alarm',
        ...only,
        Properties: {
          AlarmDescription:
            'A GuardDuty finding of this Region did not reach Firebreak; it waits in the queue.',
          Namespace: 'AWS/SQS',
          MetricName: 'ApproximateNumberOfMessagesVisible',
          Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': ['UndeliveredQueue', 'QueueName'] } }],
          Statistic: 'Maximum',
          ...paging,
        },
      },
      LostAlarm: {
        Type: 'AWS::CloudWatch::Alarm',
        ...only,
        Properties: {
          AlarmDescription:
            'A GuardDuty finding of this Region reached neither Firebreak nor the queue: read it in the GuardDuty console.',
          Namespace: 'AWS/Events',
          MetricName: 'InvocationsFailedToBeSentToDlq',
          Dimensions: [{ Name: 'RuleName', Value: { Ref: 'ForwardRule' } }],
          Statistic: 'Sum',
          ...paging,
        },
      },
    },
  };
}

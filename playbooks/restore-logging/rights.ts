/** What restoring needs. Rights to create are narrowed by what they create; rights to pass a role by who gets it. */
import type { Playbook } from '../../core/journal/playbook.ts';
import { DETECTION_RIGHTS } from '../common/detection/rights.ts';
import { FLOW_LOG_RIGHTS } from '../common/logging/flow-log.ts';

const own = (service: string, resource: string) =>
  `arn:\${Partition}:${service}:\${Region}:\${Account}:${resource}`;
const TRAILS = `arn:\${Partition}:cloudtrail:*:\${Account}:trail/*`;
const pass = (service: string, why: string, worst: string) => ({
  actions: ['iam:PassRole'],
  resources: [`arn:\${Partition}:iam::\${Account}:role/*`],
  condition: { StringEquals: { 'iam:PassedToService': service } },
  why,
  worst,
});

export const LOGGING_RIGHTS: Playbook['permissions'] = {
  read: [
    ...DETECTION_RIGHTS.read,
    {
      // None of these has a resource level that a list of everything could use.
      actions: [
        'bedrock:GetModelInvocationLoggingConfiguration',
        'cloudtrail:DescribeTrails',
        'cloudtrail:GetEventSelectors',
        'cloudtrail:GetTrailStatus',
        'cloudtrail:ListTags',
        'ec2:DescribeFlowLogs',
        'guardduty:GetDetector',
        'iam:GetAccountPasswordPolicy',
      ],
      resources: ['*'],
      why: 'what is switched on, what it was before (event history), and whether a trail is one of a drill',
    },
    {
      actions: ['s3:GetBucketLocation', 's3:GetBucketLogging'],
      resources: ['arn:${Partition}:s3:::*'],
      why: 'where the access log of a bucket goes',
    },
  ],
  write: [
    ...DETECTION_RIGHTS.write,
    {
      actions: ['cloudtrail:PutEventSelectors', 'cloudtrail:StartLogging'],
      resources: [TRAILS],
      why: 'starts logging and restores selectors',
      worst: 'narrows what any trail of the account records, to next to nothing',
    },
    {
      actions: ['s3:PutBucketLogging'],
      resources: ['arn:${Partition}:s3:::*'],
      why: 'switches server access logging on again',
      worst: 'switches access logging of any bucket off, or sends it elsewhere in the account',
    },
    {
      actions: ['guardduty:UpdateDetector'],
      resources: [own('guardduty', 'detector/*')],
      why: 'enables the detector and the features that were disabled',
      worst: 'suspends GuardDuty, or any of its features, in the account',
    },
    {
      // Of the account: no resource level.
      actions: ['bedrock:PutModelInvocationLoggingConfiguration', 'iam:UpdateAccountPasswordPolicy'],
      resources: ['*'],
      why: 'settings of the account restored',
      worst: "weakens the password policy; sends the log of Bedrock's models elsewhere",
    },
    ...FLOW_LOG_RIGHTS.write,
    pass(
      'bedrock.amazonaws.com',
      'the role under which Bedrock wrote to its log group',
      'lets Bedrock write its log as any role that trusts it',
    ),
  ],
  undo: [
    ...DETECTION_RIGHTS.undo,
    {
      actions: ['cloudtrail:StopLogging'],
      resources: [TRAILS],
      why: 'stops logging again, which two people must want',
      worst: 'stops every trail of the account',
    },
    {
      // Of the account: no resource level.
      actions: ['bedrock:DeleteModelInvocationLoggingConfiguration', 'iam:DeleteAccountPasswordPolicy'],
      resources: ['*'],
      why: 'settings of the account that were not set before',
      worst: "ends the log of Bedrock's models and the password policy",
    },
    ...FLOW_LOG_RIGHTS.undo,
  ],
};

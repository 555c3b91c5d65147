/**
 * What no function may do, whatever a playbook asks for and whatever else its role allows: explicit denies, so that a
 * wrong plan, a wrong policy.yml or a hijacked function cannot reach it.
 */
import { compileGlob } from '../core/glob.ts';
import type { Permission } from '../core/journal/playbook.ts';
import { MEMBER_ROLES } from './access.ts';

const identity = (kind: 'role' | 'user' | 'policy', name: string): string =>
  `arn:\${Partition}:iam::*:${kind}/${name}`;
const own = (service: string, resource: string): string =>
  `arn:\${Partition}:${service}:*:\${Account}:${resource}`;

const CHANGE_IDENTITY = [
  'iam:Add*',
  'iam:Attach*',
  'iam:Create*',
  'iam:Delete*',
  'iam:Detach*',
  'iam:PassRole',
  'iam:Put*',
  'iam:Remove*',
  'iam:Set*',
  'iam:Tag*',
  'iam:Untag*',
  'iam:Update*',
];
/** IAM compares names with their case; these are the spellings in use. */
const BREAK_GLASS = ['*break-glass*', '*breakglass*', '*BreakGlass*'];
const UNTOUCHABLE_ROLES = [
  'firebreak/*',
  'aws-service-role/*',
  'aws-reserved/*',
  'OrganizationAccountAccessRole',
  'AWSControlTowerExecution',
  ...BREAK_GLASS,
].map((name) => identity('role', name));

/** In every account: identities, and what cannot be taken back. */
export const NEVER: readonly Permission[] = [
  {
    actions: CHANGE_IDENTITY,
    resources: [
      ...UNTOUCHABLE_ROLES,
      ...Object.values(MEMBER_ROLES).map((name) => identity('role', name)),
      ...BREAK_GLASS.map((name) => identity('user', name)),
      identity('policy', 'firebreak/*'),
    ],
    why: "Firebreak's own roles, break-glass identities, and roles that AWS or the organisation depends on",
  },
  {
    actions: ['sts:AssumeRole'],
    resources: UNTOUCHABLE_ROLES,
    why: 'becoming one of them',
  },
];

/** Of the pipeline itself, in the account it runs in. */
export const NEVER_OWN: readonly Permission[] = [
  {
    actions: ['lambda:Add*', 'lambda:Delete*', 'lambda:Put*', 'lambda:Remove*', 'lambda:Update*'],
    resources: [own('lambda', 'function:${Service}-*')],
    why: 'its functions',
  },
  {
    actions: [
      's3:BypassGovernanceRetention',
      's3:Delete*',
      's3:PutBucket*',
      's3:PutEncryptionConfiguration',
      's3:PutLifecycleConfiguration',
      's3:PutObjectAcl',
      's3:PutObjectLegalHold',
      's3:PutObjectRetention',
      's3:PutObjectTagging',
      's3:PutObjectVersion*',
    ],
    resources: ['', '/*'].map((objects) => `arn:\${Partition}:s3:::\${Service}-evidencebucket-*${objects}`),
    why: 'the evidence: written once, never changed, never deleted',
  },
  {
    actions: [
      'dynamodb:Delete*',
      'dynamodb:UpdateContinuousBackups',
      'dynamodb:UpdateTable',
      'events:Delete*',
      'events:Disable*',
      'events:PutRule',
      'events:PutTargets',
      'events:Remove*',
      'logs:Delete*',
      'sns:Delete*',
      'sns:SetTopicAttributes',
      'sqs:DeleteQueue',
      'sqs:PurgeQueue',
      'sqs:SetQueueAttributes',
      'ssm:Delete*',
      'ssm:Put*',
      'states:Delete*',
      'states:StopExecution',
      'states:Update*',
    ],
    resources: [
      own('dynamodb', 'table/${Service}*'),
      own('events', '*/${Service}-*'),
      own('logs', 'log-group:/aws/*/${Service}*'),
      own('sns', '${Service}-*'),
      own('sqs', '${Service}-*'),
      own('ssm', 'parameter/firebreak/*'),
      own('states', '*:${Service}-*'),
    ],
    why: 'its table, rule, logs, topic, queues, secrets and state machines',
  },
];

/** Calls that destroy or escalate, on anything. One that a playbook needs is left out, of itself. */
const DESTRUCTIVE = [
  'autoscaling:DeleteAutoScalingGroup',
  'autoscaling:TerminateInstanceInAutoScalingGroup',
  'cloudformation:DeleteStack',
  'cloudtrail:DeleteTrail',
  'dynamodb:DeleteTable',
  'ec2:DeleteFlowLogs',
  'ec2:DeleteSnapshot',
  'ec2:DeleteVolume',
  'ec2:DeleteVpc',
  'ec2:DeregisterImage',
  'ec2:TerminateInstances',
  'ecs:DeleteCluster',
  'ecs:DeleteService',
  'eks:DeleteAccessEntry',
  'eks:DeleteCluster',
  'eks:DeleteNodegroup',
  'elasticloadbalancing:DeleteLoadBalancer',
  'guardduty:DeleteDetector',
  'iam:CreateAccessKey',
  'iam:CreateUser',
  'iam:DeleteAccessKey',
  'iam:DeleteRole',
  'iam:DeleteUser',
  'iam:UpdateAssumeRolePolicy',
  'kms:DisableKey',
  'kms:ScheduleKeyDeletion',
  'lambda:DeleteFunction',
  'logs:DeleteLogGroup',
  'organizations:CloseAccount',
  'organizations:LeaveOrganization',
  'rds:DeleteDBCluster',
  'rds:DeleteDBInstance',
  'rds:DeleteDBSnapshot',
  'route53:DeleteHostedZone',
  's3:DeleteBucket',
  's3:DeleteObject',
  's3:DeleteObjectVersion',
  'secretsmanager:DeleteSecret',
];

export function destructive(granted: readonly string[]): Permission {
  const allowed = new Set(granted);
  const clash = granted.find((action) => action.includes('*') && DESTRUCTIVE.some(compileGlob(action)));
  if (clash !== undefined) throw new Error(`${clash} grants a call that destroys: name the actions it needs`);
  return {
    actions: DESTRUCTIVE.filter((action) => !allowed.has(action)),
    resources: ['*'],
    why: 'what cannot be taken back, and no playbook needs',
  };
}

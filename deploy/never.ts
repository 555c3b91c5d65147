/**
 * What no function may do, whatever a playbook asks for and whatever else its role allows: explicit denies, so that a
 * wrong plan, a wrong policy.yml or a hijacked function cannot reach it.
 */
import { compileGlob } from '../core/glob.ts';
import type { Permission } from '../core/journal/playbook.ts';
import { MANAGEMENT_ROLES, MEMBER_ROLES, ROLE_PATH } from '../core/policy/protected.ts';
import { PROTECTED } from './protected.ts';

const MEMBERS: readonly string[] = [...Object.values(MEMBER_ROLES), ...Object.values(MANAGEMENT_ROLES)];
const own = (service: string, resource: string): string =>
  `arn:\${Partition}:${service}:*:\${Account}:${resource}`;

/** Everything of IAM but Generate, Get, List and Simulate, which read. */
const CHANGE_IDENTITY = [
  'iam:A*',
  'iam:C*',
  'iam:D*',
  'iam:E*',
  'iam:P*',
  'iam:R*',
  'iam:Set*',
  'iam:T*',
  'iam:U*',
];
const protectedIn = (where: 'hub' | 'member', kind: 'role' | 'user'): readonly string[] =>
  PROTECTED.filter(
    ({ resource, account }) => resource.startsWith(`${kind}/`) && !(account === 'hub' && where === 'member'),
  ).map(
    ({ resource, account }) =>
      `arn:\${Partition}:iam::${account === 'hub' ? '${Account}' : account}:${resource}`,
  );

/** In every account: identities, and what cannot be reverted. By exact name or reserved path: an attacker chooses names. */
export const never = (where: 'hub' | 'member'): readonly Permission[] => [
  {
    actions: CHANGE_IDENTITY,
    resources: [
      ...protectedIn(where, 'role'),
      ...protectedIn(where, 'user'),
      `arn:\${Partition}:iam::*:policy${ROLE_PATH}*`,
    ],
    why: "Firebreak's own roles, those that AWS or the organisation depends on, and what policy.yml protects",
  },
  {
    actions: ['sts:AssumeRole'],
    resources: protectedIn(where, 'role').filter(
      (role) => !MEMBERS.some((name) => role.endsWith(`:role/${name}`)),
    ),
    why: 'becoming one of them',
  },
];

/** Of the pipeline itself, in the account it runs in. */
export const NEVER_OWN: readonly Permission[] = [
  {
    actions: [
      'lambda:Add*',
      'lambda:Delete*',
      'lambda:GetFunction',
      'lambda:Publish*',
      'lambda:Put*',
      'lambda:Remove*',
      'lambda:Update*',
    ],
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
      'sns:*Permission',
      'sns:Delete*',
      'sns:SetTopicAttributes',
      'sqs:*Permission',
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
    why: 'what cannot be reverted, and no playbook needs',
  };
}

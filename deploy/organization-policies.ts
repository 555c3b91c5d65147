/**
 * Optional service control policies, as a template for the management account. Three guard Firebreak: its roles stay within
 * what Firebreak does, whatever an administrator of the account attaches to them, and no one else changes them, the
 * functions, the rules, the table and the state machines, or drives them. The fourth quarantines a whole account and lets
 * the responder go on. They do not bind the management account.
 */
import { MEMBER_ROLES, ORGANISATION_ROLES, ROLE_PATH } from '../core/policy/protected.ts';
import { QUARANTINE_POLICY } from '../playbooks/common/organization/quarantine.ts';
import { ceiling } from './boundary.ts';
import { QUOTA } from './managed-policies.ts';
import { PROTECTED } from './protected.ts';
import { LONGEST, render } from './render.ts';
import { stackRoles } from './roles.ts';
import type { Rights } from './statements.ts';

/** `*` for the partition [M]: an organisation has one, and its name may be long where characters are few. */
const identity = (resource: string, account = '*'): string | object => {
  const arn = `arn:*:iam::${account}:${resource}`;
  return arn.includes('${') ? { 'Fn::Sub': arn } : arn;
};
const role = (name: string): string | object => identity(`role/${name}`);
const MEMBERS = Object.values(MEMBER_ROLES).map((name) => role(name));
const ROLES = [role(`${ROLE_PATH.slice(1)}*`), ...MEMBERS];
/** What no one else may create or change: of the list that the playbooks refuse by, all that IAM does not reserve itself. */
const PROTECTED_HERE = PROTECTED.filter(({ keptBy }) => keptBy === 'guard').map(({ resource, account }) =>
  identity(resource, account === 'hub' ? '*' : account),
);
const ORGANISATION = ORGANISATION_ROLES.map((name) => role(name));
/** By exact name: a pattern would exempt every role that an attacker names to fit it. Guarded, so that no one else creates one. */
const QUARANTINE_EXEMPT = [...MEMBERS, role('${BreakGlass}')];

const GUARDED = { TargetIds: { 'Fn::If': ['Guarded', { Ref: 'GuardTargets' }, { Ref: 'AWS::NoValue' }] } };
const DEPLOYERS = [role('${Administrator}'), role('${Deployer}')];

export async function organizationPolicies(playbooks: Rights): Promise<object> {
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description:
      "Service control policies around Firebreak: its roles' limits, and the quarantine of an account.",
    Parameters: {
      GuardTargets: {
        Type: 'CommaDelimitedList',
        Default: '',
        Description: 'Root, units or accounts in which the roles are guarded',
      },
      Administrator: {
        Type: 'String',
        Default: 'stacksets-exec-*',
        AllowedPattern: '[\\w+=,.@/*-]+',
        Description: 'Role (name or pattern) that may change them: stack sets act as stacksets-exec-*',
      },
      Deployer: {
        Type: 'String',
        AllowedPattern: '[\\w+=,.@/*-]+',
        Description: 'Role (name or pattern) that deploys Firebreak',
      },
      Operator: {
        Type: 'String',
        Default: 'firebreak-operator',
        AllowedPattern: '[\\w+=,.@/*-]+',
        Description: 'Role (name or pattern) of the people who run the firebreak command on the deployment',
      },
      BreakGlass: {
        Type: 'String',
        Default: 'break-glass',
        AllowedPattern: '[\\w+=,.@/-]+',
        ConstraintDescription:
          'Give the exact path and name of one role: a pattern would exempt any role named to fit it.',
        Description: 'Role (path and name, exact) that a quarantine must not shut out',
      },
    },
    Conditions: {
      Guarded: { 'Fn::Not': [{ 'Fn::Equals': [{ 'Fn::Join': ['', { Ref: 'GuardTargets' }] }, ''] }] },
    },
    Resources: {
      // A ceiling cannot be split: it must list every action. So it stands alone in what a policy holds.
      Guard: policy(
        'firebreak-guard',
        'Firebreak does what it is for',
        [ceilingStatement(allowedActions(await stackRoles(playbooks)))],
        GUARDED,
      ),
      GuardRoles: policy(
        'firebreak-guard-roles',
        'Only the administrators of Firebreak change its roles',
        [HANDS_OFF],
        GUARDED,
      ),
      GuardParts: policy(
        'firebreak-guard-parts',
        'Only those who deploy Firebreak change its parts; only its functions and operators use them',
        partsStatements(),
        GUARDED,
      ),
      // Attached to the account that is to be cut off, by hand or by `quarantine-account`; deploying this quarantines nothing.
      Quarantine: policy(
        QUARANTINE_POLICY,
        'Attach to a compromised member account: everybody is denied everything but the two member roles and the break-glass role',
        quarantineStatements(),
      ),
    },
    Outputs: {
      QuarantinePolicy: { Value: { Ref: 'Quarantine' }, Description: 'For management-account.json' },
    },
  };
}

/** Every action that a template allows someone, the state machines and the event rule included. */
export function allowedActions(template: unknown): readonly string[] {
  const found = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('Effect' in value && value.Effect === 'Allow' && 'Resource' in value && 'Action' in value) {
      for (const action of [value.Action].flat()) found.add(String(action));
    }
    for (const member of Object.values(value)) walk(member);
  };
  walk(template);
  return [...found].sort();
}

const ceilingStatement = (actions: readonly string[]): object => ({
  Sid: 'Ceiling',
  Effect: 'Deny',
  NotAction: ceiling(actions),
  Resource: '*',
  Condition: { ArnLike: { 'aws:PrincipalArn': ROLES } },
});

const HANDS_OFF: object = {
  Sid: 'HandsOff',
  Effect: 'Deny',
  Action: [
    'iam:Attach*',
    'iam:Create*',
    'iam:Delete*',
    'iam:Detach*',
    'iam:PassRole',
    'iam:Put*',
    'iam:Set*',
    'iam:Tag*',
    'iam:Untag*',
    'iam:Update*',
  ],
  Resource: [...PROTECTED_HERE, role('${BreakGlass}'), identity(`policy${ROLE_PATH}*`)],
  // Control Tower sets its role up through the organisation's; no one else can create either.
  Condition: { ArnNotLike: { 'aws:PrincipalArn': [...DEPLOYERS, ...ORGANISATION] } },
};

/** What both guards of the roles say. */
export const guardStatements = (actions: readonly string[]): readonly object[] => [
  ceilingStatement(actions),
  HANDS_OFF,
];

/** A part of the stack in any account and Region, by the names that serverless.yml and CloudFormation give. */
const part = (service: string, resource: string): object => ({
  'Fn::Sub': `arn:\${AWS::Partition}:${service}:*:*:${resource}`,
});
const EVIDENCE = { 'Fn::Sub': 'arn:${AWS::Partition}:s3:::firebreak-*-evidencebucket-*' };

/** What changes a part of the stack, and what drives one. Services call as themselves: no policy here binds them. */
const partsStatements = (): readonly object[] => [
  {
    Sid: 'Parts',
    Effect: 'Deny',
    Action: [
      ...['Add*', 'Create*', 'Delete*', 'Publish*', 'Put*', 'Remove*', 'Update*'].map(
        (verb) => `lambda:${verb}`,
      ),
      ...['Delete*', 'Disable*', 'Put*', 'Remove*'].map((verb) => `events:${verb}`),
      ...['DeleteTable', '*ResourcePolicy', 'RestoreTable*', 'UpdateTable', 'UpdateTimeToLive'].map(
        (verb) => `dynamodb:${verb}`,
      ),
      'dynamodb:UpdateContinuousBackups',
      ...['Delete*', 'Publish*', 'Update*'].map((verb) => `states:${verb}`),
      ...['BypassGovernanceRetention', 'DeleteBucket*', 'PutBucket*', 'PutEncryption*', 'PutLifecycle*'].map(
        (verb) => `s3:${verb}`,
      ),
      ...['AddPermission', 'DeleteTopic', 'RemovePermission', 'SetTopicAttributes'].map(
        (verb) => `sns:${verb}`,
      ),
      ...['AddPermission', 'DeleteQueue', 'PurgeQueue', 'SetQueueAttributes'].map((verb) => `sqs:${verb}`),
      ...['DeleteAlarms', 'DisableAlarmActions', 'PutMetricAlarm', 'SetAlarmState'].map(
        (verb) => `cloudwatch:${verb}`,
      ),
    ],
    Resource: [
      part('lambda', 'function:firebreak-*'),
      part('events', 'rule/*firebreak-*'),
      part('events', 'event-bus/firebreak-*'),
      part('dynamodb', 'table/firebreak-*'),
      part('states', 'stateMachine:firebreak-*'),
      part('sns', 'firebreak-*'),
      part('sqs', 'firebreak-*'),
      part('cloudwatch', 'alarm:firebreak-*'),
      EVIDENCE,
      { 'Fn::Sub': 'arn:${AWS::Partition}:s3:::firebreak-*-evidencebucket-*/*' },
    ],
    Condition: { ArnNotLike: { 'aws:PrincipalArn': DEPLOYERS } },
  },
  {
    Sid: 'Use',
    Effect: 'Deny',
    Action: [
      ...['BatchWriteItem', 'DeleteItem', 'PartiQL*', 'PutItem', 'UpdateItem'].map(
        (verb) => `dynamodb:${verb}`,
      ),
      'lambda:InvokeFunction',
      ...['DeleteParameter*', 'GetParameter*', 'PutParameter'].map((verb) => `ssm:${verb}`),
      ...['RedriveExecution', 'StartExecution', 'StartSyncExecution', 'StopExecution'].map(
        (verb) => `states:${verb}`,
      ),
    ],
    Resource: [
      part('dynamodb', 'table/firebreak-*'),
      part('lambda', 'function:firebreak-*'),
      part('ssm', 'parameter/firebreak/*'),
      part('states', 'stateMachine:firebreak-*'),
      part('states', 'execution:firebreak-*'),
    ],
    Condition: { ArnNotLike: { 'aws:PrincipalArn': [...ROLES, ...DEPLOYERS, role('${Operator}')] } },
  },
];

export const quarantineStatements = (): readonly object[] => [
  {
    Sid: 'Quarantine',
    Effect: 'Deny',
    Action: '*',
    Resource: '*',
    Condition: { ArnNotLike: { 'aws:PrincipalArn': QUARANTINE_EXEMPT } },
  },
];

function policy(name: string, description: string, statements: readonly object[], more: object = {}): object {
  const content = { Version: '2012-10-17', Statement: statements };
  const parameters = {
    Administrator: 'x'.repeat(64),
    Deployer: 'x'.repeat(64),
    BreakGlass: 'x'.repeat(64),
    Operator: 'x'.repeat(64),
  };
  const size = JSON.stringify(render(content, { ...LONGEST, parameters })).length;
  if (size > QUOTA.serviceControl) {
    throw new Error(`${name} has ${size} characters: a service control policy holds ${QUOTA.serviceControl}`);
  }
  return {
    Type: 'AWS::Organizations::Policy',
    Properties: {
      Name: name,
      Description: description,
      Type: 'SERVICE_CONTROL_POLICY',
      Content: content,
      ...more,
    },
  };
}

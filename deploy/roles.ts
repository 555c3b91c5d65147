/**
 * Generates the IAM roles of the stack (deploy/generated/roles.json), the roles for member accounts
 * (deploy/generated/member-account.json) and one pair of alarms per function (deploy/generated/alarms.json) from the
 * playbooks and deploy/access.ts. `--check` exits 1 when they are stale.
 */
import { readFile } from 'node:fs/promises';
import type { Playbook } from '../core/playbook.ts';
import { PLAYBOOKS } from '../playbooks/index.ts';
import {
  assumeMemberRole,
  FUNCTIONS,
  type FunctionAccess,
  MEMBER_ROLES,
  NEVER,
  telemetry,
} from './access.ts';
import { type Generated, generate, jsonText } from './generate.ts';
import { pascal, playbookStatements, type Statement, statements, substitute } from './statements.ts';

/** Roles live under this path so that one Deny covers them all. */
const PATH = '/firebreak/';
const STATE_MACHINES = ['respond', 'undo'] as const;

/** CloudFormation resources of the stack's roles. */
export async function stackRoles(playbooks: readonly Playbook[]): Promise<object> {
  const roles: Record<string, object> = {};
  for (const access of FUNCTIONS) {
    roles[`${pascal(access.name)}Role`] = role(access.name, 'lambda', functionStatements(access, playbooks));
  }
  for (const name of STATE_MACHINES) {
    roles[`${pascal(name)}StateMachineRole`] = role(
      `${name}-machine`,
      'states',
      stateMachineStatements(await readFile(`statemachines/${name}.asl.json`, 'utf8')),
    );
  }
  roles.DeliverFindingsRole = role(
    'deliver',
    'events',
    statements('Start', [
      {
        actions: ['states:StartExecution'],
        resources: ['arn:${Partition}:states:${Region}:${Account}:stateMachine:${Service}-respond'],
        why: 'EventBridge starts the workflow for each finding',
      },
    ]),
  );
  return { Resources: roles };
}

function functionStatements(
  { name, playbooks: access, base }: FunctionAccess,
  playbooks: readonly Playbook[],
) {
  const own = [...statements('Telemetry', telemetry(name)), ...statements('Base', base)];
  if (access === 'none') return own;
  return [
    ...own,
    ...statements('Member', [assumeMemberRole(access)]),
    ...playbookStatements(playbooks, access),
    ...(access === 'write' ? statements('Never', NEVER, 'Deny') : []),
  ];
}

/** A state machine may invoke the functions its definition names, and nothing else. */
function stateMachineStatements(definition: string): readonly Statement[] {
  const names = [
    ...new Set(
      [...definition.matchAll(/function:\$\{self:service\}-\$\{sls:stage\}-([a-z-]+)/g)].map(
        ([, name]) => name,
      ),
    ),
  ];
  return statements('Run', [
    {
      actions: ['lambda:InvokeFunction'],
      resources: names.map(
        (name) => `arn:\${Partition}:lambda:\${Region}:\${Account}:function:\${Service}-${name}`,
      ),
      why: 'the tasks of this workflow',
    },
    {
      // Log delivery and X-Ray have no resource types.
      actions: [
        'logs:CreateLogDelivery',
        'logs:DeleteLogDelivery',
        'logs:DescribeLogGroups',
        'logs:DescribeResourcePolicies',
        'logs:GetLogDelivery',
        'logs:ListLogDeliveries',
        'logs:PutResourcePolicy',
        'logs:UpdateLogDelivery',
        'xray:GetSamplingRules',
        'xray:GetSamplingTargets',
        'xray:PutTelemetryRecords',
        'xray:PutTraceSegments',
      ],
      resources: ['*'],
      why: 'execution log and traces',
    },
  ]);
}

function role(name: string, service: string, policy: readonly Statement[]): object {
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      // IAM is global: the Region keeps two Regions of one stage apart.
      RoleName: substitute(`\${Service}-\${Region}-${name}`),
      Path: PATH,
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: `${service}.amazonaws.com` },
            Action: 'sts:AssumeRole',
            // Lambda does not send aws:SourceAccount when it assumes an execution role.
            ...(service === 'lambda'
              ? {}
              : { Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } } }),
          },
        ],
      },
      Policies: [
        { PolicyName: 'least-privilege', PolicyDocument: { Version: '2012-10-17', Statement: policy } },
      ],
    },
  };
}

/** A template of its own: deploy it in every member account (a stack set does) to let Firebreak act there. */
export function memberAccount(playbooks: readonly Playbook[]): object {
  const memberRole = (
    access: 'read' | 'write',
    policy: readonly Statement[],
    functions: readonly string[],
  ) => ({
    Type: 'AWS::IAM::Role',
    Properties: {
      RoleName: MEMBER_ROLES[access],
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { AWS: { 'Fn::Sub': 'arn:${AWS::Partition}:iam::${PipelineAccount}:root' } },
            Action: 'sts:AssumeRole',
            Condition: {
              StringEquals: { 'sts:ExternalId': { Ref: 'ExternalId' } },
              ArnLike: {
                'aws:PrincipalArn': functions.map((name) => ({
                  'Fn::Sub': `arn:\${AWS::Partition}:iam::\${PipelineAccount}:role${PATH}\${ExternalId}-*-${name}`,
                })),
              },
            },
          },
        ],
      },
      Policies: [
        { PolicyName: 'least-privilege', PolicyDocument: { Version: '2012-10-17', Statement: policy } },
      ],
    },
  });
  const withAccess = (access: 'read' | 'write') =>
    FUNCTIONS.filter(({ playbooks: own }) => own === access).map(({ name }) => name);
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: 'Roles that Firebreak assumes in this account: one to read, one to contain.',
    Parameters: {
      PipelineAccount: {
        Type: 'String',
        AllowedPattern: '\\d{12}',
        Description: 'Account in which Firebreak is deployed',
      },
      ExternalId: {
        Type: 'String',
        Default: 'firebreak-prod',
        AllowedPattern: 'firebreak-[a-z0-9-]+',
        Description: 'firebreak-STAGE, as Firebreak sends it',
      },
    },
    Resources: {
      Reader: memberRole('read', playbookStatements(playbooks, 'read'), withAccess('read')),
      Responder: memberRole(
        'write',
        [...playbookStatements(playbooks, 'write'), ...statements('Never', NEVER, 'Deny')],
        withAccess('write'),
      ),
    },
  };
}

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

export async function generatedRoles(playbooks: readonly Playbook[] = PLAYBOOKS): Promise<Generated> {
  return {
    'deploy/generated/roles.json': jsonText(await stackRoles(playbooks)),
    'deploy/generated/member-account.json': jsonText(memberAccount(playbooks)),
    'deploy/generated/alarms.json': jsonText(functionAlarms()),
  };
}

if (import.meta.main) {
  await generate(await generatedRoles(), ['deploy/generated'], process.argv.includes('--check'));
}

/**
 * The IAM roles of the stack, from the playbooks and deploy/access.ts: each function's own rights inline, what playbooks
 * need as managed policies that the functions share, and a permissions boundary over all of them.
 */
import { readFile } from 'node:fs/promises';
import { ROLE_PATH } from '../core/policy/protected.ts';
import {
  assumeMemberRole,
  EVENT_STORES,
  FUNCTIONS,
  type FunctionAccess,
  start,
  telemetry,
} from './access.ts';
import { boundaryStatements, denies } from './boundary.ts';
import { managedPolicies, policyDocument, referencesTo } from './managed-policies.ts';
import {
  pascal,
  playbookStatements,
  type Rights,
  type Statement,
  statements,
  substitute,
} from './statements.ts';

const STATE_MACHINES = ['respond', 'undo'] as const;

/** CloudFormation resources of the stack's roles and the policies they share. */
export async function stackRoles(playbooks: Rights): Promise<object> {
  const shared = {
    never: managedPolicies('NeverPolicy', 'What no function may do', denies(playbooks, 'hub')),
    read: managedPolicies(
      'PlaybooksReadPolicy',
      'What playbooks read',
      playbookStatements(playbooks, 'read'),
    ),
    write: managedPolicies(
      'PlaybooksWritePolicy',
      'What playbooks change',
      playbookStatements(playbooks, 'write'),
    ),
    undo: managedPolicies(
      'PlaybooksUndoPolicy',
      'What only undo changes',
      playbookStatements(playbooks, 'undo'),
    ),
  };
  const [boundary] = Object.entries(
    managedPolicies(
      'FunctionBoundary',
      'The ceiling of every function',
      boundaryStatements(playbooks, 'hub'),
    ),
  );
  if (!boundary) throw new Error('the permissions boundary is empty');
  const roles: Record<string, object> = {
    [boundary[0]]: {
      ...boundary[1],
      Metadata: { ...boundary[1].Metadata, ...accepted(CEILING, 'A boundary allows nothing on its own') },
    },
    ...shared.never,
    ...shared.read,
    ...shared.write,
    ...shared.undo,
  };
  for (const access of FUNCTIONS) {
    const managed = {
      ...shared.never,
      ...(access.playbooks === 'none' ? {} : shared.read),
      ...(access.playbooks === 'write' || access.playbooks === 'undo' ? shared.write : {}),
      ...(access.playbooks === 'undo' ? shared.undo : {}),
    };
    roles[`${pascal(access.name)}Role`] = role(access.name, 'lambda', ownStatements(access), {
      ManagedPolicyArns: referencesTo(managed),
      PermissionsBoundary: { Ref: boundary[0] },
    });
  }
  Object.assign(roles, storePolicies());
  for (const name of STATE_MACHINES) {
    roles[`${pascal(name)}StateMachineRole`] = role(
      `${name}-machine`,
      'states',
      stateMachineStatements(await readFile(`statemachines/${name}.asl.json`, 'utf8'), earlierOf(name)),
    );
  }
  roles.DeliverFindingsRole = role(
    'deliver',
    'events',
    statements('Start', [start('respond', 'EventBridge starts the workflow for each finding')]),
  );
  return { Resources: roles };
}

/** Inline, since a role holds few managed policies. */
const storePolicies = (): Record<string, object> =>
  Object.fromEntries(
    Object.entries(EVENT_STORES).map(([parameter, permissions]) => [
      `${parameter}Policy`,
      {
        Type: 'AWS::IAM::Policy',
        Condition: parameter,
        Properties: {
          PolicyName: pascal(parameter),
          Roles: FUNCTIONS.filter(({ playbooks }) => playbooks !== 'none').map(({ name }) => ({
            Ref: `${pascal(name)}Role`,
          })),
          PolicyDocument: policyDocument(statements('Events', permissions)),
        },
      },
    ]),
  );

/** Checks on policies with `Resource: "*"`. */
const CEILING = ['CKV_AWS_108', 'CKV_AWS_109', 'CKV_AWS_110', 'CKV_AWS_111'];

/** Findings of the policy scanner (.checkov.yaml) that stand, each with its reason. */
const accepted = (ids: readonly string[], comment: string): object => ({
  checkov: { skip: ids.map((id) => ({ id, comment })) },
});

const ownStatements = ({ name, playbooks, base }: FunctionAccess): readonly Statement[] => [
  ...statements('Telemetry', telemetry(name)),
  ...statements('Base', base),
  ...(playbooks === 'none' ? [] : statements('Member', [assumeMemberRole(playbooks)])),
];

/** Functions that definitions of earlier releases name: executions go on with the definition they were started on. */
const earlierOf = (machine: string): readonly string[] =>
  FUNCTIONS.filter(({ earlier }) => earlier === machine).map(({ name }) => name);

/** A state machine may invoke the functions its definition names, or an earlier one, and nothing else. */
function stateMachineStatements(definition: string, earlier: readonly string[]): readonly Statement[] {
  const named = definition.matchAll(/function:\$\{self:service\}-\$\{sls:stage\}-([a-z-]+)/g);
  const names = new Set([...[...named].map(([, name]) => name), ...earlier]);
  return statements('Run', [
    {
      actions: ['lambda:InvokeFunction'],
      resources: [...names].map(
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

function role(name: string, service: string, policy: readonly Statement[], more: object = {}): object {
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      // IAM is global: the Region keeps two Regions of one stage apart.
      RoleName: substitute(`\${Service}-\${Region}-${name}`),
      Path: ROLE_PATH,
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
      Policies: [{ PolicyName: 'least-privilege', PolicyDocument: policyDocument(policy) }],
      ...more,
    },
  };
}

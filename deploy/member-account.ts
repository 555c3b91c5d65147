/**
 * What member accounts need so that Firebreak can act there: a role to read and a role to contain, each under the same
 * boundary, and the stack set that puts them into every account of the organisation.
 */
import { MEMBER_ROLES, ROLE_PATH } from '../core/policy/protected.ts';
import { FUNCTIONS, memberRoleOf } from './access.ts';
import { boundaryStatements, denies } from './boundary.ts';
import { managedPolicies, referencesTo } from './managed-policies.ts';
import { playbookStatements, type Rights } from './statements.ts';

export const PARAMETERS = {
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
  OrganizationId: {
    Type: 'String',
    AllowedPattern: 'o-[a-z0-9]{10,32}',
    Description: 'Organisation of both accounts',
  },
} as const;

/** The template of one member account. */
export function memberAccount(playbooks: Rights): object {
  const never = managedPolicies('NeverPolicy', 'What Firebreak never does', denies(playbooks, 'member'));
  const read = managedPolicies('ReadPolicy', 'What playbooks read', playbookStatements(playbooks, 'read'));
  const write = managedPolicies('WritePolicy', 'What playbooks change', [
    ...playbookStatements(playbooks, 'write'),
    ...playbookStatements(playbooks, 'undo'),
  ]);
  const boundary = managedPolicies(
    'Boundary',
    'The ceiling of both roles',
    boundaryStatements(playbooks, 'member'),
  );
  const [ceiling] = referencesTo(boundary);
  const memberRole = (access: keyof typeof MEMBER_ROLES, policies: Readonly<Record<string, object>>) => ({
    Type: 'AWS::IAM::Role',
    Properties: {
      RoleName: MEMBER_ROLES[access],
      Description: access === 'read' ? 'Firebreak reads' : 'Firebreak contains and undoes',
      AssumeRolePolicyDocument: trust(access),
      ManagedPolicyArns: referencesTo({ ...never, ...policies }),
      PermissionsBoundary: ceiling,
    },
  });
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: 'Roles that Firebreak assumes in this account: one to read, one to contain.',
    Parameters: PARAMETERS,
    Resources: {
      ...boundary,
      ...never,
      ...read,
      ...write,
      Reader: memberRole('read', read),
      Responder: memberRole('write', { ...read, ...write }),
    },
  };
}

/** Only the functions that need it, from the pipeline's account, in the same organisation, for this stage. */
export function trust(access: keyof typeof MEMBER_ROLES): object {
  const functions = FUNCTIONS.filter(
    ({ playbooks }) => playbooks !== 'none' && memberRoleOf(playbooks) === access,
  ).map(({ name }) => name);
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: { 'Fn::Sub': 'arn:${AWS::Partition}:iam::${PipelineAccount}:root' } },
        Action: 'sts:AssumeRole',
        Condition: {
          StringEquals: {
            'sts:ExternalId': { Ref: 'ExternalId' },
            'aws:PrincipalOrgID': { Ref: 'OrganizationId' },
          },
          ArnLike: {
            'aws:PrincipalArn': functions.map((name) => ({
              'Fn::Sub': `arn:\${AWS::Partition}:iam::\${PipelineAccount}:role${ROLE_PATH}\${ExternalId}-*-${name}`,
            })),
          },
        },
      },
    ],
  };
}

/**
 * The stack set, with the template above inside: deployed once, in the management account or in the account that
 * administers stack sets for it, and from then on in every account that joins the given units.
 */
export function memberStackSet(playbooks: Rights): object {
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: "Firebreak's roles in every member account of the organisation, new ones included.",
    Parameters: {
      ...PARAMETERS,
      OrganizationalUnits: {
        Type: 'List<String>',
        AllowedPattern: '(ou|r)-[a-z0-9-]+',
        Description: 'Units (ou-...) whose accounts get the roles, or the root (r-...) for all of them',
      },
      CallAs: {
        Type: 'String',
        AllowedValues: ['SELF', 'DELEGATED_ADMIN'],
        Default: 'SELF',
        Description: 'DELEGATED_ADMIN outside the management account',
      },
    },
    Resources: {
      MemberAccounts: {
        Type: 'AWS::CloudFormation::StackSet',
        Properties: {
          StackSetName: { 'Fn::Sub': '${ExternalId}-member-accounts' },
          Description: 'Roles that Firebreak assumes',
          PermissionModel: 'SERVICE_MANAGED',
          CallAs: { Ref: 'CallAs' },
          // An account that leaves keeps nothing of Firebreak; a new one can be contained from its first day.
          AutoDeployment: { Enabled: true, RetainStacksOnAccountRemoval: false },
          Capabilities: ['CAPABILITY_NAMED_IAM'],
          ManagedExecution: { Active: true },
          OperationPreferences: { FailureTolerancePercentage: 20, MaxConcurrentPercentage: 100 },
          Parameters: Object.keys(PARAMETERS).map((name) => ({
            ParameterKey: name,
            ParameterValue: { Ref: name },
          })),
          StackInstancesGroup: [
            {
              DeploymentTargets: { OrganizationalUnitIds: { Ref: 'OrganizationalUnits' } },
              // Roles are global: one Region per account.
              Regions: [{ Ref: 'AWS::Region' }],
            },
          ],
          TemplateBody: JSON.stringify(memberAccount(playbooks)),
        },
      },
    },
  };
}

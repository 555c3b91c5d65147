/**
 * What the management account needs so that Firebreak can attach service control policies: a role to read and a role to
 * change, each with the rights that playbooks have there and no others, and the policies that it changes. Optional; in the
 * management account alone, which no service control policy binds.
 */
import { MANAGEMENT_ROLES } from '../core/policy/protected.ts';
import { DENIED_ROOT_POLICY, NO_ROOT } from '../playbooks/common/organization/denied-root.ts';
import { DENIED_USERS_POLICY, NO_USER } from '../playbooks/common/organization/denied-users.ts';
import { policyDocument } from './managed-policies.ts';
import { PARAMETERS, trust } from './member-account.ts';
import { playbookStatements, type Rights } from './statements.ts';

export function managementAccount(playbooks: Rights): object {
  const statementsOf = (...parts: Parameters<typeof playbookStatements>[1][]) =>
    parts.flatMap((part) => playbookStatements(playbooks, part, 'management'));
  const role = (access: keyof typeof MANAGEMENT_ROLES) => ({
    Type: 'AWS::IAM::Role',
    Properties: {
      RoleName: MANAGEMENT_ROLES[access],
      Description:
        access === 'read'
          ? 'Firebreak reads service control policies'
          : 'Firebreak attaches and detaches the policies that were made for it',
      AssumeRolePolicyDocument: trust(access),
      Policies: [
        {
          PolicyName: 'organization',
          PolicyDocument: policyDocument(
            access === 'read' ? statementsOf('read') : statementsOf('read', 'write', 'undo'),
          ),
        },
      ],
    },
  });
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: 'Roles by which Firebreak attaches service control policies: management account only.',
    Parameters: {
      ...PARAMETERS,
      QuarantinePolicy: {
        Type: 'String',
        AllowedPattern: 'p-[0-9a-zA-Z_]{8,128}',
        Description: 'Output QuarantinePolicy of the stack of organization-policies.json',
      },
      DenyTargets: {
        Type: 'CommaDelimitedList',
        Default: '',
        Description: 'Root (r-...), units or accounts in which a user of IAM Identity Center can be denied',
      },
    },
    Conditions: {
      Denies: { 'Fn::Not': [{ 'Fn::Equals': [{ 'Fn::Join': ['', { Ref: 'DenyTargets' }] }, ''] }] },
    },
    Resources: {
      // Firebreak adds denies of users to it. CloudFormation leaves them alone as long as it says the same here.
      DeniedUsers: {
        Type: 'AWS::Organizations::Policy',
        Properties: {
          Name: DENIED_USERS_POLICY,
          Description: 'Users of IAM Identity Center whom Firebreak denies in every account',
          Type: 'SERVICE_CONTROL_POLICY',
          Content: { Version: '2012-10-17', Statement: [NO_USER] },
          TargetIds: { 'Fn::If': ['Denies', { Ref: 'DenyTargets' }, { Ref: 'AWS::NoValue' }] },
        },
      },
      // Attached to an account by `deny-root`; deploying this denies no one.
      DeniedRoot: {
        Type: 'AWS::Organizations::Policy',
        Properties: {
          Name: DENIED_ROOT_POLICY,
          Description: 'The root user of the accounts that Firebreak attaches it to is denied everything',
          Type: 'SERVICE_CONTROL_POLICY',
          Content: { Version: '2012-10-17', Statement: [NO_ROOT] },
        },
      },
      Reader: role('read'),
      Responder: role('write'),
    },
  };
}

/** Calls that make or widen an identity: IAM, IAM Roles Anywhere, IAM Identity Center, access to an EKS cluster. */
import { arn } from '../../aws/arn.ts';
import { awsCommand } from '../../aws/command-line.ts';
import {
  ACCESS_KEY,
  ANY_ARN,
  type Call,
  type EventReader,
  grantees,
  IAM_NAME,
  ID,
  named,
  type WayBack,
} from './call.ts';

const user = (event: EventReader) => event.text('userName', IAM_NAME);
const role = (event: EventReader) => event.text('roleName', IAM_NAME);

/** AWS's own policy that denies everything: reversible, and above every allow. */
const denyAll = ({ scope }: EventReader): string =>
  arn({ ...scope, account: 'aws' }, 'iam', 'policy/AWSDenyAll', { global: true });
const denyUser = (event: EventReader) =>
  awsCommand('iam attach-user-policy', { 'user-name': user(event), 'policy-arn': denyAll(event) });
const denyRole = (event: EventReader) =>
  awsCommand('iam attach-role-policy', { 'role-name': role(event), 'policy-arn': denyAll(event) });

const iam = (gives: Call['gives'], names: readonly string[], read: Call['read']): Call => ({
  source: 'iam',
  ...{ names, gives, read },
});

const KEYS: readonly Call[] = [
  iam('access', ['CreateAccessKey', 'UpdateAccessKey'], (event) => {
    const key = event.text('accessKeyId', ACCESS_KEY);
    if (event.record.eventName === 'UpdateAccessKey' && event.asked('status', /^Active$/) === undefined)
      return undefined;
    return {
      what: `access key ${named(key)} of user ${named(user(event))}`,
      action: 'Set the access key Inactive',
      command: awsCommand('iam update-access-key', {
        'user-name': user(event),
        'access-key-id': key,
        status: 'Inactive',
      }),
    };
  }),
  iam('access', ['CreateLoginProfile', 'UpdateLoginProfile'], (event) => ({
    what: `console password of user ${named(user(event))}`,
    action: 'Remove the console password; its owner gets a new one',
    command: awsCommand('iam delete-login-profile', { 'user-name': user(event) }),
  })),
  iam('access', ['CreateServiceSpecificCredential'], (event) => {
    const id = event.text('serviceSpecificCredentialId', ID);
    return {
      what: `service-specific credential ${named(id)} of user ${named(user(event))}`,
      action: 'Set the credential Inactive',
      command: awsCommand('iam update-service-specific-credential', {
        'user-name': user(event),
        'service-specific-credential-id': id,
        status: 'Inactive',
      }),
    };
  }),
  iam('access', ['UploadSigningCertificate'], (event) => {
    const id = event.text('certificateId', ID);
    return {
      what: `signing certificate ${named(id)} of user ${named(user(event))}`,
      action: 'Set the certificate Inactive',
      command: awsCommand('iam update-signing-certificate', {
        'user-name': user(event),
        'certificate-id': id,
        status: 'Inactive',
      }),
    };
  }),
  iam('access', ['UploadSSHPublicKey'], (event) => {
    const id = event.text('sSHPublicKeyId', ID);
    return {
      what: `SSH key ${named(id)} of user ${named(user(event))}`,
      action: 'Set the SSH key Inactive',
      command: awsCommand('iam update-ssh-public-key', {
        'user-name': user(event),
        'ssh-public-key-id': id,
        status: 'Inactive',
      }),
    };
  }),
  iam('access', ['CreateVirtualMFADevice', 'EnableMFADevice'], (event) => {
    const serial = event.text('serialNumber', ANY_ARN);
    const owner = event.asked('userName', IAM_NAME);
    return {
      what: `MFA device ${named(serial)}${owner === undefined ? '' : ` of user ${owner}`}`,
      action: 'Deactivate and delete the MFA device',
      command:
        owner === undefined
          ? awsCommand('iam delete-virtual-mfa-device', { 'serial-number': serial })
          : awsCommand('iam deactivate-mfa-device', { 'user-name': owner, 'serial-number': serial }),
    };
  }),
  iam('access', ['DeactivateMFADevice'], (event) => ({
    what: `user ${named(user(event))} without its MFA device`,
    action: 'Deny everything to the user until its owner has enrolled a device again',
    command: denyUser(event),
  })),
];

const PRINCIPALS: readonly Call[] = [
  iam('access', ['CreateUser'], (event) => ({
    what: `user ${named(user(event))}`,
    action: 'Deny everything to the user',
    command: denyUser(event),
  })),
  iam('access', ['CreateRole'], (event) => ({
    what: `role ${named(role(event))}${grantees(event, 'assumeRolePolicyDocument')}`,
    action: 'Deny everything to the role',
    command: denyRole(event),
  })),
  iam('access', ['UpdateAssumeRolePolicy'], (event) => ({
    what: `trust policy of role ${named(role(event))}${grantees(event, 'policyDocument')}`,
    action: 'Read the trust policy and take out the principals that were added',
    command: awsCommand('iam get-role', { 'role-name': role(event), query: 'Role.AssumeRolePolicyDocument' }),
  })),
  iam('access', ['CreateSAMLProvider', 'UpdateSAMLProvider'], (event) => {
    const provider = event.text('sAMLProviderArn', ANY_ARN);
    const made = event.record.eventName === 'CreateSAMLProvider';
    return {
      what: `SAML provider ${named(provider)}`,
      action: made ? 'Delete the provider' : 'Read its metadata and restore the certificate of your own',
      command: awsCommand(made ? 'iam delete-saml-provider' : 'iam get-saml-provider', {
        'saml-provider-arn': provider,
      }),
    };
  }),
  iam(
    'access',
    [
      'CreateOpenIDConnectProvider',
      'AddClientIDToOpenIDConnectProvider',
      'UpdateOpenIDConnectProviderThumbprint',
    ],
    (event) => {
      const provider = event.text('openIDConnectProviderArn', ANY_ARN);
      const made = event.record.eventName === 'CreateOpenIDConnectProvider';
      return {
        what: `OpenID Connect provider ${named(provider)}`,
        action: made ? 'Delete the provider' : 'Read the provider and take out what was added',
        command: awsCommand(
          made ? 'iam delete-open-id-connect-provider' : 'iam get-open-id-connect-provider',
          {
            'open-id-connect-provider-arn': provider,
          },
        ),
      };
    },
  ),
  ...(['TrustAnchor', 'Profile'] as const).map(
    (kind): Call => ({
      source: 'rolesanywhere',
      names: [`Create${kind}`, `Enable${kind}`, `Update${kind}`],
      gives: 'access',
      read: (event) => {
        const id = event.text(kind === 'Profile' ? 'profileId' : 'trustAnchorId', ID);
        const words = kind === 'Profile' ? 'profile' : 'trust anchor';
        return {
          what: `${words} ${named(id)} of IAM Roles Anywhere`,
          action: `Disable the ${words}`,
          command:
            kind === 'Profile'
              ? event.regional('rolesanywhere disable-profile', { 'profile-id': id })
              : event.regional('rolesanywhere disable-trust-anchor', { 'trust-anchor-id': id }),
        };
      },
    }),
  ),
];

/** A policy on a user, role or group. */
const onPrincipal = (kind: 'User' | 'Role' | 'Group'): readonly Call[] => {
  const lower = kind.toLowerCase() as Lowercase<typeof kind>;
  const of = (event: EventReader) => event.asked(`${lower}Name`, IAM_NAME);
  return [
    iam('rights', [`Attach${kind}Policy`], (event) => {
      const policy = event.asked('policyArn', ANY_ARN);
      return {
        what: `policy ${named(policy)} on ${lower} ${named(of(event))}`,
        action: 'Detach the policy',
        command: awsCommand(`iam detach-${lower}-policy`, {
          [`${lower}-name`]: of(event),
          'policy-arn': policy,
        }),
      };
    }),
    iam('rights', [`Put${kind}Policy`], (event) => {
      const policy = event.asked('policyName', IAM_NAME);
      return {
        what: `inline policy ${named(policy)} of ${lower} ${named(of(event))}`,
        action: 'Delete the inline policy; where it replaced another, put that one back',
        command: awsCommand(`iam delete-${lower}-policy`, {
          [`${lower}-name`]: of(event),
          'policy-name': policy,
        }),
      };
    }),
  ];
};

const boundary = (kind: 'User' | 'Role'): Call =>
  iam(
    'rights',
    [`Delete${kind}PermissionsBoundary`, `Put${kind}PermissionsBoundary`],
    (event): WayBack => ({
      what: `permissions boundary of ${kind.toLowerCase()} ${named(kind === 'User' ? user(event) : role(event))}`,
      action: `Deny everything to the ${kind.toLowerCase()} until its boundary is as it was: the record does not hold the old one`,
      command: kind === 'User' ? denyUser(event) : denyRole(event),
    }),
  );

const RIGHTS: readonly Call[] = [
  ...onPrincipal('User'),
  ...onPrincipal('Role'),
  ...onPrincipal('Group'),
  boundary('User'),
  boundary('Role'),
  iam('rights', ['CreatePolicy'], (event) => {
    const policy = event.text('arn', ANY_ARN);
    return {
      what: `policy ${named(policy)}`,
      action: 'Detach it where it is attached, then delete it',
      command: awsCommand('iam list-entities-for-policy', { 'policy-arn': policy }),
    };
  }),
  iam('rights', ['CreatePolicyVersion', 'SetDefaultPolicyVersion'], (event) => {
    const policy = event.asked('policyArn', ANY_ARN);
    const version = event.text('versionId', /^v\d{1,6}$/);
    return {
      what: `version ${named(version)} of policy ${named(policy)}`,
      action: 'Set the version before it as default (set-default-policy-version), then delete this one',
      command: awsCommand('iam list-policy-versions', { 'policy-arn': policy }),
    };
  }),
  iam('rights', ['AddUserToGroup'], (event) => {
    const group = event.asked('groupName', IAM_NAME);
    return {
      what: `user ${named(user(event))} in group ${named(group)}`,
      action: 'Remove the user from the group',
      command: awsCommand('iam remove-user-from-group', { 'user-name': user(event), 'group-name': group }),
    };
  }),
  iam('rights', ['CreateInstanceProfile'], (event) => {
    const profile = event.text('instanceProfileName', IAM_NAME);
    return {
      what: `instance profile ${named(profile)}`,
      action: 'Remove its role and delete it',
      command: awsCommand('iam get-instance-profile', { 'instance-profile-name': profile }),
    };
  }),
  iam('rights', ['AddRoleToInstanceProfile'], (event) => {
    const profile = event.asked('instanceProfileName', IAM_NAME);
    return {
      what: `role ${named(role(event))} in instance profile ${named(profile)}`,
      action: 'Remove the role from the profile',
      command: awsCommand('iam remove-role-from-instance-profile', {
        'instance-profile-name': profile,
        'role-name': role(event),
      }),
    };
  }),
];

const ELSEWHERE: readonly Call[] = [
  {
    source: 'sso',
    names: ['CreateAccountAssignment'],
    gives: 'access',
    read: (event) => {
      const options = {
        'instance-arn': event.asked('instanceArn', ANY_ARN),
        'permission-set-arn': event.asked('permissionSetArn', ANY_ARN),
        'target-type': event.asked('targetType', /^AWS_ACCOUNT$/),
        'target-id': event.asked('targetId', /^\d{12}$/),
        'principal-type': event.asked('principalType', /^(USER|GROUP)$/),
        'principal-id': event.asked('principalId', ID),
      };
      return {
        what: `permission set ${named(options['permission-set-arn'])} in account ${named(options['target-id'])} for ${named(options['principal-id'])}`,
        action: 'Delete the assignment',
        command: event.regional('sso-admin delete-account-assignment', options),
      };
    },
  },
  {
    source: 'sso',
    names: ['AttachManagedPolicyToPermissionSet', 'PutInlinePolicyToPermissionSet'],
    gives: 'rights',
    read: (event) => {
      const set = event.asked('permissionSetArn', ANY_ARN);
      const instance = event.asked('instanceArn', ANY_ARN);
      const policy = event.asked('managedPolicyArn', ANY_ARN);
      const both = { 'instance-arn': instance, 'permission-set-arn': set };
      return {
        what: `policy ${policy ?? 'inline'} on permission set ${named(set)}`,
        action: 'Take the policy off the permission set and provision it again',
        command:
          event.record.eventName === 'AttachManagedPolicyToPermissionSet'
            ? event.regional('sso-admin detach-managed-policy-from-permission-set', {
                ...both,
                'managed-policy-arn': policy,
              })
            : event.regional('sso-admin get-inline-policy-for-permission-set', both),
      };
    },
  },
  {
    source: 'identitystore',
    names: ['CreateUser', 'CreateGroupMembership'],
    gives: 'access',
    read: (event) => {
      const store = event.asked('identityStoreId', ID);
      const member = event.text('membershipId', ID);
      const id = event.text('userId', ID);
      const joined = event.record.eventName === 'CreateGroupMembership';
      return {
        what: joined
          ? `membership ${named(member)} in a group of IAM Identity Center`
          : `user ${named(id)} of IAM Identity Center`,
        action: joined ? 'Delete the membership' : 'Delete the user',
        command: joined
          ? event.regional('identitystore delete-group-membership', {
              'identity-store-id': store,
              'membership-id': member,
            })
          : event.regional('identitystore delete-user', { 'identity-store-id': store, 'user-id': id }),
      };
    },
  },
  {
    source: 'eks',
    names: ['CreateAccessEntry', 'UpdateAccessEntry', 'AssociateAccessPolicy'],
    gives: 'access',
    read: (event) => {
      const cluster = event.asked('name', ID) ?? event.asked('clusterName', ID);
      const principal = event.asked('principalArn', ANY_ARN);
      const policy = event.asked('policyArn', ANY_ARN);
      const options = { 'cluster-name': cluster, 'principal-arn': principal };
      const associated = event.record.eventName === 'AssociateAccessPolicy';
      return {
        what: `access of ${named(principal)} to cluster ${named(cluster)}${policy === undefined ? '' : ` by ${policy}`}`,
        action: associated ? 'Disassociate the access policy' : 'Delete the access entry',
        command: associated
          ? event.regional('eks disassociate-access-policy', { ...options, 'policy-arn': policy })
          : event.regional('eks delete-access-entry', options),
      };
    },
  },
  {
    source: 'eks',
    names: ['CreatePodIdentityAssociation'],
    gives: 'access',
    read: (event) => {
      const cluster = event.text('clusterName', ID) ?? event.asked('name', ID);
      const association = event.text('associationId', ID);
      return {
        what: `Pod Identity association ${named(association)} in cluster ${named(cluster)}`,
        action: 'Delete the association',
        command: event.regional('eks delete-pod-identity-association', {
          'cluster-name': cluster,
          'association-id': association,
        }),
      };
    },
  },
];

export const IDENTITY_CALLS: readonly Call[] = [...KEYS, ...PRINCIPALS, ...RIGHTS, ...ELSEWHERE];

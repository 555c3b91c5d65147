/** Each call that leaves a way back, as CloudTrail records it, and the command that contains it. */
import { describe, expect, it } from 'vitest';
import { madeBy, namesIn } from './calls.ts';
import { recordOf } from './record.ts';

const ACCOUNT = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
const OTHER = '999988887777';
const arn = (rest: string) => `arn:aws:${rest}`;
const POLICY = JSON.stringify({
  Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${OTHER}:root` } }],
});
const DENY_ALL = '--policy-arn=arn:aws:iam::aws:policy/AWSDenyAll';

const made = (event: string, request: object | null, response: object | null = null, rest: object = {}) => {
  const [source = '', eventName = ''] = event.split(':');
  const record = recordOf({
    ...{ eventTime: '2026-11-25T07:00:00Z', awsRegion: 'eu-west-1', eventName },
    eventSource: `${source}.amazonaws.com`,
    userIdentity: { type: 'IAMUser', userName: 'bob', accessKeyId: 'AKIABOB0000000000001' },
    ...{ requestParameters: request, responseElements: response },
    ...rest,
  });
  if (!record) throw new Error('no record');
  return madeBy(record, ACCOUNT);
};

const LAMBDA = { functionName: 'f' };
const SESSION = { credentials: { accessKeyId: 'ASIASESSION000000001' } };
const ROLE = arn('iam::111122223333:role/path/admin');
const SSO = {
  instanceArn: arn('sso:::instance/ssoins-1'),
  permissionSetArn: arn('sso:::permissionSet/ssoins-1/ps-1'),
};

const DETECTOR = { detectorId: 'd1' };
const MEMBERS = { ...DETECTOR, accountIds: [OTHER] };

const CASES: readonly (readonly [string, object | null, object | null, string])[] = [
  [
    'guardduty:CreateFilter',
    { ...DETECTOR, name: 'hide', action: 'ARCHIVE' },
    { name: 'hide' },
    'update-filter --region=eu-west-1 --detector-id=d1 --filter-name=hide --action=NOOP',
  ],
  ['guardduty:UpdateFilter', { ...DETECTOR, filterName: 'hide' }, null, '--filter-name=hide --action=NOOP'],
  [
    'guardduty:CreateIPSet',
    { ...DETECTOR, name: 'x' },
    { ipSetId: 's1' },
    'update-ip-set --region=eu-west-1 --detector-id=d1 --ip-set-id=s1 --no-activate',
  ],
  [
    'guardduty:UpdateTrustedEntitySet',
    { ...DETECTOR, trustedEntitySetId: 's1' },
    null,
    'update-trusted-entity-set --region=eu-west-1 --detector-id=d1 --trusted-entity-set-id=s1 --no-activate',
  ],
  ['guardduty:DeletePublishingDestination', DETECTOR, null, 'list-publishing-destinations'],
  [
    'guardduty:StopMonitoringMembers',
    MEMBERS,
    null,
    `start-monitoring-members --region=eu-west-1 --detector-id=d1 --account-ids ${OTHER}`,
  ],
  ['guardduty:DeleteMembers', MEMBERS, null, 'get-members --region=eu-west-1 --detector-id=d1'],
  ['guardduty:UpdateMemberDetectors', MEMBERS, null, `get-member-detectors --region=eu-west-1`],
  ['guardduty:UpdateDetector', DETECTOR, null, 'get-detector --region=eu-west-1 --detector-id=d1'],
  ['guardduty:UpdateOrganizationConfiguration', DETECTOR, null, 'describe-organization-configuration'],
  [
    'iam:CreateAccessKey',
    null,
    { accessKey: { userName: 'a', accessKeyId: 'AKIAMADE000000000001' } },
    'update-access-key --user-name=a --access-key-id=AKIAMADE000000000001 --status=Inactive',
  ],
  ['iam:CreateLoginProfile', { userName: 'a' }, null, 'delete-login-profile --user-name=a'],
  ['iam:UpdateLoginProfile', { userName: 'a' }, null, 'delete-login-profile --user-name=a'],
  [
    'iam:CreateServiceSpecificCredential',
    { userName: 'a' },
    { serviceSpecificCredential: { serviceSpecificCredentialId: 'ACCA1' } },
    'update-service-specific-credential --user-name=a --service-specific-credential-id=ACCA1 --status=Inactive',
  ],
  [
    'iam:UploadSigningCertificate',
    { userName: 'a' },
    { certificate: { certificateId: 'C1' } },
    'update-signing-certificate --user-name=a --certificate-id=C1 --status=Inactive',
  ],
  [
    'iam:UploadSSHPublicKey',
    { userName: 'a' },
    { sSHPublicKey: { sSHPublicKeyId: 'APKA1' } },
    'update-ssh-public-key --user-name=a --ssh-public-key-id=APKA1 --status=Inactive',
  ],
  [
    'iam:CreateVirtualMFADevice',
    { virtualMFADeviceName: 'm' },
    { virtualMFADevice: { serialNumber: arn('iam::111122223333:mfa/m') } },
    'delete-virtual-mfa-device --serial-number=arn:aws:iam::111122223333:mfa/m',
  ],
  [
    'iam:EnableMFADevice',
    { userName: 'a', serialNumber: arn('iam::111122223333:mfa/m') },
    null,
    'deactivate-mfa-device --user-name=a --serial-number=arn:aws:iam::111122223333:mfa/m',
  ],
  ['iam:DeactivateMFADevice', { userName: 'a' }, null, `attach-user-policy --user-name=a ${DENY_ALL}`],
  ['iam:CreateUser', { userName: 'a' }, null, `attach-user-policy --user-name=a ${DENY_ALL}`],
  ['iam:CreateRole', { roleName: 'r' }, null, `attach-role-policy --role-name=r ${DENY_ALL}`],
  ['iam:UpdateAssumeRolePolicy', { roleName: 'r' }, null, 'get-role --role-name=r'],
  [
    'iam:CreateSAMLProvider',
    { name: 's' },
    { sAMLProviderArn: arn('iam::111122223333:saml-provider/s') },
    'delete-saml-provider --saml-provider-arn=arn:aws:iam::111122223333:saml-provider/s',
  ],
  [
    'iam:CreateOpenIDConnectProvider',
    { url: 'https://x' },
    { openIDConnectProviderArn: arn('iam::111122223333:oidc-provider/x') },
    'delete-open-id-connect-provider --open-id-connect-provider-arn=arn:aws:iam::111122223333:oidc-provider/x',
  ],
  [
    'rolesanywhere:CreateTrustAnchor',
    { name: 't' },
    { trustAnchor: { trustAnchorId: 't-1' } },
    'disable-trust-anchor --region=eu-west-1 --trust-anchor-id=t-1',
  ],
  [
    'rolesanywhere:CreateProfile',
    { name: 't' },
    { profile: { profileId: 'p-1' } },
    'disable-profile --region=eu-west-1 --profile-id=p-1',
  ],
  ...(['User', 'Role', 'Group'] as const).flatMap((kind) => {
    const lower = kind.toLowerCase();
    const policyArn = arn('iam::aws:policy/AdministratorAccess');
    return [
      [
        `iam:Attach${kind}Policy`,
        { [`${lower}Name`]: 'x', policyArn },
        null,
        `detach-${lower}-policy --${lower}-name=x --policy-arn=${policyArn}`,
      ] as const,
      [
        `iam:Put${kind}Policy`,
        { [`${lower}Name`]: 'x', policyName: 'p' },
        null,
        `delete-${lower}-policy --${lower}-name=x --policy-name=p`,
      ] as const,
    ];
  }),
  [
    'iam:DeleteUserPermissionsBoundary',
    { userName: 'a' },
    null,
    `attach-user-policy --user-name=a ${DENY_ALL}`,
  ],
  [
    'iam:DeleteRolePermissionsBoundary',
    { roleName: 'r' },
    null,
    `attach-role-policy --role-name=r ${DENY_ALL}`,
  ],
  [
    'iam:CreatePolicy',
    { policyName: 'p' },
    { policy: { arn: arn('iam::111122223333:policy/p') } },
    'list-entities-for-policy --policy-arn=arn:aws:iam::111122223333:policy/p',
  ],
  [
    'iam:CreatePolicyVersion',
    { policyArn: arn('iam::111122223333:policy/p') },
    null,
    'list-policy-versions --policy-arn=arn:aws:iam::111122223333:policy/p',
  ],
  [
    'iam:SetDefaultPolicyVersion',
    { policyArn: arn('iam::111122223333:policy/p'), versionId: 'v1' },
    null,
    'list-policy-versions --policy-arn=arn:aws:iam::111122223333:policy/p',
  ],
  [
    'iam:AddUserToGroup',
    { userName: 'a', groupName: 'g' },
    null,
    'remove-user-from-group --user-name=a --group-name=g',
  ],
  [
    'iam:CreateInstanceProfile',
    { instanceProfileName: 'p' },
    null,
    'get-instance-profile --instance-profile-name=p',
  ],
  [
    'iam:AddRoleToInstanceProfile',
    { instanceProfileName: 'p', roleName: 'r' },
    null,
    'remove-role-from-instance-profile --instance-profile-name=p --role-name=r',
  ],
  [
    'sso:CreateAccountAssignment',
    {
      ...SSO,
      targetId: '111122223333',
      targetType: 'AWS_ACCOUNT',
      principalType: 'USER',
      principalId: 'u-1',
    },
    null,
    `delete-account-assignment --region=eu-west-1 --instance-arn=${SSO.instanceArn} --permission-set-arn=${SSO.permissionSetArn} --target-type=AWS_ACCOUNT --target-id=111122223333 --principal-type=USER --principal-id=u-1`,
  ],
  [
    'eks:CreateAccessEntry',
    { name: 'c', principalArn: ROLE },
    null,
    `delete-access-entry --region=eu-west-1 --cluster-name=c --principal-arn=${ROLE}`,
  ],
  [
    'eks:AssociateAccessPolicy',
    { name: 'c', principalArn: ROLE, policyArn: arn('eks::aws:cluster-access-policy/P') },
    null,
    `disassociate-access-policy --region=eu-west-1 --cluster-name=c --principal-arn=${ROLE} --policy-arn=arn:aws:eks::aws:cluster-access-policy/P`,
  ],
  [
    'lambda:CreateFunction20150331',
    LAMBDA,
    null,
    'put-function-concurrency --region=eu-west-1 --function-name=f --reserved-concurrent-executions=0',
  ],
  [
    'lambda:UpdateFunctionCode20150331v2',
    LAMBDA,
    null,
    'put-function-concurrency --region=eu-west-1 --function-name=f --reserved-concurrent-executions=0',
  ],
  [
    'lambda:AddPermission20150331v2',
    { ...LAMBDA, statementId: 's', principal: OTHER },
    null,
    'remove-permission --region=eu-west-1 --function-name=f --statement-id=s',
  ],
  [
    'lambda:CreateFunctionUrlConfig',
    LAMBDA,
    null,
    'delete-function-url-config --region=eu-west-1 --function-name=f',
  ],
  ['events:PutRule', { name: 'r' }, null, 'disable-rule --region=eu-west-1 --name=r'],
  [
    'events:PutTargets',
    { rule: 'r', eventBusName: 'b' },
    null,
    'disable-rule --region=eu-west-1 --name=r --event-bus-name=b',
  ],
  [
    'scheduler:CreateSchedule',
    { name: 's', groupName: 'g' },
    null,
    'delete-schedule --region=eu-west-1 --name=s --group-name=g',
  ],
  [
    'ec2:RunInstances',
    {},
    { instancesSet: { items: [{ instanceId: 'i-0123456789abcdef0' }] } },
    'stop-instances --region=eu-west-1 --instance-ids i-0123456789abcdef0',
  ],
  [
    'ec2:AssociateIamInstanceProfile',
    {
      AssociateIamInstanceProfileRequest: {
        InstanceId: 'i-0123456789abcdef0',
        IamInstanceProfile: { Name: 'p' },
      },
    },
    {
      AssociateIamInstanceProfileResponse: {
        iamInstanceProfileAssociation: { associationId: 'iip-assoc-0123456789abcdef0' },
      },
    },
    'disassociate-iam-instance-profile --region=eu-west-1 --association-id=iip-assoc-0123456789abcdef0',
  ],
  [
    'ec2:ModifySnapshotAttribute',
    { snapshotId: 'snap-0123456789abcdef0', createVolumePermission: { add: { items: [{ userId: OTHER }] } } },
    null,
    `modify-snapshot-attribute --region=eu-west-1 --snapshot-id=snap-0123456789abcdef0 --attribute=createVolumePermission --operation-type=remove --user-ids ${OTHER}`,
  ],
  [
    'ec2:ModifyImageAttribute',
    { imageId: 'ami-0123456789abcdef0', launchPermission: { add: { items: [{ group: 'all' }] } } },
    null,
    'modify-image-attribute --region=eu-west-1 --image-id=ami-0123456789abcdef0 --attribute=launchPermission --operation-type=remove --group-names=all',
  ],
  [
    'rds:ModifyDBSnapshotAttribute',
    { dBSnapshotIdentifier: 's', attributeName: 'restore', valuesToAdd: [OTHER] },
    null,
    `modify-db-snapshot-attribute --region=eu-west-1 --db-snapshot-identifier=s --attribute-name=restore --values-to-remove ${OTHER}`,
  ],
  [
    's3:PutBucketPolicy',
    { bucketName: 'b-1', bucketPolicy: JSON.parse(POLICY) },
    null,
    'get-bucket-policy --bucket=b-1',
  ],
  ['s3:PutBucketAcl', { bucketName: 'b-1' }, null, 'put-bucket-acl --bucket=b-1 --acl=private'],
  ['kms:PutKeyPolicy', { keyId: 'k', policy: POLICY }, null, 'get-key-policy --region=eu-west-1 --key-id=k'],
  [
    'kms:CreateGrant',
    { keyId: 'k', granteePrincipal: ROLE },
    { grantId: 'g' },
    'revoke-grant --region=eu-west-1 --key-id=k --grant-id=g',
  ],
  [
    'sqs:SetQueueAttributes',
    { queueUrl: 'https://sqs.eu-west-1.amazonaws.com/111122223333/q', attributes: { Policy: POLICY } },
    null,
    'get-queue-attributes --region=eu-west-1 --queue-url=https://sqs.eu-west-1.amazonaws.com/111122223333/q',
  ],
  [
    'sqs:AddPermission',
    { queueUrl: 'https://sqs.eu-west-1.amazonaws.com/111122223333/q', label: 'l' },
    null,
    'remove-permission --region=eu-west-1 --queue-url=https://sqs.eu-west-1.amazonaws.com/111122223333/q --label=l',
  ],
  [
    'sns:SetTopicAttributes',
    { topicArn: arn('sns:eu-west-1:111122223333:t'), attributeName: 'Policy', attributeValue: POLICY },
    null,
    'get-topic-attributes --region=eu-west-1 --topic-arn=arn:aws:sns:eu-west-1:111122223333:t',
  ],
  [
    'sns:AddPermission',
    { topicArn: arn('sns:eu-west-1:111122223333:t'), label: 'l' },
    null,
    'remove-permission --region=eu-west-1 --topic-arn=arn:aws:sns:eu-west-1:111122223333:t --label=l',
  ],
  [
    'secretsmanager:PutResourcePolicy',
    { secretId: 's', resourcePolicy: POLICY },
    null,
    'get-resource-policy --region=eu-west-1 --secret-id=s',
  ],
  [
    'dynamodb:PutResourcePolicy',
    { resourceArn: arn('dynamodb:eu-west-1:111122223333:table/t'), policy: POLICY },
    null,
    'get-resource-policy --region=eu-west-1 --resource-arn=arn:aws:dynamodb:eu-west-1:111122223333:table/t',
  ],
  [
    'ecr:SetRepositoryPolicy',
    { repositoryName: 'r', policyText: POLICY },
    null,
    'get-repository-policy --region=eu-west-1 --repository-name=r',
  ],
  [
    'ram:CreateResourceShare',
    { name: 'x', principals: [OTHER] },
    { resourceShare: { resourceShareArn: arn('ram:eu-west-1:111122223333:resource-share/1') } },
    'delete-resource-share --region=eu-west-1 --resource-share-arn=arn:aws:ram:eu-west-1:111122223333:resource-share/1',
  ],
  [
    'sts:AssumeRole',
    { roleArn: ROLE, roleSessionName: 's-1' },
    { ...SESSION, assumedRoleUser: { assumedRoleId: 'AROAROLE000000000001:s-1' } },
    `put-role-policy --role-name=admin --policy-name=deny-session-ASIASESSION000000001 --policy-document='{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:userid":"AROAROLE000000000001:s-1"}}}]}'`,
  ],
  ['sts:GetFederationToken', { name: 'x' }, SESSION, `attach-user-policy --user-name=bob ${DENY_ALL}`],
  ['sts:GetSessionToken', null, SESSION, `attach-user-policy --user-name=bob ${DENY_ALL}`],
];

it.each(CASES)('%s', (event, request, response, command) => {
  expect(made(event, request, response)?.command).toContain(command);
});

describe('what is no way back', () => {
  it.each([
    [
      'a call that was refused',
      () => made('iam:CreateUser', { userName: 'a' }, null, { errorCode: 'AccessDenied' }),
    ],
    [
      'a key set Inactive',
      () => made('iam:UpdateAccessKey', { accessKeyId: 'AKIAMADE000000000001', status: 'Inactive' }),
    ],
    [
      'the end of a sharing',
      () =>
        made('ec2:ModifyImageAttribute', {
          imageId: 'ami-0123456789abcdef0',
          launchPermission: { remove: { items: [{ group: 'all' }] } },
        }),
    ],
    [
      'another attribute of a queue',
      () => made('sqs:SetQueueAttributes', { attributes: { DelaySeconds: '5' } }),
    ],
    ['another attribute of a topic', () => made('sns:SetTopicAttributes', { attributeName: 'DisplayName' })],
    ['a rule that is off', () => made('events:PutRule', { name: 'r', state: 'DISABLED' })],
    [
      'a grant that a service makes',
      () =>
        made('kms:CreateGrant', { keyId: 'k' }, null, { userIdentity: { invokedBy: 'ec2.amazonaws.com' } }),
    ],
    ['a call of another service by the same name', () => made('transfer:CreateUser', { userName: 'a' })],
  ])('%s', (_name, call) => {
    expect(call()).toBeUndefined();
  });
});

it('names the accounts to which something was opened', () => {
  expect(made('s3:PutBucketPolicy', { bucketName: 'b-1', bucketPolicy: JSON.parse(POLICY) })?.what).toContain(
    OTHER,
  );
  expect(made('kms:PutKeyPolicy', { keyId: 'k', policy: '{"Statement":{"Principal":"*"}}' })?.what).toContain(
    'everyone',
  );
});

it('leaves out what an attacker could break a command with, and still lists it', () => {
  const way = made('iam:CreateUser', { userName: '$(curl x|sh)' });
  expect(way?.command).toBeUndefined();
  expect(way?.what).toContain('cannot be read');
  expect(way?.action).toBe('Deny everything to the user');
});

it('asks the owner of another account for a role of theirs', () => {
  const way = made('sts:AssumeRole', { roleArn: arn(`iam::${OTHER}:role/x`), roleSessionName: 's' }, SESSION);
  expect(way?.command).toBeUndefined();
  expect(way?.action).toContain('another account');
});

it('tells credentials of the same identity from a token for others', () => {
  expect(made('sts:GetScopedCredentials', null, SESSION)).toMatchObject({ keepsIdentity: true });
  expect(made('signin:CreateOAuth2Token', null)).toMatchObject({ keepsIdentity: true });
  const token = made('sts:GetWebIdentityToken', { audience: ['https://ci.example.com', '<!channel>'] });
  expect(token).toMatchObject({ keepsIdentity: false, what: 'token for https://ci.example.com' });
});

it('looks calls of IAM up in its home Region alone', () => {
  expect(namesIn(true)).toContain('CreateAccessKey');
  expect(namesIn(false)).not.toContain('CreateAccessKey');
  expect(namesIn(false)).toContain('RunInstances');
});

/** IAM users, their keys and policies. */

import { arn } from '../../core/aws/arn.ts';
import { own } from '../../core/json.ts';
import { awsError } from '../aws-error.ts';
import { madeIamId } from './made-id.ts';
import type { Answers, TwinCall } from './twin.ts';

export interface TwinUser {
  UserName: string;
  Path: string;
  UserId: string;
  Tags: { Key: string; Value: string }[];
  inline: Record<string, string>;
  /** Managed policies by ARN, with their documents. */
  attached: Record<string, string>;
  keys: { AccessKeyId: string; Status: string; CreateDate: string; lastService: string | null }[];
  groups: string[];
  console: boolean;
  mfa: { SerialNumber: string; EnableDate: string }[];
  /** API keys of Bedrock and the like; left out: none. */
  serviceKeys?: {
    id: string;
    service: string;
    Status: string;
    CreateDate: string;
    ExpirationDate?: string;
  }[];
  /** X.509 certificates and SSH keys of CodeCommit; left out: none. */
  certificates?: { id: string; Status: string; UploadDate: string }[];
  sshKeys?: { id: string; Status: string; UploadDate: string }[];
  /** The ARN of its permissions boundary. */
  boundary?: string;
  /** Sign-in sessions of `aws login` and MCP clients; left out: none. Seconds since 1970. */
  signIns?: { id: string; clientId: string; issuedAt: number; expiresAt: number; revoked?: true }[];
}
/** Users by name. */
export type TwinUsers = Record<string, TwinUser>;
export const emptyUsers = (): TwinUsers => ({});

/** Inline policies of a user, all together, white space not counted [M]. */
const INLINE_QUOTA = 2_048;

function userOf({ state, input }: TwinCall): TwinUser {
  const name = String(input['UserName']);
  const user = own(state.users, name);
  if (user) return user;
  throw awsError('NoSuchEntityException', `The user with name ${name} cannot be found.`, 404);
}

const userArn = ({ scope }: Pick<TwinCall, 'scope'>, { Path, UserName }: TwinUser): string =>
  arn(scope, 'iam', `user${Path}${UserName}`, { global: true });

/** Everything that speaks for or against the user. */
export const policiesOfUser = ({ inline, attached }: TwinUser): ReadonlyMap<string, string> =>
  new Map([...Object.entries(inline), ...Object.entries(attached)]);

/** As GetUser and GetRole show it. */
export const boundaryOf = (PermissionsBoundaryArn: string) => ({
  ...{ PermissionsBoundaryArn, PermissionsBoundaryType: 'PermissionsBoundaryPolicy' },
});

const missing = (what: string) => awsError('NoSuchEntityException', `${what} cannot be found.`, 404);
const listed = (list: string, items: readonly unknown[]) => ({ [list]: items, IsTruncated: false });

export const iamUsers: Answers = {
  GetAccountSummary: ({ state: { root } }) => ({
    SummaryMap: {
      AccountAccessKeysPresent: root?.keys ? 1 : 0,
      AccountMFAEnabled: root?.mfa ? 1 : 0,
      AccountPasswordPresent: root?.password ? 1 : 0,
      AccountSigningCertificatesPresent: root?.certificates ? 1 : 0,
    },
  }),
  GetAccountPasswordPolicy: ({ state }) => {
    if (state.passwordPolicy) return { PasswordPolicy: state.passwordPolicy };
    throw awsError('NoSuchEntityException', 'The Password Policy with domain name cannot be found.', 404);
  },
  UpdateAccountPasswordPolicy: ({ state, input }) => {
    state.passwordPolicy = {
      MinimumPasswordLength: 6,
      RequireSymbols: false,
      RequireNumbers: false,
      RequireUppercaseCharacters: false,
      RequireLowercaseCharacters: false,
      AllowUsersToChangePassword: false,
      HardExpiry: false,
      ...input,
      ExpirePasswords: input['MaxPasswordAge'] !== undefined,
    };
    return {};
  },
  DeleteAccountPasswordPolicy: ({ state }) => {
    state.passwordPolicy = null;
    return {};
  },
  ListUsers: (call) =>
    listed(
      'Users',
      Object.values(call.state.users)
        .filter(({ Path }) => Path.startsWith(String(call.input['PathPrefix'] ?? '/')))
        .map((user) => {
          const { UserName, UserId, Path } = user;
          return { UserName, UserId, Path, Arn: userArn(call, user), CreateDate: new Date(0) };
        }),
    ),
  GetUser: (call) => {
    const user = userOf(call);
    const { UserName, Path, UserId, Tags, boundary } = user;
    const bounded = boundary === undefined ? {} : { PermissionsBoundary: boundaryOf(boundary) };
    const Arn = userArn(call, user);
    return { User: { UserName, Path, UserId, Tags, Arn, CreateDate: new Date(0), ...bounded } };
  },
  GetLoginProfile: (call) => {
    const { UserName, console } = userOf(call);
    if (!console) throw missing(`Login Profile for User ${UserName}`);
    return { LoginProfile: { UserName, CreateDate: new Date(0) } };
  },
  ListAccessKeys: (call) => {
    const { UserName, keys } = userOf(call);
    return listed(
      'AccessKeyMetadata',
      keys.map(({ AccessKeyId, Status, CreateDate }) => ({
        UserName,
        AccessKeyId,
        Status,
        CreateDate: new Date(CreateDate),
      })),
    );
  },
  GetAccessKeyLastUsed: ({ state, input }) => {
    const key = Object.values(state.users)
      .flatMap(({ keys }) => keys)
      .find(({ AccessKeyId }) => AccessKeyId === input['AccessKeyId']);
    if (!key) throw awsError('AccessDenied', 'the key is not one of this account', 403);
    return {
      AccessKeyLastUsed: {
        ServiceName: key.lastService ?? 'N/A',
        Region: key.lastService ? 'us-east-1' : 'N/A',
      },
    };
  },
  UpdateAccessKey: (call) => {
    const { AccessKeyId, Status } = call.input;
    const key = userOf(call).keys.find((one) => one.AccessKeyId === AccessKeyId);
    if (!key) throw missing(`The Access Key with id ${String(AccessKeyId)}`);
    key.Status = String(Status);
    return {};
  },
  ListServiceSpecificCredentials: (call) => {
    const { UserName, serviceKeys = [] } = userOf(call);
    const { ServiceName = '' } = call.input;
    return listed(
      'ServiceSpecificCredentials',
      serviceKeys
        .filter(({ service }) => ServiceName === '' || service === ServiceName)
        .map(({ id, service, Status, CreateDate, ExpirationDate }) => ({
          ...{ UserName, Status, ServiceName: service, ServiceSpecificCredentialId: id },
          CreateDate: new Date(CreateDate),
          ...(ExpirationDate === undefined ? {} : { ExpirationDate: new Date(ExpirationDate) }),
        })),
    );
  },
  UpdateServiceSpecificCredential: (call) => {
    const { ServiceSpecificCredentialId, Status } = call.input;
    const key = userOf(call).serviceKeys?.find(({ id }) => id === ServiceSpecificCredentialId);
    if (!key) throw missing(`Service specific credential ${String(ServiceSpecificCredentialId)}`);
    key.Status = String(Status);
    return {};
  },
  ListSigningCertificates: (call) => {
    const { UserName, certificates = [] } = userOf(call);
    return listed(
      'Certificates',
      certificates.map(({ id, Status, UploadDate }) => ({
        ...{ UserName, CertificateId: id, Status, UploadDate: new Date(UploadDate) },
        CertificateBody: '-----BEGIN CERTIFICATE-----',
      })),
    );
  },
  UpdateSigningCertificate: (call) => {
    const { CertificateId, Status } = call.input;
    const certificate = userOf(call).certificates?.find(({ id }) => id === CertificateId);
    if (!certificate) throw missing(`The Certificate with id ${String(CertificateId)}`);
    certificate.Status = String(Status);
    return {};
  },
  ListSSHPublicKeys: (call) => {
    const { UserName, sshKeys = [] } = userOf(call);
    return listed(
      'SSHPublicKeys',
      sshKeys.map(({ id, Status, UploadDate }) => ({
        ...{ UserName, SSHPublicKeyId: id, Status, UploadDate: new Date(UploadDate) },
      })),
    );
  },
  UpdateSSHPublicKey: (call) => {
    const { SSHPublicKeyId, Status } = call.input;
    const key = userOf(call).sshKeys?.find(({ id }) => id === SSHPublicKeyId);
    if (!key) throw missing(`The Public Key with id ${String(SSHPublicKeyId)}`);
    key.Status = String(Status);
    return {};
  },
  ListUserPolicies: (call) => listed('PolicyNames', Object.keys(userOf(call).inline)),
  GetUserPolicy: (call) => {
    const { UserName, inline } = userOf(call);
    const PolicyName = String(call.input['PolicyName']);
    const text = own(inline, PolicyName);
    if (text === undefined) throw missing(`The user policy with name ${PolicyName}`);
    return { UserName, PolicyName, PolicyDocument: encodeURIComponent(text) };
  },
  PutUserPolicy: (call) => {
    const user = userOf(call);
    const [name, text] = [String(call.input['PolicyName']), String(call.input['PolicyDocument'])];
    JSON.parse(text);
    const others = Object.entries(user.inline).filter(([other]) => other !== name);
    const size = [...others.map(([, body]) => body), text].join('').replace(/\s/g, '').length;
    if (size > INLINE_QUOTA) {
      throw awsError('LimitExceededException', `Maximum policy size of ${INLINE_QUOTA} bytes exceeded`, 409);
    }
    user.inline[name] = text;
    return {};
  },
  DeleteUserPolicy: (call) => {
    const { inline } = userOf(call);
    const name = String(call.input['PolicyName']);
    if (!Object.hasOwn(inline, name)) throw missing(`The user policy with name ${name}`);
    delete inline[name];
    return {};
  },
  ListAttachedUserPolicies: (call) =>
    listed(
      'AttachedPolicies',
      Object.keys(userOf(call).attached).map((PolicyArn) => ({
        PolicyArn,
        PolicyName: PolicyArn.split('/').at(-1),
      })),
    ),
  ListGroupsForUser: (call) =>
    listed(
      'Groups',
      userOf(call).groups.map((GroupName) => ({
        ...{ GroupName, Path: '/', GroupId: madeIamId('AGPA', GroupName) },
        Arn: arn(call.scope, 'iam', `group/${GroupName}`, { global: true }),
        CreateDate: new Date(0),
      })),
    ),
  ListMFADevices: (call) =>
    listed(
      'MFADevices',
      userOf(call).mfa.map(({ SerialNumber, EnableDate }) => ({
        SerialNumber,
        EnableDate: new Date(EnableDate),
      })),
    ),
};

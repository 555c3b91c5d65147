/** Whose call it is, and whether IAM and the bucket's policy let them: for calls with credentials that are not Firebreak's. */
import { arn, parseArn, type Scope } from '../../core/aws/arn.ts';
import type { AwsCall } from '../../core/aws/client.ts';
import { own } from '../../core/json.ts';
import { awsError } from '../aws-error.ts';
import { policiesOf } from './iam.ts';
import { policiesOfUser } from './iam-users.ts';
import { evaluate, type PolicyStatement } from './policy-evaluation.ts';
import type { TwinState } from './state.ts';

/** A session of a role of this account, by its access key. */
export interface IssuedSession {
  readonly roleName: string;
  readonly sessionName: string;
  readonly issuedAt: Date;
}

interface Caller {
  /** ARNs that a policy may name them by; none of an anonymous caller. */
  readonly arns: readonly string[];
  readonly keys: Readonly<Record<string, string>>;
  readonly policies: ReadonlyMap<string, string>;
}

const ACTIONS: Readonly<
  Record<
    string,
    (input: Readonly<Record<string, unknown>>, scope: Scope) => readonly [action: string, resource: string]
  >
> = {
  'S3:GetObject': ({ Bucket, Key }, scope) => ['s3:GetObject', objectOf(scope, Bucket, Key)],
  'S3:PutObject': ({ Bucket, Key }, scope) => ['s3:PutObject', objectOf(scope, Bucket, Key)],
  'EKS:DescribeCluster': ({ name }, scope) => [
    'eks:DescribeCluster',
    arn(scope, 'eks', `cluster/${String(name)}`),
  ],
};
const objectOf = (scope: Scope, bucket: unknown, key: unknown): string =>
  arn({ ...scope, account: '', region: '' }, 's3', `${String(bucket)}/${String(key)}`);

/** Throws as AWS does unless the caller's policies, and the bucket's, allow the call. */
export function authorizeCaller(
  state: TwinState,
  sessions: ReadonlyMap<string, IssuedSession>,
  scope: Scope,
  call: AwsCall & { readonly accessKeyId: string },
): void {
  // No policy can deny it.
  if (call.operation === 'GetCallerIdentity') return;
  const input = (call.input ?? {}) as Readonly<Record<string, unknown>>;
  const asked = ACTIONS[`${call.service}:${call.operation}`]?.(input, scope);
  if (!asked) throw new Error(`the twin does not judge ${call.service}:${call.operation} of another caller`);
  const [action, resource] = asked;
  const caller = callerOf(state, sessions, scope, call.accessKeyId);
  const bucket = own(state.s3.buckets, String(input['Bucket']));
  const object = bucket?.versions.find(({ Key, IsLatest }) => Key === input['Key'] && IsLatest);
  const tags = Object.entries(object?.Tags ?? {}).map(([key, value]) => [
    `s3:existingobjecttag/${key.toLowerCase()}`,
    value,
  ]);
  const request = { action, resource, keys: { ...caller.keys, ...Object.fromEntries(tags) } };
  const denied = () => awsError('AccessDenied', `no policy allows the ${action} action`, 403);
  const ownPolicies = evaluate(caller.policies, request).decision;
  const restricted =
    caller.arns.length === 0 &&
    (bucket?.block?.RestrictPublicBuckets || state.s3.accountBlock?.RestrictPublicBuckets);
  const policy = speaksOf(bucket?.policy ?? null, caller);
  const ofBucket =
    policy === undefined ? 'implicitDeny' : evaluate(new Map([['bucket', policy]]), request).decision;
  const decisions = [ownPolicies, restricted && ofBucket === 'allowed' ? 'implicitDeny' : ofBucket];
  if (decisions.includes('explicitDeny') || !decisions.includes('allowed')) throw denied();
}

function callerOf(
  state: TwinState,
  sessions: ReadonlyMap<string, IssuedSession>,
  scope: Scope,
  accessKeyId: string,
): Caller {
  if (accessKeyId === '')
    return { arns: [], keys: { 'aws:principaltype': 'Anonymous' }, policies: new Map() };
  const session = sessions.get(accessKeyId);
  const role = session && own(state.roles, session.roleName);
  if (session && role) {
    const { sessionName, issuedAt } = session;
    const assumed = arn(scope, 'sts', `assumed-role/${role.RoleName}/${sessionName}`, { global: true });
    return {
      arns: [role.Arn, assumed],
      keys: {
        'aws:userid': `${role.RoleId}:${sessionName}`,
        'aws:principalarn': role.Arn,
        'aws:tokenissuetime': issuedAt.toISOString(),
        'aws:viaawsservice': 'false',
        'aws:sourceip': '198.51.100.77',
      },
      policies: policiesOf(role),
    };
  }
  const user = Object.values(state.users).find(({ keys }) =>
    keys.some((key) => key.AccessKeyId === accessKeyId && key.Status === 'Active'),
  );
  if (!user)
    throw awsError(
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
      403,
    );
  const userArn = arn(scope, 'iam', `user${user.Path}${user.UserName}`, { global: true });
  const keys = { 'aws:userid': user.UserId, 'aws:username': user.UserName, 'aws:principalarn': userArn };
  return { arns: [userArn], keys, policies: policiesOfUser(user) };
}

/** The statements of a bucket's policy whose principal is the caller; undefined where there are none. */
function speaksOf(text: string | null, { arns }: Caller): string | undefined {
  if (text === null) return undefined;
  const { Statement } = JSON.parse(text) as {
    Statement: readonly (PolicyStatement & { readonly Principal?: unknown })[];
  };
  const names = (principal: unknown): readonly string[] =>
    typeof principal === 'string'
      ? [principal]
      : [((principal ?? {}) as { AWS?: string | string[] }).AWS ?? []].flat();
  const statements = [Statement]
    .flat()
    .filter(({ Principal }) =>
      names(Principal).some((name) => name === '*' || arns.includes(name) || isRootOf(name, arns)),
    );
  return statements.length === 0
    ? undefined
    : JSON.stringify({
        Version: '2012-10-17',
        Statement: statements.map(({ Principal: _who, ...rest }) => rest),
      });
}

/** The account as principal stands for its users and roles. */
const isRootOf = (name: string, arns: readonly string[]): boolean => {
  const root = parseArn(name);
  return root?.resource === 'root' && arns.some((one) => parseArn(one)?.account === root.account);
};

/**
 * The account twin: an AWS account as state, answering the SDK calls that the playbooks make, with AWS's own error
 * names. A call it does not know throws; it never returns an empty success.
 */
import { randomUUID } from 'node:crypto';
import { arn, parseArn, type Scope } from '../../core/aws/arn.ts';
import type { AwsCall } from '../../core/aws/client.ts';
import { isRead } from '../../core/aws/fence.ts';
import { awsError } from '../aws-error.ts';
import { ownMembers } from '../own-members.ts';
import { bedrock } from './bedrock.ts';
import { authorizeCaller, type IssuedSession } from './callers.ts';
import { capacity } from './capacity.ts';
import { cloudtrail } from './cloudtrail.ts';
import { config } from './config.ts';
import { deletions, recycleBin } from './deletions.ts';
import { documents } from './documents.ts';
import { ec2 } from './ec2.ts';
import { ecs } from './ecs.ts';
import { eks, kubernetesApi } from './eks.ts';
import { eventStores } from './event-stores.ts';
import { eventRules } from './eventbridge.ts';
import { flowLogs } from './flow-logs.ts';
import { guardduty } from './guardduty.ts';
import { iam, policiesOf } from './iam.ts';
import { iamChanges } from './iam-changes.ts';
import { iamGroups } from './iam-groups.ts';
import { iamUsers, policiesOfUser } from './iam-users.ts';
import { identityCenter } from './identity-center.ts';
import { lambda } from './lambda.ts';
import { launchTemplates } from './launch-templates.ts';
import { alarms, logFilters } from './log-filters.ts';
import { configRecorders, logRetention } from './log-retention.ts';
import { madeIamId } from './made-id.ts';
import { messaging } from './messaging.ts';
import { networkAcls } from './network-acls.ts';
import { operator } from './operator.ts';
import { controlsOn, organizations } from './organizations.ts';
import { ownNames } from './own-names.ts';
import { type Evaluation, evaluate, type RequestContext } from './policy-evaluation.ts';
import { rds } from './rds.ts';
import { resourcePolicies } from './resource-policies.ts';
import { route53resolver } from './route53resolver.ts';
import { routes } from './routes.ts';
import { s3 } from './s3.ts';
import { scheduler } from './scheduler.ts';
import { secretsManager } from './secrets.ts';
import { ec2Sharing } from './sharing.ts';
import { signIn } from './sign-in.ts';
import { emptyRegion, emptyState, type TwinRegion, type TwinState } from './state.ts';
import { wafv2 } from './wafv2.ts';

export interface TwinCall {
  readonly state: TwinState;
  readonly region: TwinRegion;
  readonly scope: Scope;
  readonly input: Readonly<Record<string, unknown>>;
  /** `sg-0000000000000001`: ids in the order of creation, so that a run can be repeated. */
  nextId(prefix: string): string;
}
export type Answers = Readonly<Record<string, (call: TwinCall) => object>>;

/** As STS does, a role in an account without one is refused, not called missing. */
const stsOf = (has: (account: string) => boolean, sessions: Map<string, IssuedSession>): Answers => ({
  GetCallerIdentity: ({ scope }) => ({
    Account: scope.account,
    Arn: arn(scope, 'iam', 'user/operator', { global: true }),
    UserId: 'AIDAOPERATOR00000000',
  }),
  AssumeRole: ({ state, input, nextId }) => {
    const role = parseArn(String(input['RoleArn']));
    if (!role || !has(role.account)) {
      throw awsError('AccessDenied', `not authorized to perform: sts:AssumeRole on ${input['RoleArn']}`, 403);
    }
    if (input['Policy'] !== undefined) checkSessionPolicy(String(input['Policy']));
    const [, roleName = ''] = /([^/]+)$/.exec(role.resource) ?? [];
    // A role that is in the account; those of Firebreak are not.
    const known = Object.hasOwn(state.roles, roleName);
    const AccessKeyId = known ? madeIamId('ASIA', nextId('session')) : 'ASIASANDBOX000000000';
    const sessionName = String(input['RoleSessionName']);
    if (known) sessions.set(AccessKeyId, { roleName, sessionName, issuedAt: new Date() });
    return {
      Credentials: {
        AccessKeyId,
        SecretAccessKey: 'SANDBOX',
        SessionToken: 'SANDBOX',
        Expiration: new Date(Date.now() + 3_600_000),
      },
    };
  },
});

/** What STS's model says of `Policy`. */
function checkSessionPolicy(text: string): void {
  const invalid = (why: string) =>
    awsError('ValidationError', `Value at 'policy' failed to satisfy constraint: Member must ${why}`);
  if (![...text].every((one) => '\t\n\r'.includes(one) || (one >= ' ' && one <= '\u00ff')))
    throw invalid('satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+');
  if (text.length > 2048) throw invalid('have length less than or equal to 2048');
  try {
    JSON.parse(text);
  } catch {
    throw awsError('MalformedPolicyDocumentException', 'This policy contains invalid Json');
  }
}

/** An answer shares nothing with the state. A body is a stream with methods, which cannot be cloned. */
function cloned(output: object): object {
  if (!('Body' in output)) return copied(output);
  const { Body, ...rest } = output;
  return { ...copied(rest), Body };
}

/** `structuredClone`, without its price for what JSON could hold as well, which most of an answer is. */
function copied<T>(value: T): T;
function copied(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copied);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return structuredClone(value);
  return ownMembers(value, copied);
}

/** The handler died: what a killed Lambda looks like from the outside. Neither an AWS error nor one of ours. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

/** Credentials that the metadata service of an instance handed out. */
export interface Session {
  readonly roleName: string;
  readonly instanceId: string;
  readonly issuedAt: Date;
}

export interface AccountTwin {
  readonly scope: Scope;
  state: TwinState;
  /** Other accounts that have the responder roles now. */
  readonly members: Set<string>;
  answer(call: AwsCall): Promise<object>;
  region(name?: string): TwinRegion;
  nextId(prefix: string): string;
  /** The next calls of an operation fail with this AWS error. */
  failNext(operation: string, error: string, times?: number): void;
  /** The nth change (or call of any kind) from now takes effect and then kills the caller. */
  killAfter(nth: number, counting?: 'changes' | 'calls'): void;
  /**
   * From the nth change from now on, `times` changes meet a fault. lost: it takes effect, and the connection breaks before the
   * answer · conflict: it is refused, as its service refuses what another call to it is changing.
   */
  disturb(nth: number, fault: 'lost' | 'conflict', times?: number): void;
  /** Calls in the order they were answered; `error` when they failed. */
  readonly calls: { service: string; operation: string; change: boolean; error?: string }[];
  /** A request of a session, as IAM would judge it now. */
  /** A request with a user's long-term key, of IAM or of Bedrock, as IAM would judge it now. */
  requestByKey(keyId: string, request: { action: string; resource: string }): Evaluation;
  request(
    session: Session,
    request: { action: string; resource: string; sourceIp?: string; sourceVpc?: string },
  ): Evaluation;
}

const SERVICES: Readonly<Record<string, Answers>> = {
  EC2: {
    ...{ ...ec2, ...networkAcls, ...routes, ...ec2Sharing, ...recycleBin, ...flowLogs },
    ...{ ...launchTemplates, ...operator.EC2 },
  },
  ...bedrock,
  IAM: { ...iam, ...iamUsers, ...iamGroups, ...iamChanges, ...operator.IAM },
  ...capacity,
  ...deletions,
  ...resourcePolicies,
  KMS: { ...deletions['KMS'], ...resourcePolicies['KMS'] },
  ...config,
  CloudTrail: { ...cloudtrail['CloudTrail'], ...eventStores['CloudTrail'], ...operator.CloudTrail },
  Athena: { ...eventStores['Athena'] },
  ...ecs,
  ...eks,
  Lambda: { ...lambda['Lambda'], ...operator.Lambda },
  ...messaging,
  EventBridge: { ...messaging['EventBridge'], ...eventRules },
  SSM: { ...messaging['SSM'], ...documents },
  SNS: { ...messaging['SNS'], ...resourcePolicies['SNS'] },
  ...guardduty,
  ...identityCenter,
  ...organizations,
  ...rds,
  ...scheduler,
  SecretsManager: { ...secretsManager['SecretsManager'], ...resourcePolicies['SecretsManager'] },
  ...ownNames,
  CloudWatchLogs: { ...ownNames['CloudWatchLogs'], ...logRetention, ...logFilters },
  CloudWatch: { ...bedrock['CloudWatch'], ...alarms },
  ConfigService: { ...config['ConfigService'], ...configRecorders },
  Route53Resolver: { ...route53resolver['Route53Resolver'], ...ownNames['Route53Resolver'] },
  ...signIn,
  ...s3,
  S3: { ...s3['S3'], ...operator.S3 },
  ...wafv2,
};
/** Answers a call at once and past what the twin records: how others than Firebreak act in the account. */
export function perform(
  twin: AccountTwin,
  { service, operation, input, region = twin.scope.region }: Performed,
): object {
  const handler = SERVICES[service]?.[operation];
  if (!handler) throw new Error(`the twin does not answer ${service}:${operation}`);
  return handler({
    state: twin.state,
    region: twin.region(region),
    scope: { ...twin.scope, region },
    input,
    nextId: twin.nextId,
  });
}

export interface Performed {
  readonly service: string;
  readonly operation: string;
  readonly input: Record<string, unknown>;
  readonly region?: string;
}

export interface TwinOptions {
  /** One state answers for every account and partition, for findings from anywhere. */
  readonly anyAccount?: boolean;
  /** Other accounts that have the responder roles; the same state answers for them. */
  readonly members?: readonly string[];
}

/** Throttling of EC2 and faults of a service are 503 and tried again by the SDK; every other error is the caller's, and is not. */
const statusOf = (error: string): number =>
  /^AccessDenied|^Unauthorized/.test(error)
    ? 403
    : /Throttl|RequestLimitExceeded|Internal|Unavailable|ServiceFailure/.test(error)
      ? 503
      : 400;

/** What the services answer while another operation changes the same thing; null where none is documented. */
const CONFLICTS: Readonly<Record<string, string | null>> = {
  ApplicationAutoScaling: 'ConcurrentUpdateException',
  Athena: null,
  AutoScaling: 'ResourceContention',
  Bedrock: 'ConflictException',
  CloudTrail: 'ConflictException',
  CloudWatch: null,
  CloudWatchLogs: 'OperationAbortedException',
  ConfigService: null,
  EC2: 'IncorrectState',
  ECS: 'UpdateInProgressException',
  EKS: 'ResourceInUseException',
  ElasticLoadBalancingV2: null,
  EventBridge: 'ConcurrentModificationException',
  GuardDuty: null,
  IAM: 'ConcurrentModification',
  KMS: null,
  Lambda: 'ResourceConflictException',
  Organizations: 'ConcurrentModificationException',
  RDS: 'InvalidDBInstanceState',
  RDSData: null,
  Route53Resolver: 'ConflictException',
  S3: 'OperationAborted',
  S3Control: 'OperationAborted',
  SSM: null,
  ECR: null,
  SNS: null,
  SQS: null,
  SSOAdmin: 'ConflictException',
  Scheduler: 'ConflictException',
  SecretsManager: null,
  Signin: null,
  WAFV2: 'WAFUnavailableEntityException',
};
const CONFLICTING_WRITE = { status: 409, body: { kind: 'Status', message: 'the object has been modified' } };

/** A statement that only reads. */
const isQuery = ({ service, input }: AwsCall): boolean =>
  service === 'RDSData' &&
  /^SELECT (pid|id) FROM /.test(String((input as { sql?: string } | undefined)?.sql));

function conflictOf({ service, operation }: AwsCall): string | null {
  const conflict = CONFLICTS[service];
  if (conflict === undefined) throw new Error(`the twin knows no conflict of ${service}:${operation}`);
  return conflict;
}

/** What the connection's end looks like to the SDK, and to the Kubernetes client. */
const lostAnswer = (service: string): Error => {
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  return service === 'Kubernetes' ? new TypeError('fetch failed', { cause: reset }) : reset;
};

export function createTwin(scope: Scope, options: TwinOptions = {}): AccountTwin {
  const members = new Set(options.members);
  const has = (account: string) =>
    options.anyAccount === true || account === scope.account || members.has(account);
  const sessions = new Map<string, IssuedSession>();
  const faults: { operation: string; error: string; left: number }[] = [];
  let disturbance: { in: number; readonly fault: 'lost' | 'conflict'; left: number } | undefined;
  /** The fault that the next change meets. */
  const met = (): 'lost' | 'conflict' | undefined => {
    if (!disturbance) return undefined;
    disturbance.in -= 1;
    if (disturbance.in > 0) return undefined;
    const { fault } = disturbance;
    disturbance.left -= 1;
    if (disturbance.left === 0) disturbance = undefined;
    return fault;
  };
  /** By the principal's own policies, under the service control policies of its account. */
  const judged = (own: ReadonlyMap<string, string>, request: RequestContext): Evaluation => {
    const controls = controlsOn(twin.state, scope.account);
    const bound = controls.size === 0 ? undefined : evaluate(controls, request);
    return bound && bound.decision !== 'allowed' ? bound : evaluate(own, request);
  };
  let killIn: number | undefined;
  let killCounts: 'changes' | 'calls' = 'changes';
  const twin: AccountTwin = {
    scope,
    members,
    state: emptyState(),
    calls: [],
    region(name = scope.region) {
      let region = twin.state.regions[name];
      if (!region) {
        region = emptyRegion();
        twin.state.regions[name] = region;
      }
      return region;
    },
    nextId(prefix) {
      twin.state.serial += 1;
      return `${prefix}-${twin.state.serial.toString(16).padStart(17, '0')}`;
    },
    failNext(operation, error, times = 1) {
      faults.push({ operation, error, left: times });
    },
    killAfter(nth, counting = 'changes') {
      killIn = nth;
      killCounts = counting;
    },
    disturb(nth, fault, times = 1) {
      disturbance = { in: nth, fault, left: times };
    },
    async answer(call) {
      const change = !isRead(call.operation) && !isQuery(call);
      const record: AccountTwin['calls'][number] = {
        service: call.service,
        operation: call.operation,
        change,
      };
      twin.calls.push(record);
      const fault = faults.find((one) => one.operation === call.operation && one.left > 0);
      const disturbed = change ? met() : undefined;
      try {
        if (disturbed === 'conflict') {
          if (call.service === 'Kubernetes') return CONFLICTING_WRITE;
          const conflict = conflictOf(call);
          if (conflict !== null) throw awsError(conflict, 'another operation is under way', 409);
        }
        if (fault) {
          fault.left -= 1;
          throw awsError(fault.error, `${fault.error} (asked for)`, statusOf(fault.error));
        }
        const handler =
          call.service === 'Kubernetes'
            ? kubernetesApi
            : call.service === 'STS'
              ? stsOf(has, sessions)[call.operation]
              : SERVICES[call.service]?.[call.operation];
        if (!handler) throw new Error(`the twin does not answer ${call.service}:${call.operation}`);
        const { accessKeyId } = call;
        if (accessKeyId !== undefined) authorizeCaller(twin.state, sessions, scope, { ...call, accessKeyId });
        if (!has(call.account)) {
          throw awsError('AccessDenied', `the twin has no account ${call.account}`, 403);
        }
        const output = handler({
          state: twin.state,
          // Looking at a Region does not make one.
          region: twin.state.regions[call.region] ?? emptyRegion(),
          scope: { partition: call.partition, account: call.account, region: call.region },
          input: (call.input ?? {}) as Record<string, unknown>,
          nextId: twin.nextId,
        });
        if ('status' in output && Number(output.status) >= 400) record.error = String(output.status);
        if (disturbed === 'lost' && record.error === undefined) throw lostAnswer(call.service);
        return {
          $metadata: { httpStatusCode: 200, requestId: randomUUID(), attempts: 1 },
          ...cloned(output),
        };
      } catch (error) {
        record.error = error instanceof Error ? error.name : String(error);
        throw error;
      } finally {
        if ((change || killCounts === 'calls') && killIn !== undefined && record.error === undefined) {
          killIn -= 1;
          if (killIn <= 0) {
            killIn = undefined;
            // biome-ignore lint/correctness/noUnsafeFinally: a killed handler never hears of its own success
            throw new Killed(`killed after ${call.operation}`);
          }
        }
      }
    },
    requestByKey(keyId, { action, resource }) {
      const user = Object.values(twin.state.users).find(
        ({ keys, serviceKeys = [] }) =>
          keys.some((key) => key.AccessKeyId === keyId && key.Status === 'Active') ||
          serviceKeys.some(({ id, Status }) => id === keyId && Status === 'Active'),
      );
      if (!user) return { decision: 'implicitDeny' };
      const principal = arn(scope, 'iam', `user${user.Path}${user.UserName}`, { global: true });
      return judged(policiesOfUser(user), { action, resource, keys: { 'aws:principalarn': principal } });
    },
    request(session, request) {
      const role = twin.state.roles[session.roleName];
      if (!role) return { decision: 'implicitDeny' };
      const instance = Object.values(twin.state.regions)
        .flatMap(({ instances }) => instances)
        .find(({ InstanceId }) => InstanceId === session.instanceId);
      const keys: Record<string, string> = {
        'aws:userid': `${role.RoleId}:${session.instanceId}`,
        'aws:principalarn': role.Arn,
        'aws:tokenissuetime': session.issuedAt.toISOString(),
        'aws:viaawsservice': 'false',
        'ec2:sourceinstancearn': arn(scope, 'ec2', `instance/${session.instanceId}`),
        ...(instance ? { 'aws:ec2instancesourcevpc': instance.VpcId } : {}),
        ...(request.sourceIp ? { 'aws:sourceip': request.sourceIp } : {}),
        ...(request.sourceVpc ? { 'aws:sourcevpc': request.sourceVpc } : {}),
      };
      return judged(policiesOf(role), {
        action: request.action,
        resource: request.resource,
        keys,
      });
    },
  };
  twin.region();
  return twin;
}

/**
 * AWS clients, made when first asked for, per account and Region.
 *
 * Importing a bundled EC2 client costs about 150 ms and an IAM client about 50 ms, so no service module is
 * imported before a playbook asks for it: `const { client, api } = await aws.ec2()`, then
 * `client.send(new api.DescribeInstancesCommand({...}))`.
 *
 * The sandbox and the tests answer calls through `configureAws({ answer })`. The hook sits inside the SDK's own
 * retry (so a throttled answer is retried as on AWS) and before signing, so no credentials are needed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { awsErrorName, FirebreakError, isAccessDenied, isFirebreakError } from '../errors.ts';
import { type Stack, withoutNetwork } from './answered.ts';
import type { Scope } from './arn.ts';
import { arn } from './arn.ts';
import { type AwsCallRecord, noteCall } from './call-log.ts';
import type { EventStore } from './event-store/named.ts';
import { passFence } from './fence.ts';
import type { Kubernetes } from './kubernetes.ts';

/** One AWS call, as the hook and the recorder see it. */
export interface AwsCall extends Scope {
  /**
   * SDK client name without `Client`: `EC2`, `IAM`, `AutoScaling`, `ElasticLoadBalancingV2`, `SFN`, ...; `Kubernetes` for the
   * API of a cluster, whose input is a KubernetesRequest and whose answer a KubernetesAnswer.
   */
  readonly service: string;
  /** API operation as IAM spells it: `DescribeInstances`. */
  readonly operation: string;
  readonly input: unknown;
  /** The session policy it is made under, in member accounts. */
  readonly sessionPolicy?: string | undefined;
  /** It is made as the role of the management account, not as that of a member. */
  readonly management?: true;
  /** Whose it is where it is not made with credentials of Firebreak: the access key, or '' of no one. */
  readonly accessKeyId?: string | undefined;
}

/** How a member account's role is assumed. */
export interface Session {
  /** Names the session (the incident id), so that CloudTrail shows which incident made a call. */
  readonly name: string;
  /**
   * What the session may do of what the role may (core/journal/session-policy.ts), in at most so many characters; all of it
   * without. Asked for when needed.
   */
  readonly policy?: (characters: number) => string;
  /** Calls as someone else, or as no one: a drill plays the thief with the credentials that it made. */
  readonly as?: OthersCredentials;
  /** Assumes the role of the organisation's management account, whichever account Firebreak runs in. */
  readonly management?: true;
}

export type OthersCredentials =
  | 'no one'
  | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };

/** Characters of the `Policy` parameter of AssumeRole. */
export const SESSION_POLICY_CHARACTERS = 2048;
/** STS packs a policy, with a limit of its own that no one can compute: a shorter one is tried where it was too large. */
const SHORTER_POLICIES = [1536, 1024, 768];

/** What assuming a role gave: credentials, and the policy that STS took. */
interface Assumed {
  readonly credentials: object;
  readonly policy: string | undefined;
}

export interface AwsConfiguration {
  /** Answers instead of AWS; an unknown call must throw, never return an empty success. */
  readonly answer?: ((call: AwsCall) => Promise<object>) | undefined;
  /** Sees every finished call. Must not throw. */
  readonly record?: ((record: AwsCallRecord, call: AwsCall) => void) | undefined;
  /** The account the pipeline runs in; other accounts are reached by assuming the responder role there. */
  readonly ownAccount?: string | undefined;
  /** Name of the role assumed in member accounts; asked for each time where functions share a process. */
  readonly responderRole?: string | (() => string | undefined) | undefined;
  readonly responderExternalId?: string | undefined;
  /** Where calls are kept that CloudTrail's event history does not have. */
  readonly events?: EventStore | undefined;
  /** First retry delay in milliseconds (tests shorten it). */
  readonly retryBaseMs?: number | undefined;
  /** Longest wait in milliseconds for an answer of a cluster's Kubernetes API (tests shorten it). */
  readonly clusterTimeoutMs?: number | undefined;
}

let configuration: AwsConfiguration = {};
let generation = 0;

/** Replaces the whole configuration; clients made earlier are dropped. */
export function configureAws(next: AwsConfiguration): void {
  configuration = next;
  generation += 1;
}
/** Waits between two looks at what AWS does by and by; the sandbox and tests shorten it as they shorten retries. */
export const pause = (ms: number): Promise<void> => sleep(Math.min(ms, configuration.retryBaseMs ?? ms));
export const awsConfiguration = (): AwsConfiguration => configuration;

interface AnyClient {
  readonly middlewareStack: unknown;
}
interface ServiceModule<C extends AnyClient> {
  readonly Client: new (config: never) => C;
}
/** A ready client and the module with its commands. */
interface Service<M> {
  readonly client: M extends { Client: abstract new (...args: never) => infer C } ? C : never;
  readonly api: M;
}

export interface Aws {
  readonly scope: Scope;
  /** Assumes the role of a member account ahead of the first call. What fails here fails there, and is met there. */
  assume(): Promise<void>;
  /** The same account seen from another Region. */
  inRegion(region: string): Aws;
  /** Another account of the partition, or the pipeline's own: what is administered there (IAM Identity Center). */
  inAccount(account: string | undefined, region: string): Aws;
  /** The organisation's management account, as the role that changes service control policies there and nothing else. */
  inManagement(account: string, region: string): Aws;
  ec2(): Promise<Service<typeof import('./services/ec2.ts')>>;
  iam(): Promise<Service<typeof import('./services/iam.ts')>>;
  autoScaling(): Promise<Service<typeof import('./services/autoscaling.ts')>>;
  elbv2(): Promise<Service<typeof import('./services/elbv2.ts')>>;
  guardDuty(): Promise<Service<typeof import('./services/guardduty.ts')>>;
  sfn(): Promise<Service<typeof import('./services/sfn.ts')>>;
  sns(): Promise<Service<typeof import('./services/sns.ts')>>;
  ssm(): Promise<Service<typeof import('./services/ssm.ts')>>;
  events(): Promise<Service<typeof import('./services/events.ts')>>;
  securityHub(): Promise<Service<typeof import('./services/securityhub.ts')>>;
  s3(): Promise<Service<typeof import('./services/s3.ts')>>;
  s3control(): Promise<Service<typeof import('./services/s3control.ts')>>;
  lambda(): Promise<Service<typeof import('./services/lambda.ts')>>;
  ecs(): Promise<Service<typeof import('./services/ecs.ts')>>;
  applicationAutoScaling(): Promise<Service<typeof import('./services/applicationautoscaling.ts')>>;
  eks(): Promise<Service<typeof import('./services/eks.ts')>>;
  rds(): Promise<Service<typeof import('./services/rds.ts')>>;
  rdsData(): Promise<Service<typeof import('./services/rdsdata.ts')>>;
  cloudTrail(): Promise<Service<typeof import('./services/cloudtrail.ts')>>;
  athena(): Promise<Service<typeof import('./services/athena.ts')>>;
  bedrock(): Promise<Service<typeof import('./services/bedrock.ts')>>;
  ssoAdmin(): Promise<Service<typeof import('./services/ssoadmin.ts')>>;
  identityStore(): Promise<Service<typeof import('./services/identitystore.ts')>>;
  wafv2(): Promise<Service<typeof import('./services/wafv2.ts')>>;
  route53(): Promise<Service<typeof import('./services/route53.ts')>>;
  acm(): Promise<Service<typeof import('./services/acm.ts')>>;
  cloudWatch(): Promise<Service<typeof import('./services/cloudwatch.ts')>>;
  cloudWatchLogs(): Promise<Service<typeof import('./services/cloudwatchlogs.ts')>>;
  route53Resolver(): Promise<Service<typeof import('./services/route53resolver.ts')>>;
  config(): Promise<Service<typeof import('./services/config.ts')>>;
  organizations(): Promise<Service<typeof import('./services/organizations.ts')>>;
  ecr(): Promise<Service<typeof import('./services/ecr.ts')>>;
  sqs(): Promise<Service<typeof import('./services/sqs.ts')>>;
  sts(): Promise<Service<typeof import('./services/sts.ts')>>;
  kms(): Promise<Service<typeof import('./services/kms.ts')>>;
  secretsManager(): Promise<Service<typeof import('./services/secretsmanager.ts')>>;
  signIn(): Promise<Service<typeof import('./services/signin.ts')>>;
  scheduler(): Promise<Service<typeof import('./services/scheduler.ts')>>;
  /** The Kubernetes API of an EKS cluster, by the cluster's name. */
  kubernetes(cluster: string): Promise<Kubernetes>;
}

/** The AWS access for one account and Region. */
export const awsFor = (scope: Scope, session: string | Session = 'firebreak'): Aws =>
  access(scope, typeof session === 'string' ? { name: session } : session, new Map());

/** `assumed`: credentials by account, shared by all clients of one piece of work; it ends long before they do. */
function access(scope: Scope, session: Session, assumed: Map<string, Promise<Assumed>>): Aws {
  const made = new Map<string, Promise<Service<unknown>>>();
  const clusters = new Map<string, Promise<Kubernetes>>();
  const born = generation;
  function service<C extends AnyClient, M extends ServiceModule<C>>(
    name: string,
    load: () => Promise<M>,
  ): Promise<Service<M>> {
    if (born !== generation) {
      made.clear();
      assumed.clear();
    }
    let found = made.get(name);
    if (!found) {
      found = load().then(async (api) => {
        const { config, policy } = await clientConfig(scope, session, assumed);
        const client = new api.Client(config as never);
        instrument(client, scope, { policy, as: session.as, management: session.management });
        return { client, api } as unknown as Service<unknown>;
      });
      // A failed import or assume-role must not be remembered as this service's client for ever.
      found.catch(() => made.delete(name));
      made.set(name, found);
    }
    return found as Promise<Service<M>>;
  }
  function kubernetes(cluster: string): Promise<Kubernetes> {
    if (born !== generation) clusters.clear();
    let found = clusters.get(cluster);
    if (!found) {
      found = import('./kubernetes.ts').then(({ openCluster }) => openCluster(self, cluster));
      found.catch(() => clusters.delete(cluster));
      clusters.set(cluster, found);
    }
    return found;
  }
  const self: Aws = {
    scope,
    async assume() {
      await clientConfig(scope, session, assumed).catch(() => undefined);
    },
    inRegion: (region) =>
      region === scope.region
        ? access(scope, session, assumed)
        : access({ ...scope, region }, session, assumed),
    inAccount: (account, region) =>
      access(
        { ...scope, account: account ?? configuration.ownAccount ?? scope.account, region },
        session,
        assumed,
      ),
    inManagement: (account, region) =>
      access({ ...scope, account, region }, { ...session, management: true }, assumed),
    ec2: () => service('ec2', () => import('./services/ec2.ts')),
    iam: () => service('iam', () => import('./services/iam.ts')),
    autoScaling: () => service('autoscaling', () => import('./services/autoscaling.ts')),
    elbv2: () => service('elbv2', () => import('./services/elbv2.ts')),
    guardDuty: () => service('guardduty', () => import('./services/guardduty.ts')),
    sfn: () => service('sfn', () => import('./services/sfn.ts')),
    sns: () => service('sns', () => import('./services/sns.ts')),
    ssm: () => service('ssm', () => import('./services/ssm.ts')),
    events: () => service('events', () => import('./services/events.ts')),
    securityHub: () => service('securityhub', () => import('./services/securityhub.ts')),
    s3: () => service('s3', () => import('./services/s3.ts')),
    s3control: () => service('s3control', () => import('./services/s3control.ts')),
    lambda: () => service('lambda', () => import('./services/lambda.ts')),
    ecs: () => service('ecs', () => import('./services/ecs.ts')),
    applicationAutoScaling: () =>
      service('applicationautoscaling', () => import('./services/applicationautoscaling.ts')),
    eks: () => service('eks', () => import('./services/eks.ts')),
    rds: () => service('rds', () => import('./services/rds.ts')),
    rdsData: () => service('rdsdata', () => import('./services/rdsdata.ts')),
    cloudTrail: () => service('cloudtrail', () => import('./services/cloudtrail.ts')),
    athena: () => service('athena', () => import('./services/athena.ts')),
    bedrock: () => service('bedrock', () => import('./services/bedrock.ts')),
    ssoAdmin: () => service('ssoadmin', () => import('./services/ssoadmin.ts')),
    identityStore: () => service('identitystore', () => import('./services/identitystore.ts')),
    wafv2: () => service('wafv2', () => import('./services/wafv2.ts')),
    route53: () => service('route53', () => import('./services/route53.ts')),
    acm: () => service('acm', () => import('./services/acm.ts')),
    cloudWatch: () => service('cloudwatch', () => import('./services/cloudwatch.ts')),
    cloudWatchLogs: () => service('cloudwatchlogs', () => import('./services/cloudwatchlogs.ts')),
    route53Resolver: () => service('route53resolver', () => import('./services/route53resolver.ts')),
    config: () => service('config', () => import('./services/config.ts')),
    organizations: () => service('organizations', () => import('./services/organizations.ts')),
    ecr: () => service('ecr', () => import('./services/ecr.ts')),
    sqs: () => service('sqs', () => import('./services/sqs.ts')),
    sts: () => service('sts', () => import('./services/sts.ts')),
    kms: () => service('kms', () => import('./services/kms.ts')),
    secretsManager: () => service('secretsmanager', () => import('./services/secretsmanager.ts')),
    signIn: () => service('signin', () => import('./services/signin.ts')),
    scheduler: () => service('scheduler', () => import('./services/scheduler.ts')),
    kubernetes,
  };
  return self;
}

/**
 * Eight attempts with jittered backoff (the SDK's standard strategy retries throttling and 5xx only, never
 * AccessDenied or validation).
 */
async function clientConfig(
  scope: Scope,
  session: Session,
  assumed: Map<string, Promise<Assumed>>,
): Promise<{ readonly config: object; readonly policy: string | undefined }> {
  const { answer, retryBaseMs } = configuration;
  const config: Record<string, unknown> = {
    ...{ region: scope.region, maxAttempts: 8 },
    ...(answer ? ANSWERED_HERE : {}),
  };
  if (retryBaseMs !== undefined) {
    const { ConfiguredRetryStrategy } = await import('@smithy/core/retry');
    const strategy = new ConfiguredRetryStrategy(8, () => retryBaseMs);
    const acquire = strategy.acquireInitialRetryToken.bind(strategy);
    // Older clients give the endpoint's partition as the scope, which is not known where calls are answered here.
    strategy.acquireInitialRetryToken = (scope: string | undefined) => acquire(scope ?? '');
    config['retryStrategy'] = strategy;
  }
  if (session.as) return { config: { ...config, ...asOther(session.as) }, policy: undefined };
  const { management } = session;
  if ((management || isMember(scope)) && !(answer && !responderRole())) {
    const key = management ? `management ${scope.account}` : scope.account;
    let role = assumed.get(key);
    if (!role) {
      role = assumeResponder(scope, session);
      assumed.set(key, role);
      role.catch(() => assumed.delete(key));
    }
    const { credentials, policy } = await role;
    return { config: { ...config, credentials }, policy };
  }
  if (answer) config['credentials'] = SANDBOX_CREDENTIALS;
  return {
    config,
    policy: isMember(scope) || management ? session.policy?.(SESSION_POLICY_CHARACTERS) : undefined,
  };
}

/** A request of no one is sent unsigned. */
const asOther = (other: OthersCredentials): object =>
  other === 'no one'
    ? {
        credentials: SANDBOX_CREDENTIALS,
        signer: { sign: async (request: unknown) => request },
      }
    : { credentials: other };

const isMember = ({ account }: Scope): boolean =>
  configuration.ownAccount !== undefined && account !== configuration.ownAccount;

/**
 * Settings of a client whose calls are answered here. Each one that is absent the SDK looks up in the environment and
 * in ~/.aws for every client, and for no use.
 */
const ANSWERED_HERE = {
  ...({ retryMode: 'standard', defaultsMode: 'standard', userAgentAppId: '' } as const),
  ...{ authSchemePreference: [] as string[], ignoreConfiguredEndpointUrls: true },
  ...{ useDualstackEndpoint: false, useFipsEndpoint: false, useArnRegion: false },
  disableS3ExpressSessionAuth: true,
  ...({ requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' } as const),
};
const SANDBOX_CREDENTIALS = { accessKeyId: 'SANDBOX', secretAccessKey: 'SANDBOX' };
const responderRole = (): string | undefined =>
  typeof configuration.responderRole === 'function'
    ? configuration.responderRole()
    : configuration.responderRole;

/** What stands before the role's name in the management account: firebreak-organization-responder. */
const inOrganization = (role: string): string => role.replace(/^firebreak-/, 'firebreak-organization-');

/** Throws ResponderMissing where the account has no role for Firebreak; what a retry may fix is thrown as it is. */
async function assumeResponder(scope: Scope, session: Session): Promise<Assumed> {
  const responder = responderRole();
  const { management } = session;
  const role = management && responder ? inOrganization(responder) : responder;
  const missing = (cause?: unknown) =>
    new FirebreakError(
      'ResponderMissing',
      management
        ? `the role ${role ?? 'of Firebreak'} cannot be assumed in the management account ${scope.account}`
        : `no responder role can be assumed in account ${scope.account}`,
      {
        resource: scope.account,
        next: management
          ? 'Deploy deploy/generated/management-account.json there (docs/organizations.md), or attach the policy by hand.'
          : 'Deploy the responder role in this account, or contain the resource by hand.',
        cause,
      },
    );
  if (!role) throw missing();
  const api = await import('./services/sts.ts');
  // The Regional endpoint: tokens from the global one may be invalid in opt-in Regions [M].
  const client = new api.Client({
    region: scope.region,
    ...(configuration.answer ? { ...ANSWERED_HERE, maxAttempts: 3, credentials: SANDBOX_CREDENTIALS } : {}),
  });
  instrument(client, { ...scope, account: configuration.ownAccount ?? scope.account });
  const assume = async (policy: string | undefined): Promise<Assumed> => {
    const { Credentials: given } = await client.send(
      new api.AssumeRoleCommand({
        RoleArn: arn(scope, 'iam', `role/${role}`, { global: true }),
        RoleSessionName: session.name.replace(/[^\w+=,.@-]/g, '-').slice(0, 64),
        ...(configuration.responderExternalId ? { ExternalId: configuration.responderExternalId } : {}),
        ...(policy === undefined ? {} : { Policy: policy }),
      }),
    );
    if (!given?.AccessKeyId || !given.SecretAccessKey || !given.SessionToken) throw missing();
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = given;
    return { credentials: { accessKeyId, secretAccessKey, sessionToken }, policy };
  };
  try {
    return await withShorterPolicies(session, assume);
  } catch (error) {
    // STS answers AccessDenied for a role that is not there as well.
    throw isAccessDenied(error) ? missing(error) : error;
  } finally {
    client.destroy();
  }
}

/** Throws what STS said of the shortest policy when it takes none of them. */
async function withShorterPolicies(
  { policy }: Session,
  assume: (policy: string | undefined) => Promise<Assumed>,
): Promise<Assumed> {
  let tried = policy?.(SESSION_POLICY_CHARACTERS);
  for (const characters of SHORTER_POLICIES) {
    try {
      return await assume(tried);
    } catch (error) {
      if (tried === undefined || awsErrorName(error) !== 'PackedPolicyTooLargeException') throw error;
      tried = shorter(policy, characters, error);
    }
  }
  return assume(tried);
}

/** Throws what STS said where no policy is so short. */
function shorter(policy: Session['policy'], characters: number, said: unknown): string | undefined {
  try {
    return policy?.(characters);
  } catch (error) {
    throw isFirebreakError(error, 'Refused') ? said : error;
  }
}

/** Hears of every call of every client, whatever is configured, once it has an answer or an error. */
export type AwsWatcher = (call: AwsCall, output: object | undefined) => void;
const watchers = new Set<AwsWatcher>();
/** Must not throw. Inputs can carry task tokens: what it keeps is its own care. Gives the end of watching. */
export function watchAws(watcher: AwsWatcher): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

interface MiddlewareContext {
  readonly clientName?: string;
  readonly commandName?: string;
}
interface Answered {
  readonly output: { readonly $metadata?: { readonly requestId?: string; readonly attempts?: number } };
}
type Next = (args: { input: unknown }) => Promise<Answered>;

type Made = Scope & Pick<AwsCall, 'sessionPolicy' | 'accessKeyId' | 'management'>;
const callOf = (by: Made, context: MiddlewareContext, input: unknown): AwsCall => ({
  ...by,
  service: (context.clientName ?? '').replace(/Client$/, ''),
  operation: (context.commandName ?? '').replace(/Command$/, ''),
  input,
});

/**
 * Lets the watcher hear of this client's calls as they go on the wire: the document client's values are DynamoDB's attributes by
 * then. `instrument` does more; the table's client needs only this.
 */
export function watched(client: AnyClient, by: Made): void {
  (client.middlewareStack as Stack).add(
    (next: Next, context: MiddlewareContext) => async (args: { input: unknown }) => {
      let output: object | undefined;
      try {
        const answered = await next(args);
        output = answered.output;
        return answered;
      } finally {
        for (const watcher of watchers) watcher(callOf(by, context, args.input), output);
      }
    },
    { step: 'build', name: 'firebreakWatch', override: true },
  );
}

/** Adds the recorder and, where configured, the hook that answers calls. */
function instrument(
  client: AnyClient,
  scope: Scope,
  {
    policy: sessionPolicy,
    as: other,
    management,
  }: {
    readonly policy?: string | undefined;
    readonly as?: OthersCredentials | undefined;
    readonly management?: true | undefined;
  } = {},
): void {
  const accessKeyId = other === 'no one' ? '' : other?.accessKeyId;
  const by: Made = {
    ...scope,
    ...(management ? { management } : {}),
    ...(sessionPolicy === undefined ? {} : { sessionPolicy }),
    ...(accessKeyId === undefined ? {} : { accessKeyId }),
  };
  watched(client, by);
  const stack = client.middlewareStack as Stack;
  stack.add(
    (next: Next, context: MiddlewareContext) => async (args: { input: unknown }) => {
      const call = callOf(by, context, args.input);
      await passFence(call.operation);
      const started = Date.now();
      const finish = (requestId?: string, attempts?: number, error?: string) => {
        const record: AwsCallRecord = {
          partition: scope.partition,
          account: scope.account,
          region: scope.region,
          service: call.service,
          operation: call.operation,
          at: new Date(started).toISOString(),
          ms: Date.now() - started,
          requestId,
          attempts,
          error,
        };
        noteCall(record);
        configuration.record?.(record, call);
      };
      try {
        const answered = await next(args);
        finish(answered.output.$metadata?.requestId, answered.output.$metadata?.attempts);
        return answered;
      } catch (error) {
        const meta = (error as { $metadata?: { requestId?: string; attempts?: number } }).$metadata;
        finish(meta?.requestId, meta?.attempts, error instanceof Error ? error.name : String(error));
        throw error;
      }
    },
    { step: 'initialize', name: 'firebreakRecord', override: true },
  );
  const { answer } = configuration;
  if (!answer) return;
  withoutNetwork(stack);
  stack.addRelativeTo(
    (_next: Next, context: MiddlewareContext) => async (args: { input: unknown }) => ({
      // The SDK's retry writes into the metadata.
      output: { $metadata: { httpStatusCode: 200 }, ...(await answer(callOf(by, context, args.input))) },
      response: {},
    }),
    { relation: 'after', toMiddleware: 'retryMiddleware', name: 'firebreakAnswer', override: true },
  );
}

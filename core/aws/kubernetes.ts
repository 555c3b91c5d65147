/**
 * The Kubernetes API of an EKS cluster, with a token made of the function's own AWS credentials. Whether Firebreak may do
 * anything there is up to the cluster: an access entry and RBAC (docs/kubernetes.md). What it refuses, and a cluster that
 * does not answer, become errors of our own that say what to set up.
 */
import type {
  AppsV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  NetworkingV1Api,
  RbacAuthorizationV1Api,
  RequestContext,
  ResponseContext,
} from '@kubernetes/client-node';
import { awsErrorName, FirebreakError } from '../errors.ts';
import { isJsonObject, type Json } from '../json.ts';
import { noteCall } from './call-log.ts';
import { type Aws, awsConfiguration, pause } from './client.ts';
import { passFence } from './fence.ts';
import { type KubernetesAnswer, type KubernetesRequest, operationOf } from './kubernetes-request.ts';

type Api = typeof import('./services/kubernetes.ts');

export interface Kubernetes {
  readonly cluster: string;
  readonly core: CoreV1Api;
  readonly rbac: RbacAuthorizationV1Api;
  readonly networking: NetworkingV1Api;
  readonly apps: AppsV1Api;
  readonly authorization: AuthorizationV1Api;
  /** Makes a patch a JSON merge patch; the client's default is a JSON patch. */
  readonly mergePatch: ReturnType<Api['setHeaderOptions']>;
}

/** A cluster behind a private endpoint swallows packets: waiting longer would not make it answer. */
const TIMEOUT_MS = 8_000;
const ATTEMPTS = 3;
/** The server takes a token for 15 minutes. */
const TOKEN_MS = 10 * 60_000;

interface Endpoint {
  readonly name: string;
  readonly server: string;
  readonly caData: string;
  /** Said when it does not answer. */
  readonly exposure: string;
}

/**
 * Opens the API of the cluster in `aws`'s account and Region. Throws ResourceNotFound when the cluster is gone or has no
 * endpoint yet. Its calls throw FirebreakErrors: AccessDenied (401, 403), ResourceNotFound (404), Conflict (409),
 * Unreachable (no answer, 5xx), StepFailed (what else it answers).
 */
export async function openCluster(aws: Aws, cluster: string): Promise<Kubernetes> {
  const [endpoint, api] = await Promise.all([endpointOf(aws, cluster), import('./services/kubernetes.ts')]);
  const configuration = api.createConfiguration({
    baseServer: new api.ServerConfiguration(endpoint.server, {}),
    authMethods: { default: authentication(api, endpoint, tokenSource(aws, cluster)) },
    httpApi: api.wrapHttpLibrary({ send: (request) => send(api, aws, endpoint, request) }),
  });
  return {
    cluster,
    core: new api.CoreV1Api(configuration),
    rbac: new api.RbacAuthorizationV1Api(configuration),
    networking: new api.NetworkingV1Api(configuration),
    apps: new api.AppsV1Api(configuration),
    authorization: new api.AuthorizationV1Api(configuration),
    mergePatch: api.setHeaderOptions('Content-Type', api.PatchStrategy.MergePatch),
  };
}

async function endpointOf(aws: Aws, name: string): Promise<Endpoint> {
  const { client, api } = await aws.eks();
  const gone = (message: string, cause?: unknown) =>
    new FirebreakError('ResourceNotFound', message, {
      resource: name,
      next: 'See CloudTrail for who changed the cluster, and contain identities in IAM.',
      cause,
    });
  try {
    const { cluster } = await client.send(new api.DescribeClusterCommand({ name }));
    const server = cluster?.endpoint;
    const caData = cluster?.certificateAuthority?.data;
    if (!server || !caData) throw gone('the cluster has no API endpoint');
    const network = cluster.resourcesVpcConfig;
    const exposure =
      network?.endpointPublicAccess === false
        ? 'its endpoint is private'
        : `its endpoint is open to ${network?.publicAccessCidrs?.join(', ') || 'addresses that EKS does not tell'}`;
    return { name, server, caData, exposure };
  } catch (error) {
    if (awsErrorName(error) !== 'ResourceNotFoundException') throw error;
    throw gone('the cluster does not exist any more', error);
  }
}

/** One token for many calls, re-created before the server would refuse it. */
function tokenSource(aws: Aws, cluster: string): () => Promise<string> {
  let held: { readonly until: number; readonly token: Promise<string> } | undefined;
  return () => {
    const now = Date.now();
    if (held && held.until > now) return held.token;
    // What signs it is read by what asks a cluster, not by all that can.
    const token = import('./eks-token.ts').then(({ eksToken }) => eksToken(aws, cluster, new Date(now)));
    held = { until: now + TOKEN_MS, token };
    token.catch(() => {
      held = undefined;
    });
    return token;
  };
}

/** TLS against the cluster's own certificate authority. The client makes a new agent for every call; one is enough. */
function authentication(api: Api, { name, server, caData }: Endpoint, token: () => Promise<string>) {
  const config = new api.KubeConfig();
  config.loadFromClusterAndUser({ name, server, caData, skipTLSVerify: false }, { name: 'firebreak' });
  let dispatcher: ReturnType<RequestContext['getDispatcher']>;
  return {
    getName: () => 'eks',
    async applySecurityAuthentication(context: RequestContext): Promise<void> {
      if (dispatcher) context.setDispatcher(dispatcher);
      else if (!awsConfiguration().answer) {
        await config.applySecurityAuthentication(context);
        dispatcher = context.getDispatcher();
      }
      context.setHeaderParam('Authorization', `Bearer ${await token()}`);
    },
  };
}

/** A failed try: worth another one, or final. */
type Tried = { readonly ok: ResponseContext } | { readonly error: FirebreakError; readonly again: boolean };

async function send(
  api: Api,
  aws: Aws,
  endpoint: Endpoint,
  request: RequestContext,
): Promise<ResponseContext> {
  await passFence(callOf(aws, endpoint.name, request).operation);
  for (let attempt = 1; ; attempt++) {
    const tried = await recorded(aws, request, () => trySend(api, aws, endpoint, request));
    if ('ok' in tried) return tried.ok;
    if (!tried.again || attempt === ATTEMPTS) throw tried.error;
    await pause(200 * 2 ** attempt * (0.5 + Math.random() / 2));
  }
}

async function trySend(api: Api, aws: Aws, endpoint: Endpoint, request: RequestContext): Promise<Tried> {
  const { answer } = awsConfiguration();
  request.setSignal(AbortSignal.timeout(awsConfiguration().clusterTimeoutMs ?? TIMEOUT_MS));
  const method = request.getHttpMethod().toString();
  let response: ResponseContext;
  let text: string;
  try {
    response = answer
      ? answered(api, await answer(callOf(aws, endpoint.name, request)))
      : await new api.IsomorphicFetchHttpLibrary().send(request).toPromise();
    // Read here: a connection that breaks in the middle of an answer is lost like any other.
    text = await response.body.text();
  } catch (error) {
    if (!isLost(error)) throw error;
    // A change whose answer got lost may have happened: the step reads again before it is tried again.
    return { error: unreachable(endpoint, reasonOf(error), error), again: method === 'GET' };
  }
  const { httpStatusCode: status, headers } = response;
  if (status >= 200 && status < 300) return { ok: asResponse(api, status, headers, text) };
  const again = status === 429 || (status >= 500 && method === 'GET');
  return { error: refusal(endpoint, status, messageOf(text)), again };
}

function callOf(aws: Aws, cluster: string, request: RequestContext) {
  const url = new URL(request.getUrl());
  const headers = new Map(
    Object.entries(request.getHeaders()).map(([key, value]) => [key.toLowerCase(), value]),
  );
  const method = request.getHttpMethod().toString();
  const body = request.getBody();
  const input: KubernetesRequest = {
    cluster,
    method,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    contentType: headers.get('content-type') ?? '',
    authorization: headers.get('authorization') ?? '',
    body: typeof body === 'string' ? body : undefined,
  };
  return { ...aws.scope, service: 'Kubernetes', operation: operationOf(method, url.pathname), input };
}

function answered(api: Api, given: object): ResponseContext {
  const { status, body } = given as KubernetesAnswer;
  return asResponse(api, status, { 'content-type': 'application/json' }, JSON.stringify(body));
}

const asResponse = (
  api: Api,
  status: number,
  headers: ResponseContext['headers'],
  text: string,
): ResponseContext =>
  new api.ResponseContext(status, headers, {
    text: async () => text,
    binary: async () => Buffer.from(text),
    stream: () => null,
  });

/** Kubernetes answers a `Status` with a message for people. */
function messageOf(text: string): string {
  try {
    const status = JSON.parse(text) as Json;
    if (isJsonObject(status) && typeof status['message'] === 'string') return status['message'].slice(0, 400);
  } catch {
    // A proxy in between answers what it likes.
  }
  return text.slice(0, 200) || 'no message';
}

const SET_UP = 'docs/kubernetes.md';

function refusal(endpoint: Endpoint, status: number, message: string): FirebreakError {
  const resource = `cluster ${endpoint.name}`;
  switch (status) {
    case 401:
      return new FirebreakError('AccessDenied', "the cluster does not know Firebreak's role", {
        resource,
        next: `Give the role an access entry (${SET_UP}); until then a person with access to the cluster contains it.`,
      });
    case 403:
      return new FirebreakError('AccessDenied', `the cluster refuses: ${message}`, {
        resource,
        next: `Apply the RBAC manifest and put the role into its groups (${SET_UP}); until then a person with access to the cluster contains it.`,
      });
    case 404:
      return new FirebreakError('ResourceNotFound', message, { resource });
    case 409:
      return new FirebreakError('Conflict', message, {
        resource,
        next: 'Someone else is changing the object: run it again.',
      });
    default:
      if (status === 429 || status >= 500) return unreachable(endpoint, `HTTP ${status}: ${message}`);
      return new FirebreakError('StepFailed', `the cluster answers HTTP ${status}: ${message}`, { resource });
  }
}

const unreachable = ({ name, exposure }: Endpoint, why: string, cause?: unknown): FirebreakError =>
  new FirebreakError('Unreachable', `the Kubernetes API does not answer (${why}); ${exposure}`, {
    resource: `cluster ${name}`,
    next: `Let Firebreak's functions reach the endpoint (${SET_UP}); until then a person with access to the cluster contains it.`,
    cause,
  });

/** undici throws a TypeError with the socket's error as its cause; a time-out is a DOMException of that name. */
const isLost = (error: unknown): error is Error =>
  error instanceof Error &&
  (error.name === 'TimeoutError' ||
    error.name === 'AbortError' ||
    (error instanceof TypeError && 'cause' in error));

function reasonOf(error: Error): string {
  if (error.name === 'TimeoutError') return 'no answer in time';
  const { cause } = error;
  return cause instanceof Error ? ('code' in cause && String(cause.code)) || cause.message : error.message;
}

/** Records the call as calls to AWS are: kept with the incident, and without what it says. */
async function recorded(aws: Aws, request: RequestContext, work: () => Promise<Tried>): Promise<Tried> {
  const started = Date.now();
  const method = request.getHttpMethod().toString();
  const call = {
    ...aws.scope,
    service: 'Kubernetes',
    operation: operationOf(method, new URL(request.getUrl()).pathname),
  };
  const finish = (error?: string) => {
    const at = new Date(started).toISOString();
    const record = { ...call, at, ms: Date.now() - started, requestId: undefined, attempts: 1, error };
    noteCall(record);
    awsConfiguration().record?.(record, { ...call, input: undefined });
  };
  try {
    const tried = await work();
    finish('ok' in tried ? undefined : tried.error.code);
    return tried;
  } catch (error) {
    finish(error instanceof Error ? error.name : String(error));
    throw error;
  }
}

/**
 * The AWS Sign-In calls Firebreak makes. npm has no client that knows them: this one sends what AWS's model says (signin-2023-01-01 of
 * botocore: JSON posted to the control plane's endpoint, signed for `signin`), with the SDK's own credentials, signer and retry.
 */
import { STSClient, type STSClientConfig } from '@aws-sdk/client-sts';
import { constructStack, ServiceException } from '@smithy/core/client';
import { getRetryPlugin } from '@smithy/core/retry';
import { SignatureV4 } from '@smithy/signature-v4';
import { z } from 'zod';
import { FirebreakError } from '../../errors.ts';

const session = z.object({
  sessionArn: z.string(),
  principalArn: z.string(),
  status: z.string().optional(),
  issuedAt: z.number(),
  expiresAt: z.number(),
  clientId: z.string().optional(),
});
const listed = z.object({ items: z.array(session), nextToken: z.string().optional() });
const revoked = z.object({
  revokedSessions: z.array(z.object({ sessionArn: z.string() })),
  errors: z.array(z.object({ sessionArn: z.string(), code: z.string(), message: z.string() })),
});

interface Command<I extends object, O extends object> {
  readonly operation: string;
  readonly path: string;
  readonly input: I;
  readonly output: z.ZodType<O>;
}

interface ListInput {
  readonly principalArn: string;
  readonly status: 'ACTIVE';
  readonly nextToken?: string | undefined;
}
/** Sign-in sessions of an identity of the account. */
export class ListSessionsCommand implements Command<ListInput, z.infer<typeof listed>> {
  readonly operation = 'ListSessions';
  readonly path = '/list-sessions';
  readonly output = listed;
  readonly input: ListInput;
  constructor(input: ListInput) {
    this.input = input;
  }
}

interface RevokeInput {
  readonly principalArn: string;
  readonly sessionArns: readonly string[];
  readonly reason?: string;
}
/** At most five sessions. One that is revoked already is revoked again. */
export class BatchRevokeSessionsCommand implements Command<RevokeInput, z.infer<typeof revoked>> {
  readonly operation = 'BatchRevokeSessions';
  readonly path = '/batch-revoke-sessions';
  readonly output = revoked;
  readonly input: RevokeInput;
  constructor(input: RevokeInput) {
    this.input = input;
  }
}

const TIMEOUT_MS = 4_000;

/** A container for tests and proxies, as every client of the SDK has it. */
const elsewhere = (): string | undefined =>
  process.env['AWS_ENDPOINT_URL_SIGNIN'] ?? process.env['AWS_ENDPOINT_URL'];

/** The control plane's host; the partition's own domain. */
const endpointOf = (region: string): string =>
  `https://signin.${region}.${region.startsWith('cn-') ? 'api.amazonwebservices.com.cn' : 'api.aws'}`;

interface Sent {
  readonly response: unknown;
  readonly output: object;
}

export class Client {
  readonly middlewareStack = constructStack<object, object>();
  readonly #sts: STSClient;

  constructor(config: STSClientConfig) {
    // It resolves credentials and retry, and has the hash that the signer needs. It is asked next to a containment, which does not
    // wait for a service that is down.
    this.#sts = new STSClient({ ...config, maxAttempts: 2 });
    getRetryPlugin(this.#sts.config).applyToStack(this.middlewareStack);
  }

  async send<I extends object, O extends object>(command: Command<I, O>): Promise<O> {
    const last = async (): Promise<Sent> => ({ response: {}, output: await this.#post(command) });
    const context = { clientName: 'SigninClient', commandName: `${command.operation}Command` };
    const { output } = await this.middlewareStack.resolve(last, context)({ input: command.input });
    const parsed = command.output.safeParse(output);
    if (parsed.success) return parsed.data;
    throw new FirebreakError('StepFailed', 'AWS Sign-In answers otherwise than its model says', {
      resource: command.operation,
      next: 'Use the AWS command line for it.',
      cause: parsed.error,
    });
  }

  destroy(): void {
    this.#sts.destroy();
  }

  async #post({ path, input }: Command<object, object>): Promise<object> {
    const { credentials, sha256 } = this.#sts.config;
    const region = await this.#sts.config.region();
    const { protocol, hostname, port, origin } = new URL(elsewhere() ?? endpointOf(region));
    const body = JSON.stringify(input);
    const signer = new SignatureV4({ service: 'signin', region, credentials, sha256 });
    const { headers } = await signer.sign({
      ...{ method: 'POST', protocol, hostname, path, query: {}, body },
      headers: { host: port === '' ? hostname : `${hostname}:${port}`, 'content-type': 'application/json' },
    });
    const answer = await fetch(`${origin}${path}`, {
      ...{ method: 'POST', headers, body },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((error: unknown) => {
      throw new FirebreakError('Unreachable', 'AWS Sign-In does not answer', {
        resource: hostname,
        cause: error,
      });
    });
    return answerOf(answer);
  }
}

const failure = z.object({
  __type: z.string().optional(),
  message: z.string().optional(),
});

/** Returns the members of an answer. Throws AWS's errors as the clients of the SDK do. */
async function answerOf(response: Response): Promise<object> {
  const text = await response.text();
  const requestId = response.headers.get('x-amzn-requestid') ?? undefined;
  const $metadata = { httpStatusCode: response.status, ...(requestId === undefined ? {} : { requestId }) };
  const parsed = jsonOf(text);
  if (response.ok) return { $metadata, ...parsed };
  const { data } = failure.safeParse(parsed);
  const type = response.headers.get('x-amzn-errortype') ?? data?.__type ?? 'UnknownError';
  throw new ServiceException({
    ...{ name: type.replace(/^.*#|:.*$/g, ''), $metadata, message: data?.message ?? '' },
    $fault: response.status >= 500 ? 'server' : 'client',
  });
}

/** What a proxy in between answers may be no JSON. */
function jsonOf(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

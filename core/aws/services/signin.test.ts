/** The one client that is Firebreak's own, against a server that answers as AWS's model says. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { afterEach, expect, it, vi } from 'vitest';
import { unrecorded } from '../../../test/unrecorded.ts';
import { isAccessDenied, isAwsError, isFirebreakError } from '../../errors.ts';
import { awsFor, configureAws } from '../client.ts';

interface Asked {
  readonly path: string | undefined;
  readonly authorization: string;
  readonly body: unknown;
}
interface Answer {
  readonly status?: number;
  readonly type?: string;
  readonly body: string;
}

let server: Server | undefined;
afterEach(() => {
  server?.close();
  configureAws({});
  vi.unstubAllEnvs();
});

const read = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString();
};

/** Answers in turn, the last one for ever. */
async function serving(...answers: readonly Answer[]) {
  const asked: Asked[] = [];
  const own = createServer(async (request, response) => {
    const body: unknown = JSON.parse(await read(request));
    asked.push({ path: request.url, authorization: request.headers.authorization ?? '', body });
    const {
      status = 200,
      type,
      body: text,
    } = answers[Math.min(asked.length, answers.length) - 1] ?? { body: '' };
    if (type !== undefined) response.setHeader('x-amzn-errortype', type);
    response.statusCode = status;
    response.end(text);
  });
  server = own;
  await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
  const address = own.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  configureAws({ retryBaseMs: 1 });
  const { client, api } = await awsFor({
    partition: 'aws',
    account: '111122223333',
    region: 'us-east-1',
  }).signIn();
  const principalArn = 'arn:aws:iam::111122223333:user/deployer';
  return {
    asked,
    list: () =>
      unrecorded(() => client.send(new api.ListSessionsCommand({ principalArn, status: 'ACTIVE' }))),
    revoke: (sessionArns: readonly string[]) =>
      unrecorded(() => client.send(new api.BatchRevokeSessionsCommand({ principalArn, sessionArns }))),
  };
}

const EMPTY = JSON.stringify({ items: [] });

it('posts JSON to the path of the operation, signed for the service', async () => {
  const session = { sessionArn: 'arn:s', principalArn: 'arn:p', issuedAt: 1, expiresAt: 2 };
  const { asked, list } = await serving({ body: JSON.stringify({ items: [session], nextToken: 'more' }) });
  expect(await list()).toEqual({ items: [session], nextToken: 'more' });
  expect(asked).toEqual([
    {
      path: '/list-sessions',
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/us-east-1\/signin\//,
      ),
      body: { principalArn: 'arn:aws:iam::111122223333:user/deployer', status: 'ACTIVE' },
    },
  ]);
});

it('revokes, and hands on what could not be revoked', async () => {
  const errors = [{ sessionArn: 'b', code: 'NOT_FOUND', message: 'no' }];
  const { asked, revoke } = await serving({
    body: JSON.stringify({ revokedSessions: [{ sessionArn: 'a' }], errors }),
  });
  expect(await revoke(['a', 'b'])).toMatchObject({ errors });
  expect(asked[0]).toMatchObject({ path: '/batch-revoke-sessions', body: { sessionArns: ['a', 'b'] } });
});

it('throws what AWS refuses as every client does, without another try', async () => {
  const { asked, list } = await serving({
    ...{ status: 403, type: 'com.amazonaws.signin#AccessDeniedException:http://internal' },
    body: JSON.stringify({ error: 'INSUFFICIENT_PERMISSIONS', message: 'not authorized' }),
  });
  const error = await list().catch((thrown: unknown) => thrown);
  expect([isAwsError(error), isAccessDenied(error)]).toEqual([true, true]);
  expect(error).toMatchObject({ message: 'not authorized', $metadata: { httpStatusCode: 403 } });
  expect(asked).toHaveLength(1);
});

it.each([429, 500, 503])('tries again after HTTP %i, whatever a proxy says with it', async (status) => {
  const type = status === 429 ? 'TooManyRequestsException' : 'InternalServerException';
  const { asked, list } = await serving({ status, type, body: '<html>' }, { body: EMPTY });
  expect(await list()).toEqual({ items: [] });
  expect(asked).toHaveLength(2);
});

it('says that there is no answer where there is none', async () => {
  const { list } = await serving({ body: EMPTY });
  server?.close();
  server?.closeAllConnections();
  expect(isFirebreakError(await list().catch((thrown: unknown) => thrown), 'Unreachable')).toBe(true);
});

it.each(['{}', 'null', '"text"', '[]', '{"items":[{"sessionArn":7}]}'])(
  'takes %s for no list of sessions',
  async (body) => {
    const { list } = await serving({ body });
    await expect(list()).rejects.toThrow(/otherwise than its model/);
  },
);

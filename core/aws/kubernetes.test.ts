/**
 * The way to a cluster as it is on AWS: TLS against the cluster's own authority, the token, time-outs and refusals. The server
 * is a twin's Kubernetes API behind HTTPS on loopback; only EKS and STS are answered in the client.
 */
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { selfSigned } from '../../sandbox/self-signed.ts';
import {
  newKubernetes,
  putObject,
  serveKubernetes,
  type TwinKubernetes,
} from '../../sandbox/twin/kubernetes.ts';
import { type Aws, awsFor, configureAws } from './client.ts';
import { eksToken } from './eks-token.ts';
import { openCluster } from './kubernetes.ts';

const SCOPE = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
const { key, cert } = selfSigned();

let server: Server;
let cluster: TwinKubernetes;
/** What the server does instead of answering from the twin. */
let instead: 'nothing' | 'hangs up' | 'breaks off' | 503 | undefined;
let seen: { method: string; path: string; authorization: string }[];

beforeEach(async () => {
  cluster = newKubernetes();
  instead = undefined;
  seen = [];
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIDEXAMPLE';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
  server = createServer({ key, cert }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'https://cluster.invalid');
    const { authorization = '' } = request.headers;
    seen.push({ method: request.method ?? '', path: pathname, authorization });
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (instead === 'nothing') return;
      if (instead === 'breaks off') {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"kind":');
        setTimeout(() => request.socket.destroy(), 20);
        return;
      }
      if (instead === 'hangs up') {
        request.socket.destroy();
        return;
      }
      const { status, body } =
        instead === 503
          ? { status: 503, body: 'the server is down' }
          : serveKubernetes(cluster, {
              cluster: 'shop',
              method: request.method ?? '',
              path: pathname,
              query: Object.fromEntries(searchParams),
              contentType: request.headers['content-type'] ?? '',
              authorization,
              body: chunks.length > 0 ? Buffer.concat(chunks).toString() : undefined,
            });
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  configureAws({});
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** EKS tells where the cluster is; STS is only signed for, never called. */
function aws(authority = cert, clusterTimeoutMs = 5_000): Aws {
  configureAws({ ownAccount: SCOPE.account, retryBaseMs: 1, clusterTimeoutMs });
  const real = awsFor(SCOPE);
  const { port } = server.address() as AddressInfo;
  const answer = {
    cluster: {
      endpoint: `https://127.0.0.1:${port}`,
      certificateAuthority: { data: Buffer.from(authority).toString('base64') },
      resourcesVpcConfig: { endpointPublicAccess: false },
    },
  };
  return {
    ...real,
    eks: async () => {
      const { api, client } = await real.eks();
      client.send = (async () => answer) as never;
      return { api, client };
    },
  };
}
const open = (authority?: string) => openCluster(aws(authority), 'shop');

describe('over TLS', () => {
  it('reads pages, writes, patches and meets conflicts, as the client sends them', async () => {
    for (let index = 0; index < 5; index++) {
      putObject(cluster, { apiVersion: 'v1', kind: 'Node', metadata: { name: `node-${index}` }, spec: {} });
    }
    const { core, mergePatch } = await open();
    const first = await core.listNode({ limit: 2 });
    expect(first.items.map(({ metadata }) => metadata?.name)).toEqual(['node-0', 'node-1']);
    const rest = await core.listNode({ limit: 9, _continue: first.metadata?._continue ?? '' });
    expect(rest.items).toHaveLength(3);
    const [node] = first.items;
    const body = {
      metadata: { resourceVersion: node?.metadata?.resourceVersion },
      spec: { unschedulable: true },
    };
    await core.patchNode({ name: 'node-0', body }, mergePatch);
    await expect(core.patchNode({ name: 'node-0', body }, mergePatch)).rejects.toMatchObject({
      code: 'Conflict',
    });
    expect((await core.readNode({ name: 'node-0' })).spec?.unschedulable).toBe(true);
    await expect(core.readNode({ name: 'node-9' })).rejects.toMatchObject({ code: 'ResourceNotFound' });
  });

  it('talks to no one else than the holder of the certificate of the cluster', async () => {
    const { core } = await open(selfSigned().cert);
    await expect(core.listNode()).rejects.toMatchObject({ code: 'Unreachable' });
    expect(seen).toEqual([]);
  });

  it('a refusal says what to set up, and nothing of the token', async () => {
    cluster.firebreak = null;
    const { core } = await open();
    const error = await core.listNode().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'AccessDenied',
      next: expect.stringContaining('docs/kubernetes.md'),
    });
    expect(String((error as Error).stack) + JSON.stringify(error)).not.toContain('k8s-aws-v1');
    expect(seen).toHaveLength(1);
    cluster.firebreak = ['firebreak-reader'];
    await expect(core.patchNode({ name: 'node-0', body: {} })).rejects.toMatchObject({
      code: 'AccessDenied',
      message: expect.stringContaining('cannot patch resource "nodes"'),
    });
  });
});

describe('no answer', () => {
  it.each(['hangs up', 'breaks off', 503] as const)(
    '%s: reading is tried three times, changing once',
    async (how) => {
      instead = how;
      const { core, mergePatch } = await open();
      await expect(core.listNode()).rejects.toMatchObject({
        code: 'Unreachable',
        message: expect.stringContaining('its endpoint is private'),
      });
      expect(seen).toHaveLength(3);
      await expect(core.patchNode({ name: 'a', body: {} }, mergePatch)).rejects.toMatchObject({
        code: 'Unreachable',
      });
      expect(seen).toHaveLength(4);
    },
  );

  it('silence ends', async () => {
    instead = 'nothing';
    const { core, mergePatch } = await openCluster(aws(cert, 100), 'shop');
    await expect(core.patchNode({ name: 'a', body: {} }, mergePatch)).rejects.toMatchObject({
      code: 'Unreachable',
      message: expect.stringContaining('no answer in time'),
    });
  });
});

describe('the token', () => {
  const now = new Date('2026-11-25T03:00:00.000Z');
  const urlOf = (token: string) =>
    new URL(Buffer.from(token.slice('k8s-aws-v1.'.length), 'base64url').toString());

  it('is a GetCallerIdentity request, signed for one cluster as Signature Version 4 says', async () => {
    const token = await eksToken(aws(), 'shop', now);
    expect(token).toMatch(/^k8s-aws-v1\.[\w-]+$/);
    const url = urlOf(token);
    expect(url.origin + url.pathname).toBe('https://sts.eu-west-1.amazonaws.com/');
    expect(Number(url.searchParams.get('X-Amz-Expires'))).toBeLessThanOrEqual(900);
    expect(url.searchParams.get('X-Amz-SignedHeaders')).toBe('host;x-k8s-aws-id');
    expect(url.searchParams.get('X-Amz-Signature')).toBe(signature(url, 'shop'));
    expect(signature(url, 'another')).not.toBe(signature(url, 'shop'));
  });

  it('goes to the STS of its own partition', async () => {
    configureAws({ ownAccount: SCOPE.account });
    const china = awsFor({ partition: 'aws-cn', account: SCOPE.account, region: 'cn-north-1' });
    expect(urlOf(await eksToken(china, 'shop', now)).hostname).toBe('sts.cn-north-1.amazonaws.com.cn');
  });

  /** Computed by hand from the AWS Signature Version 4 documentation. */
  function signature(url: URL, clusterName: string): string {
    const query = [...url.searchParams]
      .filter(([name]) => name !== 'X-Amz-Signature')
      .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
      .sort()
      .join('&');
    const sha = (text: string) => createHash('sha256').update(text).digest('hex');
    const headers = `host:${url.hostname}\nx-k8s-aws-id:${clusterName}\n`;
    const request = ['GET', '/', query, headers, 'host;x-k8s-aws-id', sha('')].join('\n');
    const scope = '20261125/eu-west-1/sts/aws4_request';
    const toSign = ['AWS4-HMAC-SHA256', '20261125T030000Z', scope, sha(request)].join('\n');
    const hmac = (secret: string | Buffer, text: string) =>
      createHmac('sha256', secret).update(text).digest();
    const key = scope
      .split('/')
      .reduce<string | Buffer>(
        (secret, part) => hmac(secret, part),
        'AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
      );
    return hmac(key, toSign).toString('hex');
  }
});

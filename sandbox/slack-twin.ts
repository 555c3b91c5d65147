/**
 * Slack for one machine: speaks the Web API to the real client, refuses what Slack refuses, keeps messages with their
 * history, and sends signed clicks.
 */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Block } from '../slack/card.ts';
import { checkBlocks } from './slack-limits.ts';

export interface SlackMessage {
  readonly channel: string;
  readonly ts: string;
  text: string;
  blocks: readonly Block[];
  updates: number;
}
export interface Click {
  readonly ts: string;
  readonly actionId: string;
  readonly value: string;
  readonly userId: string;
  /** What an attacker would change. */
  readonly forge?: {
    readonly secret?: string;
    readonly ageSeconds?: number;
    readonly teamId?: string;
    readonly appId?: string;
    readonly channel?: string;
    readonly messageTs?: string;
    /** Signs one body and sends the same JSON written differently. */
    readonly reserialise?: boolean;
  };
}
export interface SlackTwinOptions {
  readonly botToken: string;
  readonly signingSecret: string;
  readonly teamId: string;
  readonly appId: string;
  readonly channel: string;
  readonly now: () => Date;
  readonly deliver: (request: {
    headers: Record<string, string>;
    body: string;
  }) => Promise<{ statusCode: number; body: string }>;
}
export interface SlackTwin {
  readonly url: string;
  readonly messages: SlackMessage[];
  /** While true every call answers 503, as when Slack is down. */
  down: boolean;
  click(click: Click): Promise<{ statusCode: number; body: string }>;
  onChange(listener: () => void): void;
  close(): Promise<void>;
}

export async function startSlackTwin(options: SlackTwinOptions): Promise<SlackTwin> {
  const messages: SlackMessage[] = [];
  const listeners: (() => void)[] = [];
  let serial = 0;

  function call(method: string, token: string, form: URLSearchParams): object {
    if (token !== options.botToken) return { ok: false, error: 'invalid_auth' };
    const blocks = JSON.parse(form.get('blocks') ?? '[]') as readonly Block[];
    const problems = checkBlocks(blocks);
    if (problems.length > 0) {
      return { ok: false, error: 'invalid_blocks', response_metadata: { messages: problems } };
    }
    const text = form.get('text') ?? '';
    const channel = form.get('channel') ?? '';
    switch (method) {
      case 'auth.test':
        return { ok: true, team_id: options.teamId };
      case 'chat.postMessage': {
        if (channel !== options.channel) return { ok: false, error: 'channel_not_found' };
        serial += 1;
        const ts = `${Math.floor(options.now().getTime() / 1000)}.${String(serial).padStart(6, '0')}`;
        messages.push({ channel, ts, text, blocks, updates: 0 });
        return { ok: true, channel, ts };
      }
      case 'chat.update': {
        const message = messages.find(({ ts }) => ts === form.get('ts'));
        if (!message) return { ok: false, error: 'message_not_found' };
        Object.assign(message, { text, blocks, updates: message.updates + 1 });
        return { ok: true, channel, ts: message.ts };
      }
      default:
        return { ok: false, error: 'unknown_method' };
    }
  }

  const twin: SlackTwin = {
    url: '',
    messages,
    down: false,
    onChange: (listener) => {
      listeners.push(listener);
    },
    async click({ ts, actionId, value, userId, forge = {} }) {
      const payload = {
        type: 'block_actions',
        api_app_id: forge.appId ?? options.appId,
        team: { id: forge.teamId ?? options.teamId },
        user: { id: userId },
        channel: { id: forge.channel ?? options.channel },
        message: { ts: forge.messageTs ?? ts },
        actions: [{ action_id: actionId, value }],
      };
      const signed = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
      const timestamp = String(Math.floor(options.now().getTime() / 1000) - (forge.ageSeconds ?? 0));
      const mac = createHmac('sha256', forge.secret ?? options.signingSecret)
        .update(`v0:${timestamp}:${signed}`)
        .digest('hex');
      const body = forge.reserialise
        ? new URLSearchParams({ payload: JSON.stringify(payload, null, 1) }).toString()
        : signed;
      return options.deliver({
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'X-Slack-Request-Timestamp': timestamp,
          'X-Slack-Signature': `v0=${mac}`,
        },
        body,
      });
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };

  const server = createServer((request, response) => {
    void (async () => {
      const form = new URLSearchParams(await bodyOf(request));
      const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
      const method = (request.url ?? '').replace(/^.*\/api\//, '');
      response.setHeader('content-type', 'application/json');
      if (twin.down) {
        response.writeHead(503).end('{}');
        return;
      }
      response.end(JSON.stringify(call(method, token, form)));
      for (const listener of listeners) listener();
    })().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Object.assign(twin, { url: `http://127.0.0.1:${port}/api/` });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

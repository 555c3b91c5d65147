/**
 * Slack for one machine: speaks the Web API to the real client, refuses what Slack refuses, keeps messages, modals and
 * what only one person sees, and sends what people do as signed requests.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import type { Block } from '../slack/block-kit.ts';
import { callSlack } from './slack-api.ts';
import { takeUpload } from './slack-files.ts';
import { type Deliver, type Gestures, gestures } from './slack-gestures.ts';
import { checkBlocks } from './slack-limits.ts';
import {
  post,
  rewrite,
  type SlackMessage,
  type SlackWorld,
  type SlackWorldOptions,
  slackWorld,
} from './slack-world.ts';

export type { EndpointAnswer } from './slack-gestures.ts';
export type { OpenModal } from './slack-world.ts';

export type SlackTwinOptions = SlackWorldOptions & { readonly deliver: Deliver };

export interface SlackTwin
  extends Gestures,
    Pick<
      SlackWorld,
      'messages' | 'ephemerals' | 'modals' | 'faults' | 'files' | 'users' | 'channels' | 'groups'
    > {
  readonly url: string;
  readonly world: SlackWorld;
  /** While true every call answers 503, as when Slack is down. */
  down: boolean;
  onChange(listener: () => void): void;
  /** Called with every message that was posted or changed. */
  onMessage(listener: (message: SlackMessage) => void): void;
  close(): Promise<void>;
}

/** A response url takes five answers within half an hour. */
const RESPONSE_USES = 5;
const RESPONSE_MS = 30 * 60_000;

export async function startSlackTwin(options: SlackTwinOptions): Promise<SlackTwin> {
  const world = slackWorld(options);
  const listeners: (() => void)[] = [];
  const changed = () => {
    for (const listener of listeners) listener();
  };
  const { messages, ephemerals, modals, faults, files, users, channels, groups } = world;

  const server = createServer((request, response) => {
    void (async () => {
      const bytes = await bodyOf(request);
      const body = bytes.toString();
      response.setHeader('content-type', 'application/json');
      if (twin.down) {
        response.writeHead(503).end('{}');
        return;
      }
      const [, kind, name = ''] = /^\/(api|response|upload)\/([\w.-]+)/.exec(request.url ?? '') ?? [];
      const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
      const answer =
        kind === 'response'
          ? respond(world, name, body)
          : kind === 'upload'
            ? takeUpload(world, name, bytes)
            : callSlack(world, name, token, new URLSearchParams(body));
      response.writeHead(answer.status, answer.headers).end(JSON.stringify(answer.body));
      changed();
    })().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  world.origin = origin;

  const twin: SlackTwin = {
    ...gestures(world, options.deliver, `${origin}/response`, changed),
    ...{ messages, ephemerals, modals, faults, files, users, channels, groups },
    url: `${origin}/api/`,
    world,
    down: false,
    onChange: (listener) => {
      listeners.push(listener);
    },
    onMessage: (listener) => {
      world.watchers.push(listener);
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return twin;
}

const responseBody = z.object({
  text: z.string().default(''),
  blocks: z.array(z.unknown()).default([]),
  response_type: z.enum(['ephemeral', 'in_channel']).default('ephemeral'),
  replace_original: z.boolean().default(false),
  delete_original: z.boolean().default(false),
});

/** What the app sends to a response url. */
function respond(world: SlackWorld, id: string, body: string) {
  const refuse = (status: number, error: string) => ({ status, headers: {}, body: { ok: false, error } });
  const open = world.responses.get(id);
  if (!open) return refuse(404, 'invalid_url');
  if (open.uses >= RESPONSE_USES) return refuse(404, 'used_url');
  if (world.now().getTime() - open.at > RESPONSE_MS) return refuse(404, 'expired_url');
  const parsed = responseBody.safeParse(JSON.parse(body));
  if (!parsed.success) return refuse(400, 'invalid_payload');
  const { text, response_type, replace_original, delete_original } = parsed.data;
  if (checkBlocks(parsed.data.blocks).length > 0) return refuse(400, 'invalid_blocks');
  const blocks = parsed.data.blocks as readonly Block[];
  open.uses += 1;
  const { channel, user } = open;
  const index = world.messages.findLastIndex(({ ts }) => ts === open.ts);
  const original = world.messages[index];
  if (delete_original && original) world.messages.splice(index, 1);
  else if (replace_original && original) {
    rewrite(world, original, { text, blocks });
  } else if (response_type === 'in_channel') {
    world.serial += 1;
    const ts = `${Math.floor(world.now().getTime() / 1000)}.${String(world.serial).padStart(6, '0')}`;
    post(world, { channel, ts, text, blocks, updates: 0 });
  } else world.ephemerals.push({ channel, user, text, blocks });
  return { status: 200, headers: {}, body: { ok: true } };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

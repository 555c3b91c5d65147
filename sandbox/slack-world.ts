/** Who and what is in the twin's Slack workspace, and what has been said there. */
import type { Block, Modal } from '../slack/block-kit.ts';
import { BOT_SCOPES } from '../slack/methods.ts';

export interface SlackUser {
  readonly id: string;
  readonly name: string;
}
interface SlackChannel {
  readonly id: string;
  readonly name: string;
  readonly is_private: boolean;
  /** The bot was invited. */
  is_member: boolean;
}
export interface SlackMessage {
  readonly channel: string;
  readonly ts: string;
  readonly thread_ts?: string;
  /** A reply that stands in the channel as well. */
  readonly reply_broadcast?: boolean;
  text: string;
  blocks: readonly Block[];
  updates: number;
}
/** What an app uploaded: its own until a message shows it. */
interface SlackFile {
  readonly id: string;
  readonly name: string;
  /** As it was announced. */
  readonly length: number;
  bytes: Uint8Array | undefined;
  /** `new` until it is completed. */
  state: 'new' | 'ready';
  /** So many messages that show it are refused: Slack looks at it for a while. */
  looks: number;
  /** Channels in which a message shows it. */
  readonly sharedIn: Set<string>;
}
/** Only one person sees it, and it is gone when they reload. */
interface Ephemeral {
  readonly channel: string;
  readonly user: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}
/** A modal as someone has it open. */
export interface OpenModal {
  readonly id: string;
  readonly user: string;
  view: Modal;
  /** Changes with every update; `views.update` may name the one it read. */
  hash: string;
}
/** The next calls fail like this. */
interface Fault {
  /** Of one method only. */
  readonly method?: string;
  /** HTTP status; 429 comes with `Retry-After`. Without it the answer is 200 with `ok: false`. */
  readonly status?: number;
  /** Slack's own word: `invalid_auth`, `ratelimited`, `token_revoked`, ... */
  readonly error?: string;
  readonly retryAfterSeconds?: number;
  /** How often; for ever without it. */
  times?: number;
}

export interface SlackWorld {
  readonly botToken: string;
  readonly signingSecret: string;
  readonly teamId: string;
  readonly appId: string;
  /** Scopes the token was installed with. */
  scopes: readonly string[];
  readonly users: SlackUser[];
  readonly channels: SlackChannel[];
  /** User group id -> its members. */
  readonly groups: Record<string, readonly string[]>;
  readonly messages: SlackMessage[];
  /** Called with every message that was posted or changed. */
  readonly watchers: ((message: SlackMessage) => void)[];
  readonly ephemerals: Ephemeral[];
  /** Each person's stack of modals, the one on top last. */
  readonly modals: OpenModal[];
  readonly faults: Fault[];
  readonly files: Map<string, SlackFile>;
  /** How many messages the next files are refused in at first. */
  looks: number;
  /** Trigger id -> whose click it was and when; used once, good for three seconds. */
  readonly triggers: Map<string, { readonly user: string; readonly at: number }>;
  /** Response url's id -> what a click or command left to answer to. */
  readonly responses: Map<
    string,
    {
      readonly user: string;
      readonly channel: string;
      readonly ts?: string;
      readonly at: number;
      uses: number;
    }
  >;
  serial: number;
  readonly now: () => Date;
  /** Of the Web API and of uploads; the server knows it. */
  origin: string;
}

export type SlackWorldOptions = Pick<
  SlackWorld,
  'botToken' | 'signingSecret' | 'teamId' | 'appId' | 'now'
> & {
  readonly channel: string;
  readonly channels?: readonly SlackChannel[];
  readonly users?: readonly SlackUser[];
  readonly groups?: Readonly<Record<string, readonly string[]>>;
};

export const slackWorld = (options: SlackWorldOptions): SlackWorld => ({
  botToken: options.botToken,
  signingSecret: options.signingSecret,
  teamId: options.teamId,
  appId: options.appId,
  now: options.now,
  scopes: BOT_SCOPES,
  users: [...(options.users ?? [])],
  channels: [
    { id: options.channel, name: 'incidents', is_private: false, is_member: true },
    ...(options.channels ?? []),
  ],
  groups: { ...options.groups },
  messages: [],
  watchers: [],
  ephemerals: [],
  modals: [],
  faults: [],
  files: new Map(),
  looks: 0,
  origin: '',
  triggers: new Map(),
  responses: new Map(),
  serial: 0,
});

export const nextSerial = (world: SlackWorld): number => {
  world.serial += 1;
  return world.serial;
};

/** Returns the message of this time; the newest are looked at first, since most of what is done is done to them. */
export const messageAt = (world: SlackWorld, ts: string | null | undefined): SlackMessage | undefined =>
  world.messages.findLast((message) => message.ts === ts);

/** Puts a message into its channel, and shows it to the watchers. */
export function post(world: SlackWorld, message: SlackMessage): void {
  world.messages.push(message);
  for (const watch of world.watchers) watch(message);
}

/** Gives a message another content, and shows it to the watchers. */
export function rewrite(
  world: SlackWorld,
  message: SlackMessage,
  content: Pick<SlackMessage, 'text' | 'blocks'>,
): void {
  Object.assign(message, content, { updates: message.updates + 1 });
  for (const watch of world.watchers) watch(message);
}

/** What Firebreak asks of Slack, through the real client. Every failure is a SlackError that says what to do. */
import type { KnownBlock, View, WebClient } from '@slack/web-api';
import { FirebreakError } from '../core/errors.ts';
import type { Modal } from './block-kit.ts';
import type { Card } from './card.ts';

/** The message that another one is a reply to; `broadcast`: it is shown in the channel as well. */
export interface Under {
  readonly ts: string;
  readonly broadcast: boolean;
}

export interface SlackClient {
  /** `thread` is where it was posted under another message. One that is gone is not: then it stands in the channel. */
  post(channel: string, card: Card, under?: Under): Promise<{ channel: string; ts: string; thread?: string }>;
  /** Under the message `ts`. */
  reply(channel: string, ts: string, text: string): Promise<void>;
  say(channel: string, text: string): Promise<void>;
  /** False when the message is gone (someone deleted it): post it again. */
  update(channel: string, ts: string, card: Card): Promise<boolean>;
  /** Seen by that person only, in that channel. */
  tell(channel: string, user: string, text: string): Promise<void>;
  /** Within three seconds of the click that gave the trigger. Gives the view's id. */
  openView(triggerId: string, view: Modal): Promise<string>;
  updateView(viewId: string, view: Modal): Promise<void>;
  /** Returns the id of the file, which the app alone sees until a message shows it. */
  upload(file: Upload): Promise<string>;
  /** Members of a user group (`S…`), as Slack has them now. */
  membersOf(group: string): Promise<readonly string[]>;
}

interface Upload {
  readonly name: string;
  readonly title: string;
  readonly bytes: Uint8Array;
}

/** Slack did not do it. `retryAfterSeconds` is set when it asks to wait (HTTP 429). */
class SlackError extends FirebreakError {
  readonly word: string;
  readonly retryAfterSeconds: number | undefined;
  constructor(method: string, word: string, retryAfterSeconds?: number) {
    super('StepFailed', `Slack ${method} failed (${word})`, {
      resource: 'slack',
      next: 'Run `firebreak slack check`: it says what is wrong and how to fix it.',
    });
    this.word = word;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Slack's words and its client's for "not so fast". */
const BUSY = new Set(['ratelimited', 'rate_limited', 'slack_webapi_rate_limited_error']);
/** Where Slack does not say how long. */
const BUSY_SECONDS = 30;

/** Returns for how long Slack takes no more messages; undefined where it refused for another reason. */
export function busySeconds(error: unknown): number | undefined {
  if (!(error instanceof SlackError)) return undefined;
  return error.retryAfterSeconds ?? (BUSY.has(error.word) ? BUSY_SECONDS : undefined);
}

/** Whether Slack refused what a message consists of: an image that it does not have, or has not looked at yet, is one reason. */
export const isRefusedContent = (error: unknown): boolean =>
  error instanceof SlackError && error.word === 'invalid_blocks';

/** By these Slack says that the message to reply to is gone, or takes no reply. */
const NO_THREAD = new Set(['thread_not_found', 'message_not_found', 'cannot_reply_to_message']);

export interface SlackClientOptions {
  readonly botToken: string;
  readonly slackApiUrl?: string | undefined;
  /** For what a person waits for: one try, this many milliseconds. Without it a few quick tries of 8 s. */
  readonly withinMs?: number;
}

/** Slack's types want what can be changed; but for that they hold ours to what Slack takes. */
type Writable<T> = { -readonly [K in keyof T]: Writable<T[K]> };

export function slackClient(options: SlackClientOptions): SlackClient {
  let made: Promise<WebClient> | undefined;
  const client = (): Promise<WebClient> => {
    made ??= import('./web-api.ts').then(
      ({ LogLevel, WebClient }) =>
        new WebClient(options.botToken, {
          // Nothing hangs on Slack: a few quick retries, then the page topic.
          retryConfig:
            options.withinMs === undefined
              ? { retries: 2, minTimeout: 200, maxTimeout: 2000 }
              : { retries: 0 },
          timeout: options.withinMs ?? 8000,
          rejectRateLimitedCalls: true,
          logLevel: LogLevel.ERROR,
          ...(options.slackApiUrl ? { slackApiUrl: options.slackApiUrl } : {}),
        }),
    );
    return made;
  };
  async function call<T>(method: string, work: (web: WebClient) => Promise<T>): Promise<T> {
    try {
      return await work(await client());
    } catch (error) {
      throw slackError(method, error);
    }
  }
  // An address that a finding names is not fetched by Slack on our behalf.
  const quiet = { unfurl_links: false, unfurl_media: false } as const;
  const blocks = (card: Card): KnownBlock[] => card.blocks as Writable<Card['blocks']>;
  const viewOf = (view: Modal): View => view as Writable<Modal>;
  const say = async (channel: string, text: string, thread_ts?: string): Promise<void> => {
    await call('chat.postMessage', (web) =>
      web.chat.postMessage({ channel, text, ...quiet, ...(thread_ts ? { thread_ts } : {}) }),
    );
  };
  const post = async (channel: string, card: Card, under?: Under) => {
    const said = { channel, text: card.text, blocks: blocks(card), ...quiet };
    const answer = await call('chat.postMessage', (web) => {
      if (!under) return web.chat.postMessage(said);
      const reply = { ...said, thread_ts: under.ts };
      return web.chat.postMessage(under.broadcast ? { ...reply, reply_broadcast: true } : reply);
    });
    if (!answer.ts || !answer.channel) throw new SlackError('chat.postMessage', 'no channel and ts given');
    return { channel: answer.channel, ts: answer.ts };
  };
  return {
    async post(channel, card, under) {
      if (under) {
        try {
          return { ...(await post(channel, card, under)), thread: under.ts };
        } catch (error) {
          if (!(error instanceof SlackError) || !NO_THREAD.has(error.word)) throw error;
        }
      }
      return post(channel, card);
    },
    say: (channel, text) => say(channel, text),
    reply: (channel, ts, text) => say(channel, text, ts),
    async update(channel, ts, card) {
      try {
        await call('chat.update', (web) =>
          web.chat.update({ channel, ts, text: card.text, blocks: blocks(card) }),
        );
        return true;
      } catch (error) {
        if (error instanceof SlackError && error.word === 'message_not_found') return false;
        throw error;
      }
    },
    async tell(channel, user, text) {
      await call('chat.postEphemeral', (web) => web.chat.postEphemeral({ channel, user, text }));
    },
    async openView(triggerId, view) {
      const answer = await call('views.open', (web) =>
        web.views.open({ trigger_id: triggerId, view: viewOf(view) }),
      );
      return answer.view?.id ?? '';
    },
    async updateView(viewId, view) {
      await call('views.update', (web) => web.views.update({ view_id: viewId, view: viewOf(view) }));
    },
    async upload({ name, title, bytes }) {
      const place = await call('files.getUploadURLExternal', (web) =>
        web.files.getUploadURLExternal({ filename: name, length: bytes.length }),
      );
      const { upload_url: url, file_id: id } = place;
      if (!url || !id) throw new SlackError('files.getUploadURLExternal', 'no place to upload to');
      await send(url, bytes, options.withinMs ?? 8000);
      // No channel is named: the file would be posted as a message of its own.
      await call('files.completeUploadExternal', (web) =>
        web.files.completeUploadExternal({ files: [{ id, title, highlight_type: 'png' }] }),
      );
      return id;
    },
    async membersOf(group) {
      const answer = await call('usergroups.users.list', (web) =>
        web.usergroups.users.list({ usergroup: group }),
      );
      return answer.users ?? [];
    },
  };
}

/** To the address that Slack gave for this file. It needs no token, and gets none. */
async function send(url: string, bytes: Uint8Array, withinMs: number): Promise<void> {
  const failed = (word: string) => new SlackError('file upload', word);
  let status: number;
  try {
    const answer = await fetch(url, {
      method: 'POST',
      body: Uint8Array.from(bytes),
      headers: { 'content-type': 'application/octet-stream' },
      redirect: 'error',
      signal: AbortSignal.timeout(withinMs),
    });
    await answer.body?.cancel();
    ({ status } = answer);
  } catch (error) {
    // The address is a secret of its own: the error that names it goes no further.
    throw failed(error instanceof Error ? error.name : 'no answer');
  }
  if (status !== 200) throw failed(`HTTP ${status}`);
}

/** The client's errors can carry the request with its token: only the code and Slack's own word go on. */
/** Slack's client's word for a request that came to no answer. */
export const UNREACHED = 'slack_webapi_request_error';

function slackError(method: string, error: unknown): SlackError {
  if (error instanceof SlackError) return error;
  const part = (value: unknown, name: string): unknown =>
    typeof value === 'object' && value !== null && name in value
      ? (value as Record<string, unknown>)[name]
      : undefined;
  const network = part(error, 'code') === UNREACHED ? part(part(error, 'original'), 'code') : undefined;
  const word =
    network === undefined
      ? (part(part(error, 'data'), 'error') ?? part(error, 'code') ?? 'unknown')
      : `Slack was not reached: ${String(network)}`;
  const wait = part(error, 'retryAfter');
  return new SlackError(method, String(word), typeof wait === 'number' ? wait : undefined);
}

/** Posts and rewrites cards through the real Slack client. */
import type { KnownBlock } from '@slack/web-api';
import { FirebreakError } from '../core/errors.ts';
import type { Card } from './card.ts';

export interface SlackPoster {
  post(channel: string, card: Card): Promise<{ channel: string; ts: string }>;
  /** False when the message is gone (somebody deleted it): post it again. */
  update(channel: string, ts: string, card: Card): Promise<boolean>;
}

export function slackPoster(options: { botToken: string; slackApiUrl?: string }): SlackPoster {
  async function call<T>(
    method: string,
    work: (client: import('@slack/web-api').WebClient) => Promise<T>,
  ): Promise<T> {
    const { LogLevel, WebClient } = await import('@slack/web-api');
    const client = new WebClient(options.botToken, {
      // The workflow must not hang on Slack: a few quick retries, then the page topic.
      retryConfig: { retries: 2, minTimeout: 200, maxTimeout: 2000 },
      timeout: 8000,
      rejectRateLimitedCalls: true,
      logLevel: LogLevel.ERROR,
      ...(options.slackApiUrl ? { slackApiUrl: options.slackApiUrl } : {}),
    });
    try {
      return await work(client);
    } catch (error) {
      // The client's errors can carry the request with its token: only the code and Slack's own word go on.
      const code =
        typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
      const data = typeof error === 'object' && error !== null && 'data' in error ? error.data : undefined;
      const word =
        typeof data === 'object' && data !== null && 'error' in data ? `: ${String(data.error)}` : '';
      throw new FirebreakError('StepFailed', `Slack ${method} failed (${code}${word})`, {
        resource: 'slack',
        next: 'Check the bot token, its scopes and that the bot is in the channel.',
      });
    }
  }
  const blocks = (card: Card) => card.blocks as readonly unknown[] as KnownBlock[];
  return {
    async post(channel, card) {
      const answer = await call('chat.postMessage', (client) =>
        client.chat.postMessage({ channel, text: card.text, blocks: blocks(card) }),
      );
      if (!answer.ts || !answer.channel)
        throw new FirebreakError('StepFailed', 'Slack answered without channel and ts');
      return { channel: answer.channel, ts: answer.ts };
    },
    async update(channel, ts, card) {
      try {
        await call('chat.update', (client) =>
          client.chat.update({ channel, ts, text: card.text, blocks: blocks(card) }),
        );
        return true;
      } catch (error) {
        if (error instanceof FirebreakError && error.message.includes('message_not_found')) return false;
        throw error;
      }
    },
  };
}

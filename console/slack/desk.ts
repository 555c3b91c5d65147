/** What the page needs of a Slack: the sandbox's twin gives it. */
import type { Block, Modal } from '../../slack/block-kit.ts';

interface Person {
  readonly id: string;
  readonly name: string;
}
export interface ChannelMessage {
  readonly channel: string;
  readonly ts: string;
  readonly thread_ts?: string;
  readonly reply_broadcast?: boolean;
  readonly text: string;
  readonly blocks: readonly Block[];
  readonly updates: number;
}
interface SlackAnswer {
  readonly statusCode: number;
  readonly body: string;
}

export interface SlackDesk {
  /** Who may be played. */
  readonly users: readonly Person[];
  readonly channels: readonly { readonly id: string; readonly name: string }[];
  readonly messages: readonly ChannelMessage[];
  readonly ephemerals: readonly {
    readonly user: string;
    readonly text: string;
    readonly blocks: readonly Block[];
  }[];
  readonly modals: readonly {
    readonly id: string;
    readonly user: string;
    readonly hash: string;
    readonly view: Modal;
  }[];
  /** Uploaded images, by their ids. */
  readonly files: ReadonlyMap<string, { readonly bytes: Uint8Array | undefined }>;
  click(click: { ts: string; actionId: string; value: string; userId: string }): Promise<SlackAnswer>;
  clickInModal(click: {
    viewId: string;
    actionId: string;
    value: string;
    userId: string;
  }): Promise<SlackAnswer>;
  submit(submission: {
    viewId: string;
    userId: string;
    filled: Readonly<Record<string, string | readonly string[]>>;
  }): Promise<SlackAnswer & { readonly errors: Readonly<Record<string, string>> }>;
  command(command: { text: string; userId: string }): Promise<SlackAnswer>;
  dismiss(userId: string): void;
}

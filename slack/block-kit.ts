/**
 * The part of Slack's Block Kit that Firebreak uses, and how it is written: every text is cut to Slack's limit here, so
 * that no caller can forget it. Limits are those that Slack documents with each block and element.
 */
import { cut, LIMITS } from './text.ts';

export interface Plain {
  readonly type: 'plain_text';
  readonly text: string;
}
export interface Mrkdwn {
  readonly type: 'mrkdwn';
  readonly text: string;
  /** Without it Slack makes links and mentions out of bare addresses and names that a finding holds. */
  readonly verbatim: true;
}
export interface Confirm {
  readonly title: Plain;
  readonly text: Plain;
  readonly confirm: Plain;
  readonly deny: Plain;
  readonly style?: 'primary' | 'danger';
}
export interface Button {
  readonly type: 'button';
  readonly action_id: string;
  readonly text: Plain;
  readonly value: string;
  readonly style?: 'primary' | 'danger';
  readonly confirm?: Confirm;
}
export interface Option {
  readonly text: Plain;
  readonly value: string;
  readonly description?: Plain;
}
export interface StaticSelect {
  readonly type: 'static_select';
  readonly action_id: string;
  readonly options: readonly Option[];
  readonly placeholder?: Plain;
  readonly initial_option?: Option;
}
interface Checkboxes {
  readonly type: 'checkboxes';
  readonly action_id: string;
  readonly options: readonly Option[];
  readonly initial_options?: readonly Option[];
}
interface TextInput {
  readonly type: 'plain_text_input';
  readonly action_id: string;
  readonly multiline?: boolean;
  readonly min_length?: number;
  readonly max_length?: number;
  readonly placeholder?: Plain;
  readonly initial_value?: string;
}
export interface InputBlock {
  readonly type: 'input';
  readonly block_id: string;
  readonly label: Plain;
  readonly element: TextInput | Checkboxes | StaticSelect;
  readonly optional?: boolean;
  readonly hint?: Plain;
}

/** Blocks of a message. */
export type Block = { readonly block_id?: string } & (
  | { readonly type: 'header'; readonly text: Plain }
  | { readonly type: 'divider' }
  | { readonly type: 'section'; readonly text: Mrkdwn; readonly accessory?: Button }
  | { readonly type: 'section'; readonly fields: readonly Mrkdwn[] }
  | { readonly type: 'context'; readonly elements: readonly Mrkdwn[] }
  | { readonly type: 'actions'; readonly elements: readonly Button[] }
  | {
      readonly type: 'image';
      /** Of the workspace: no address that anyone outside could open. */
      readonly slack_file: { readonly id: string };
      readonly alt_text: string;
      readonly title?: Plain;
    }
);
/** Blocks of a modal: those of a message, a menu, and what can be filled in. */
export type ViewBlock = Block | MenuBlock | InputBlock;
/** A menu that acts as soon as something is chosen. */
interface MenuBlock {
  readonly type: 'actions';
  readonly block_id?: string;
  readonly elements: readonly [StaticSelect];
}

export interface Modal {
  readonly type: 'modal';
  readonly callback_id: string;
  readonly title: Plain;
  readonly blocks: readonly ViewBlock[];
  /** Wanted by Slack where there is an input. */
  readonly submit?: Plain;
  readonly close?: Plain;
  /** Comes back with every click and submission; people do not see it. Never a secret. */
  readonly private_metadata: string;
}

export const plain = (text: string, limit: number): Plain => ({
  type: 'plain_text',
  // Slack takes no empty text.
  text: cut(text === '' ? '-' : text, limit),
});
const mrkdwn = (text: string, limit: number = LIMITS.section): Mrkdwn => ({
  type: 'mrkdwn',
  text: cut(text === '' ? '-' : text, limit),
  verbatim: true,
});
export const header = (text: string): Block => ({ type: 'header', text: plain(text, LIMITS.header) });
export const section = (text: string, accessory?: Button): Block => ({
  type: 'section',
  text: mrkdwn(text),
  ...(accessory ? { accessory } : {}),
});
export const context = (text: string): Block => ({ type: 'context', elements: [mrkdwn(text)] });
/** An image that was uploaded before; `alt` is what a reader of a screen hears of it. */
export const image = (file: string, title: string, alt: string): Block => ({
  type: 'image',
  slack_file: { id: file },
  alt_text: cut(alt === '' ? '-' : alt, LIMITS.altText),
  title: plain(title, LIMITS.altText),
});
export const actions = (elements: readonly Button[]): Block[] =>
  elements.length === 0 ? [] : [{ type: 'actions', elements: elements.slice(0, LIMITS.elements) }];

export const button = (
  action_id: string,
  text: string,
  value: string,
  more: Pick<Button, 'style' | 'confirm'> = {},
): Button => ({ type: 'button', action_id, text: plain(text, LIMITS.button), value, ...more });

export const confirm = (title: string, text: string, yes: string, no: string): Confirm => ({
  title: plain(title, LIMITS.confirmTitle),
  text: plain(text, LIMITS.confirm),
  confirm: plain(yes, LIMITS.confirmButton),
  deny: plain(no, LIMITS.confirmButton),
});

export const option = (text: string, value: string, description?: string): Option => ({
  text: plain(text, LIMITS.option),
  value,
  ...(description ? { description: plain(description, LIMITS.option) } : {}),
});

/** A list under a title, one section; nothing for an empty list. */
export const list = (title: string, lines: readonly string[]): Block[] =>
  lines.length === 0 ? [] : [section([title, ...lines.map((line) => `• ${line}`)].join('\n'))];

/**
 * Slack on the page: the channel as one chosen person sees it on a phone, what only they see, their modal, and the
 * slash command. It works without scripts: every press is a form, and the page comes back with what changed.
 */
import type { Button, InputBlock } from '../../slack/block-kit.ts';
import { html } from '../html.ts';
import { blocksHtml, inputHtml, type Pressing, pressOf } from './blocks.ts';
import type { ChannelMessage, SlackDesk } from './desk.ts';
import { mrkdwn, type NameOf, time } from './mrkdwn.ts';

export interface PaneState {
  /** Slack user id of who is played. */
  readonly as: string;
  /** The page's proof that a form is its own, as a hidden field. */
  readonly proof: string;
  /** A button that asks whether one is sure. */
  readonly sure?: { readonly ts: string; readonly press: string } | undefined;
  /** What was filled in and what is wrong with it, by block id. */
  readonly filled?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly errors?: Readonly<Record<string, string>> | undefined;
  /** What Slack itself says went wrong. */
  readonly notice?: string | undefined;
}

const hidden = (fields: Readonly<Record<string, string>>): string =>
  Object.entries(fields)
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${html(value)}">`)
    .join('');

export function slackPane(desk: SlackDesk, state: PaneState): string {
  const nameOf: NameOf = (id) => desk.users.find((user) => user.id === id)?.name.split(',')[0] ?? id;
  const own = hidden({ as: state.as }) + state.proof;
  const top = desk.messages
    .filter(({ thread_ts, reply_broadcast }) => thread_ts === undefined || reply_broadcast)
    .toReversed();
  // The newest of what only they see, above all else.
  const notes = desk.ephemerals
    .filter(({ user }) => user === state.as)
    .slice(-3)
    .toReversed();
  const people = desk.users
    .map(
      ({ id, name }) =>
        `<a href="/slack?as=${encodeURIComponent(id)}"${id === state.as ? ' aria-current="true"' : ''}>${html(name)}</a>`,
    )
    .join('');
  return `<section class="slack" aria-labelledby="slack"><h1 id="slack">Slack: #${html(desk.channels[0]?.name ?? 'incidents')}</h1>
<nav class="people" aria-label="Who you are">You are ${people}</nav>
${state.notice ? `<p class="wrong" role="status">⚠️ ${html(state.notice)}</p>` : ''}
<form class="command" method="post" action="/slack/command">${own}<label for="command">Message</label><input id="command" name="text" value="/firebreak " autocomplete="off"><button class="plain">Send</button></form>
${notes.map((each) => onlyYou(each, nameOf)).join('')}
${top.map((message) => messageHtml(message, desk, own, nameOf)).join('') || '<p>No message yet.</p>'}</section>`;
}

const onlyYou = ({ text, blocks }: SlackDesk['ephemerals'][number], nameOf: NameOf): string =>
  `<article class="message only" aria-label="Only visible to you"><p class="small">👁 Only visible to you</p>${
    blocks.length > 0
      ? blocksHtml(blocks, { nameOf, form: (_path, content) => content })
      : `<p>${mrkdwn(text, nameOf)}</p>`
  }</article>`;

function messageHtml(message: ChannelMessage, desk: SlackDesk, own: string, nameOf: NameOf): string {
  const replies = desk.messages.filter(
    ({ thread_ts, reply_broadcast }) => thread_ts === message.ts && !reply_broadcast,
  );
  const body = contentHtml(message, own, nameOf);
  const thread = replies.map((reply) => `<div class="reply">${contentHtml(reply, own, nameOf)}</div>`);
  return `<article class="message" aria-label="Message" id="m${html(message.ts)}"><p class="from"><strong>Firebreak</strong> <span class="app">APP</span> ${time(new Date(Number(message.ts.split('.')[0]) * 1000))}</p>
${body}${message.updates > 0 ? '<p class="small">(edited)</p>' : ''}${thread.join('')}</article>`;
}

/** What a message says; its buttons are pressed on that very message, also in a thread. */
function contentHtml({ ts, text, blocks }: ChannelMessage, own: string, nameOf: NameOf): string {
  const pressing: Pressing = {
    nameOf,
    form: (_path, content) =>
      `<form method="post" action="/slack/press">${own}${hidden({ ts })}${content}</form>`,
  };
  return blocks.length > 0 ? blocksHtml(blocks, pressing) : `<p>${mrkdwn(text, nameOf)}</p>`;
}

/** Slack asks before a button with a confirmation is sent. */
function sureHtml(desk: SlackDesk, { sure }: PaneState, own: string): string | undefined {
  const confirm = sure && buttonOf(desk, sure.ts, sure.press)?.confirm;
  if (!sure || !confirm) return undefined;
  return overlay(
    `sure ${sure.ts} ${sure.press}`,
    `<form method="post" action="/slack/press">${own}${hidden({ ts: sure.ts, sure: 'yes' })}
<h2 id="modal-title">${html(confirm.title.text)}</h2><p>${html(confirm.text.text)}</p>
<div class="row end"><button class="plain" name="cancel" value="yes">${html(confirm.deny.text)}</button><button class="primary" name="press" value="${html(sure.press)}">${html(confirm.confirm.text)}</button></div></form>`,
  );
}

/** What lies over the page; `hash` says whether it is still the same. */
const overlay = (hash: string, content: string): string =>
  `<aside id="modal" class="over" data-hash="${html(hash)}"><dialog open class="modal" aria-labelledby="modal-title">${content}</dialog></aside>`;

/** The button of a message that a form says was pressed. */
export function buttonOf(desk: SlackDesk, ts: string, press: string): Button | undefined {
  const message = desk.messages.find((each) => each.ts === ts);
  return message?.blocks
    .flatMap((block): readonly Button[] => {
      if (block.type === 'actions') return block.elements;
      return block.type === 'section' && 'text' in block && block.accessory ? [block.accessory] : [];
    })
    .find((button) => pressOf(button) === press);
}

export const isOver = (aside: string): boolean => aside.includes('<dialog');

/** The modal that the person has on top, if any. Stands outside the live part: what is being filled in stays. */
export function slackModal(desk: SlackDesk, state: PaneState): string {
  const sure = sureHtml(desk, state, hidden({ as: state.as }) + state.proof);
  if (sure) return sure;
  const open = desk.modals.findLast(({ user }) => user === state.as);
  if (!open) return '<aside id="modal"></aside>';
  const { view, id, hash } = open;
  const nameOf: NameOf = (who) => desk.users.find((user) => user.id === who)?.name.split(',')[0] ?? who;
  const own = hidden({ as: state.as, view: id }) + state.proof;
  const pressing: Pressing = {
    nameOf,
    form: (path, content) => `<form method="post" action="/slack/modal-${path}">${own}${content}</form>`,
  };
  const inputs = view.blocks.filter((block): block is InputBlock => block.type === 'input');
  const rest = blocksHtml(view.blocks, pressing);
  const asked = inputs
    .map((block) => inputHtml(block, state.filled?.[block.block_id] ?? [], state.errors?.[block.block_id]))
    .join('');
  const failed = state.errors?.[''] ? `<p class="wrong">${html(state.errors[''])}</p>` : '';
  const close = `<button class="plain" formaction="/slack/dismiss" formnovalidate>${html(view.close?.text ?? 'Cancel')}</button>`;
  return overlay(
    `${id} ${hash}`,
    `<h2 id="modal-title">${html(view.title.text)}</h2>
<div>${rest}</div><form method="post" action="/slack/submit">${own}${asked}${failed}<div class="row end">${close}${view.submit ? `<button class="primary">${html(view.submit.text)}</button>` : ''}</div></form>`,
  );
}

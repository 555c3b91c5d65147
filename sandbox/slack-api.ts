/** The Web API as the twin answers it: the methods that Firebreak calls, each with Slack's own refusals. */
import type { Block, Modal } from '../slack/block-kit.ts';
import { METHOD_SCOPES, type SlackMethod } from '../slack/methods.ts';
import { LIMITS } from '../slack/text.ts';
import { completeUpload, refusedFiles, shareFiles, startUpload } from './slack-files.ts';
import { checkBlocks, checkModal } from './slack-limits.ts';
import { messageAt, nextSerial, type OpenModal, post, rewrite, type SlackWorld } from './slack-world.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

/** A trigger is good for this long after the click. */
const TRIGGER_MS = 3000;
const DEEPEST_STACK = 3;

/** One call with the token it came with. `form` is the body as the client sends it: JSON inside form fields. */
export function callSlack(
  world: SlackWorld,
  method: string,
  token: string,
  form: URLSearchParams,
): ApiAnswer {
  const fault = takeFault(world, method);
  if (fault) {
    return {
      status: fault.status ?? 200,
      headers: fault.status === 429 ? { 'retry-after': String(fault.retryAfterSeconds ?? 1) } : {},
      body: { ok: false, error: fault.error ?? (fault.status === 429 ? 'ratelimited' : 'internal_error') },
    };
  }
  const headers = { 'x-oauth-scopes': world.scopes.join(',') };
  if (token !== world.botToken) return { status: 200, headers: {}, body: no('invalid_auth') };
  if (!isKnown(method)) return { status: 200, headers, body: no('unknown_method') };
  const needed = scopesFor(world, method, form);
  if (needed.length > 0 && !needed.some((scope) => world.scopes.includes(scope))) {
    const provided = world.scopes.join(',');
    return { status: 200, headers, body: { ...no('missing_scope'), needed: needed.join(','), provided } };
  }
  return { status: 200, headers, body: METHODS[method](world, form) };
}

const no = (error: string, more: object = {}) => ({ ok: false, error, ...more });
const isKnown = (method: string): method is SlackMethod => Object.hasOwn(METHOD_SCOPES, method);

function takeFault({ faults }: SlackWorld, method: string) {
  const fault = faults.find((each) => each.method === undefined || each.method === method);
  if (fault?.times !== undefined) {
    fault.times -= 1;
    if (fault.times <= 0) faults.splice(faults.indexOf(fault), 1);
  }
  return fault;
}

/** One of these is enough. A private channel wants another scope than a public one. */
function scopesFor(world: SlackWorld, method: SlackMethod, form: URLSearchParams): readonly string[] {
  if (method !== 'conversations.info') return METHOD_SCOPES[method];
  const channel = world.channels.find(({ id }) => id === form.get('channel'));
  return [channel?.is_private ? 'groups:read' : 'channels:read'];
}

const json = (form: URLSearchParams, name: string): unknown => JSON.parse(form.get(name) ?? 'null');

const METHODS: Record<SlackMethod, (world: SlackWorld, form: URLSearchParams) => object> = {
  'auth.test': ({ teamId, appId }) => ({
    ok: true,
    url: 'https://firebreak.slack.example/',
    team: 'Firebreak sandbox',
    user: 'firebreak',
    team_id: teamId,
    user_id: 'U0FIREBREAK',
    bot_id: 'B0FIREBREAK',
    app_id: appId,
  }),
  'chat.postMessage': (world, form) => {
    const said = contentOf(world, form);
    if ('error' in said) return said;
    const channel = world.channels.find(({ id }) => id === form.get('channel'));
    if (!channel || (channel.is_private && !channel.is_member)) return no('channel_not_found');
    if (!channel.is_member) return no('not_in_channel');
    const thread_ts = form.get('thread_ts');
    const parent = messageAt(world, thread_ts);
    if (thread_ts !== null && parent?.channel !== channel.id) return no('thread_not_found');
    if (parent?.thread_ts !== undefined) return no('cannot_reply_to_message');
    const broadcast = form.get('reply_broadcast') === 'true';
    const message = {
      channel: channel.id,
      ts: newTs(world),
      updates: 0,
      ...said,
      ...(thread_ts === null ? {} : { thread_ts, ...(broadcast ? { reply_broadcast: true } : {}) }),
    };
    shareFiles(world, channel.id, said.blocks);
    post(world, message);
    return { ok: true, channel: channel.id, ts: message.ts, message: { ts: message.ts, text: said.text } };
  },
  'chat.update': (world, form) => {
    const said = contentOf(world, form);
    if ('error' in said) return said;
    const message = messageAt(world, form.get('ts'));
    if (!message || message.channel !== form.get('channel')) return no('message_not_found');
    shareFiles(world, message.channel, said.blocks);
    rewrite(world, message, said);
    return { ok: true, channel: message.channel, ts: message.ts, text: message.text };
  },
  'chat.postEphemeral': (world, form) => {
    const said = contentOf(world, form);
    if ('error' in said) return said;
    const channel = form.get('channel') ?? '';
    const user = form.get('user') ?? '';
    if (!world.channels.some(({ id, is_member }) => id === channel && is_member))
      return no('channel_not_found');
    if (!world.users.some(({ id }) => id === user)) return no('user_not_in_channel');
    world.ephemerals.push({ channel, user, ...said });
    return { ok: true, message_ts: newTs(world) };
  },
  'files.completeUploadExternal': (world, form) => completeUpload(world, json(form, 'files')),
  'files.getUploadURLExternal': startUpload,
  'conversations.info': (world, form) => {
    const channel = world.channels.find(({ id }) => id === form.get('channel'));
    if (!channel || (channel.is_private && !channel.is_member)) return no('channel_not_found');
    return { ok: true, channel: { ...channel, is_channel: true, is_archived: false } };
  },
  'usergroups.users.list': (world, form) => {
    const group = form.get('usergroup') ?? '';
    const users = Object.hasOwn(world.groups, group) ? world.groups[group] : undefined;
    return users ? { ok: true, users } : no('no_such_subteam');
  },
  'views.open': (world, form) => {
    const view = modalOf(form);
    if ('error' in view) return view;
    const id = form.get('trigger_id') ?? '';
    const trigger = world.triggers.get(id);
    if (!trigger) return no('invalid_trigger_id');
    world.triggers.delete(id);
    if (world.now().getTime() - trigger.at > TRIGGER_MS) return no('expired_trigger_id');
    closeAll(world, trigger.user);
    return { ok: true, view: shown(pushModal(world, trigger.user, view)) };
  },
  'views.update': (world, form) => {
    const view = modalOf(form);
    if ('error' in view) return view;
    const open = world.modals.find(({ id }) => id === form.get('view_id'));
    if (!open) return no('not_found');
    if (form.has('hash') && form.get('hash') !== open.hash) return no('hash_conflict');
    Object.assign(open, { view: withBlockIds(view, open.id), hash: newHash(world) });
    return { ok: true, view: shown(open) };
  },
};

type Refusal = ReturnType<typeof no>;

function contentOf(
  world: SlackWorld,
  form: URLSearchParams,
): Refusal | { text: string; blocks: readonly Block[] } {
  const blocks = (json(form, 'blocks') ?? []) as readonly Block[];
  const problems = checkBlocks(blocks);
  if (problems.length > 0) return no('invalid_blocks', { response_metadata: { messages: problems } });
  const refused = refusedFiles(world, blocks);
  if (refused.length > 0) return no('invalid_blocks', { response_metadata: { messages: refused } });
  const text = form.get('text') ?? '';
  if (text === '' && blocks.length === 0) return no('no_text');
  if (text.length > LIMITS.message) return no('msg_too_long');
  return {
    text,
    blocks: blocks.map((block, index) => ({ ...block, block_id: block.block_id ?? `b${index}` })),
  };
}

function modalOf(form: URLSearchParams): Refusal | Modal {
  const view = json(form, 'view');
  const problems = checkModal(view);
  if (problems.length > 0) {
    const error = problems.some((one) => one.includes('view_too_large'))
      ? 'view_too_large'
      : 'invalid_arguments';
    return no(error, { response_metadata: { messages: problems } });
  }
  return view as Modal;
}

const newTs = (world: SlackWorld): string =>
  `${Math.floor(world.now().getTime() / 1000)}.${String(nextSerial(world)).padStart(6, '0')}`;
const newHash = (world: SlackWorld): string => `${newTs(world)}.hash`;

/** Slack names blocks that have no name. */
const withBlockIds = (view: Modal, id: string): Modal => ({
  ...view,
  blocks: view.blocks.map((block, index) => ({ ...block, block_id: block.block_id ?? `${id}-${index}` })),
});

/** Puts a modal on top of the person's stack; undefined where three are open already. */
export function pushModal(world: SlackWorld, user: string, view: Modal): OpenModal | undefined {
  if (world.modals.filter((each) => each.user === user).length >= DEEPEST_STACK) return undefined;
  const id = `V${String(nextSerial(world)).padStart(9, '0')}`;
  const open: OpenModal = { id, user, view: withBlockIds(view, id), hash: newHash(world) };
  world.modals.push(open);
  return open;
}

export function updateModal(world: SlackWorld, open: OpenModal, view: Modal): void {
  Object.assign(open, { view: withBlockIds(view, open.id), hash: newHash(world) });
}

/** Closes the person's top modal, or all of them. */
export function closeTop(world: SlackWorld, user: string): void {
  const top = world.modals.findLastIndex((each) => each.user === user);
  if (top !== -1) world.modals.splice(top, 1);
}
export function closeAll(world: SlackWorld, user: string): void {
  world.modals.splice(0, world.modals.length, ...world.modals.filter((each) => each.user !== user));
}

const shown = (open: OpenModal | undefined): object =>
  open ? { id: open.id, hash: open.hash, ...open.view } : {};

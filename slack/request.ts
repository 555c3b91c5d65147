/** Is this request from Slack and fresh, and what does it ask for? Who may is said in core/approval/approvers.ts. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { type ActionName, actionOf, COMMANDS, type CommandName, VIEWS, type ViewName } from './actions.ts';

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Requests older (or newer) than this are replays. */
const MAX_AGE_SECONDS = 300;

/** `v0=…`, as Slack sends it in `X-Slack-Signature`. `timestamp`: Unix seconds as text. */
export const signatureOf = (signingSecret: string, timestamp: string, rawBody: string): string =>
  `v0=${createHmac('sha256', signingSecret).update(`v0:${timestamp}:${rawBody}`).digest('hex')}`;

/**
 * Slack's v0 signature: HMAC-SHA256 over `v0:timestamp:raw body` [S25]. The raw bytes count: a body that was parsed and
 * written again does not verify.
 */
export function verifySignature(request: {
  readonly rawBody: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly signingSecret: string;
  readonly now: Date;
}): Verdict {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, text]) => [name.toLowerCase(), text]),
  );
  const timestamp = headers['x-slack-request-timestamp'] ?? '';
  if (!/^\d{1,12}$/.test(timestamp)) return { ok: false, reason: 'no request timestamp' };
  if (Math.abs(request.now.getTime() / 1000 - Number(timestamp)) > MAX_AGE_SECONDS) {
    return { ok: false, reason: 'request timestamp is more than 5 minutes off' };
  }
  const given = Buffer.from(headers['x-slack-signature'] ?? '');
  const wanted = Buffer.from(signatureOf(request.signingSecret, timestamp, request.rawBody));
  const same = given.length === wanted.length && timingSafeEqual(given, wanted);
  return same ? { ok: true } : { ok: false, reason: 'bad signature' };
}

/** Who sends it, by ids: display names can be changed by anybody. */
export interface Sender {
  readonly appId: string;
  readonly teamId: string;
  readonly userId: string;
}
export interface Card {
  readonly channel: string;
  readonly ts: string;
}

/** A button or menu option of a card or a modal (`block_actions`). */
export interface Press extends Sender {
  readonly kind: 'press';
  readonly action: ActionName;
  /** Id of a decision or an incident, or a page: see ACTION_KINDS. */
  readonly id: string;
  /** The message it sits on, or the modal with its ticket. */
  readonly on:
    | ({ readonly kind: 'card' } & Card)
    | { readonly kind: 'view'; readonly ticket: string; readonly viewId: string };
  /** Good for three seconds: opens a modal. */
  readonly triggerId: string;
}
/** A modal that was filled in (`view_submission`). */
export interface Submission extends Sender {
  readonly kind: 'submission';
  readonly view: ViewName;
  /** The modal's `private_metadata`: id of the record of who opened it about what. */
  readonly ticket: string;
  readonly reason: string;
  /** Values of the options chosen, of all blocks `parts…`. */
  readonly parts: readonly string[];
  readonly minutes: number | undefined;
}
/** `/firebreak …`. */
export interface SlashCommand extends Sender {
  readonly kind: 'command';
  readonly command: CommandName;
  /** Words after the first. */
  readonly words: readonly string[];
  readonly channel: string;
  readonly triggerId: string;
}
export type SlackRequest = Press | Submission | SlashCommand;

const id = z.string().min(1).max(255);
const option = z.object({ value: z.string().max(255) });
const sender = { api_app_id: id, team: z.object({ id }), user: z.object({ id }) };

const press = z.object({
  type: z.literal('block_actions'),
  ...sender,
  trigger_id: id,
  channel: z.object({ id }).optional(),
  message: z.object({ ts: id }).optional(),
  view: z.object({ id, private_metadata: z.string().max(3000) }).optional(),
  actions: z
    .array(
      z.object({
        action_id: id,
        value: z.string().max(255).optional(),
        selected_option: option.nullish(),
      }),
    )
    .length(1),
});

const viewNames = Object.keys(VIEWS) as readonly ViewName[];
const submission = z.object({
  type: z.literal('view_submission'),
  ...sender,
  view: z.object({
    callback_id: id,
    private_metadata: z.string().max(3000),
    state: z
      .object({
        values: z.record(
          z.string(),
          z.record(
            z.string(),
            z.object({
              value: z.string().max(3000).nullish(),
              selected_option: option.nullish(),
              selected_options: z.array(option).max(100).nullish(),
            }),
          ),
        ),
      })
      .optional(),
  }),
});

const command = z.object({
  api_app_id: id,
  team_id: id,
  user_id: id,
  channel_id: id,
  command: z.literal('/firebreak'),
  trigger_id: id,
  text: z.string().max(1000).default(''),
});

/** What the body of a signed request asks for, or undefined for what is none of ours. */
export function parseRequest(rawBody: string): SlackRequest | undefined {
  const form = new URLSearchParams(rawBody);
  const text = form.get('payload');
  if (text === null) return parseCommand(Object.fromEntries(form));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined; // not JSON: nothing Slack sends
  }
  return parsePress(json) ?? parseSubmission(json);
}

function parsePress(json: unknown): Press | undefined {
  const { data } = press.safeParse(json);
  const [pressed] = data?.actions ?? [];
  if (!data || !pressed) return undefined;
  const found = actionOf(pressed.action_id, pressed.selected_option?.value ?? pressed.value ?? '');
  const on = placeOf(data);
  return found && on && { kind: 'press', ...senderOf(data), ...found, on, triggerId: data.trigger_id };
}

function placeOf({ channel, message, view }: z.output<typeof press>): Press['on'] | undefined {
  if (view) return { kind: 'view', ticket: view.private_metadata, viewId: view.id };
  return channel && message && { kind: 'card', channel: channel.id, ts: message.ts };
}

function parseSubmission(json: unknown): Submission | undefined {
  const { data } = submission.safeParse(json);
  const view = viewNames.find((name) => VIEWS[name] === data?.view.callback_id);
  if (!data || !view) return undefined;
  const blocks = Object.entries(data.view.state?.values ?? {});
  const elements = (name: string) =>
    blocks.filter(([block]) => block.split('-')[0] === name).flatMap(([, block]) => Object.values(block));
  const minutes = Number(elements('minutes')[0]?.selected_option?.value);
  return {
    kind: 'submission',
    ...senderOf(data),
    view,
    ticket: data.view.private_metadata,
    reason: (elements('reason')[0]?.value ?? '').trim(),
    parts: elements('parts').flatMap(({ selected_options }) =>
      (selected_options ?? []).map(({ value }) => value),
    ),
    minutes: Number.isInteger(minutes) && minutes > 0 ? minutes : undefined,
  };
}

function parseCommand(form: Readonly<Record<string, string>>): SlashCommand | undefined {
  const { data } = command.safeParse(form);
  if (!data) return undefined;
  const [word = 'help', ...words] = data.text.trim().split(/\s+/).filter(Boolean);
  return {
    kind: 'command',
    appId: data.api_app_id,
    teamId: data.team_id,
    userId: data.user_id,
    command: COMMANDS.find((name) => name === word.toLowerCase()) ?? 'help',
    words,
    channel: data.channel_id,
    triggerId: data.trigger_id,
  };
}

const senderOf = (data: { api_app_id: string; team: { id: string }; user: { id: string } }): Sender => ({
  appId: data.api_app_id,
  teamId: data.team.id,
  userId: data.user.id,
});

/** Our workspace and our app: a signature of Slack's says neither where a secret is shared. */
export function isOurs(sent: Sender, ours: { readonly teamId: string; readonly appId: string }): Verdict {
  if (sent.teamId !== ours.teamId) return { ok: false, reason: 'another workspace' };
  if (sent.appId !== ours.appId) return { ok: false, reason: 'another app' };
  return { ok: true };
}

/** A button must sit on the card of the incident it names. */
export const isOnCard = (on: Press['on'], card: Card | undefined): Verdict =>
  on.kind === 'card' && card && on.channel === card.channel && on.ts === card.ts
    ? { ok: true }
    : { ok: false, reason: 'not the card of this incident' };

/** What people do in the twin's Slack, as the signed requests that Slack makes of it, and what comes of the answers. */
import { createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Block, InputBlock, Modal } from '../slack/block-kit.ts';
import { closeAll, closeTop, pushModal, updateModal } from './slack-api.ts';
import { checkBlocks, checkModal } from './slack-limits.ts';
import { messageAt, nextSerial, type OpenModal, post, type SlackWorld } from './slack-world.ts';

export interface EndpointAnswer {
  readonly statusCode: number;
  readonly body: string;
}
/** Sends one request to the app. `path` tells buttons and modals from slash commands. */
export type Deliver = (request: {
  readonly path: '/slack/interactivity' | '/slack/command';
  readonly headers: Record<string, string>;
  readonly body: string;
}) => Promise<EndpointAnswer>;

/** What an attacker would change. */
export interface Forge {
  readonly secret?: string;
  readonly ageSeconds?: number;
  readonly teamId?: string;
  readonly appId?: string;
  readonly channel?: string;
  readonly messageTs?: string;
  readonly privateMetadata?: string;
  /** Signs one body and sends the same JSON written differently. */
  readonly reserialise?: boolean;
}
interface Click {
  readonly ts: string;
  readonly actionId: string;
  readonly value: string;
  readonly userId: string;
  readonly forge?: Forge;
}
/** What was filled in: by block id, a text or the values of the chosen options. */
type Filled = Readonly<Record<string, string | readonly string[]>>;
interface Submission {
  readonly viewId: string;
  readonly userId: string;
  readonly filled: Filled;
  readonly forge?: Forge;
}

export interface Gestures {
  /** A button of a message. */
  click(click: Click): Promise<EndpointAnswer>;
  /** A button in a modal. */
  clickInModal(click: {
    readonly viewId: string;
    readonly actionId: string;
    readonly value: string;
    readonly userId: string;
    readonly forge?: Forge;
  }): Promise<EndpointAnswer>;
  /** Submits a modal; the modal closes unless the app answers otherwise. Gives the errors shown by block id. */
  submit(
    submission: Submission,
  ): Promise<EndpointAnswer & { readonly errors: Readonly<Record<string, string>> }>;
  /** `/firebreak TEXT` */
  command(command: {
    readonly text: string;
    readonly userId: string;
    readonly channel?: string;
    readonly forge?: Forge;
  }): Promise<EndpointAnswer>;
  /** The person closes the modal on top. */
  dismiss(userId: string): void;
}

/** How Slack calls the app: signed, with a trigger and an address to answer at. */
function wire(world: SlackWorld, deliver: Deliver, responseUrl: string) {
  const trigger = (user: string): string => {
    const id = `${nextSerial(world)}.${nextSerial(world)}.${randomBytes(16).toString('hex')}`;
    world.triggers.set(id, { user, at: world.now().getTime() });
    return id;
  };
  const answerAt = (user: string, channel: string, ts?: string): string => {
    const id = randomBytes(12).toString('hex');
    const at = world.now().getTime();
    world.responses.set(id, { user, channel, at, uses: 0, ...(ts === undefined ? {} : { ts }) });
    return `${responseUrl}/${id}`;
  };
  const who = (userId: string, forge: Forge) => ({
    api_app_id: forge.appId ?? world.appId,
    team: { id: forge.teamId ?? world.teamId, domain: 'firebreak-sandbox' },
    user: { id: userId, username: userId.toLowerCase(), team_id: forge.teamId ?? world.teamId },
    trigger_id: trigger(userId),
  });

  async function send(
    path: '/slack/interactivity' | '/slack/command',
    form: Readonly<Record<string, string>>,
    forge: Forge,
  ): Promise<EndpointAnswer> {
    const body = new URLSearchParams(form).toString();
    const timestamp = String(Math.floor(world.now().getTime() / 1000) - (forge.ageSeconds ?? 0));
    const mac = createHmac('sha256', forge.secret ?? world.signingSecret)
      .update(`v0:${timestamp}:${body}`)
      .digest('hex');
    const again = Object.entries(form).map(([name, text]): [string, string] => [
      name,
      name === 'payload' ? JSON.stringify(JSON.parse(text), null, 1) : `${text} `,
    ]);
    return deliver({
      path,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
        'X-Slack-Request-Timestamp': timestamp,
        'X-Slack-Signature': `v0=${mac}`,
      },
      body: forge.reserialise ? new URLSearchParams(again).toString() : body,
    });
  }
  const interact = (payload: object, forge: Forge) =>
    send('/slack/interactivity', { payload: JSON.stringify(payload) }, forge);
  return { who, answerAt, send, interact };
}

export function gestures(
  world: SlackWorld,
  deliver: Deliver,
  responseUrl: string,
  changed: () => void,
): Gestures {
  const { who, answerAt, send, interact } = wire(world, deliver, responseUrl);
  return {
    async click({ ts, actionId, value, userId, forge = {} }) {
      const message = messageAt(world, ts);
      const channel = forge.channel ?? message?.channel ?? world.channels[0]?.id ?? '';
      const messageTs = forge.messageTs ?? ts;
      const action = actionIn(message?.blocks ?? [], actionId, value);
      const answer = await interact(
        {
          type: 'block_actions',
          ...who(userId, forge),
          container: { type: 'message', message_ts: messageTs, channel_id: channel, is_ephemeral: false },
          channel: { id: channel, name: 'incidents' },
          message: { type: 'message', ts: messageTs, text: message?.text, blocks: message?.blocks },
          response_url: answerAt(userId, channel, messageTs),
          state: { values: {} },
          actions: [{ ...action, action_ts: ts }],
        },
        forge,
      );
      changed();
      return answer;
    },
    async clickInModal({ viewId, actionId, value, userId, forge = {} }) {
      const modal = modalOf(world, viewId);
      const action = actionIn(modal.view.blocks, actionId, value);
      const answer = await interact(
        {
          type: 'block_actions',
          ...who(userId, forge),
          container: { type: 'view', view_id: viewId },
          view: viewOf(world, modal, {}, forge),
          actions: [action],
        },
        forge,
      );
      changed();
      return answer;
    },
    async submit({ viewId, userId, filled, forge = {} }) {
      const modal = modalOf(world, viewId);
      const missing = missingIn(modal.view, filled);
      // Slack's own client does not let it go.
      if (Object.keys(missing).length > 0) return { statusCode: 0, body: '', errors: missing };
      const answer = await interact(
        {
          type: 'view_submission',
          ...who(userId, forge),
          view: viewOf(world, modal, filled, forge),
          response_urls: [],
        },
        forge,
      );
      const errors = takeSubmission(world, modal, answer);
      changed();
      return { ...answer, errors };
    },
    async command({ text, userId, channel = world.channels[0]?.id ?? '', forge = {} }) {
      const { api_app_id, team, trigger_id } = who(userId, forge);
      const answer = await send(
        '/slack/command',
        {
          command: '/firebreak',
          text,
          api_app_id,
          team_id: team.id,
          team_domain: team.domain,
          channel_id: forge.channel ?? channel,
          channel_name: 'incidents',
          user_id: userId,
          user_name: userId.toLowerCase(),
          is_enterprise_install: 'false',
          trigger_id,
          response_url: answerAt(userId, channel),
        },
        forge,
      );
      takeCommandAnswer(world, userId, channel, answer);
      changed();
      return answer;
    },
    dismiss(userId) {
      closeTop(world, userId);
      changed();
    },
  };
}

/** The modal as its payload carries it, with what was filled in. */
function viewOf(world: SlackWorld, open: OpenModal, filled: Filled, forge: Forge): object {
  return {
    ...open.view,
    id: open.id,
    team_id: world.teamId,
    app_id: world.appId,
    hash: open.hash,
    private_metadata: forge.privateMetadata ?? open.view.private_metadata,
    state: { values: stateOf(open.view, filled) },
  };
}
function modalOf(world: SlackWorld, viewId: string): OpenModal {
  const found = world.modals.find(({ id }) => id === viewId);
  if (!found) throw new Error(`no modal ${viewId} is open`);
  return found;
}

/** The pressed element as `block_actions` tells of it; one that is not there is an attacker's. */
function actionIn(blocks: Modal['blocks'], action_id: string, value: string): object {
  for (const block of blocks) {
    const elements =
      block.type === 'actions'
        ? block.elements
        : block.type === 'section' && 'text' in block && block.accessory
          ? [block.accessory]
          : [];
    for (const element of elements) {
      if (element.action_id !== action_id) continue;
      const { block_id } = block;
      if (element.type === 'button')
        return { type: 'button', action_id, block_id, value, text: element.text };
      const selected_option = element.options.find((each) => each.value === value);
      if (selected_option) return { type: 'static_select', action_id, block_id, selected_option };
    }
  }
  return { type: 'button', action_id, block_id: 'forged', value };
}

const inputsOf = (view: Modal): readonly InputBlock[] =>
  view.blocks.filter((block): block is InputBlock => block.type === 'input');

function missingIn(view: Modal, filled: Filled): Record<string, string> {
  return Object.fromEntries(
    inputsOf(view)
      .filter(({ optional, block_id }) => !optional && (filled[block_id] ?? []).length === 0)
      .map(({ block_id }) => [block_id, 'Please complete this required field.']),
  );
}

/** `view.state.values`: block id -> action id -> what was filled in, in the form of its element. */
const stateOf = (view: Modal, filled: Filled): object =>
  Object.fromEntries(
    inputsOf(view).map(({ block_id, element }) => [
      block_id,
      { [element.action_id]: { type: element.type, ...filledIn(element, [filled[block_id] ?? []].flat()) } },
    ]),
  );

function filledIn(element: InputBlock['element'], chosen: readonly string[]): object {
  switch (element.type) {
    case 'plain_text_input':
      return { value: chosen[0] ?? null };
    case 'checkboxes':
      return { selected_options: element.options.filter(({ value }) => chosen.includes(value)) };
    case 'static_select':
      return { selected_option: element.options.find(({ value }) => chosen.includes(value)) ?? null };
  }
}

const submissionAnswer = z.discriminatedUnion('response_action', [
  z.object({ response_action: z.literal('errors'), errors: z.record(z.string(), z.string()) }),
  z.object({ response_action: z.literal('update'), view: z.unknown() }),
  z.object({ response_action: z.literal('push'), view: z.unknown() }),
  z.object({ response_action: z.literal('clear') }),
]);

/** An empty 200 closes the modal; JSON says what else. */
function takeSubmission(world: SlackWorld, modal: OpenModal, answer: EndpointAnswer): Record<string, string> {
  if (answer.statusCode !== 200) return { '': 'We had some trouble connecting. Try again?' };
  const text = answer.body.trim();
  const said = text.startsWith('{') && text !== '{}' ? submissionAnswer.parse(JSON.parse(text)) : undefined;
  switch (said?.response_action) {
    case undefined: {
      const index = world.modals.indexOf(modal);
      if (index !== -1) world.modals.splice(index, 1);
      return {};
    }
    case 'errors':
      return said.errors;
    case 'clear':
      closeAll(world, modal.user);
      return {};
    case 'update':
    case 'push': {
      const problems = checkModal(said.view);
      if (problems.length > 0) throw new Error(`Slack refuses the modal: ${problems.join('; ')}`);
      if (said.response_action === 'push') pushModal(world, modal.user, said.view as Modal);
      else updateModal(world, modal, said.view as Modal);
      return {};
    }
  }
}

const commandAnswer = z.object({
  response_type: z.enum(['ephemeral', 'in_channel']).default('ephemeral'),
  text: z.string().default(''),
  blocks: z.array(z.unknown()).default([]),
});

function takeCommandAnswer(world: SlackWorld, user: string, channel: string, answer: EndpointAnswer): void {
  const text = answer.body.trim();
  if (answer.statusCode !== 200) {
    world.ephemerals.push({
      channel,
      user,
      text: '/firebreak failed with the error "http_service_error"',
      blocks: [],
    });
    return;
  }
  if (text === '') return;
  const said = text.startsWith('{') ? commandAnswer.parse(JSON.parse(text)) : commandAnswer.parse({ text });
  const problems = checkBlocks(said.blocks);
  if (problems.length > 0) throw new Error(`Slack refuses the answer: ${problems.join('; ')}`);
  const blocks = said.blocks as readonly Block[];
  if (said.response_type === 'ephemeral') {
    world.ephemerals.push({ channel, user, text: said.text, blocks });
    return;
  }
  const ts = `${Math.floor(world.now().getTime() / 1000)}.${String(nextSerial(world)).padStart(6, '0')}`;
  post(world, { channel, ts, text: said.text, blocks, updates: 0 });
}

/** The twin as Slack's own client sees it: what Slack refuses is refused in Slack's words. */
import { ErrorCode, WebClient } from '@slack/web-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { button, type InputBlock, image, type Modal, option, plain, section } from '../slack/block-kit.ts';
import { verifySignature } from '../slack/request.ts';
import { LIMITS } from '../slack/text.ts';
import { type SlackTwin, startSlackTwin } from './slack-twin.ts';

const SECRET = 'signing-secret';
let now: Date;
let twin: SlackTwin;
let web: WebClient;
/** Requests that came to the endpoint, and what it answers. */
let received: { path: string; headers: Record<string, string>; body: string }[];
let answer: { statusCode: number; body: string };
beforeEach(async () => {
  now = new Date('2026-11-24T07:40:00Z');
  received = [];
  answer = { statusCode: 200, body: '' };
  twin = await startSlackTwin({
    ...{ botToken: 'xoxb-test', signingSecret: SECRET, teamId: 'T0', appId: 'A0', channel: 'C0' },
    users: [
      { id: 'U0ALICE', name: 'Alice' },
      { id: 'U0BOB', name: 'Bob' },
    ],
    channels: [{ id: 'C0SECRET', name: 'secret', is_private: true, is_member: false }],
    groups: { S0ONCALL: ['U0ALICE'] },
    now: () => now,
    deliver: async (request) => {
      received.push(request);
      return answer;
    },
  });
  web = client('xoxb-test');
});
afterEach(() => twin.close());

const client = (token: string) =>
  new WebClient(token, {
    slackApiUrl: twin.url,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
  });
/** Slack's own word for the refusal. */
const refusal = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    return (error as { data?: { error?: string } }).data?.error ?? String((error as { code?: string }).code);
  }
  return 'ok';
};

const INPUT: InputBlock = {
  type: 'input',
  block_id: 'reason',
  label: plain('Why?', LIMITS.label),
  element: { type: 'plain_text_input', action_id: 'reason' },
};
const modal = (blocks: Modal['blocks'] = [INPUT]): Modal => ({
  type: 'modal',
  callback_id: 'deny',
  title: plain('Deny', LIMITS.viewTitle),
  submit: plain('Deny', LIMITS.viewTitle),
  private_metadata: 'ticket',
  blocks,
});
const open = (trigger_id: string, view: Modal = modal()) =>
  web.views.open({ trigger_id, view: view as never });
const payloadOf = (index: number) =>
  JSON.parse(new URLSearchParams(received[index]?.body).get('payload') ?? '{}') as Record<string, never>;
/** Someone presses a button; gives the trigger of it. */
async function trigger(userId = 'U0BOB'): Promise<string> {
  await twin.click({ ts: '1.0', actionId: 'a', value: 'v', userId });
  return String(payloadOf(received.length - 1)['trigger_id']);
}

describe('the Web API', () => {
  it('posts, rewrites and threads where the bot is, and nowhere else', async () => {
    const { ts = '' } = await web.chat.postMessage({ channel: 'C0', text: 'card' });
    await web.chat.postMessage({ channel: 'C0', text: 'reminder', thread_ts: ts });
    await web.chat.update({ channel: 'C0', ts, text: 'decided' });
    expect(twin.messages).toMatchObject([
      { text: 'decided', updates: 1 },
      { text: 'reminder', thread_ts: ts },
    ]);
    expect(await refusal(web.chat.update({ channel: 'C0', ts: '9.9', text: 'x' }))).toBe('message_not_found');
    expect(await refusal(web.chat.postMessage({ channel: 'C0SECRET', text: 'x' }))).toBe('channel_not_found');
    const [channel] = twin.channels;
    if (channel) channel.is_member = false;
    expect(await refusal(web.chat.postMessage({ channel: 'C0', text: 'x' }))).toBe('not_in_channel');
  });

  it('tells one person only', async () => {
    await web.chat.postEphemeral({ channel: 'C0', user: 'U0BOB', text: 'not done' });
    expect(twin.ephemerals).toMatchObject([{ user: 'U0BOB', text: 'not done' }]);
    expect(await refusal(web.chat.postEphemeral({ channel: 'C0', user: 'U9', text: 'x' }))).toBe(
      'user_not_in_channel',
    );
    expect(twin.messages).toEqual([]);
  });

  it('refuses another token, a scope that is missing, blocks over their limits and methods that Firebreak never calls', async () => {
    expect(await refusal(client('xoxb-other').auth.test())).toBe('invalid_auth');
    const long = [{ type: 'section', text: { type: 'mrkdwn', text: 'x'.repeat(3001) } }] as never;
    expect(await refusal(web.chat.postMessage({ channel: 'C0', text: 'x', blocks: long }))).toBe(
      'invalid_blocks',
    );
    expect(await refusal(web.users.list({}))).toBe('unknown_method');
    twin.world.scopes = ['chat:write'];
    expect(await refusal(web.usergroups.users.list({ usergroup: 'S0ONCALL' }))).toBe('missing_scope');
  });

  it('takes a file in three calls, and shows it where a message does, once it has looked at it', async () => {
    const file = { filename: 'path.png', length: 'four'.length };
    expect(await refusal(web.files.getUploadURLExternal({ ...file, length: 0 }))).toBe('missing_argument');
    twin.world.looks = 1;
    const { upload_url = '', file_id = '' } = await web.files.getUploadURLExternal(file);
    const complete = () =>
      refusal(web.files.completeUploadExternal({ files: [{ id: file_id, title: 'Path' }] }));
    const send = async (body: string) => (await fetch(upload_url, { method: 'POST', body })).status;
    expect(await complete()).toBe('file_not_found');
    expect(await send('too long for it')).toBe(400);
    expect(await send('four')).toBe(200);
    const blocks = [image(file_id, 'Path', 'a → b')];
    const post = () =>
      refusal(web.chat.postMessage({ channel: 'C0', text: 'card', blocks: blocks as never }));
    // Not completed, looked at, shown.
    expect(await post()).toBe('invalid_blocks');
    expect(await complete()).toBe('ok');
    expect(await complete()).toBe('file_not_found');
    expect([await post(), await post()]).toEqual(['invalid_blocks', 'ok']);
    expect([...(twin.files.get(file_id)?.sharedIn ?? [])]).toEqual(['C0']);
    twin.world.scopes = ['chat:write'];
    expect(await refusal(web.files.getUploadURLExternal(file))).toBe('missing_scope');
  });

  it('knows its user groups', async () => {
    expect((await web.usergroups.users.list({ usergroup: 'S0ONCALL' })).users).toEqual(['U0ALICE']);
    expect(await refusal(web.usergroups.users.list({ usergroup: 'constructor' }))).toBe('no_such_subteam');
  });

  it('throttles, fails and revokes on demand, as often as asked', async () => {
    twin.faults.push({ status: 429, retryAfterSeconds: 7, times: 1 });
    await expect(web.chat.postMessage({ channel: 'C0', text: 'x' })).rejects.toMatchObject({
      code: ErrorCode.RateLimitedError,
      retryAfter: 7,
    });
    twin.faults.push({ method: 'chat.update', status: 503, times: 1 }, { error: 'token_revoked', times: 1 });
    expect(await refusal(web.chat.update({ channel: 'C0', ts: '1', text: 'x' }))).toBe(ErrorCode.HTTPError);
    expect(await refusal(web.auth.test())).toBe('token_revoked');
    expect(await refusal(web.auth.test())).toBe('ok');
  });
});

describe('modals', () => {
  it('open once for a trigger, within three seconds', async () => {
    const first = await trigger();
    await open(first);
    expect(twin.modals).toMatchObject([{ user: 'U0BOB', view: { callback_id: 'deny' } }]);
    expect(await refusal(open(first))).toBe('invalid_trigger_id');
    const late = await trigger();
    now = new Date(now.getTime() + 3001);
    expect(await refusal(open(late))).toBe('expired_trigger_id');
  });

  it('are updated by their id, not over a newer state, and not once they are closed', async () => {
    const { view } = await open(await trigger());
    const { id = '', hash = '' } = view as { id?: string; hash?: string };
    const update = (view_id: string, read?: string) =>
      web.views.update({ view_id, view: modal([section('full')]) as never, ...(read ? { hash: read } : {}) });
    await update(id, hash);
    expect(twin.modals).toMatchObject([{ view: { blocks: [{ type: 'section' }] } }]);
    expect(await refusal(update(id, hash))).toBe('hash_conflict');
    twin.dismiss('U0BOB');
    expect(await refusal(update(id))).toBe('not_found');
  });

  it('are submitted filled in, close on an empty answer, and stay with what the app finds wrong', async () => {
    await open(await trigger());
    const viewId = twin.modals[0]?.id ?? '';
    const submit = (reason: string) => twin.submit({ viewId, userId: 'U0BOB', filled: { reason } });
    const before = received.length;
    expect((await submit('')).errors).toEqual({ reason: 'Please complete this required field.' });
    expect(received).toHaveLength(before);
    answer = { statusCode: 200, body: '{"response_action":"errors","errors":{"reason":"longer"}}' };
    expect((await submit('no')).errors).toEqual({ reason: 'longer' });
    expect(twin.modals).toHaveLength(1);
    answer = { statusCode: 500, body: '' };
    expect((await submit('no')).errors['']).toMatch(/trouble connecting/);
    answer = { statusCode: 200, body: '' };
    expect((await submit('our scanner')).errors).toEqual({});
    expect(twin.modals).toEqual([]);
    expect(payloadOf(received.length - 1)).toMatchObject({
      type: 'view_submission',
      view: {
        private_metadata: 'ticket',
        state: { values: { reason: { reason: { type: 'plain_text_input', value: 'our scanner' } } } },
      },
    });
  });

  it('send the options that were chosen, and menus at once', async () => {
    const options = [option('one', 'p1'), option('two', 'p2')];
    const blocks: Modal['blocks'] = [
      { type: 'actions', elements: [{ type: 'static_select', action_id: 'menu', options }] },
      { ...INPUT, block_id: 'parts', element: { type: 'checkboxes', action_id: 'parts', options } },
    ];
    await open(await trigger(), modal(blocks));
    const on = { viewId: twin.modals[0]?.id ?? '', userId: 'U0BOB' };
    await twin.clickInModal({ ...on, actionId: 'menu', value: 'p2' });
    expect(payloadOf(received.length - 1)).toMatchObject({
      container: { type: 'view' },
      actions: [{ type: 'static_select', action_id: 'menu', selected_option: { value: 'p2' } }],
    });
    await twin.submit({ ...on, filled: { parts: ['p2'] } });
    expect(payloadOf(received.length - 1)).toMatchObject({
      view: { state: { values: { parts: { parts: { selected_options: [{ value: 'p2' }] } } } } },
    });
  });
});

describe('requests to the app', () => {
  it('are signed over the body as it is sent, by the clock', async () => {
    const { ts = '' } = await web.chat.postMessage({
      channel: 'C0',
      text: 'card',
      blocks: [{ type: 'actions', elements: [button('approve', 'Go', 'id')] }] as never,
    });
    await twin.click({ ts, actionId: 'approve', value: 'id', userId: 'U0BOB' });
    await twin.command({ text: 'status', userId: 'U0BOB' });
    const forged = { secret: 'x' };
    await twin.command({ text: 'status', userId: 'U0BOB', forge: forged });
    await twin.click({ ts, actionId: 'approve', value: 'id', userId: 'U0BOB', forge: { reserialise: true } });
    await twin.click({ ts, actionId: 'approve', value: 'id', userId: 'U0BOB', forge: { ageSeconds: 301 } });
    const verdicts = received.map(({ headers, body }) =>
      verifySignature({ rawBody: body, headers, signingSecret: SECRET, now }),
    );
    expect(verdicts.map(({ ok }) => ok)).toEqual([true, true, false, false, false]);
    expect(received.map(({ path }) => path)).toEqual([
      ...['/slack/interactivity', '/slack/command', '/slack/command'],
      ...['/slack/interactivity', '/slack/interactivity'],
    ]);
    expect(payloadOf(0)).toMatchObject({
      type: 'block_actions',
      container: { type: 'message', message_ts: ts },
      actions: [{ type: 'button', block_id: 'b0', value: 'id' }],
    });
  });

  it('take an answer to a command, seen by the person who typed it', async () => {
    answer = { statusCode: 200, body: '{"response_type":"ephemeral","text":"2 open"}' };
    await twin.command({ text: 'status', userId: 'U0ALICE' });
    answer = { statusCode: 502, body: '' };
    await twin.command({ text: 'status', userId: 'U0ALICE' });
    expect(twin.ephemerals.map(({ user, text }) => [user, text])).toEqual([
      ['U0ALICE', '2 open'],
      ['U0ALICE', expect.stringContaining('http_service_error')],
    ]);
  });

  it('carry a response url that takes five answers within half an hour', async () => {
    await twin.command({ text: 'status', userId: 'U0BOB' });
    const url = new URLSearchParams(received[0]?.body).get('response_url') ?? '';
    const say = async () =>
      (await fetch(url, { method: 'POST', body: JSON.stringify({ text: 'later' }) })).status;
    for (let used = 0; used < 5; used++) expect(await say()).toBe(200);
    expect(await say()).toBe(404);
    expect(twin.ephemerals).toHaveLength(5);
    await twin.command({ text: 'status', userId: 'U0BOB' });
    const late = new URLSearchParams(received[1]?.body).get('response_url') ?? '';
    now = new Date(now.getTime() + 31 * 60_000);
    expect((await fetch(late, { method: 'POST', body: '{}' })).status).toBe(404);
  });
});

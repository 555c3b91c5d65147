/** The picture on the card: after the card, of what is open, then of the cut; a Slack that takes none changes nothing else. */
import '../../sandbox/quiet.ts';
import { afterEach, expect, it } from 'vitest';
import type { Block } from '../../slack/block-kit.ts';
import { BOT_SCOPES, PICTURE_SCOPE } from '../../slack/methods.ts';
import { type ApprovalStage, approvalStage } from './approvals.ts';
import { idle, until } from './people.ts';

let stage: ApprovalStage;
afterEach(() => stage.sandbox.close());

const card = () => {
  const [message] = stage.sandbox.slack.messages.filter(({ blocks }) => blocks.length > 0);
  if (!message) throw new Error('no card');
  return message;
};
/** Everything that was begun has ended, the picture too. */
async function settled(): Promise<void> {
  await until(async () => ((await stage.incident()).status === 'awaiting-approval' ? undefined : true));
  await idle(stage.sandbox);
}
type Image = Extract<Block, { type: 'image' }>;
const imagesOf = (blocks: readonly Block[]): readonly Image[] =>
  blocks.flatMap((block) => (block.type === 'image' ? [block] : []));
const textOf = (blocks: readonly Block[]): string => JSON.stringify(blocks);
/** Every state of the card, as Slack had it. */
function history(): readonly (readonly Block[])[] {
  const states: (readonly Block[])[] = [];
  stage.sandbox.slack.onMessage(({ ts, blocks }) => {
    if (blocks.length > 0 && ts === (states.length === 0 ? ts : card().ts)) states.push(blocks);
  });
  return states;
}
it('comes after the card, shows the attack, and once contained the cut; not with every update', async () => {
  stage = await approvalStage();
  const { sandbox } = stage;
  const states = history();
  // Slack has not looked at a new file when the card with it comes.
  sandbox.slack.world.looks = 1;
  const asking = await stage.find();
  const first = await until(() => imagesOf(card().blocks)[0]);
  // The question was there before, with its line of text.
  expect(imagesOf(states[0] ?? [])).toEqual([]);
  expect(textOf(states[0] ?? [])).toContain('*Attack path*');
  expect(textOf(card().blocks)).not.toContain('*Attack path*');
  expect(first.alt_text).toMatch(/→|⇢/);
  expect(first.alt_text).toContain('still open');
  await stage.approve(asking, 'U0BOB');
  await settled();
  const last = imagesOf(card().blocks)[0];
  expect(last?.alt_text).toContain('✂️');
  expect(last?.slack_file.id).not.toBe(first.slack_file.id);
  const { files } = sandbox.slack;
  expect([...files.values()].map(({ name }) => name)).toEqual(['attack-path.png', 'attack-path.png']);
  expect(card().updates).toBeGreaterThan(2);
  for (const { bytes, state, sharedIn } of files.values()) {
    expect(Buffer.from(bytes ?? []).toString('latin1', 1, 4)).toBe('PNG');
    expect(state).toBe('ready');
    // Nowhere but where the card is.
    expect([...sharedIn]).toEqual([card().channel]);
  }
  // No state of the card ever showed the picture of another one.
  for (const blocks of states)
    for (const image of imagesOf(blocks))
      expect(image.alt_text).toBe(
        image.slack_file.id === first.slack_file.id ? first.alt_text : last?.alt_text,
      );
});

it.each([
  ['an app of an earlier release, without the scope', undefined],
  ['a busy Slack', { method: 'files.getUploadURLExternal', status: 429, retryAfterSeconds: 30 }],
  ['an outage in the middle', { method: 'files.completeUploadExternal', status: 503 }],
])('%s keeps the line of text, and decides and contains as ever', async (_why, fault) => {
  stage = await approvalStage();
  const { sandbox } = stage;
  if (fault) sandbox.slack.faults.push(fault);
  else sandbox.slack.world.scopes = BOT_SCOPES.filter((scope) => scope !== PICTURE_SCOPE);
  const asking = await stage.find();
  await stage.approve(asking, 'U0BOB');
  await settled();
  expect(imagesOf(card().blocks)).toEqual([]);
  expect(textOf(card().blocks)).toContain('*Attack path*');
  const { status, cardOwedSince, picture } = await stage.incident();
  expect([status, cardOwedSince, picture]).toEqual(['contained', undefined, undefined]);
  expect(sandbox.twin.state.pages).toEqual([]);
});

it('a card whose picture Slack has no more is written without it', async () => {
  stage = await approvalStage();
  const { sandbox } = stage;
  const asking = await stage.find();
  const image = await until(() => imagesOf(card().blocks)[0]);
  sandbox.slack.files.delete(image.slack_file.id);
  await stage.approve(asking, 'U0BOB');
  await settled();
  expect((await stage.incident()).status).toBe('contained');
  // The next picture is another file.
  expect(imagesOf(card().blocks)[0]?.alt_text).toContain('✂️');
  expect(sandbox.slack.files.size).toBe(1);
});

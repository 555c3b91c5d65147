/** `/firebreak …`: signed, authorised, answered at once and to one person only. */
import { afterEach, describe, expect, it } from 'vitest';
import { killSwitch } from '../../core/table/breaker.ts';
import { openView } from '../../sandbox/slack-scripts.ts';
import { type ApprovalStage, approvalStage, askingOf } from './approvals.ts';
import { idle, until } from './people.ts';

let stage: ApprovalStage;
afterEach(() => stage.sandbox.close());

const type = async (text: string, userId = 'U0BOB') => {
  const { statusCode, body } = await stage.sandbox.slack.command({ text, userId });
  expect(statusCode).toBe(200);
  const answer = JSON.parse(body) as { response_type: string; text: string };
  expect(answer.response_type).toBe('ephemeral');
  await stage.sandbox.idle();
  return answer.text;
};
const pages = () => stage.sandbox.twin.state.pages.map(({ subject }) => subject).join();

it('status and incident say what is open', async () => {
  stage = await approvalStage();
  const { incident } = await stage.find();
  expect(await type('status')).toMatch(new RegExp(`1 open.*${incident.id}`, 's'));
  expect(await type(`incident ${incident.id}`)).toContain('0 of 1 approvals');
  expect(await type('incident fb-000000000000')).toContain('no such incident');
  expect(await type('')).toContain('/firebreak kill-switch');
  expect(await type('dance')).toContain('/firebreak status');
});

describe('kill-switch', () => {
  const on = () => killSwitch(stage.sandbox.runtime.table);

  it('one person switches on; two switch off, and one person twice is one', async () => {
    stage = await approvalStage();
    expect(await type('kill-switch on')).toContain('nothing is contained automatically');
    expect(await on()).toBe(true);
    expect(await type('kill-switch off')).toContain('A second person');
    expect(await type('kill-switch off')).toContain('A second person');
    expect(await on()).toBe(true);
    expect(await type('kill-switch off', 'U0ALICE')).toContain('policy decides again');
    expect(await on()).toBe(false);
    expect(pages()).toMatch(/kill switch ON.*kill switch OFF/);
    expect(stage.sandbox.slack.messages.map(({ text }) => text).join('\n')).toContain(
      '<@U0BOB> and <@U0ALICE>',
    );
  });

  it('the first word for off is good for a quarter of an hour', async () => {
    stage = await approvalStage();
    await type('kill-switch on');
    await type('kill-switch off');
    stage.wait(16);
    expect(await type('kill-switch off', 'U0ALICE')).toContain('A second person');
    expect(await on()).toBe(true);
  });

  it('two people at once switch it off, once', async () => {
    stage = await approvalStage();
    await type('kill-switch on');
    await Promise.all([type('kill-switch off'), type('kill-switch off', 'U0ALICE')]);
    expect(await on()).toBe(false);
  });
});

it('undo starts the undo, which asks whom it must', async () => {
  stage = await approvalStage();
  const asking = await stage.find();
  expect(await type(`undo ${asking.incident.id}`)).toContain('nothing to undo');
  await stage.approve(asking, 'U0ALICE');
  await idle(stage.sandbox);
  expect((await stage.incident()).status).toBe('contained');
  expect(await type(`undo ${asking.incident.id}`)).toContain('started');
  await until(async () => ((await stage.incident()).status === 'undone' ? true : undefined));
});

it('simulate ends as a SAMPLE card and changes nothing', async () => {
  stage = await approvalStage();
  expect(await type('simulate')).toContain('SAMPLE');
  expect(await type('simulate')).toContain('a moment ago');
  await idle(stage.sandbox);
  expect(await stage.incident()).toMatchObject({ sample: true, status: 'notified' });
  expect(stage.sandbox.slack.messages[0]?.text).toContain('SAMPLE');
  expect(stage.writes()).toBe(0);
});

it('break-glass opens the dialog for those listed, and only while something is asked', async () => {
  stage = await approvalStage((text) => text.replace('breakGlass: []', 'breakGlass: [U0MALLORY]'));
  const asking = await stage.find();
  expect(await type(`break-glass ${asking.incident.id}`)).toContain('not on the break-glass list');
  expect(await type(`break-glass ${asking.incident.id}`, 'U0MALLORY')).toContain('everyone is paged');
  const { id: viewId } = openView(stage.sandbox.slack, 'U0MALLORY', 'breakGlass');
  const filled = { reason: 'it cannot wait' };
  await stage.sandbox.slack.submit({ viewId, userId: 'U0MALLORY', filled });
  await idle(stage.sandbox);
  expect((await stage.incident()).approval).toMatchObject({ breakGlass: true, decidedBy: 'U0MALLORY' });
  expect(await type(`break-glass ${asking.incident.id}`, 'U0MALLORY')).toContain('Nothing is being asked');
  expect(askingOf(stage.sandbox, await stage.incident())).toBeUndefined();
});

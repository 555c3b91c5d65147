/** Approving from the console: the same door and the same checks as everywhere else, for the question that was on the page. */
import { afterEach, expect, it } from 'vitest';
import { sandboxSource } from '../../cli/console.ts';
import { startConsole } from '../../console/server.ts';
import type { ReviewSource } from '../../console/source.ts';
import { openConsole, visit } from '../console-visitor.ts';
import { callsAsOperator } from '../unrecorded.ts';
import { type ApprovalStage, approvalStage } from './approvals.ts';
import { idle } from './people.ts';

callsAsOperator();

let stage: ApprovalStage;
let close: () => Promise<void>;
afterEach(async () => {
  await close();
  await stage.sandbox.close();
});

/** The console with one question asked, and what a browser sends. */
async function open(change: (source: ReviewSource) => Partial<ReviewSource> = () => ({})) {
  stage = await approvalStage();
  const { incident } = await stage.find();
  const source = sandboxSource(stage.sandbox, 'policy.yml');
  const console = await startConsole({ ...source, ...change(source) });
  close = () => console.close();
  const cookie = await openConsole(console.url);
  const path = `/incident/${incident.id}/answer`;
  const get = async (at: string) => (await visit(console.url, at, { headers: { cookie } })).text();
  const form = await get(path);
  const hidden = (name: string, from = form) =>
    new RegExp(`name="${name}" value="([^"]+)"`).exec(from)?.[1] ?? '';
  // Every form of the console carries it; this page may have none.
  const csrf = hidden('csrf', await get('/policy'));
  const post = (fields: Readonly<Record<string, string>>) =>
    visit(console.url, path, {
      method: 'POST',
      headers: { cookie },
      body: new URLSearchParams({ csrf, question: hidden('question'), ...fields }),
    });
  return { id: incident.id, get, form, post };
}

it('shows who may approve, until when and what then, and what would be changed in words', async () => {
  const { id, get, form } = await open();
  expect(form).toMatch(/May approve: <strong>U0ALICE, U0BOB<\/strong>/);
  expect(form).toContain('Contains automatically at');
  expect(form).toContain('Termination protection');
  expect(form).not.toContain((await stage.incident()).approval?.id);
  expect(await get('/')).toMatch(/Awaiting approval: 1[\s\S]*data-until/);
  expect(await get(`/incident/${id}`)).toContain(`/incident/${id}/answer`);
});

it('an approver contains, and the history has their name', async () => {
  const { post } = await open();
  expect((await post({ as: 'U0BOB', outcome: 'approved' })).status).toBe(303);
  await idle(stage.sandbox);
  expect(await stage.incident()).toMatchObject({ status: 'contained', approval: { decidedBy: 'U0BOB' } });
});

it.each([
  [
    'a person who is not an approver',
    { as: 'U0MALLORY', outcome: 'approved' },
    'not on the list of approvers',
  ],
  ['a denial without a reason', { as: 'U0BOB', outcome: 'denied' }, 'Say why'],
  [
    'an answer to another question',
    { as: 'U0BOB', outcome: 'approved', question: 'f'.repeat(16) },
    'has changed',
  ],
])('refuses %s, and nothing is decided', async (_what, fields, why) => {
  const { post } = await open();
  const answer = await post(fields);
  expect(answer.status).toBe(409);
  expect(await answer.text()).toContain(why);
  expect((await stage.incident()).approval?.outcome).toBeUndefined();
  expect(stage.writes()).toBe(0);
});

it('refuses a form that is not the page’s own', async () => {
  const { post } = await open();
  expect((await post({ as: 'U0BOB', outcome: 'approved', csrf: 'guess' })).status).toBe(403);
  expect((await stage.incident()).approval?.outcome).toBeUndefined();
});

it('offers nothing to a caller whom policy.yml does not map, and takes nothing from them', async () => {
  const why = 'policy.yml (people) does not map arn:aws:iam::111122223333:user/eve.';
  const { form, post } = await open((source) => ({
    approvers: async (incident) => ({
      ...(await source.approvers(incident)),
      mapped: { kind: 'unmapped', why },
    }),
  }));
  expect(form).toContain(why);
  expect(form).not.toContain('name="outcome"');
  const incident = await stage.incident();
  const { questionMark } = await import('../../console/pages/answer.ts');
  const answer = await post({ as: 'U0BOB', outcome: 'approved', question: questionMark(incident) });
  expect(answer.status).toBe(409);
  expect(await answer.text()).toContain('does not map you');
  expect((await stage.incident()).approval?.outcome).toBeUndefined();
});

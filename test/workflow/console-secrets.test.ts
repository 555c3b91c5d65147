/** What the console serves while a person is asked, and after: its pages, its exports, the history it reads. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sandboxSource, slackOf } from '../../cli/console.ts';
import { startConsole } from '../../console/server.ts';
import { openConsole, visit } from '../console-visitor.ts';
import { type ApprovalStage, approvalStage } from './approvals.ts';
import { idle } from './people.ts';

let stage: ApprovalStage;
let page: Awaited<ReturnType<typeof startConsole>>;
beforeEach(async () => {
  stage = await approvalStage();
  page = await startConsole(sandboxSource(stage.sandbox, 'policy.yml'), { extras: [slackOf(stage.sandbox)] });
});
afterEach(async () => {
  await page.close();
  await stage.sandbox.close();
});

it('the task token and the secrets are on no page and in no export', async () => {
  const { sandbox } = stage;
  const asking = await stage.find();
  const item = await sandbox.runtime.table.get({ pk: `DECISION#${asking.card.value}`, sk: 'META' });
  const token = String(item?.['taskToken']);
  expect(token.length).toBeGreaterThan(40);
  const secrets = [token, ...Object.values(sandbox.twin.state.parameters)];
  expect(secrets).toHaveLength(3);

  const cookie = await openConsole(page.url);
  const { id } = asking.incident;
  const paths = [
    '/',
    '/slack',
    '/coverage',
    '/policy',
    `/incident/${id}`,
    `/incident/${id}/undo`,
    `/incident/${id}/post-mortem.md`,
    `/incident/${id}/incident.json`,
  ];
  const look = async () => {
    for (const path of paths) {
      const answer = await visit(page.url, path, { headers: { cookie } });
      const body = await answer.text();
      expect({ path, status: answer.status }).toEqual({ path, status: 200 });
      // Forms of the Slack page carry the decision's id, never the token.
      if (path === '/' || path === '/slack') expect(body).toContain(path === '/' ? id : asking.card.value);
      for (const secret of secrets) expect(body, path).not.toContain(secret);
    }
  };
  await look();
  await stage.approve(asking, 'U0BOB');
  await idle(sandbox);
  paths.splice(paths.indexOf('/slack'), 1);
  await look();
});

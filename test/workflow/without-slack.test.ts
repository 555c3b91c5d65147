/** A stack without Slack: the page topic asks, people decide with their AWS credentials. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { answerResult, writeAnswer } from '../../core/approval/answers.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { NO_SLACK } from '../../pipeline/environment.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { addressFinding, addressWorld } from '../../sandbox/worlds.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { idle, until } from './people.ts';

const BOB = { kind: 'aws', principal: 'arn:aws:iam::111122223333:user/bob', userId: 'AIDABOB' } as const;
const mapped = (text: string) =>
  text.replace(/^people:.*$/m, `people:\n  - { slack: U0BOB, arn: "${BOB.principal}" }`);

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: parsePolicy(mapped(await policyWithoutFollowUps())) });
  Object.assign(sandbox.runtime.env, {
    SLACK_CHANNEL: NO_SLACK,
    SLACK_TEAM_ID: NO_SLACK,
    SLACK_APP_ID: NO_SLACK,
  });
  // No secret of Slack's is stored.
  sandbox.twin.state.parameters = {};
});
afterEach(() => sandbox.close());

const only = async () => (await sandbox.incidents())[0];
const pages = () => sandbox.twin.state.pages.map(({ subject, message }) => `${subject}\n${message}`);

async function asked() {
  const { instanceId } = addressWorld(sandbox.twin);
  await sandbox.deliver(addressFinding(sandbox.twin, instanceId, { seed: 'one', severity: 5 }));
  return until(async () => {
    const incident = await only();
    return pages().length > 0 && incident?.approval
      ? { ...incident, approval: incident.approval }
      : undefined;
  });
}

it('pages the question with the command that decides it, and contains once it is approved', async () => {
  const { id, approval } = await asked();
  expect(pages().join()).toContain(`firebreak approve ${id} --live`);
  expect(pages().join()).not.toContain('Slack is');
  const { table, now } = sandbox.runtime;
  await writeAnswer(table, BOB, { decisionId: approval.id, outcome: 'approved' }, now());
  await sandbox.sweep();
  expect(await answerResult(table, BOB, approval.id)).toMatchObject({ counted: true });
  await idle(sandbox);
  expect(await only()).toMatchObject({ status: 'contained' });
  expect(pages().at(-1)).toMatch(/: contained\n/);
  expect(sandbox.slack.messages).toEqual([]);
  expect((await sandbox.runtime.incidents.timeline(id)).map(({ event }) => event).join()).not.toContain(
    'Slack',
  );
});

it('takes no request at the endpoint of Slack', async () => {
  const { statusCode } = await sandbox.slack.command({ text: 'mode observe', userId: 'U0BOB' });
  expect(statusCode).toBe(404);
});

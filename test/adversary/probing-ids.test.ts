/** A member of the workspace types ids into `/firebreak`, to learn which incidents exist. */
import { afterEach, expect, it } from 'vitest';
import { type ApprovalStage, approvalStage } from '../workflow/approvals.ts';

let stage: ApprovalStage;
afterEach(() => stage.sandbox.close());

const ABSENT = 'fb-000000000000';

async function answersTo(userId: string) {
  const { incident } = await stage.find();
  const ask = async (words: string) => {
    const { body } = await stage.sandbox.slack.command({ userId, text: words });
    return body.replaceAll(incident.id, ABSENT);
  };
  return {
    known: (name: string) => ask(`${name} ${incident.id}`),
    absent: (name: string) => ask(`${name} ${ABSENT}`),
  };
}

it.each(['incident', 'undo', 'break-glass'])(
  '%s answers a stranger alike for an id that exists and one that does not',
  async (name) => {
    stage = await approvalStage();
    const { known, absent } = await answersTo('U0MALLORY');
    expect(await known(name)).toBe(await absent(name));
    expect(await known(name)).toContain('Not done');
  },
);

it('an approver, who may see every incident, sees the reason', async () => {
  stage = await approvalStage((text) => text.replace('breakGlass: []', 'breakGlass: [U0BOB]'));
  const { known, absent } = await answersTo('U0ALICE');
  expect(await known('break-glass')).toContain('not on the break-glass list');
  expect(await absent('incident')).toContain('There is no such incident');
});

it('the person who may break the glass alone learns whether there is one', async () => {
  stage = await approvalStage((text) => text.replace('breakGlass: []', 'breakGlass: [U0MALLORY]'));
  const { known, absent } = await answersTo('U0MALLORY');
  expect(await known('break-glass')).toContain('Say why in the dialog');
  expect(await absent('break-glass')).toContain('There is no such incident');
  expect(await known('undo')).toBe(await absent('undo'));
});

it('a group that Slack does not name gives nothing away', async () => {
  stage = await approvalStage((text) =>
    text.replace(
      /^approvers:.*$/m,
      'approvers:\n  - { who: [S0ONCALL], severity: [medium] }\n  - { who: [S0NIGHT] }',
    ),
  );
  const { known, absent } = await answersTo('U0MALLORY');
  stage.sandbox.slack.faults.push(
    ...[1, 2, 3, 4].map(() => ({ method: 'usergroups.users.list', error: 'fatal_error' })),
  );
  expect(await known('undo')).toBe(await absent('undo'));
});

/**
 * Attacks on the endpoint, through real HTTP and the real Slack client: none leads to a SendTask call or a change in
 * AWS, and each leaves a record. The task token is in nothing that anybody sees.
 */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { logger } from '../../pipeline/runtime.ts';
import type { Forge } from '../../sandbox/slack-gestures.ts';
import { openView } from '../../sandbox/slack-scripts.ts';
import { ACTIONS, type ActionName, INPUTS } from '../../slack/actions.ts';
import { type ApprovalStage, type Asking, approvalStage } from './approvals.ts';
import { idle } from './people.ts';

/** Bob may decide in the account of the sandbox, Mallory in another one; Alice anywhere. */
const POLICY = (text: string) =>
  text
    .replace('breakGlass: []', 'breakGlass: [U0ALICE]')
    .replace(
      /^approvers:.*$/m,
      [
        'approvers:',
        '  - { who: [U0BOB, U0ALICE], account: "111122223333" }',
        '  - { who: [U0MALLORY, U0ALICE] }',
      ].join('\n'),
    );

let stage: ApprovalStage;
let asking: Asking;
let audits: unknown[][];
beforeEach(async () => {
  audits = [];
  vi.spyOn(logger, 'warn').mockImplementation((...given: unknown[]) => {
    audits.push(given);
  });
  stage = await approvalStage(POLICY);
  asking = await stage.find();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await stage.sandbox.close();
});

const slack = () => stage.sandbox.slack;
const audited = () =>
  audits.filter(([, more]) => typeof more === 'object' && more !== null && 'audit' in more).length;

/** Nothing came of it, and it is on record. */
async function nothing(attack: () => Promise<unknown>): Promise<void> {
  const before = audited();
  await attack();
  await stage.sandbox.idle();
  expect(audited()).toBeGreaterThan(before);
  expect(stage.sandbox.machines.delivered).toEqual([]);
  expect(stage.writes()).toBe(0);
  const { approval, owner } = await stage.incident();
  expect(approval).toEqual(asking.approval);
  expect(owner).toBeUndefined();
}

const click = (parts: { action?: ActionName; userId?: string; value?: string; forge?: Forge } = {}) =>
  slack().click({
    ts: asking.card.ts,
    value: parts.value ?? asking.card.value,
    actionId: ACTIONS[parts.action ?? 'approve'],
    userId: parts.userId ?? 'U0BOB',
    ...(parts.forge ? { forge: parts.forge } : {}),
  });

const FORGED: readonly [string, Forge][] = [
  ['signed with another secret', { secret: 'another secret' }],
  ['six minutes old', { ageSeconds: 360 }],
  ['from six minutes ahead', { ageSeconds: -360 }],
  ['written again after it was signed', { reserialise: true }],
  ['from another workspace', { teamId: 'T0OTHER' }],
  ['from another app', { appId: 'A0OTHER' }],
];

describe.each(FORGED)('a request %s', (_what, forge) => {
  it('as a click', () => nothing(() => click({ forge })));

  it('as a submitted modal', async () => {
    await click({ action: 'deny' });
    const { id } = openView(slack(), 'U0BOB', 'deny');
    await nothing(() =>
      slack().submit({ viewId: id, userId: 'U0BOB', filled: { [INPUTS.reason]: 'no reason' }, forge }),
    );
  });

  it('as a command', () =>
    nothing(() => slack().command({ text: 'kill-switch on', userId: 'U0BOB', forge })));
});

describe('a click', () => {
  it.each([
    ['on another message', { forge: { messageTs: '1.000001' } }],
    ['in another channel', { forge: { channel: 'C0OTHER' } }],
    ['with an id no one issued', { value: 'f'.repeat(32) }],
    ['with an id that is a key', { value: '../../INCIDENT' }],
    ['by someone of another account', { userId: 'U0MALLORY' }],
    ['by someone no one knows', { userId: 'U0STRANGER' }],
    ['for break-glass, by someone not on that list', { action: 'breakGlass' }],
    ['to own it, by someone not on the list', { action: 'own', userId: 'U0STRANGER' }],
    ['to undo, with the id of the decision', { action: 'undo' }],
  ] as const)('%s', (_what, parts) => nothing(() => click(parts)));

  it('with the id of someone else’s decision: the card of one, the button of another', async () => {
    const other = await stage.find({ seed: 'two' });
    await nothing(async () => {
      await slack().click({
        ts: other.card.ts,
        value: asking.card.value,
        actionId: ACTIONS.approve,
        userId: 'U0BOB',
      });
      asking = other; // the newest incident is the one looked at
    });
    const first = (await stage.sandbox.incidents()).find(({ id }) => id !== other.incident.id);
    expect(first?.approval?.approvedBy).toEqual([]);
  });
});

describe('a modal', () => {
  const deny = async (parts: { userId?: string; metadata?: string }) => {
    await click({ action: 'deny' });
    const { id } = openView(slack(), 'U0BOB', 'deny');
    return slack().submit({
      viewId: id,
      userId: parts.userId ?? 'U0BOB',
      filled: { [INPUTS.reason]: 'no reason' },
      ...(parts.metadata === undefined ? {} : { forge: { privateMetadata: parts.metadata } }),
    });
  };

  it.each<[string, { userId?: string; metadata?: string }]>([
    ['sent by someone who did not open it', { userId: 'U0ALICE' }],
    ['with a ticket no one was given', { metadata: 'a'.repeat(32) }],
    ['with a decision’s id for a ticket', { metadata: 'DECISION' }],
    ['with no ticket', { metadata: '' }],
    ['with a key for a ticket', { metadata: 'CONFIG#KILL-SWITCH' }],
  ])('%s', (_what, { userId, metadata }) =>
    nothing(() =>
      deny({
        ...(userId ? { userId } : {}),
        ...(metadata === undefined
          ? {}
          : { metadata: metadata === 'DECISION' ? asking.approval.id : metadata }),
      }),
    ),
  );

  it('with the ticket of another modal: what was opened to snooze does not deny', async () => {
    await click({ action: 'snooze' });
    const { private_metadata } = openView(slack(), 'U0BOB', 'snooze').view;
    await nothing(() => deny({ metadata: private_metadata }));
  });

  it('by someone taken off the list after it was opened', async () => {
    await click({ action: 'deny' });
    const { id } = openView(slack(), 'U0BOB', 'deny');
    const { runtime } = stage.sandbox;
    await runtime.table.put({ pk: 'CONFIG', sk: 'REMOVED-APPROVERS', people: ['U0BOB'] });
    await nothing(() =>
      slack().submit({ viewId: id, userId: 'U0BOB', filled: { [INPUTS.reason]: 'no reason' } }),
    );
  });

  it('that lay open for more than an hour', async () => {
    await click({ action: 'deny' });
    const { id } = openView(slack(), 'U0BOB', 'deny');
    stage.wait(61);
    await nothing(() =>
      slack().submit({ viewId: id, userId: 'U0BOB', filled: { [INPUTS.reason]: 'no reason' } }),
    );
  });
});

describe('a command', () => {
  it.each([
    ['undo', 'U0MALLORY'],
    ['undo', 'U0STRANGER'],
    ['break-glass', 'U0BOB'],
    ['incident', 'U0STRANGER'],
  ])('%s of someone else’s incident', (word, userId) =>
    nothing(() => slack().command({ text: `${word} ${asking.incident.id}`, userId })),
  );

  it.each(['status', 'kill-switch on', 'simulate'])('%s by someone no one knows', (text) =>
    nothing(() => slack().command({ text, userId: 'U0STRANGER' })),
  );
});

it('nonsense is refused and on record', async () => {
  const { endpoint } = stage.sandbox;
  for (const body of ['', 'payload=', 'payload=%7B', '\u0000', 'command=%2Ffirebreak']) {
    await nothing(async () => {
      const answer = await fetch(`${endpoint}/slack/interactivity`, { method: 'POST', body });
      expect(answer.status).toBe(401);
    });
  }
});

it('the same signed click twice, and two people at once, decide once', async () => {
  await Promise.all([click(), click(), click({ userId: 'U0ALICE' })]);
  await idle(stage.sandbox);
  expect(stage.sandbox.machines.delivered).toHaveLength(1);
  const decided = (await stage.timeline()).filter((event) => /^approved by/.test(event));
  expect(decided).toHaveLength(1);
});

it('the task token is in no message, modal, reply, page, event, log or record that people read', async () => {
  const written: string[] = [];
  for (const level of ['info', 'warn', 'error'] as const) {
    vi.spyOn(logger, level).mockImplementation((...given: unknown[]) => {
      written.push(JSON.stringify(given));
    });
  }
  const { sandbox } = stage;
  const { table } = sandbox.runtime;
  const item = await table.get({ pk: `DECISION#${asking.card.value}`, sk: 'META' });
  const token = String(item?.['taskToken']);
  expect(token.length).toBeGreaterThan(40);
  const secrets = [token, ...Object.values(sandbox.twin.state.parameters)];
  expect(secrets).toHaveLength(3);
  const seen: string[] = [];
  const look = () =>
    seen.push(
      JSON.stringify([
        slack().messages,
        slack().modals,
        slack().ephemerals,
        sandbox.twin.state.pages,
        sandbox.twin.state.events,
        sandbox.awsCalls,
        written,
      ]),
    );
  slack().onChange(look);
  for (const action of ['details', 'deny', 'snooze', 'suppress', 'breakGlass', 'own'] as const) {
    const about = ['details', 'suppress', 'own'].includes(action) ? asking.incident.id : asking.card.value;
    await click({ action, userId: 'U0ALICE', value: about });
    await sandbox.idle();
    look();
  }
  for (const text of ['status', `incident ${asking.incident.id}`]) {
    await slack().command({ text, userId: 'U0BOB' });
  }
  await click();
  await click();
  await idle(sandbox);
  await sandbox.idle();
  stage.wait(60);
  await sandbox.sweep();
  look();
  const { incidents } = sandbox.runtime;
  const { id } = asking.incident;
  const records = [
    await stage.incident(),
    await incidents.timeline(id),
    await incidents.context(id),
    // What is left of the decision once it was delivered.
    await table.query(`DECISION#${asking.card.value}`, ''),
    await table.query(`INCIDENT#${id}`, ''),
  ];
  const all = [...seen, JSON.stringify(records)].join('\n');
  expect(all).toContain(asking.card.value);
  for (const secret of secrets) expect(all).not.toContain(secret);
});

/** An implant changes what an approval was about, a tag or the number of others hit, so that the containment is given up. */
import '../../sandbox/quiet.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { actingAs } from '../../core/aws/acting.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { handler as verify } from '../../functions/verify.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { denies } from '../../sandbox/slack-scripts.ts';
import {
  addressFinding,
  addressWorld,
  type CredentialWorld,
  credentialFinding,
  credentialWorld,
  THIEF_IP,
} from '../../sandbox/worlds.ts';
import { ACTIONS } from '../../slack/actions.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { type ApprovalStage, type Asking, approvalStage, askingOf } from '../workflow/approvals.ts';
import { idle, until } from '../workflow/people.ts';
import { addBucket, bucketResource, instanceResource, sequence } from '../workflow/sequences.ts';

/** What a live read confirmed; what else remains at risk is another matter. */
const DONE = /^(contained|residual)$/;

let open: { close(): Promise<void> } | undefined;
afterEach(() => open?.close());

/** The next question about the newest incident, once its card stands in Slack. */
const askedAfter = (sandbox: Sandbox, earlier: Asking): Promise<Asking> =>
  until(async () => {
    const asking = askingOf(sandbox, (await sandbox.incidents())[0]);
    return asking && asking.approval.id !== earlier.approval.id ? asking : undefined;
  });
const blocksOf = (sandbox: Sandbox, ts: string): readonly unknown[] =>
  sandbox.slack.messages.find((message) => message.ts === ts)?.blocks ?? [];
const pagesOf = (sandbox: Sandbox): string =>
  sandbox.twin.state.pages.map(({ subject, message }) => `${subject}\n${message}`).join('\n');

describe('a tag that says who may approve', () => {
  const RULES = ['approvers:', '  - { who: [U0ALICE], environment: prod }', '  - { who: [U0MALLORY] }'].join(
    '\n',
  );
  async function flipped(): Promise<{ stage: ApprovalStage; first: Asking; flip: (to: string) => void }> {
    const stage = await approvalStage((text) => text.replace(/^approvers:.*$/m, RULES));
    open = stage.sandbox;
    const first = await stage.find();
    const flip = (to: string) => {
      for (const instance of stage.sandbox.twin.region().instances) instance.Tags['env'] = to;
    };
    flip('prod');
    await stage.approve(first, 'U0MALLORY');
    return { stage, first, flip };
  }

  it('asks again at once, on a new card with the reason first, and contains once that is approved', async () => {
    const { stage, first, flip } = await flipped();
    const { sandbox } = stage;
    const again = await askedAfter(sandbox, first);
    expect(stage.writes()).toBe(0);
    expect(again.incident).toMatchObject({ id: first.incident.id, status: 'awaiting-approval' });
    expect(again.card.ts).not.toBe(first.card.ts);
    const why = /environment tag changed from none to prod/;
    expect(JSON.stringify(blocksOf(sandbox, again.card.ts)[1])).toMatch(why);
    expect(JSON.stringify(blocksOf(sandbox, first.card.ts))).toMatch(why);
    expect(again.incident.decision?.reasons[0]).toMatch(why);
    expect(pagesOf(sandbox)).toMatch(/approval asked again[\s\S]*from none to prod/);
    // Anyone who writes tags does not choose who approves, and cannot make it ask a third time.
    flip('dev');
    await stage.approve(again, 'U0ALICE');
    expect(stage.shownTo('U0ALICE')).toContain('not on the list of approvers');
    await stage.approve(again, 'U0MALLORY');
    await idle(sandbox);
    expect((await stage.incident()).status).toMatch(DONE);
    expect(stage.writes()).toBeGreaterThan(0);
  });

  it('is declined like any other question', async () => {
    const { stage, first } = await flipped();
    const again = await askedAfter(stage.sandbox, first);
    await denies(stage.sandbox.slack, { ...again.card, userId: 'U0MALLORY' }, 'our own deployment');
    await idle(stage.sandbox);
    expect((await stage.incident()).status).toBe('declined');
    expect(stage.writes()).toBe(0);
  });
});

describe('a blast radius that grows', () => {
  interface Growing {
    readonly sandbox: Sandbox;
    readonly world: CredentialWorld;
    readonly grow: () => void;
    readonly approve: (asking: Asking) => Promise<void>;
    readonly deliver: (parts?: {
      count?: number;
      updatedAt?: Date;
    }) => Promise<{ readonly ended: Promise<unknown> }>;
    readonly asking: (known?: string) => Promise<Asking>;
    readonly newest: () => Promise<Incident>;
    readonly thief: () => string;
  }
  async function growing(): Promise<Growing> {
    const text = (await policyWithoutFollowUps()).replace('    lever: session #', '    lever: role #');
    const sandbox = await startSandbox({ policy: parsePolicy(text) });
    open = sandbox;
    const world = credentialWorld(sandbox.twin, 2);
    let grown = 0;
    const newest = async () => {
      const [incident] = await sandbox.incidents();
      if (!incident) throw new Error('no incident');
      return incident;
    };
    return {
      sandbox,
      world,
      newest,
      grow() {
        const { instances } = sandbox.twin.region();
        const [first] = instances;
        if (!first) throw new Error('the world has no instance');
        grown += 1;
        instances.push({ ...structuredClone(first), InstanceId: `i-0bad0000000000a0${grown}` });
      },
      async approve({ card }) {
        for (const userId of ['U0ALICE', 'U0BOB']) {
          await sandbox.slack.click({ ...card, actionId: ACTIONS.approve, userId });
          await sandbox.idle();
        }
      },
      deliver: (parts = {}) =>
        sandbox.deliver(credentialFinding(sandbox.twin, world.stolen, { seed: 'grow', ...parts })),
      asking: (known) =>
        until(async () => {
          const asking = askingOf(sandbox, (await sandbox.incidents())[0]);
          return asking && asking.approval.id !== known ? asking : undefined;
        }),
      thief: () =>
        sandbox.twin.request(world.stolen, { action: 's3:GetObject', resource: '*', sourceIp: THIEF_IP })
          .decision,
    };
  }

  it('asks two people again about what is hit now, and contains', async () => {
    const { sandbox, approve, asking, deliver, grow, newest, thief } = await growing();
    const execution = await deliver();
    const first = await asking();
    grow();
    await approve(first);
    const again = await asking(first.approval.id);
    expect(thief()).toBe('allowed');
    expect(again.approval.needed).toBe(2);
    expect(JSON.stringify(blocksOf(sandbox, again.card.ts)[1])).toMatch(
      /blast radius grew from 2 to 3 instances/,
    );
    await approve(again);
    await execution.ended;
    expect((await newest()).status).toMatch(DONE);
    expect(thief()).toBe('explicitDeny');
  });

  it('does not ask for ever: a person is paged, and the next update of the finding asks again', async () => {
    const { sandbox, approve, asking, deliver, grow, newest, thief } = await growing();
    const execution = await deliver();
    let known: string | undefined;
    for (let asks = 0; asks < 3; asks++) {
      const next = await asking(known);
      known = next.approval.id;
      grow();
      await approve(next);
    }
    await execution.ended;
    expect(await newest()).toMatchObject({ status: 'escalated' });
    expect(pagesOf(sandbox)).toMatch(/asked 3 times/);
    expect(thief()).toBe('allowed');
    const later = await deliver({ count: 2, updatedAt: new Date(Date.now() + 60_000) });
    const last = await asking(known);
    await approve(last);
    await later.ended;
    expect((await newest()).status).toMatch(DONE);
    expect(thief()).toBe('explicitDeny');
  });
});

it('what was to be contained automatically is asked about when it changed before it began', async () => {
  let shift = 0;
  let change: (() => void) | undefined;
  const sandbox = await startSandbox({
    policy: parsePolicy(await policyWithoutFollowUps()),
    now: () => new Date(Date.now() + shift),
    onEnter: (state) => {
      if (state === 'Contain') change?.();
    },
  });
  open = sandbox;
  const { instanceId } = addressWorld(sandbox.twin);
  change = () => {
    // Older than what Contain takes for live.
    shift = 120_000;
    for (const instance of sandbox.twin.region().instances) instance.Tags['env'] = 'dev';
    change = undefined;
  };
  const event = addressFinding(sandbox.twin, instanceId, { seed: 'auto', severity: 8 });
  const execution = await sandbox.deliver({
    ...event,
    detail: { ...(event['detail'] as object), type: 'Backdoor:EC2/C&CActivity.B' },
  });
  const asking = await until(async () => askingOf(sandbox, (await sandbox.incidents())[0]));
  expect(asking.incident.decision).toMatchObject({ kind: 'ask' });
  expect(asking.incident.decision?.reasons[0]).toContain('environment tag changed from none to dev');
  await sandbox.slack.click({ ...asking.card, actionId: ACTIONS.approve, userId: 'U0BOB' });
  await execution.ended;
  expect(await sandbox.incidents()).toMatchObject([{ status: expect.stringMatching(DONE) }]);
});

describe('one of two targets', () => {
  async function sequenced() {
    const sandbox = await startSandbox({ policy: parsePolicy(await policyWithoutFollowUps()) });
    open = sandbox;
    const { twin } = sandbox;
    const { instanceId } = addressWorld(twin);
    addBucket(twin, 'customer-data');
    const execution = await sandbox.deliver(
      sequence(twin, [instanceResource(instanceId), bucketResource('customer-data', 'PUBLIC')]),
    );
    const asking = (known?: string) =>
      until(async () => {
        const found = askingOf(sandbox, (await sandbox.incidents())[0]);
        return found && found.approval.id !== known ? found : undefined;
      });
    const first = await asking();
    for (const instance of twin.region().instances) instance.Tags['env'] = 'dev';
    for (const userId of ['U0ALICE', 'U0BOB'])
      await sandbox.slack.click({ ...first.card, actionId: ACTIONS.approve, userId });
    const again = await asking(first.approval.id);
    expect(outcomes(again.incident)).toEqual({
      'isolate-instance': undefined,
      'block-public-bucket': 'contained',
    });
    return { sandbox, execution, again };
  }
  const outcomes = ({ targets }: Incident) =>
    Object.fromEntries(targets.map(({ playbook, status }) => [playbook, status]));

  it('waits for the new approval, and the other one is contained meanwhile', async () => {
    const { sandbox, execution, again } = await sequenced();
    for (const userId of ['U0ALICE', 'U0BOB'])
      await sandbox.slack.click({ ...again.card, actionId: ACTIONS.approve, userId });
    await execution.ended;
    const [incident] = await sandbox.incidents();
    expect(incident && outcomes(incident)).toEqual({
      'isolate-instance': 'contained',
      'block-public-bucket': 'contained',
    });
  });

  it('is declined without a word against what is contained', async () => {
    const { sandbox, execution, again } = await sequenced();
    await denies(sandbox.slack, { ...again.card, userId: 'U0BOB' }, 'our own deployment');
    await execution.ended;
    const [incident] = await sandbox.incidents();
    expect(incident?.status).toBe('partial');
    expect(incident && outcomes(incident)).toEqual({
      'isolate-instance': 'declined',
      'block-public-bucket': 'contained',
    });
  });

  it('is escalated by an execution that began under a definition that cannot ask again', async () => {
    const { sandbox, again } = await sequenced();
    const { incidents } = sandbox.runtime;
    // As Contain leaves it, before anything asks.
    await incidents.change(again.incident.id, new Date(), ({ targets }) => ({
      status: 'containing',
      targets: targets.map((entry) =>
        entry.changed ? { ...entry, changed: { ...entry.changed, approval: again.approval.id } } : entry,
      ),
    }));
    const own = { ...sandbox.runtime.own.scope, name: 'verify', stage: sandbox.runtime.env.STAGE };
    expect(
      await actingAs({ function: own }, () =>
        verify({ incidentId: again.incident.id }, { functionName: 'firebreak-sandbox-verify' } as never),
      ),
    ).toMatchObject({ verdict: 'settled' });
    const after = await incidents.get(again.incident.id);
    expect(after.status).toBe('partial');
    expect(outcomes(after)).toMatchObject({ 'isolate-instance': 'escalated' });
    expect(after.targets.flatMap(({ notes = [] }) => notes).join()).toContain('environment tag changed');
  });
});

/** A sandbox in which someone is asked, with a clock that tests move. */
import type { Door } from '../../core/approval/door.ts';
import type { ApprovalView, Incident } from '../../core/incident/incident.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import type { TwinState } from '../../sandbox/twin/state.ts';
import { addressFinding, addressWorld } from '../../sandbox/worlds.ts';
import { ACTIONS } from '../../slack/actions.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { until } from './people.ts';

export interface Asking {
  readonly incident: Incident;
  readonly approval: ApprovalView;
  /** The card's button, for `click`. */
  readonly card: { readonly ts: string; readonly value: string };
}

export interface ApprovalStage {
  readonly sandbox: Sandbox;
  /** The account before the newest finding. */
  first(): TwinState;
  /** Moves the clock of everything but the workflow's own timers. */
  wait(minutes: number): void;
  /** A finding that policy asks about: an instance talks to an address on a threat list. */
  find(parts?: { severity?: number; seed?: string; tags?: Record<string, string> }): Promise<Asking>;
  incident(): Promise<Incident>;
  timeline(): Promise<readonly string[]>;
  /** Changes made to the account, whatever the service. */
  writes(): number;
  approve(on: Asking, userId: string): Promise<void>;
  /** What was last said to this person alone. */
  shownTo(userId: string): string;
}

/** The AWS identity of a person of the tests. */
export const user = (name: string): Door => ({
  kind: 'aws',
  principal: `arn:aws:iam::111122223333:user/${name}`,
  userId: `AIDA${name.toUpperCase()}`,
});
const PEOPLE = ['alice', 'bob', 'mallory'].map(
  (name) => `  - { slack: U0${name.toUpperCase()}, arn: "arn:aws:iam::111122223333:user/${name}" }`,
);
/** The policy with these identities mapped to the same people in Slack. */
export const mapped = (text: string): string => text.replace(/^people:.*$/m, `people:\n${PEOPLE.join('\n')}`);

/** The shipped policy without follow-ups, with lines replaced or put before its rules. */
export async function approvalStage(
  edit: (policy: string) => string = (text) => text,
  options: Partial<Parameters<typeof startSandbox>[0]> = {},
): Promise<ApprovalStage> {
  let shift = 0;
  let first: TwinState | undefined;
  const text = await policyWithoutFollowUps();
  const sandbox = await startSandbox({
    policy: parsePolicy(edit(text)),
    now: () => new Date(Date.now() + shift),
    ...options,
  });
  const incident = async () => {
    const [newest] = await sandbox.incidents();
    if (!newest) throw new Error('no incident');
    return newest;
  };
  return {
    sandbox,
    first() {
      if (!first) throw new Error('nothing was found yet');
      return first;
    },
    wait: (minutes) => {
      shift += minutes * 60_000;
    },
    async find({ severity = 5, seed = 'one', tags = {} } = {}) {
      const { instanceId } = addressWorld(sandbox.twin);
      const instance = sandbox.twin.region().instances.find((each) => each.InstanceId === instanceId);
      Object.assign(instance?.Tags ?? {}, tags);
      const known = (await sandbox.incidents()).length;
      first = structuredClone(sandbox.twin.state);
      await sandbox.deliver(addressFinding(sandbox.twin, instanceId, { seed, severity }));
      return until(async () => {
        const all = await sandbox.incidents();
        return all.length > known ? askingOf(sandbox, all[0]) : undefined;
      });
    },
    incident,
    timeline: async () =>
      (await sandbox.runtime.incidents.timeline((await incident()).id)).map(({ event }) => event),
    writes: () =>
      sandbox.twin.calls.filter(
        ({ service, change }) => change && !['SNS', 'EventBridge', 'SSM', 'S3'].includes(service),
      ).length,
    async approve({ card }, userId) {
      await sandbox.slack.click({ ...card, actionId: ACTIONS.approve, userId });
      await sandbox.idle();
    },
    shownTo: (userId) => sandbox.slack.ephemerals.findLast(({ user }) => user === userId)?.text ?? '',
  };
}

/** Once the card stands in Slack with the question, and the workflow knows which message it is. */
export function askingOf(sandbox: Sandbox, incident: Incident | undefined): Asking | undefined {
  const approval = incident?.approval;
  const message = sandbox.slack.messages.find(({ ts }) => ts === incident?.slack?.ts);
  if (!incident || !approval || approval.outcome !== undefined || !message) return undefined;
  if (!JSON.stringify(message.blocks).includes(approval.id)) return undefined;
  return { incident, approval, card: { ts: message.ts, value: approval.id } };
}

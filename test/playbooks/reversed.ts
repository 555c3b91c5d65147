/** What the tests of inverses share: a thief whose calls CloudTrail lists, and the target that comes of them. */
import { expect } from 'vitest';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { type Call, changingCall, suspectOf } from '../../playbooks/common/changes/call.ts';
import type { ChangeGroup } from '../../playbooks/common/changes/group.ts';
import { type Act, act, type Caller } from '../../sandbox/attacker.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';

export const THIEF = {
  accessKeyId: 'AKIAEXAMPLE000000666',
  principalId: 'AIDAEXAMPLE000000666',
  userName: 'ops',
} satisfies Caller;
export const OWNER = {
  accessKeyId: 'AKIAEXAMPLE000000001',
  principalId: 'AIDAEXAMPLE000000001',
  userName: 'ann',
} satisfies Caller;
export const SEEN = Date.parse('2026-11-24T07:00:00Z');
export const LONG_AGO = new Date('2026-10-02T09:00:00Z');

/** Makes the call; what AWS refuses leaves no change. */
export function attempt(twin: AccountTwin, caller: Caller, call: Act): void {
  try {
    act(twin, caller, call);
  } catch (error) {
    if (!(error instanceof Error && '$fault' in error)) throw error;
  }
}

/** CloudTrail's event history ends between the owner's calls and the thief's. */
export function forgetTheOwner(twin: AccountTwin, region: string): void {
  const { cloudtrail } = twin.region(region);
  cloudtrail.history = cloudtrail.history.filter(
    ({ event }) => Date.parse(String(event['eventTime'])) > LONG_AGO.getTime(),
  );
}

interface Item {
  readonly type: string;
  readonly id: string;
  readonly name?: string;
  readonly configuration?: JsonObject;
  readonly supplementary?: Readonly<Record<string, Json>>;
  readonly at?: Date;
  readonly status?: string;
}

/** AWS Config recorded the resource: newest item last. */
export function recorded(twin: AccountTwin, region: string, item: Item): void {
  const here = twin.region(region);
  const { type, id, name = id, configuration = {}, supplementary = {}, at = LONG_AGO, status = 'OK' } = item;
  here.config = [
    {
      ...{ resourceType: type, resourceId: id, resourceName: name, status, capturedAt: at.toISOString() },
      configuration: JSON.stringify(configuration),
      supplementary: Object.fromEntries(
        Object.entries(supplementary).map(([key, value]) => [key, JSON.stringify(value)]),
      ),
    },
    ...(here.config ?? []),
  ];
}

/** Returns the finding about the thief's key. */
export const thiefFound = (twin: AccountTwin): unknown =>
  findingOn(twin, {
    ...{ seed: 'changes', type: 'Persistence:IAMUser/AnomalousBehavior', updatedAt: new Date(SEEN) },
    resource: { resourceType: 'AccessKey', accessKeyDetails: { userType: 'IAMUser', ...THIEF } },
  });

/** Returns what `reverse-changes` finds in CloudTrail of a Region, without asking for it. */
export function targetIn(
  group: ChangeGroup,
  twin: AccountTwin | undefined,
  finding: Finding,
  region: string,
): TargetChoice {
  const suspect = suspectOf(finding);
  const history = twin?.region(region).cloudtrail.history ?? [];
  const calls = history
    .flatMap(({ event }) => changingCall(event, finding.account) ?? [])
    .filter(({ accessKeyId }) => accessKeyId === THIEF.accessKeyId)
    .reverse();
  const target = suspect && group.targetOf(finding, suspect, calls);
  return target ? { ok: true, target } : { ok: false, reason: 'nothing was changed' };
}

interface Example {
  readonly eventName: string;
  readonly requestParameters: JsonObject;
  readonly responseElements?: JsonObject;
}

/** Returns the call of an example's record. */
export function callOf(example: Example, eventSource: string): Call {
  const made = changingCall(
    {
      ...example,
      ...{ eventSource, eventID: '00000000-0000-4000-8000-000000000000', eventTime: '2026-11-24T07:00:00Z' },
      ...{ awsRegion: 'us-east-1', userIdentity: {} },
    },
    '111122223333',
  );
  if (!made) throw new Error(`no call: ${example.eventName}`);
  return made;
}

/** Expects that each example is read by its own answer, and that no two have one id. */
export function readsItsExamples({ inverses, byHand }: ChangeGroup): void {
  const scope = { partition: 'aws', account: '111122223333', region: 'us-east-1' };
  for (const { example, calls, effects, resource } of inverses) {
    const [effect] = effects(callOf(example, calls.source), scope);
    expect(calls.names, example.eventName).toContain(example.eventName);
    expect(effect && resource.safeParse(effect.resource).success, example.eventName).toBe(true);
  }
  for (const { example, calls, next } of byHand)
    expect(next(callOf(example, calls.source), scope)?.next, example.eventName).toBeTruthy();
  const ids = [...inverses, ...byHand].map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)]);
}

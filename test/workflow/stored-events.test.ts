/** A value older than CloudTrail's 90 days, and a change that no event history shows, are found in a store of events, and reversed. */
import '../../sandbox/quiet.ts';
import { afterEach, expect, it } from 'vitest';
import { awsConfiguration, configureAws } from '../../core/aws/client.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { act, type Caller } from '../../sandbox/attacker.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { historyEnds, STORE_KINDS, STORE_NAMES, storeEvents } from '../playbooks/stored-events.ts';
import { bobApproves, idle } from './people.ts';

let sandbox: Sandbox | undefined;
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

const THIEF: Caller = {
  accessKeyId: 'AKIATHIEF00000000001',
  principalId: 'AIDATHIEF00000000001',
  userName: 'ci',
};
const OWNER: Caller = {
  accessKeyId: 'AKIAOWNER00000000001',
  principalId: 'AIDAOWNER00000000001',
  userName: 'ann',
};
const DAY_MS = 86_400_000;
const trusts = (AWS: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS }, Action: 'sts:AssumeRole' }],
  });
const OWN = trusts('arn:aws:iam::111122223333:root');
const THEIRS = trusts('arn:aws:iam::444455556666:root');

/** A role that its owner made 200 days ago, whose trust the thief changed a few minutes ago. */
function takenOver(twin: AccountTwin): unknown {
  const now = Date.now();
  const key = {
    AccessKeyId: THIEF.accessKeyId ?? '',
    Status: 'Active',
    CreateDate: '2024-03-01T09:00:00.000Z',
  };
  twin.state.users['ci'] = {
    ...{ UserName: 'ci', Path: '/', UserId: THIEF.principalId, Tags: [], inline: {}, attached: {} },
    ...{ groups: [], console: false, mfa: [], keys: [{ ...key, lastService: 'iam' }] },
  };
  const inIam = (caller: Caller, operation: string, input: Record<string, string>, ago: number) =>
    act(twin, caller, { service: 'IAM', operation, input, at: new Date(now - ago) });
  inIam(OWNER, 'CreateRole', { RoleName: 'payments', AssumeRolePolicyDocument: OWN }, 200 * DAY_MS);
  inIam(THIEF, 'UpdateAssumeRolePolicy', { RoleName: 'payments', PolicyDocument: THEIRS }, 5 * 60_000);
  return findingOn(twin, {
    ...{
      seed: `stored ${now}`,
      type: 'Persistence:IAMUser/AnomalousBehavior',
      updatedAt: new Date(now - 10 * 60_000),
    },
    resource: { resourceType: 'AccessKey', accessKeyDetails: { userType: 'IAMUser', ...THIEF } },
  });
}

async function answered(own: Sandbox, event: unknown) {
  await own.deliver(event as Parameters<Sandbox['deliver']>[0]);
  await bobApproves(own, ({ followUpOf }) => followUpOf === undefined);
  await bobApproves(own, ({ followUpOf }) => followUpOf !== undefined);
  await idle(own);
  const all = await own.incidents();
  return all.find(({ followUpOf }) => followUpOf?.playbook === 'reverse-changes');
}

const trustOf = ({ state }: AccountTwin) => state.roles['payments']?.AssumeRolePolicyDocument;

it.each(STORE_KINDS)('is reversed to what a store shows, proven, and undone: %s', async (kind) => {
  const own = await startSandbox({ policy: await loadPolicy('policy.yml') });
  sandbox = own;
  const { twin } = own;
  const event = takenOver(twin);
  const { events } = storeEvents(twin, kind);
  // Not even the thief's own call: the history of this account is of no use.
  historyEnds(twin, 'us-east-1', new Date());
  configureAws({ ...awsConfiguration(), events });

  const followUp = await answered(own, event);
  if (!followUp) throw new Error('nothing was asked');
  expect(followUp.targets.map(({ playbook, proof }) => [playbook, proof?.proven])).toEqual([
    ['reverse-iam-changes', true],
  ]);
  expect(trustOf(twin)).toBe(OWN);
  expect(JSON.stringify(followUp)).toContain(`looked at as well: ${STORE_NAMES[kind]}, from `);

  const undoing = await own.undo(followUp.id, 'U0ALICE');
  await bobApproves(own, ({ id }) => id === followUp.id, 'undo');
  await undoing.ended;
  expect(trustOf(twin)).toBe(THEIRS);
});

it.each(STORE_KINDS)(
  'is not reversed where the query does not end, and the card says so: %s',
  async (kind) => {
    const own = await startSandbox({ policy: await loadPolicy('policy.yml') });
    sandbox = own;
    const { twin } = own;
    const event = takenOver(twin);
    const { events, store } = storeEvents(twin, kind);
    store.looks = Number.POSITIVE_INFINITY;
    // The thief's call is there; the owner's is too old.
    historyEnds(twin, 'us-east-1', new Date(Date.now() - DAY_MS));
    configureAws({ ...awsConfiguration(), events });
    await own.deliver(event as Parameters<Sandbox['deliver']>[0]);
    await bobApproves(own, ({ followUpOf }) => followUpOf === undefined);
    await idle(own);
    expect(trustOf(twin)).toBe(THEIRS);
    const followUp = (await own.incidents()).find(({ followUpOf }) => followUpOf !== undefined);
    expect(followUp?.status).toBe('escalated');
    expect(JSON.stringify(followUp)).toContain(
      `${STORE_NAMES[kind]} was not searched (its query took more than 20 s), only CloudTrail's last 90 days`,
    );
  },
);

it('stays, and is not asked about, where the deployment does not name a store', async () => {
  const own = await startSandbox({ policy: await loadPolicy('policy.yml') });
  sandbox = own;
  const event = takenOver(own.twin);
  historyEnds(own.twin, 'us-east-1', new Date());
  await own.deliver(event as Parameters<Sandbox['deliver']>[0]);
  await bobApproves(own, ({ followUpOf }) => followUpOf === undefined);
  await idle(own);
  expect(trustOf(own.twin)).toBe(THEIRS);
  const all = await own.incidents();
  expect(all.find(({ followUpOf }) => followUpOf?.playbook === 'reverse-changes')?.targets ?? []).toEqual([]);
});

/** A whole account is cut off: by two people and never by fewer, through the role of the management account, and let back in exactly. */
import '../../sandbox/quiet.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { timelineOf } from '../../core/incident/attached.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { addOrganization } from '../../sandbox/twin/organizations.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { ACTIONS } from '../../slack/actions.ts';
import { QUARANTINE } from '../playbooks/organization-world.ts';
import { bobApproves, idle, until } from './people.ts';

const MANAGEMENT = '555566667777';
const MEMBER = '222233334444';
const USER = { userType: 'IAMUser', userName: 'intern', principalId: 'AIDAINTERN0000000001' };

let sandbox: Sandbox;
afterEach(() => sandbox.close());

async function open(more: object = {}, deployed = true): Promise<void> {
  const text = {
    version: 1,
    ...{ mode: 'enforce', approvers: ['U0ALICE', 'U0BOB'], breakGlass: ['U0BOB'], verifyFinding: 'off' },
    playbooks: { 'quarantine-account': { managementAccount: MANAGEMENT } },
    blastRadius: { default: 100 },
    rules: [
      {
        ...{ name: 'credentials', match: { type: '*:IAMUser/*' }, decide: 'auto', onExpiry: 'contain' },
        followUp: [{ playbook: 'quarantine-account', decide: 'auto' }],
      },
    ],
    ...more,
  };
  sandbox = await startSandbox({ policy: parsePolicy(JSON.stringify(text)) });
  const { twin } = sandbox;
  if (deployed) twin.members.add(MANAGEMENT);
  addOrganization(twin, { management: MANAGEMENT, account: MEMBER }, { 'firebreak-quarantine': QUARANTINE });
  twin.state.users['intern'] = {
    ...{ UserName: 'intern', Path: '/', UserId: USER.principalId, Tags: [], inline: {}, attached: {} },
    ...{ keys: [], groups: [], console: false, mfa: [] },
  };
  twin.members.add(MEMBER);
  const event = findingOn(
    { ...twin, scope: { ...twin.scope, account: MEMBER } },
    {
      ...{ seed: 'account', type: 'Impact:IAMUser/AnomalousBehavior' },
      resource: { resourceType: 'AccessKey', accessKeyDetails: USER },
    },
  );
  await (await sandbox.deliver(event)).ended;
}

const attached = () => sandbox.twin.state.organization?.accounts[MEMBER]?.attached.length;
const followUp = async (): Promise<Incident | undefined> =>
  (await sandbox.incidents()).find(({ followUpOf }) => followUpOf !== undefined);
const asking = (): Promise<Incident> =>
  until(async () => {
    const found = await followUp();
    return found?.approval && found.slack ? found : undefined;
  });

describe('the quarantine of an account', () => {
  it('waits for the second person whatever policy says, and undo detaches the policy', async () => {
    await open();
    const asked = await asking();
    expect(asked).toMatchObject({
      playbook: 'quarantine-account',
      decision: { kind: 'ask', approvals: 2, expiry: 'escalate' },
    });
    await bobApproves(sandbox, ({ id }) => id === asked.id);
    await sandbox.idle();
    expect((await followUp())?.approval?.outcome).toBeUndefined();
    expect(attached()).toBe(1);
    const { slack, approval } = await asking();
    const again = { ts: slack?.ts ?? '', actionId: ACTIONS.approve, value: approval?.id ?? '' };
    await sandbox.slack.click({ ...again, userId: 'U0ALICE' });
    await idle(sandbox);
    expect(attached()).toBe(2);
    expect(await followUp()).toMatchObject({ status: 'residual', targets: [{ proof: { proven: true } }] });
    const undoing = await sandbox.undo(asked.id, 'U0ALICE');
    await bobApproves(sandbox, ({ id }) => id === asked.id, 'undo');
    await undoing.ended;
    expect(attached()).toBe(1);
    expect((await followUp())?.status).toBe('undone');
  });

  it('is not let through by break-glass', async () => {
    await open();
    const { slack, approval } = await asking();
    const press = { ts: slack?.ts ?? '', value: approval?.id ?? '', userId: 'U0BOB' };
    await sandbox.slack.click({ ...press, actionId: ACTIONS.breakGlass });
    await sandbox.idle();
    expect(sandbox.slack.ephemerals.findLast(({ user }) => user === 'U0BOB')?.text).toContain(
      'two people must approve this',
    );
    expect(sandbox.slack.modals).toEqual([]);
    expect(attached()).toBe(1);
  });
});

it('where the role is not deployed, the card says what to deploy, and nothing is asked', async () => {
  await open({}, false);
  await idle(sandbox);
  const found = await until(followUp);
  expect(JSON.stringify(found)).toContain('management-account.json');
  expect(attached()).toBe(1);
});

it('without the management account in policy.yml no one is asked', async () => {
  await open({ playbooks: {} });
  await idle(sandbox);
  expect(await followUp()).toBeUndefined();
  const [first] = await sandbox.incidents();
  const lines = await timelineOf(sandbox.runtime.table, first?.id ?? '');
  expect(JSON.stringify(lines)).toContain('does not name the management account');
});

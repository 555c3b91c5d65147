/** What only notifies: addresses counted over updates, the live exposure of the probed port; and when it is noise no more. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { accountOf } from '../../sandbox/saved.ts';
import { denies } from '../../sandbox/slack-scripts.ts';
import { addressWorld, credentialWorld, findingOn, ROLE } from '../../sandbox/worlds.ts';
import { bobApproves, idle, until } from './people.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
});
afterEach(() => sandbox.close());
const only = async () => {
  const incidents = await sandbox.incidents();
  expect(incidents).toHaveLength(1);
  return incidents[0];
};

describe('a port that is probed', () => {
  /** As GuardDuty writes it: every probe with its own address and port. */
  const probe = (instanceId: string, count: number, addresses: readonly string[], port = 22): JsonObject => {
    const event = findingOn(sandbox.twin, {
      seed: 'probe',
      type: 'Recon:EC2/PortProbeUnprotectedPort',
      severity: 2,
      count,
      updatedAt: new Date(Date.now() + count * 60_000),
      resource: { resourceType: 'Instance', instanceDetails: { instanceId } },
      action: {
        actionType: 'PORT_PROBE',
        portProbeAction: {
          blocked: false,
          portProbeDetails: addresses.map((ipAddressV4) => ({
            localPortDetails: { port },
            remoteIpDetails: { ipAddressV4 },
          })),
        },
      },
    }) as { detail: { service: object } };
    const service = { ...event.detail.service, resourceRole: 'TARGET' };
    return { ...event, detail: { ...event.detail, service } } as never;
  };
  const deliver = async (event: JsonObject) => (await sandbox.deliver(event)).ended;

  it('is reported with distinct addresses over all updates and with what lets them in now; nothing is changed', async () => {
    const { instanceId } = addressWorld(sandbox.twin);
    const [group] = sandbox.twin.region().groups;
    const rule = { IsEgress: false, IpProtocol: 'tcp', FromPort: 20, ToPort: 25, CidrIpv4: '0.0.0.0/0' };
    group?.rules.push(
      { ...rule, SecurityGroupRuleId: 'sgr-1' },
      { ...rule, SecurityGroupRuleId: 'sgr-2', FromPort: 443, ToPort: 443 },
      { ...rule, SecurityGroupRuleId: 'sgr-3', IsEgress: true },
    );
    const before = accountOf(structuredClone(sandbox.twin.state));
    await deliver(probe(instanceId, 1, ['198.51.100.1', '198.51.100.2']));
    await deliver(probe(instanceId, 2, ['198.51.100.2', '198.51.100.3']));
    const incident = await only();
    expect(incident).toMatchObject({ status: 'notified', playbook: 'notify', count: 2 });
    expect(incident?.observed).toMatchObject({
      addresses: 3,
      more: false,
      lines: [
        `${instanceId} is running, public address 203.0.113.80`,
        `port 22 is open to 0.0.0.0/0 (${group?.GroupId}, tcp 20-25)`,
      ],
    });
    expect(JSON.stringify(sandbox.slack.messages)).toContain('3 distinct addresses so far');
    expect(accountOf(sandbox.twin.state)).toEqual(before);

    if (group) group.rules = [];
    await deliver(probe(instanceId, 3, ['198.51.100.3']));
    expect((await only())?.observed?.lines).toContain('port 22: no security group lets anybody in now');
    sandbox.twin.region().instances = [];
    await deliver(probe(instanceId, 4, ['198.51.100.3']));
    expect((await only())?.observed?.lines).toEqual([`${instanceId} does not exist any more`]);
  });

  it('is reported all the same when nothing may be read', async () => {
    const { instanceId } = addressWorld(sandbox.twin);
    sandbox.twin.failNext('DescribeInstances', 'AccessDenied', 10);
    await deliver(probe(instanceId, 1, ['198.51.100.1']));
    expect((await only())?.observed).toMatchObject({
      addresses: 1,
      lines: [expect.stringContaining('could not be read')],
    });
  });

  it('stops counting at 500 addresses and says so', async () => {
    const { instanceId } = addressWorld(sandbox.twin);
    const addresses = Array.from(
      { length: 502 },
      (_, index) => `198.51.${100 + Math.floor(index / 250)}.${index % 250}`,
    );
    await deliver(probe(instanceId, 1, addresses));
    expect((await only())?.observed).toMatchObject({ addresses: 500, more: true });
  });
});

describe('reconnaissance with credentials', () => {
  const event = (type: string, count = 1, session = 'thief'): JsonObject =>
    findingOn(sandbox.twin, {
      seed: type,
      type,
      severity: 5,
      count,
      updatedAt: new Date(Date.now() + count * 60_000),
      resource: {
        accessKeyDetails: {
          userType: 'AssumedRole',
          userName: ROLE,
          principalId: `AROAFIREBREAKDEMO0001:${session}`,
        },
      },
    });
  beforeEach(() => {
    credentialWorld(sandbox.twin);
  });
  const RECON = 'Recon:IAMUser/MaliciousIPCaller';
  const recon = async () => (await sandbox.incidents()).find(({ type }) => type === RECON);

  it('is reported on its own, and asked once another incident is open on the principal', async () => {
    await (await sandbox.deliver(event(RECON))).ended;
    expect(await recon()).toMatchObject({ status: 'notified' });
    const other = await sandbox.deliver(event('Persistence:IAMUser/AnomalousBehavior', 1, 'other-session'));
    const asking = await until(async () =>
      (await sandbox.incidents()).find(({ type, approval }) => type.startsWith('Persistence') && approval),
    );
    const update = await sandbox.deliver(event(RECON, 2));
    const raised = await until(async () => {
      const found = await recon();
      return found?.decision?.kind === 'ask' ? found : undefined;
    });
    expect(raised.decision?.reasons.join()).toContain(`${asking.id} (Persistence:IAMUser/AnomalousBehavior,`);
    for (const type of ['Persistence', 'Recon'])
      await bobApproves(sandbox, (one) => one.type.startsWith(type));
    await Promise.all([other.ended, update.ended]);
    await idle(sandbox);
  });

  it('stays notified when the other incident was declined, or is about another principal', async () => {
    const other = await sandbox.deliver(event('Persistence:IAMUser/AnomalousBehavior'));
    const { slack, approval } = await until(async () => {
      const [first] = await sandbox.incidents();
      return first?.slack && first.approval ? { slack: first.slack, approval: first.approval } : undefined;
    });
    const foreign = event('Discovery:IAMUser/AnomalousBehavior') as {
      detail: { resource: { accessKeyDetails: object } };
    };
    Object.assign(foreign.detail.resource.accessKeyDetails, { principalId: 'AROAOTHER00000000001:thief' });
    await (await sandbox.deliver(foreign as never)).ended;
    await denies(sandbox.slack, { ts: slack.ts, value: approval.id, userId: 'U0BOB' }, 'a drill');
    await other.ended;
    await (await sandbox.deliver(event(RECON))).ended;
    const rest = (await sandbox.incidents()).filter(({ type }) => !type.startsWith('Persistence'));
    expect(rest.map(({ status }) => status)).toEqual(['notified', 'notified']);
  });
});

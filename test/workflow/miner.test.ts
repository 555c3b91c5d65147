/** A mining instance: isolated at once, and a person is asked about the principal that launched it, and what else they launched. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { addressFinding, addressWorld, groupsOfInstance } from '../../sandbox/worlds.ts';
import { bobApproves, idle } from './people.ts';

let sandbox: Sandbox;
let instanceId: string;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
  instanceId = addressWorld(sandbox.twin).instanceId;
  sandbox.twin.state.users['intern'] = {
    UserName: 'intern',
    Path: '/',
    UserId: 'AIDAINTERN0000000001',
    Tags: [],
    inline: {},
    attached: {},
    keys: [
      {
        AccessKeyId: 'AKIAINTERN0000000001',
        Status: 'Active',
        CreateDate: '2020-01-01T00:00:00.000Z',
        lastService: 'ec2',
      },
    ],
    groups: [],
    console: false,
    mfa: [],
  };
});
afterEach(() => sandbox.close());

const mining = (): JsonObject => {
  const event = addressFinding(sandbox.twin, instanceId, { seed: 'miner', severity: 8 });
  return {
    ...event,
    detail: { ...(event['detail'] as JsonObject), type: 'CryptoCurrency:EC2/BitcoinTool.B' },
  };
};
const INTERN = {
  type: 'IAMUser',
  principalId: 'AIDAINTERN0000000001',
  userName: 'intern',
  accessKeyId: 'AKIAINTERN0000000001',
};
const launchedBy = (userIdentity: JsonObject) =>
  sandbox.twin
    .region()
    .cloudtrail.history.push(
      { resource: instanceId, event: { eventName: 'StopInstances', userIdentity: { type: 'Root' } } },
      { resource: instanceId, event: { eventName: 'RunInstances', userIdentity } },
    );
/** A call of the user in a Region, newest first. */
const called = (region: string, eventName: string, more: JsonObject, userIdentity: JsonObject = INTERN) =>
  sandbox.twin.region(region).cloudtrail.history.push({
    name: 'intern',
    event: { eventName, eventTime: '2026-11-24T07:00:00Z', userIdentity, ...more },
  });
const started = (...ids: readonly string[]): JsonObject => ({
  responseElements: { instancesSet: { items: ids.map((id) => ({ instanceId: id })) } },
});
/** An instance like the miner in another Region. */
function sibling(region: string): string {
  const { twin } = sandbox;
  const [model] = twin.region().instances.filter(({ InstanceId }) => InstanceId === instanceId);
  const [eni] = twin.region().interfaces.filter(({ InstanceId }) => InstanceId === instanceId);
  if (!model || !eni) throw new Error('the world has no instance');
  const InstanceId = twin.nextId('i');
  const there = twin.region(region);
  there.instances.push({ ...structuredClone(model), InstanceId, Volumes: [] });
  there.interfaces.push({ ...structuredClone(eni), NetworkInterfaceId: twin.nextId('eni'), InstanceId });
  return InstanceId;
}
const quarantined = (region: string, id: string): boolean => {
  const { interfaces, groups } = sandbox.twin.region(region);
  const [group] = interfaces.find(({ InstanceId }) => InstanceId === id)?.Groups ?? [];
  return groups.find(({ GroupId }) => GroupId === group)?.GroupName === 'firebreak-quarantine';
};
const miner = async () => {
  const first = (await sandbox.incidents()).find(({ followUpOf }) => !followUpOf);
  if (!first) throw new Error('there is no incident');
  return first;
};
const notes = async () =>
  (await sandbox.runtime.incidents.timeline((await miner()).id)).map(({ event }) => event).join('\n');

it('isolates, asks about the user whose key launched it, and contains that user once approved', async () => {
  launchedBy(INTERN);
  await (await sandbox.deliver(mining())).ended;
  expect(groupsOfInstance(sandbox.twin, instanceId)).toEqual(['firebreak-quarantine']);
  // The principal that launched it can launch it again: never plain `contained`.
  expect(await miner()).toMatchObject({ status: 'residual', playbook: 'stop-miner' });
  expect((await miner()).residual?.join()).toContain('can start it again');
  await bobApproves(sandbox, ({ followUpOf }) => followUpOf?.playbook === 'stop-launcher');
  await idle(sandbox);
  expect(sandbox.twin.state.users['intern']?.keys[0]?.Status).toBe('Inactive');
  expect(await notes()).toMatch(/stop-launcher \(fb-[0-9a-f]{12}\) is (contained|residual)/);
});

it('asks about what the same user launched in other Regions, and names the groups it made', async () => {
  launchedBy(INTERN);
  const [tokyo, ended] = [sibling('ap-northeast-1'), sibling('ap-northeast-1')];
  for (const instance of sandbox.twin.region('ap-northeast-1').instances)
    if (instance.InstanceId === ended) instance.State = 'terminated';
  const foreign = sibling('sa-east-1');
  called('ap-northeast-1', 'RunInstances', started(tokyo, ended));
  called('ap-northeast-1', 'RunInstances', { ...started(ended), errorCode: 'Client.InstanceLimitExceeded' });
  called('sa-east-1', 'CreateAutoScalingGroup', { requestParameters: { autoScalingGroupName: 'workers' } });
  called('sa-east-1', 'RequestSpotFleet', {});
  // A session of the same name, but of another principal.
  called('sa-east-1', 'RunInstances', started(foreign), {
    ...INTERN,
    principalId: 'AROAOTHER00000000001:intern',
  });
  await (await sandbox.deliver(mining())).ended;
  const asked = await bobApproves(sandbox, ({ followUpOf }) => followUpOf?.playbook === 'stop-launcher');
  // The principal first: it would launch again.
  expect(asked.targets.map(({ playbook }) => playbook)).toEqual(['disable-user-keys', 'isolate-instance']);
  expect(asked.targets[1]?.target).toMatchObject({ region: 'ap-northeast-1', id: tokyo });
  expect(asked.unhandled).toEqual([
    expect.stringContaining('Auto Scaling group workers in sa-east-1'),
    expect.stringContaining('RequestSpotFleet in sa-east-1'),
  ]);
  await idle(sandbox);
  expect(quarantined('ap-northeast-1', tokyo)).toBe(true);
  expect(quarantined('sa-east-1', foreign)).toBe(false);
});

it('names a Region that may not be looked into', async () => {
  launchedBy(INTERN);
  sandbox.twin.region('eu-north-1');
  const { answer } = sandbox.twin;
  sandbox.twin.answer = async (call) => {
    if (call.operation === 'LookupEvents' && call.region === 'eu-north-1')
      sandbox.twin.failNext('LookupEvents', 'AccessDeniedException');
    return answer(call);
  };
  await (await sandbox.deliver(mining())).ended;
  const asked = await bobApproves(sandbox, ({ followUpOf }) => followUpOf?.playbook === 'stop-launcher');
  expect(asked.unhandled).toEqual(['eu-north-1 was not looked into (AccessDeniedException)']);
  await idle(sandbox);
});

it('asks about the principal that made the Auto Scaling group that launched it', async () => {
  launchedBy({
    type: 'AssumedRole',
    principalId: 'AROASLR0000000000001:AutoScaling',
    sessionContext: { sessionIssuer: { userName: 'AWSServiceRoleForAutoScaling' } },
  });
  sandbox.twin.region().cloudtrail.history.push({
    resource: 'workers',
    event: { eventName: 'CreateAutoScalingGroup', userIdentity: INTERN },
  });
  const event = mining() as { detail: { resource: { instanceDetails: object } } };
  const tags = [{ key: 'aws:autoscaling:groupName', value: 'workers' }];
  const { resource } = event.detail;
  const detail = {
    ...event.detail,
    resource: { ...resource, instanceDetails: { ...resource.instanceDetails, tags } },
  };
  await (await sandbox.deliver({ ...event, detail } as never)).ended;
  const asked = await bobApproves(sandbox, ({ followUpOf }) => followUpOf?.playbook === 'stop-launcher');
  expect(asked.display).toContain('user/intern');
  await idle(sandbox);
});

it.each([
  ['nothing is known', undefined, 'do not show who launched'],
  ['a service launched it', { type: 'AWSService', principalId: 'x' }, 'another kind of principal'],
])('asks no one where %s, and stays residual', async (_name, identity, words) => {
  if (identity) launchedBy(identity);
  await (await sandbox.deliver(mining())).ended;
  await idle(sandbox);
  expect(await sandbox.incidents()).toHaveLength(1);
  expect(await miner()).toMatchObject({ status: 'residual' });
  expect(await notes()).toContain(words);
});

it('asks before it isolates an instance that others may ask for names', async () => {
  const dns = { ...mining() } as { detail: object };
  const [group] = sandbox.twin.region().groups.filter(({ GroupName }) => GroupName === 'web');
  group?.rules.push({
    SecurityGroupRuleId: 'sgr-1',
    IsEgress: false,
    IpProtocol: 'udp',
    FromPort: 53,
    ToPort: 53,
    CidrIpv4: '10.0.0.0/8',
  });
  const event = { ...dns, detail: { ...dns.detail, type: 'CryptoCurrency:EC2/BitcoinTool.B!DNS' } };
  const { ended } = await sandbox.deliver(event as never);
  await bobApproves(
    sandbox,
    ({ decision }) => decision?.reasons.join().includes('10.0.0.0/8 may ask it') === true,
  );
  await ended;
  await idle(sandbox);
  expect(groupsOfInstance(sandbox.twin, instanceId)).toEqual(['firebreak-quarantine']);
});

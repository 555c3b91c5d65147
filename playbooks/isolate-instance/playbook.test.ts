/** Isolation where it usually goes wrong: fleets, several interfaces, groups that were there before, people in between. */
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import { healthChecks } from '../../sandbox/twin/capacity.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { addressFinding, addressWorld, fleetWorld, groupsOfInstance } from '../../sandbox/worlds.ts';
import { scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import { isolateInstance } from './playbook.ts';

const database = sceneDatabase('isolate-instance-test');

/** What the warnings call the settings that EC2 does not let anyone change. */
const NAMES: Readonly<Record<string, string>> = {
  'termination-protection': 'termination protection',
  'shutdown-behaviour': 'shutdown behavior',
  'keep-volume': 'what becomes of its volumes',
};

/** A public web server; `change` makes of it what a test is about. */
function open(change: (twin: AccountTwin, instanceId: string) => void = () => undefined) {
  let instanceId = '';
  const at = scene(
    database(),
    isolateInstance,
    {
      worlds: undefined as never,
      open(twin) {
        instanceId = addressWorld(twin).instanceId;
        change(twin, instanceId);
        return addressFinding(twin, instanceId, { seed: 'isolate' });
      },
    },
    undefined,
  );
  const instance = () => {
    const found = at.twin.region().instances.find(({ InstanceId }) => InstanceId === instanceId);
    if (!found) throw new Error('the instance is gone');
    return found;
  };
  return {
    ...at,
    instanceId,
    instance,
    enis: () => at.twin.region().interfaces.filter(({ InstanceId }) => InstanceId === instanceId),
    groups: () => groupsOfInstance(at.twin, instanceId),
  };
}

function fleet(size: { desired: number; max: number }) {
  const at = scene(
    database(),
    isolateInstance,
    {
      worlds: undefined as never,
      open: (twin) => addressFinding(twin, fleetWorld(twin, size).instanceId, { seed: 'fleet' }),
    },
    undefined,
  );
  const region = () => at.twin.region();
  return {
    ...at,
    region,
    group: () => region().capacity.autoScalingGroups[0],
    targets: () => region().capacity.targetGroups[0]?.targets.map(({ Id }) => Id) ?? [],
  };
}

it('reads what belongs to the live instance, whatever VPC and image the finding names', async () => {
  const at = open();
  await at.contain();
  const read = (facts: Readonly<Record<string, string | null>>) =>
    isolateInstance.read(
      { ...at.target, facts: { ...at.target.facts, ...facts } },
      awsFor(at.target, 'fb-aaaaaaaaaaaa'),
    );
  const live = await at.state();
  expect(live).toMatchObject({ groups: { quarantine: expect.stringContaining('sg-') } });
  expect(await read({ vpcId: 'vpc-0000000000000000f', imageId: 'ami-0000000000000000f' })).toEqual(live);
  expect(await read({ vpcId: null, imageId: null })).toEqual(live);
});

it('looks for the snapshots of a case where the instance carries the label of one', async () => {
  const at = open();
  await at.contain();
  const planned = async () => {
    const plan = await at.plan();
    return plan.kind === 'plan' ? plan.steps.find(({ id }) => id === 'snapshots')?.before : undefined;
  };
  expect(await planned()).toBe('complete');
  at.instance().Tags = {};
  expect(await planned()).toBe('missing');
  await at.contain('fb-bbbbbbbbbbbb');
  expect(at.twin.region().snapshots).toHaveLength(1);
});

describe('Auto Scaling with ELB health checks', () => {
  it('keeps the evidence: out of the group and the load balancer before the network goes', async () => {
    const at = fleet({ desired: 2, max: 2 });
    const { steps } = await at.contain();
    expect(steps.every(({ status }) => status === 'done')).toBe(true);
    expect(healthChecks(at.region())).toEqual([]);
    const instance = at.region().instances.find(({ InstanceId }) => InstanceId === at.target.id);
    expect(instance?.Volumes.map(({ DeleteOnTermination }) => DeleteOnTermination)).toEqual([false]);
    expect(at.region().snapshots).toMatchObject([
      { VolumeId: instance?.Volumes[0]?.VolumeId, Tags: { 'firebreak:case': 'fb-aaaaaaaaaaaa' } },
    ]);
    expect(at.group()?.instances).not.toContain(at.target.id);
    expect(at.group()?.instances).toHaveLength(2);
    expect(at.targets()).not.toContain(at.target.id);
    expect(await at.prove()).toMatchObject({ proven: true });
    const order = at.twin.calls.map(({ operation }) => operation);
    expect(order.indexOf('DetachInstances')).toBeLessThan(order.indexOf('ModifyNetworkInterfaceAttribute'));
  });

  it('what it prevents: the twin ends an instance that is cut off inside its group', () => {
    const at = fleet({ desired: 2, max: 2 });
    const region = at.region();
    const GroupId = 'sg-0123456789abcdef0';
    const [eni] = region.interfaces.filter(({ InstanceId }) => InstanceId === at.target.id);
    region.groups.push({
      GroupId,
      GroupName: 'firebreak-quarantine',
      VpcId: eni?.VpcId ?? '',
      Description: '',
      Tags: {},
      rules: [],
    });
    if (eni) eni.Groups = [GroupId];
    expect(healthChecks(region)).toEqual([at.target.id]);
  });

  it.each(['DetachInstances', 'AttachInstances'])(
    'takes %s for done where its answer was lost',
    async (lost) => {
      const calm = fleet({ desired: 2, max: 3 });
      const start = calm.twin.calls.length;
      await calm.contain();
      const contained = calm.group();
      await calm.undo();
      const changes = calm.twin.calls.slice(start).filter(({ change }) => change);
      const at = fleet({ desired: 2, max: 3 });
      at.twin.disturb(changes.findIndex(({ operation }) => operation === lost) + 1, 'lost');
      const { steps } = await at.contain();
      expect(steps.every(({ status }) => status === 'done')).toBe(true);
      expect((await at.undo()).kind).toBe('undone');
      expect(at.twin.calls.filter(({ operation }) => operation === lost).length).toBeGreaterThan(1);
      expect(at.group()?.instances).toHaveLength(contained?.instances.length ?? 0);
      expect(at.targets()).toContain(at.target.id);
    },
  );

  it('says before and after an undo that the replacement stays and one more instance is wanted', async () => {
    const at = fleet({ desired: 2, max: 3 });
    expect(await at.undoSafety()).toMatchObject({ safe: true });
    await at.contain();
    const more = 'the Auto Scaling group web, whose desired capacity is one more than before';
    expect(await at.undoSafety()).toMatchObject({ safe: true, residual: [expect.stringContaining(more)] });
    expect((await at.undo()).kind).toBe('undone');
    expect(at.group()).toMatchObject({ DesiredCapacity: 3 });
    expect(at.group()?.instances).toHaveLength(3);
    expect((await at.undoSafety())?.residual).toBeUndefined();
  });

  it('undo into a full group ends partial and says why; once there is room it completes', async () => {
    const at = fleet({ desired: 2, max: 2 });
    await at.contain();
    const undone = await at.undo();
    expect(undone.kind).toBe('partial');
    const step = 'steps' in undone ? undone.steps.find(({ id }) => id === 'auto-scaling') : undefined;
    expect(step).toMatchObject({ status: 'failed', note: expect.stringContaining('above max value 2') });
    expect([...groupsOfInstance(at.twin, at.target.id)].sort()).toEqual(['admin', 'web']);
    const group = at.group();
    if (group) group.MaxSize = 3;
    expect((await at.undo()).kind).toBe('undone');
    expect(at.group()?.instances).toContain(at.target.id);
    expect(at.targets()).toContain(at.target.id);
  });
});

describe('the plan', () => {
  it('names the replacement, the only healthy target and the controller', async () => {
    const plan = await fleet({ desired: 2, max: 3 }).plan();
    expect(plan).toMatchObject({ kind: 'plan', blastRadius: { count: 1 } });
    expect(JSON.stringify(plan)).toContain('a replacement starts from the same image');
    const alone = open((twin, Id) => {
      const { VpcId = '' } = twin.region().instances[0] ?? {};
      twin.region().capacity.targetGroups.push({
        TargetGroupArn: 'arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/solo/1',
        TargetGroupName: 'solo',
        Protocol: 'TCP',
        VpcId,
        targets: [{ Id, Port: 443 }],
      });
      const instance = twin.region().instances.find(({ InstanceId }) => InstanceId === Id);
      if (instance) instance.Tags['karpenter.sh/nodepool'] = 'default';
    });
    const made = await alone.plan();
    if (made.kind !== 'plan') throw new Error(made.reason);
    expect(made.askBecause.join('; ')).toMatch(/Karpenter node.*only healthy target of solo/);
    expect(made.residual.join('; ')).toContain('target group of a Network Load Balancer');
    await alone.contain();
    expect(await alone.prove()).toMatchObject({ proven: true });
    await alone.undo();
    expect(alone.twin.region().capacity.targetGroups[0]?.targets).toEqual([
      { Id: alone.instanceId, Port: 443 },
    ]);
  });

  it('says which tracked paths survive, all pages of them', async () => {
    const at = open((twin) => {
      const { VpcId = '' } = twin.region().instances[0] ?? {};
      for (let index = 0; index < 5; index++) {
        twin.region().vpcEndpoints.push({
          VpcEndpointId: `vpce-${index}`,
          VpcEndpointType: 'Interface',
          VpcId,
          ServiceName: 'com.amazonaws.eu-west-1.ssm',
        });
      }
    });
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.residual.join()).toMatch(/vpce-0.*vpce-4/);
  });

  it.each([
    {
      kind: 'a spot instance',
      change: { spot: true },
      skipped: ['termination-protection', 'shutdown-behaviour'],
      residual: undefined,
    },
    {
      kind: 'an instance whose root volume is an instance store',
      change: { rootDeviceType: 'instance-store' as const, InstanceInitiatedShutdownBehavior: 'terminate' },
      skipped: ['shutdown-behaviour'],
      residual: /a shutdown from inside ends it/,
    },
    {
      kind: 'an instance that a service manages',
      change: { operator: 'eks.amazonaws.com' },
      skipped: ['termination-protection', 'shutdown-behaviour', 'keep-volume'],
      residual: undefined,
    },
  ])(
    'isolates $kind without the steps that EC2 refuses, and says why',
    async ({ change, skipped, residual }) => {
      const at = open((twin, id) => {
        const instance = twin.region().instances.find(({ InstanceId }) => InstanceId === id);
        if (instance) Object.assign(instance, change);
      });
      const plan = await at.plan();
      const { steps } = await at.contain();
      expect(steps.filter(({ status }) => status !== 'done')).toEqual([]);
      const kinds = new Set(steps.map((step) => step.kind));
      const evidence = ['termination-protection', 'shutdown-behaviour', 'keep-volume'];
      expect(evidence.filter((one) => !kinds.has(one))).toEqual(skipped);
      if (plan.kind !== 'plan') throw new Error(plan.reason);
      for (const one of skipped) expect(plan.warnings.join()).toContain(NAMES[one]);
      const remains = plan.residual.join();
      if (residual) expect(remains).toMatch(residual);
      else expect(remains).not.toMatch(/shutdown|protect/);
    },
  );
});

describe('interfaces', () => {
  it('closes every one that may be changed and names the one that may not', async () => {
    const at = open((twin, InstanceId) => {
      const region = twin.region();
      const [first] = region.interfaces.filter((eni) => eni.InstanceId === InstanceId);
      if (!first) throw new Error('no interface');
      for (let DeviceIndex = 1; DeviceIndex < 6; DeviceIndex++) {
        region.interfaces.push({
          ...first,
          Groups: [...first.Groups],
          NetworkInterfaceId: twin.nextId('eni'),
          DeviceIndex,
          PublicIp: null,
          RequesterManaged: DeviceIndex === 5,
        });
      }
    });
    await at.contain();
    const managed = at.enis().filter(({ RequesterManaged }) => RequesterManaged);
    const ours = at.enis().filter(({ RequesterManaged }) => !RequesterManaged);
    expect(new Set(ours.flatMap(({ Groups }) => Groups)).size).toBe(1);
    expect(managed[0]?.Groups).toHaveLength(2);
    const proof = await at.prove();
    expect(proof).toMatchObject({ proven: true });
    expect(proof.residual.join()).toContain(managed[0]?.NetworkInterfaceId);
  });

  it('isolates the instance although an interface of it is in another VPC, and names that one', async () => {
    const at = open((twin, InstanceId) => {
      const region = twin.region();
      const [first] = region.interfaces.filter((eni) => eni.InstanceId === InstanceId);
      if (!first) throw new Error('no interface');
      const elsewhere = {
        NetworkInterfaceId: twin.nextId('eni'),
        VpcId: 'vpc-0000000000000beef',
        DeviceIndex: 1,
      };
      region.interfaces.push({ ...first, ...elsewhere, Groups: [], PublicIp: null });
    });
    const { steps } = await at.contain();
    expect(steps.filter(({ status }) => status !== 'done')).toEqual([]);
    const proof = await at.prove();
    expect(proof).toMatchObject({ proven: true });
    expect(proof.residual.join()).toContain('in another VPC, vpc-0000000000000beef');
  });

  it('asks to contain again when one was attached afterwards', async () => {
    const at = open();
    await at.contain();
    const [first] = at.enis();
    if (!first) throw new Error('no interface');
    const late = { ...first, NetworkInterfaceId: at.twin.nextId('eni'), Groups: ['sg-late'], DeviceIndex: 1 };
    at.twin.region().interfaces.push(late);
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    await at.contain();
    expect(await at.prove()).toMatchObject({ proven: true });
  });

  it('reports drift on what an engineer changed and overwrites nothing', async () => {
    const at = open();
    await at.contain();
    const [eni] = at.enis();
    const engineered = [...(eni?.Groups ?? []), 'sg-engineer'];
    if (eni) eni.Groups = engineered;
    const undone = await at.undo();
    expect(undone.kind).toBe('partial');
    expect('steps' in undone && undone.steps.find(({ kind }) => kind === 'interface-groups')).toMatchObject({
      status: 'drift',
      note: expect.stringContaining('DRIFT'),
    });
    expect(at.enis()[0]?.Groups).toEqual(engineered);
  });

  it('stays in quarantine and says so when the group it had is gone', async () => {
    const at = open();
    const [web] = at.enis()[0]?.Groups ?? [];
    await at.contain();
    const region = at.twin.region();
    region.groups = region.groups.filter(({ GroupId }) => GroupId !== web);
    expect((await at.undo()).kind).toBe('partial');
    expect(at.groups()).toEqual(['firebreak-quarantine']);
  });
});

describe('the two groups', () => {
  it.each(['RevokeSecurityGroupIngress', 'RevokeSecurityGroupEgress'])(
    'are cleaned of stray rules also where the answer to %s was lost',
    async (lost) => {
      const stray = () =>
        open((twin, instanceId) => {
          const region = twin.region();
          const VpcId = region.instances.find(({ InstanceId }) => InstanceId === instanceId)?.VpcId ?? '';
          const rule = { IpProtocol: 'tcp', FromPort: 1, ToPort: 1, CidrIpv4: '0.0.0.0/0' };
          region.groups.push({
            GroupId: 'sg-here',
            GroupName: 'firebreak-quarantine',
            VpcId,
            Description: 'left behind',
            Tags: { firebreak: 'quarantine' },
            rules: [true, false].map((IsEgress) => ({
              SecurityGroupRuleId: `sgr-${IsEgress}`,
              IsEgress,
              ...rule,
            })),
          });
        });
      const calm = stray();
      const start = calm.twin.calls.length;
      await calm.contain();
      const changes = calm.twin.calls.slice(start).filter(({ change }) => change);
      const at = stray();
      at.twin.disturb(changes.findIndex(({ operation }) => operation === lost) + 1, 'lost');
      const { steps } = await at.contain();
      expect(steps.every(({ status }) => status === 'done')).toBe(true);
      expect(at.twin.region().groups.find(({ GroupId }) => GroupId === 'sg-here')?.rules).toEqual([]);
      expect(at.twin.calls.filter(({ operation }) => operation === lost).length).toBeGreaterThan(1);
    },
  );

  it('are cleaned of stray rules, ::/0 included, and never taken from another VPC', async () => {
    const at = open((twin) => {
      const region = twin.region();
      const { VpcId = '' } = region.instances[0] ?? {};
      region.ipv6Vpcs.push(VpcId);
      const stray = (GroupId: string, vpc: string) => ({
        GroupId,
        GroupName: 'firebreak-quarantine',
        VpcId: vpc,
        Description: 'left behind',
        Tags: { firebreak: 'quarantine' },
        rules: [0, 1, 2, 3].map((port) => ({
          SecurityGroupRuleId: `sgr-${vpc}-${port}`,
          IsEgress: port % 2 === 0,
          IpProtocol: 'tcp',
          FromPort: port,
          ToPort: port,
          CidrIpv4: '0.0.0.0/0',
        })),
      });
      region.groups.push(stray('sg-other', 'vpc-other'), stray('sg-here', VpcId));
    });
    await at.contain();
    const { groups } = at.twin.region();
    expect(at.enis()[0]?.Groups).toEqual(['sg-here']);
    expect(groups.find(({ GroupId }) => GroupId === 'sg-here')?.rules).toEqual([]);
    expect(groups.find(({ GroupId }) => GroupId === 'sg-other')?.rules).toHaveLength(4);
    const transit = groups.find(({ GroupName }) => GroupName === 'firebreak-transit');
    expect(
      transit?.rules.map(({ IsEgress, CidrIpv4, CidrIpv6 }) => `${IsEgress} ${CidrIpv4 ?? CidrIpv6}`).sort(),
    ).toEqual(['false 0.0.0.0/0', 'false ::/0', 'true 0.0.0.0/0', 'true ::/0']);
  });
});

describe('a group of their name that is not tagged as theirs', () => {
  const foreign = () =>
    open((twin) => {
      const region = twin.region();
      const { VpcId = '' } = region.instances[0] ?? {};
      const rule = { SecurityGroupRuleId: 'sgr-1', IsEgress: false, IpProtocol: '-1', CidrIpv4: '0.0.0.0/0' };
      region.groups.push(
        ...['firebreak-quarantine', 'firebreak-transit'].map((GroupName) => ({
          GroupId: `sg-${GroupName}`,
          GroupName,
          VpcId,
          Description: 'made by someone else',
          Tags: {},
          rules: [{ ...rule, FromPort: -1, ToPort: -1 }],
        })),
      );
    });

  it('is left as it is, and another one isolates the instance', async () => {
    const at = foreign();
    const others = () =>
      structuredClone(
        at.twin.region().groups.filter(({ Description }) => Description === 'made by someone else'),
      );
    const before = others();
    await at.contain();
    expect(await at.prove()).toMatchObject({ proven: true });
    expect(at.groups()).toEqual(['firebreak-quarantine-fb-aaaaaaaaaaaa']);
    expect(others()).toEqual(before);
    await at.undo();
    expect(others()).toEqual(before);
    expect(at.twin.region().groups.filter(({ Tags }) => Tags['firebreak'] !== undefined)).toEqual([]);
  });

  it('does not get a second one of ours for the next incident', async () => {
    const at = foreign();
    await at.contain();
    const made = at.enis()[0]?.Groups;
    await at.contain('fb-bbbbbbbbbbbb');
    expect(at.enis()[0]?.Groups).toEqual(made);
  });
});

describe('load balancers', () => {
  it('lets go of every address of the instance, also secondary and IPv6 ones', async () => {
    const at = open((twin, InstanceId) => {
      const region = twin.region();
      const eni = region.interfaces.find((one) => one.InstanceId === InstanceId);
      if (!eni) throw new Error('no interface');
      eni.Ipv6 = ['2001:db8::9'];
      eni.Secondary = ['10.0.77.9'];
      region.capacity.targetGroups.push({
        TargetGroupArn: 'arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/by-address/1',
        TargetGroupName: 'by-address',
        Protocol: 'HTTP',
        VpcId: eni.VpcId,
        targets: ['10.0.77.9', '2001:db8::9', '10.0.77.10'].map((Id) => ({ Id, Port: 80 })),
      });
    });
    await at.contain();
    const left = at.twin.region().capacity.targetGroups.find((one) => one.TargetGroupName === 'by-address');
    expect(left?.targets.map(({ Id }) => Id)).toEqual(['10.0.77.10']);
  });

  it('isolates all the same when a target group is deleted while it is read', async () => {
    const at = fleet({ desired: 2, max: 2 });
    at.twin.failNext('DescribeTargetHealth', 'TargetGroupNotFound', 1);
    await at.contain();
    expect(groupsOfInstance(at.twin, at.target.id)).toEqual(['firebreak-quarantine']);
  });
});

describe('AWS that answers badly', () => {
  it('undo restores the groups when quarantine was deleted and made again half-way', async () => {
    const at = open();
    const before = at.groups();
    at.twin.failNext('ModifyNetworkInterfaceAttribute', 'InternalError', 40);
    await at.contain().catch(() => undefined);
    expect(at.groups()).toEqual(before);
    // What an undo of another incident of this VPC does meanwhile.
    const region = at.twin.region();
    region.groups = region.groups.filter(({ GroupName }) => !GroupName.startsWith('firebreak-'));
    for (let pass = 0; pass < 8 && at.groups().join() !== 'firebreak-quarantine'; pass++) await at.contain();
    expect(at.groups()).toEqual(['firebreak-quarantine']);
    expect(await at.prove()).toMatchObject({ proven: true });
    expect((await at.undo()).kind).toBe('undone');
    expect(at.groups()).toEqual(before);
  });

  it('waits for a group that not every endpoint of EC2 knows yet', async () => {
    const at = open();
    for (const call of ['RevokeSecurityGroupEgress', 'AuthorizeSecurityGroupIngress'])
      at.twin.failNext(call, 'InvalidGroup.NotFound', 1);
    await at.contain();
    expect(at.groups()).toEqual(['firebreak-quarantine']);
    expect(await at.prove()).toMatchObject({ proven: true });
  });

  it('undo deletes its groups once EC2 shows that the interfaces have left them', async () => {
    const at = open();
    const before = at.account();
    await at.contain();
    at.twin.failNext('DeleteSecurityGroup', 'DependencyViolation', 3);
    expect((await at.undo()).kind).toBe('undone');
    expect(at.account()).toEqual(before);
  });

  it('waits out throttling and tells a denied step apart from the rest', async () => {
    const at = open();
    at.twin.failNext('CreateSecurityGroup', 'RequestLimitExceeded', 6);
    at.twin.failNext('CreateSnapshots', 'AccessDenied', 1);
    const { steps } = await at.contain();
    expect(steps.filter(({ status }) => status !== 'done').map(({ id }) => id)).toEqual(['snapshots']);
    expect(at.groups()).toEqual(['firebreak-quarantine']);
    expect(await at.prove()).toMatchObject({ proven: false });
  });

  it('closes the interface when the open group cannot be made', async () => {
    const at = open();
    at.twin.failNext('AuthorizeSecurityGroupIngress', 'AccessDenied', 1);
    const { steps } = await at.contain();
    expect(steps.find(({ id }) => id === 'group:transit')?.status).toBe('failed');
    expect(at.groups()).toEqual(['firebreak-quarantine']);
  });
});

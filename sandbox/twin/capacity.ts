/** Auto Scaling groups and load balancer target groups, with the behaviour that makes a naive isolation lose its evidence. */
import { awsError } from '../aws-error.ts';
import { paged } from './pages.ts';
import type { TwinRegion } from './state.ts';
import type { Answers, TwinCall } from './twin.ts';

export interface TwinCapacity {
  autoScalingGroups: TwinAutoScalingGroup[];
  targetGroups: TwinTargetGroup[];
}
interface TwinAutoScalingGroup {
  AutoScalingGroupName: string;
  AutoScalingGroupARN: string;
  MinSize: number;
  MaxSize: number;
  DesiredCapacity: number;
  HealthCheckType: 'EC2' | 'ELB';
  TargetGroupARNs: string[];
  instances: string[];
}
interface TwinTargetGroup {
  TargetGroupArn: string;
  TargetGroupName: string;
  Protocol: string;
  VpcId: string;
  targets: { Id: string; Port: number; AvailabilityZone?: string }[];
}
export const emptyCapacity = (): TwinCapacity => ({ autoScalingGroups: [], targetGroups: [] });

function groupOf({ region, input }: TwinCall): TwinAutoScalingGroup {
  const name = String(input['AutoScalingGroupName']);
  const found = region.capacity.autoScalingGroups.find((group) => group.AutoScalingGroupName === name);
  if (found) return found;
  throw awsError('ValidationError', `AutoScalingGroup name not found - no such group: ${name}`);
}

function targetGroupOf({ region, input }: TwinCall): TwinTargetGroup {
  const wanted = String(input['TargetGroupArn']);
  const found = region.capacity.targetGroups.find(({ TargetGroupArn }) => TargetGroupArn === wanted);
  if (found) return found;
  throw awsError('TargetGroupNotFound', `Target groups '${wanted}' not found`);
}

type Target = TwinTargetGroup['targets'][number];
const sameTarget = (a: Partial<Target>, b: Partial<Target>): boolean =>
  a.Id === b.Id && (a.Port === undefined || b.Port === undefined || a.Port === b.Port);

const instanceIds = ({ input }: TwinCall): string[] => (input['InstanceIds'] ?? []) as string[];

/** A new instance as like the old one as its image: the replacement that Auto Scaling starts. */
function replacement(call: TwinCall, like: string): string | undefined {
  const { region } = call;
  const old = region.instances.find(({ InstanceId }) => InstanceId === like);
  const eni = region.interfaces.find(({ InstanceId }) => InstanceId === like);
  if (!old || !eni) return undefined;
  const InstanceId = call.nextId('i');
  const { Tags } = old;
  region.instances.push({
    ...structuredClone(old),
    InstanceId,
    Tags: Object.fromEntries(Object.entries(Tags).filter(([key]) => !key.startsWith('firebreak:'))),
    Volumes: old.Volumes.map((volume) => ({
      ...volume,
      VolumeId: call.nextId('vol'),
      DeleteOnTermination: true,
    })),
    DisableApiTermination: false,
  });
  region.interfaces.push({
    ...structuredClone(eni),
    NetworkInterfaceId: call.nextId('eni'),
    InstanceId,
    PrivateIpAddress: `10.0.200.${(region.instances.length % 250) + 1}`,
    PublicIp: null,
  });
  return InstanceId;
}

/**
 * What Auto Scaling does on its own: an instance of a group with ELB health checks that its load balancer cannot reach
 * (no group of its own lets it in any more) is terminated and its volumes go, as they are set.
 */
export function healthChecks(region: TwinRegion): readonly string[] {
  const ended: string[] = [];
  for (const group of region.capacity.autoScalingGroups) {
    if (group.HealthCheckType !== 'ELB') continue;
    for (const id of [...group.instances]) {
      const groups = region.interfaces
        .filter(({ InstanceId }) => InstanceId === id)
        .flatMap(({ Groups }) => Groups);
      const cut = region.groups.some(
        ({ GroupId, GroupName }) => groups.includes(GroupId) && GroupName === 'firebreak-quarantine',
      );
      if (!cut) continue;
      // DisableApiTermination does not stop Auto Scaling.
      group.instances = group.instances.filter((member) => member !== id);
      region.instances = region.instances.filter(({ InstanceId }) => InstanceId !== id);
      ended.push(id);
    }
  }
  return ended;
}

/** Everything of a Region is in one zone of it. */
const zoneOf = ({ scope }: TwinCall): string => `${scope.region}a`;

const member = (call: TwinCall, InstanceId: string) => ({
  InstanceId,
  AvailabilityZone: zoneOf(call),
  LifecycleState: 'InService',
  HealthStatus: 'Healthy',
  ProtectedFromScaleIn: false,
});

export const capacity: Readonly<Record<string, Answers>> = {
  AutoScaling: {
    DescribeAutoScalingInstances: (call) => {
      const ids = instanceIds(call);
      const found = call.region.capacity.autoScalingGroups.flatMap((group) =>
        group.instances
          .filter((InstanceId) => ids.length === 0 || ids.includes(InstanceId))
          .map((InstanceId) => ({
            ...member(call, InstanceId),
            AutoScalingGroupName: group.AutoScalingGroupName,
            // In capitals here, and not in the group's own list.
            HealthStatus: 'HEALTHY',
          })),
      );
      return { AutoScalingInstances: found };
    },
    DescribeAutoScalingGroups: (call) => {
      const names = (call.input['AutoScalingGroupNames'] ?? []) as string[];
      return {
        AutoScalingGroups: call.region.capacity.autoScalingGroups
          .filter(({ AutoScalingGroupName }) => names.includes(AutoScalingGroupName))
          .map(({ instances, ...group }) => ({
            ...group,
            AvailabilityZones: [zoneOf(call)],
            CreatedTime: new Date(0),
            DefaultCooldown: 300,
            Instances: instances.map((InstanceId) => member(call, InstanceId)),
          })),
      };
    },
    DetachInstances: (call) => {
      const group = groupOf(call);
      const ids = instanceIds(call);
      const stranger = ids.find((id) => !group.instances.includes(id));
      if (stranger) {
        throw awsError(
          'ValidationError',
          `The instance ${stranger} is not part of Auto Scaling group ${group.AutoScalingGroupName}.`,
        );
      }
      const decrement = call.input['ShouldDecrementDesiredCapacity'] === true;
      if (decrement && group.DesiredCapacity - ids.length < group.MinSize) {
        throw awsError('ValidationError', 'Desired capacity would be below the minimum size of the group.');
      }
      group.instances = group.instances.filter((id) => !ids.includes(id));
      for (const target of call.region.capacity.targetGroups) {
        if (!group.TargetGroupARNs.includes(target.TargetGroupArn)) continue;
        target.targets = target.targets.filter(({ Id }) => !ids.includes(Id));
      }
      if (decrement) group.DesiredCapacity -= ids.length;
      else {
        for (const id of ids) {
          const made = replacement(call, id);
          if (made === undefined) continue;
          group.instances.push(made);
          register(call.region, group, made);
        }
      }
      return { Activities: [] };
    },
    AttachInstances: (call) => {
      const group = groupOf(call);
      const ids = instanceIds(call);
      const gone = ids.find((id) => !call.region.instances.some(({ InstanceId }) => InstanceId === id));
      if (gone) throw awsError('ValidationError', `Invalid Instance ID(s): [${gone}] specified`);
      const member = ids.find((id) => group.instances.includes(id));
      if (member) throw awsError('ValidationError', `Instance ${member} is already part of the group.`);
      // Attaching raises the desired capacity, which may not pass the maximum.
      if (group.DesiredCapacity + ids.length > group.MaxSize) {
        throw awsError(
          'ValidationError',
          `New SetDesiredCapacity value ${group.DesiredCapacity + ids.length} is above max value ${group.MaxSize} for the AutoScalingGroup.`,
        );
      }
      group.DesiredCapacity += ids.length;
      group.instances.push(...ids);
      for (const id of ids) register(call.region, group, id);
      return {};
    },
  },
  ElasticLoadBalancingV2: {
    DescribeTargetGroups: (call) =>
      paged(call, call.region.capacity.targetGroups, {
        list: 'TargetGroups',
        given: 'Marker',
        next: 'NextMarker',
        size: 'PageSize',
        show: ({ targets: _targets, ...group }) => group,
      }),
    DescribeTargetHealth: (call) => {
      const group = targetGroupOf(call);
      const asked = call.input['Targets'] as Partial<Target>[] | undefined;
      const health = (target: Partial<Target>) =>
        group.targets.some((known) => sameTarget(known, target))
          ? { State: 'healthy' }
          : { State: 'unused', Reason: 'Target.NotRegistered' };
      return {
        TargetHealthDescriptions: (asked ?? group.targets).map((target) => ({
          Target: target,
          TargetHealth: health(target),
        })),
      };
    },
    DeregisterTargets: (call) => {
      const group = targetGroupOf(call);
      const asked = (call.input['Targets'] ?? []) as Partial<Target>[];
      group.targets = group.targets.filter((known) => !asked.some((target) => sameTarget(known, target)));
      return {};
    },
    RegisterTargets: (call) => {
      const group = targetGroupOf(call);
      for (const target of (call.input['Targets'] ?? []) as Target[]) {
        if (!group.targets.some((known) => sameTarget(known, target))) group.targets.push(target);
      }
      return {};
    },
  },
};

function register(region: TwinRegion, group: TwinAutoScalingGroup, Id: string): void {
  for (const target of region.capacity.targetGroups) {
    if (!group.TargetGroupARNs.includes(target.TargetGroupArn)) continue;
    if (!target.targets.some((known) => known.Id === Id)) target.targets.push({ Id, Port: 80 });
  }
}

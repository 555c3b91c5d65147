/** Reads everything the plan must know about one instance: one round of calls where the finding names its VPC, then what depends on the answers. */
import type { Instance, NetworkInterface, RouteTable } from '@aws-sdk/client-ec2';
import type { TargetGroup, TargetHealthDescription } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Aws } from '../../core/aws/client.ts';
import { unawaited } from '../../core/beside.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import type { Target } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { describeInstance, isGone } from '../common/ec2/instance.ts';
import { openingsOf } from '../common/exposure.ts';
import { allPages, describeInterfaces, groupIdsOf, inBatches, whyUnmodifiable } from './aws-calls.ts';
import { CASE_TAG } from './evidence-steps.ts';
import { containerInstances, hostsOf } from './hosts.ts';
import { natDenials } from './nat-denials.ts';
import { findGroups } from './security-groups.ts';
import type { AutoScalingState, InstanceState, NetworkInterfaceState, Registration } from './state.ts';
import type { InstanceFacts } from './target.ts';
import { loadBalancerPath, routedPaths } from './tracked-paths.ts';

type Ec2 = Awaited<ReturnType<Aws['ec2']>>;

const DNS_PORT = 53;

/**
 * Throws ResourceNotFound when the instance is gone. What depends on its VPC and its image is read for those that the finding
 * names, in the same moment; the live instance says whether they are its own, and they are read again where not.
 */
export async function readState(
  target: Target<InstanceFacts>,
  aws: Aws,
  settings: JsonObject = {},
): Promise<InstanceState> {
  const ec2 = await aws.ec2();
  const { vpcId: named = null, imageId: image = null } = target.facts;
  const around = named === null ? undefined : unawaited(aroundOf(ec2, named));
  const imaged = image === null ? undefined : unawaited(imageNameOf(aws, image));
  const others = unawaited(
    Promise.all([
      attributeOf(ec2, target.id, 'disableApiTermination'),
      attributeOf(ec2, target.id, 'instanceInitiatedShutdownBehavior'),
      describeInterfaces(ec2, target.id),
      autoScalingOf(aws, target.id),
      targetGroupsOf(aws),
      containerInstances(aws, target.id),
    ]),
  );
  const instance = await describeInstance(aws, target.id);
  if (!instance || isGone(instance) || !instance.VpcId) {
    throw new FirebreakError('ResourceNotFound', 'the instance does not exist any more', {
      resource: target.display,
      next: 'See CloudTrail for who ended it; look for snapshots of its volumes.',
    });
  }
  const vpcId = instance.VpcId;
  const [
    [termination, shutdown, enis, autoScaling, targetGroups, listed],
    { tables, endpoints, groups },
    imageName,
    volumes,
    resolvesFor,
  ] = await Promise.all([
    others,
    around !== undefined && named === vpcId ? around : aroundOf(ec2, vpcId),
    imaged !== undefined && image === instance.ImageId ? imaged : imageNameOf(aws, instance.ImageId),
    volumesOf(aws, instance),
    target.facts.dnsRequest === true ? askersOf(aws, instance) : [],
  ]);
  const registrations = await registrationsIn(aws, instance, targetGroups);
  const tags = tagsOf(instance);
  const hosts = await hostsOf(
    aws,
    {
      instanceId: target.id,
      tags,
      profileArn: instance.IamInstanceProfile?.Arn ?? null,
      group: autoScaling?.group ?? null,
      image: imageName,
      privateDnsName: instance.PrivateDnsName ?? '',
    },
    listed,
  );
  const interfaces = enis.map((eni) => interfaceState(eni, vpcId));
  return {
    instance: {
      id: target.id,
      state: instance.State?.Name ?? 'unknown',
      vpcId,
      imageId: instance.ImageId ?? '',
      spot: instance.InstanceLifecycle === 'spot',
      rootDeviceType: instance.RootDeviceType ?? 'ebs',
      profileArn: instance.IamInstanceProfile?.Arn ?? null,
      operator: instance.Operator?.Managed ? (instance.Operator.Principal ?? 'an AWS service') : null,
      tags,
    },
    terminationProtection: termination.DisableApiTermination?.Value ?? false,
    shutdownBehaviour: shutdown.InstanceInitiatedShutdownBehavior?.Value ?? 'stop',
    interfaces,
    volumes,
    autoScaling,
    registrations,
    trackedPaths: [
      ...routedPaths(interfaces, tables),
      ...endpoints
        .filter(({ VpcEndpointType }) => VpcEndpointType === 'Interface')
        .map(({ VpcEndpointId }) => ({
          kind: 'interface-endpoint' as const,
          id: VpcEndpointId ?? 'unknown',
        })),
      ...registrations.flatMap((registration) => loadBalancerPath(registration) ?? []),
    ],
    natDenials: settings['natNetworkAcl'] === true ? await natDenials(aws, enis, tables) : [],
    forwards: [...routesTo(target.id, enis, tables), ...uncheckedInterfaces(enis)],
    resolvesFor,
    hosts: [...hosts],
    groups: { transit: groups.transit ?? null, quarantine: groups.quarantine ?? null },
  };
}

const attributeOf = (
  { client, api }: Ec2,
  InstanceId: string,
  Attribute: 'disableApiTermination' | 'instanceInitiatedShutdownBehavior',
) => client.send(new api.DescribeInstanceAttributeCommand({ InstanceId, Attribute }));

/** What the plan must know of a VPC. */
async function aroundOf(ec2: Ec2, vpcId: string) {
  const { client, api } = ec2;
  const inVpc = { Filters: [{ Name: 'vpc-id', Values: [vpcId] }] };
  const [tables, endpoints, groups] = await Promise.all([
    allPages(async (token) => {
      const answer = await client.send(
        new api.DescribeRouteTablesCommand({ ...inVpc, ...(token ? { NextToken: token } : {}) }),
      );
      return { items: answer.RouteTables, next: answer.NextToken };
    }),
    allPages(async (token) => {
      const answer = await client.send(
        new api.DescribeVpcEndpointsCommand({ ...inVpc, ...(token ? { NextToken: token } : {}) }),
      );
      return { items: answer.VpcEndpoints, next: answer.NextToken };
    }),
    findGroups(ec2, vpcId),
  ]);
  return { tables, endpoints, groups };
}

/** Empty where the image was deregistered. */
async function imageNameOf(aws: Aws, imageId = ''): Promise<string> {
  const { client, api } = await aws.ec2();
  const { Images } = await client.send(
    new api.DescribeImagesCommand({
      Filters: [{ Name: 'image-id', Values: [imageId] }],
      IncludeDeprecated: true,
    }),
  );
  return Images?.[0]?.Name ?? '';
}

const tagsOf = ({ Tags }: Instance): Record<string, string> =>
  Object.fromEntries((Tags ?? []).flatMap(({ Key, Value }) => (Key ? [[Key, Value ?? '']] : [])));

/**
 * Where DNS requests to the instance may come from: what it asks for may be on behalf of these. A rule for all traffic,
 * as every default group has one among its own members, says nothing about a resolver.
 */
async function askersOf(aws: Aws, { NetworkInterfaces = [] }: Instance): Promise<string[]> {
  const groups = NetworkInterfaces.flatMap(({ Groups }) =>
    (Groups ?? []).flatMap(({ GroupId }) => GroupId ?? []),
  );
  const openings = await openingsOf(aws, [...new Set(groups)], DNS_PORT);
  return [...new Set(openings.filter(({ ports }) => ports !== 'all traffic').map(({ from }) => from))].sort();
}

/** Routes of the VPC whose target is the instance: a NAT instance, a VPN or a firewall appliance. */
const routesTo = (
  instanceId: string,
  enis: readonly NetworkInterface[],
  tables: readonly RouteTable[],
): readonly string[] => {
  const ids = new Set(enis.map(({ NetworkInterfaceId }) => NetworkInterfaceId));
  return tables
    .filter(({ Routes = [] }) =>
      Routes.some(
        (route) =>
          route.InstanceId === instanceId ||
          (route.NetworkInterfaceId !== undefined && ids.has(route.NetworkInterfaceId)),
      ),
    )
    .map(({ RouteTableId }) => `it is the target of a route of ${RouteTableId}`);
};

/** EC2 drops packets that are not to or from the interface itself, unless the check is off. */
const uncheckedInterfaces = (enis: readonly NetworkInterface[]): readonly string[] =>
  enis
    .filter(({ SourceDestCheck }) => SourceDestCheck === false)
    .map(({ NetworkInterfaceId }) => `the source/destination check of ${NetworkInterfaceId} is off`);

const interfaceState = (eni: NetworkInterface, vpcId: string): NetworkInterfaceState => {
  const names = new Map((eni.Groups ?? []).map(({ GroupId, GroupName }) => [GroupId, GroupName]));
  return {
    id: eni.NetworkInterfaceId ?? '',
    subnetId: eni.SubnetId ?? '',
    type: eni.InterfaceType ?? 'interface',
    groups: groupIdsOf(eni).map((id) => ({ id, name: names.get(id) ?? id })),
    publicIp: eni.Association?.PublicIp ?? null,
    ipv6: (eni.Ipv6Addresses ?? []).length > 0,
    unmodifiable: whyUnmodifiable(eni, vpcId) ?? null,
  };
};

/** Snapshots of a case are looked for where the instance carries its label; the step looks whatever the label says. */
async function volumesOf(aws: Aws, instance: Instance): Promise<InstanceState['volumes']> {
  const mappings = (instance.BlockDeviceMappings ?? []).filter(({ Ebs }) => Ebs?.VolumeId);
  if (mappings.length === 0) return [];
  const { client, api } = await aws.ec2();
  const ids = mappings.flatMap(({ Ebs }) => Ebs?.VolumeId ?? []);
  const isLabelled = tagsOf(instance)[CASE_TAG] !== undefined;
  const snapshots = !isLabelled
    ? []
    : await allPages(async (token) => {
        const answer = await client.send(
          new api.DescribeSnapshotsCommand({
            OwnerIds: ['self'],
            Filters: [{ Name: 'volume-id', Values: ids }],
            ...(token ? { NextToken: token } : {}),
          }),
        );
        return { items: answer.Snapshots, next: answer.NextToken };
      });
  return mappings.map(({ DeviceName, Ebs }) => ({
    id: Ebs?.VolumeId ?? '',
    device: DeviceName ?? '',
    deleteOnTermination: Ebs?.DeleteOnTermination ?? false,
    snapshotCases: snapshots
      .filter(({ VolumeId }) => VolumeId === Ebs?.VolumeId)
      .flatMap(({ Tags }) => Tags?.find(({ Key }) => Key === CASE_TAG)?.Value ?? []),
  }));
}

/** The instance's Auto Scaling group with its limits, or null. */
export async function autoScalingOf(aws: Aws, instanceId: string): Promise<AutoScalingState | null> {
  const { client, api } = await aws.autoScaling();
  const { AutoScalingInstances } = await client.send(
    new api.DescribeAutoScalingInstancesCommand({ InstanceIds: [instanceId] }),
  );
  const [member] = AutoScalingInstances ?? [];
  if (!member?.AutoScalingGroupName) return null;
  const { AutoScalingGroups } = await client.send(
    new api.DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [member.AutoScalingGroupName] }),
  );
  const [group] = AutoScalingGroups ?? [];
  return {
    group: member.AutoScalingGroupName,
    arn: group?.AutoScalingGroupARN ?? '',
    lifecycle: member.LifecycleState ?? 'unknown',
    min: group?.MinSize ?? 0,
    max: group?.MaxSize ?? 0,
    desired: group?.DesiredCapacity ?? 0,
    healthCheckType: group?.HealthCheckType ?? 'EC2',
    targetGroupArns: group?.TargetGroupARNs ?? [],
  };
}

/** There is no reverse look-up from an instance to its target groups [M]: every group of the VPC is asked. */
export const registrationsOf = async (aws: Aws, instance: Instance): Promise<Registration[]> =>
  registrationsIn(aws, instance, await targetGroupsOf(aws));

async function targetGroupsOf(aws: Aws): Promise<TargetGroup[]> {
  const { client, api } = await aws.elbv2();
  return allPages(async (token) => {
    const answer = await client.send(new api.DescribeTargetGroupsCommand(token ? { Marker: token } : {}));
    return { items: answer.TargetGroups, next: answer.NextMarker };
  });
}

async function registrationsIn(
  aws: Aws,
  instance: Instance,
  groups: readonly TargetGroup[],
): Promise<Registration[]> {
  const addresses = new Set(
    // Any address of any interface can be a target of type `ip`: secondary and IPv6 ones as well.
    (instance.NetworkInterfaces ?? []).flatMap(({ PrivateIpAddress, PrivateIpAddresses, Ipv6Addresses }) => [
      ...(PrivateIpAddress ? [PrivateIpAddress] : []),
      ...(PrivateIpAddresses ?? []).flatMap((one) => one.PrivateIpAddress ?? []),
      ...(Ipv6Addresses ?? []).flatMap((one) => one.Ipv6Address ?? []),
    ]),
  );
  const here = groups.filter(({ VpcId, TargetGroupArn }) => VpcId === instance.VpcId && TargetGroupArn);
  const found = await inBatches(here, 5, async (group) => {
    const TargetHealthDescriptions = await targetsOf(aws, group.TargetGroupArn ?? '');
    const isOurs = (id: string | undefined) =>
      id !== undefined && (id === instance.InstanceId || addresses.has(id));
    const others = TargetHealthDescriptions.filter(
      ({ Target, TargetHealth }) => !isOurs(Target?.Id) && TargetHealth?.State === 'healthy',
    );
    return TargetHealthDescriptions.filter(({ Target }) => isOurs(Target?.Id)).map(
      ({ Target, TargetHealth }) => ({
        targetGroupArn: group.TargetGroupArn ?? '',
        targetGroupName: group.TargetGroupName ?? '',
        protocol: group.Protocol ?? '',
        id: Target?.Id ?? '',
        port: Target?.Port ?? null,
        availabilityZone: Target?.AvailabilityZone ?? null,
        health: TargetHealth?.State ?? 'unknown',
        otherHealthy: others.length,
      }),
    );
  });
  return found.flat();
}

/** Every target with its health; none where the group was deleted since it was listed, which must not stop an isolation. */
async function targetsOf(aws: Aws, TargetGroupArn: string): Promise<readonly TargetHealthDescription[]> {
  const { client, api } = await aws.elbv2();
  try {
    const answer = await client.send(new api.DescribeTargetHealthCommand({ TargetGroupArn }));
    return answer.TargetHealthDescriptions ?? [];
  } catch (error) {
    if (/^TargetGroupNotFound/.test(awsErrorName(error) ?? '')) return [];
    throw error;
  }
}

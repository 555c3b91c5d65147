/** The stage over moto: the same SDK clients as in production, pointed at the emulator by AWS_ENDPOINT_URL. */
import * as autoscaling from '@aws-sdk/client-auto-scaling';
import * as ec2 from '@aws-sdk/client-ec2';
import * as elbv2 from '@aws-sdk/client-elastic-load-balancing-v2';
import * as iam from '@aws-sdk/client-iam';
import { startMoto } from '../../bench/moto-server.ts';
import type { Scope } from '../../core/aws/arn.ts';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import type { Capability, Made, Stage, Wanted } from './stage.ts';

const SCOPE: Scope = { partition: 'aws', account: '123456789012', region: 'us-east-1' };

/** Seen with the version of moto in requirements.txt. */
const LACKS: Partial<Record<Capability, string>> = {
  'policy-evaluation': 'moto has no SimulatePrincipalPolicy and does not evaluate policies of a session here',
  'untracked-flows': 'moto moves no packets',
  // The EC2 API reference: the groups given replace those the interface has. The twin does as AWS says.
  'replaces-groups': 'moto adds the groups of ModifyNetworkInterfaceAttribute to those an interface has',
};

export async function motoStage(): Promise<Stage> {
  const server = await startMoto();
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: server.url,
    AWS_ACCESS_KEY_ID: 'moto',
    AWS_SECRET_ACCESS_KEY: 'moto',
    AWS_REGION: SCOPE.region,
  });
  const config = { region: SCOPE.region };
  const clients: Clients = {
    ec2: new ec2.EC2Client(config),
    iam: new iam.IAMClient(config),
    autoscaling: new autoscaling.AutoScalingClient(config),
    elbv2: new elbv2.ElasticLoadBalancingV2Client(config),
  };
  return {
    name: 'moto',
    scope: SCOPE,
    aws() {
      configureAws({ ownAccount: SCOPE.account, retryBaseMs: 1 });
      return awsFor(SCOPE);
    },
    reset: () => server.reset(),
    instance: (wanted) => makeInstances(clients, wanted),
    lacks: (what) => LACKS[what],
    async stop() {
      for (const client of Object.values(clients)) client.destroy();
      delete process.env.AWS_ENDPOINT_URL;
      await server.stop();
    },
  };
}

interface Clients {
  readonly ec2: ec2.EC2Client;
  readonly iam: iam.IAMClient;
  readonly autoscaling: autoscaling.AutoScalingClient;
  readonly elbv2: elbv2.ElasticLoadBalancingV2Client;
}

async function makeInstances(clients: Clients, wanted: Wanted): Promise<Made> {
  const { enis = 1, volumes = 1, count = wanted.asg?.min ?? 1 } = wanted;
  const network = await makeNetwork(clients.ec2, wanted);
  const role = wanted.role === undefined ? undefined : await makeRole(clients.iam, wanted.role);
  const launched = wanted.asg
    ? await launchGroup(clients, wanted.asg, network, role?.profile)
    : { instanceIds: await launch(clients.ec2, network, count, role?.profile) };
  for (const instanceId of launched.instanceIds) {
    for (let index = 1; index < enis; index++) await addInterface(clients.ec2, network, instanceId, index);
    for (let index = 1; index < volumes; index++) await addVolume(clients.ec2, instanceId, index);
  }
  const [first] = launched.instanceIds;
  const { NetworkInterfaces = [] } = await clients.ec2.send(
    new ec2.DescribeNetworkInterfacesCommand({
      Filters: [{ Name: 'attachment.instance-id', Values: [given(first)] }],
    }),
  );
  return {
    ...network,
    ...launched,
    eniIds: NetworkInterfaces.map(({ NetworkInterfaceId }) => given(NetworkInterfaceId)).sort(),
    ...(role ? { roleName: role.name, roleId: role.id } : {}),
  };
}

interface Network {
  readonly vpcId: string;
  readonly subnetId: string;
  readonly securityGroupIds: readonly string[];
  readonly natGatewayId?: string;
  readonly natAclId?: string;
}

async function makeNetwork(client: ec2.EC2Client, wanted: Wanted): Promise<Network> {
  const { Vpc } = await client.send(new ec2.CreateVpcCommand({ CidrBlock: '10.20.0.0/16' }));
  const vpcId = given(Vpc?.VpcId);
  const subnet = async (CidrBlock: string) => {
    const { Subnet } = await client.send(new ec2.CreateSubnetCommand({ VpcId: vpcId, CidrBlock }));
    return given(Subnet?.SubnetId);
  };
  const route = async (subnetId: string, target: { GatewayId?: string; NatGatewayId?: string }) => {
    const { RouteTable } = await client.send(new ec2.CreateRouteTableCommand({ VpcId: vpcId }));
    const RouteTableId = given(RouteTable?.RouteTableId);
    await client.send(new ec2.AssociateRouteTableCommand({ RouteTableId, SubnetId: subnetId }));
    await client.send(
      new ec2.CreateRouteCommand({ RouteTableId, DestinationCidrBlock: '0.0.0.0/0', ...target }),
    );
  };
  const { InternetGateway } = await client.send(new ec2.CreateInternetGatewayCommand({}));
  const GatewayId = given(InternetGateway?.InternetGatewayId);
  await client.send(new ec2.AttachInternetGatewayCommand({ InternetGatewayId: GatewayId, VpcId: vpcId }));
  const subnetId = await subnet('10.20.1.0/24');
  let natGatewayId: string | undefined;
  let natAclId: string | undefined;
  if (wanted.behindNat) {
    const outside = await subnet('10.20.2.0/24');
    await route(outside, { GatewayId });
    const { AllocationId } = await client.send(new ec2.AllocateAddressCommand({ Domain: 'vpc' }));
    const { NatGateway } = await client.send(
      new ec2.CreateNatGatewayCommand({ SubnetId: outside, AllocationId: given(AllocationId) }),
    );
    natGatewayId = given(NatGateway?.NatGatewayId);
    await route(subnetId, { NatGatewayId: natGatewayId });
    const { NetworkAcls } = await client.send(
      new ec2.DescribeNetworkAclsCommand({ Filters: [{ Name: 'association.subnet-id', Values: [outside] }] }),
    );
    natAclId = given(NetworkAcls?.[0]?.NetworkAclId);
    await client.send(
      new ec2.CreateTagsCommand({ Resources: [natAclId], Tags: [{ Key: 'firebreak', Value: 'blocks' }] }),
    );
  } else {
    await route(subnetId, { GatewayId });
  }
  const securityGroupIds: string[] = [];
  for (let index = 0; index < (wanted.securityGroups ?? 1); index++) {
    const { GroupId } = await client.send(
      new ec2.CreateSecurityGroupCommand({
        VpcId: vpcId,
        GroupName: `app-${index}`,
        Description: 'application',
      }),
    );
    securityGroupIds.push(given(GroupId));
  }
  return {
    vpcId,
    subnetId,
    securityGroupIds: securityGroupIds.sort(),
    ...(natGatewayId ? { natGatewayId } : {}),
    ...(natAclId ? { natAclId } : {}),
  };
}

async function makeRole(
  client: iam.IAMClient,
  name: string,
): Promise<{ name: string; id: string; profile: string }> {
  const { Role } = await client.send(
    new iam.CreateRoleCommand({
      RoleName: name,
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' },
        ],
      }),
    }),
  );
  const { InstanceProfile } = await client.send(
    new iam.CreateInstanceProfileCommand({ InstanceProfileName: name }),
  );
  await client.send(new iam.AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }));
  return { name, id: given(Role?.RoleId), profile: given(InstanceProfile?.Arn) };
}

async function image(client: ec2.EC2Client): Promise<string> {
  const { Images = [] } = await client.send(new ec2.DescribeImagesCommand({ Owners: ['amazon'] }));
  return given(Images[0]?.ImageId);
}

async function launch(
  client: ec2.EC2Client,
  network: Network,
  count: number,
  profile?: string,
): Promise<readonly string[]> {
  const { Instances = [] } = await client.send(
    new ec2.RunInstancesCommand({
      ImageId: await image(client),
      InstanceType: 'm5.large',
      MinCount: count,
      MaxCount: count,
      SubnetId: network.subnetId,
      SecurityGroupIds: [...network.securityGroupIds],
      ...(profile ? { IamInstanceProfile: { Arn: profile } } : {}),
    }),
  );
  return Instances.map(({ InstanceId }) => given(InstanceId));
}

async function launchGroup(
  clients: Clients,
  asg: NonNullable<Wanted['asg']>,
  network: Network,
  profile?: string,
): Promise<{ instanceIds: readonly string[]; asgName: string; targetGroupArn?: string }> {
  const asgName = 'web';
  let targetGroupArn: string | undefined;
  if (asg.targetGroup) {
    const { TargetGroups = [] } = await clients.elbv2.send(
      new elbv2.CreateTargetGroupCommand({ Name: 'web', Protocol: 'HTTP', Port: 80, VpcId: network.vpcId }),
    );
    targetGroupArn = given(TargetGroups[0]?.TargetGroupArn);
  }
  await clients.ec2.send(
    new ec2.CreateLaunchTemplateCommand({
      LaunchTemplateName: asgName,
      LaunchTemplateData: {
        ImageId: await image(clients.ec2),
        InstanceType: 'm5.large',
        SecurityGroupIds: [...network.securityGroupIds],
        ...(profile ? { IamInstanceProfile: { Arn: profile } } : {}),
      },
    }),
  );
  await clients.autoscaling.send(
    new autoscaling.CreateAutoScalingGroupCommand({
      AutoScalingGroupName: asgName,
      LaunchTemplate: { LaunchTemplateName: asgName, Version: '$Latest' },
      MinSize: asg.min,
      MaxSize: asg.max,
      VPCZoneIdentifier: network.subnetId,
      ...(targetGroupArn ? { TargetGroupARNs: [targetGroupArn], HealthCheckType: 'ELB' } : {}),
    }),
  );
  const { AutoScalingGroups = [] } = await clients.autoscaling.send(
    new autoscaling.DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [asgName] }),
  );
  const instanceIds = (AutoScalingGroups[0]?.Instances ?? []).map(({ InstanceId }) => given(InstanceId));
  return { instanceIds, asgName, ...(targetGroupArn ? { targetGroupArn } : {}) };
}

async function addInterface(
  client: ec2.EC2Client,
  network: Network,
  InstanceId: string,
  index: number,
): Promise<void> {
  const { NetworkInterface } = await client.send(
    new ec2.CreateNetworkInterfaceCommand({
      SubnetId: network.subnetId,
      Groups: [...network.securityGroupIds],
    }),
  );
  await client.send(
    new ec2.AttachNetworkInterfaceCommand({
      InstanceId,
      DeviceIndex: index,
      NetworkInterfaceId: given(NetworkInterface?.NetworkInterfaceId),
    }),
  );
}

async function addVolume(client: ec2.EC2Client, InstanceId: string, index: number): Promise<void> {
  const { Reservations = [] } = await client.send(
    new ec2.DescribeInstancesCommand({ InstanceIds: [InstanceId] }),
  );
  const zone = Reservations[0]?.Instances?.[0]?.Placement?.AvailabilityZone;
  const { VolumeId } = await client.send(
    new ec2.CreateVolumeCommand({ AvailabilityZone: given(zone), Size: 8 }),
  );
  await client.send(
    new ec2.AttachVolumeCommand({
      InstanceId,
      VolumeId: given(VolumeId),
      Device: `/dev/sd${'fghij'[index] ?? 'k'}`,
    }),
  );
}

function given(value: string | undefined): string {
  if (value === undefined) throw new Error('moto left a value out that the scenario needs');
  return value;
}

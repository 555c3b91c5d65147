/** The stage over the account twin: resources are put into its state, results are read through the SDK. */
import { arn, type Scope } from '../../core/aws/arn.ts';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import { addNetwork } from '../../sandbox/networks.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import type { Made, Stage, Wanted } from './stage.ts';

const SCOPE: Scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };

export async function twinStage(): Promise<Stage> {
  let twin = createTwin(SCOPE);
  return {
    name: 'twin',
    scope: SCOPE,
    aws() {
      configureAws({ ownAccount: SCOPE.account, retryBaseMs: 1, answer: (call) => twin.answer(call) });
      return awsFor(SCOPE);
    },
    async reset() {
      twin = createTwin(SCOPE);
    },
    instance: async (wanted) => make(twin, wanted),
    lacks: (what) => (what === 'untracked-flows' ? 'the twin moves no packets' : undefined),
    async stop() {
      configureAws({});
    },
  };
}

function make(twin: AccountTwin, wanted: Wanted): Made {
  if (wanted.asg) throw new Error('the twin has no Auto Scaling groups yet');
  const region = twin.region();
  const vpcId = twin.nextId('vpc');
  const subnetId = twin.nextId('subnet');
  const natGatewayId = wanted.behindNat ? twin.nextId('nat') : undefined;
  const natSubnet = twin.nextId('subnet');
  region.routeTables.push({
    RouteTableId: twin.nextId('rtb'),
    VpcId: vpcId,
    main: true,
    subnets: [subnetId],
    routes: [
      natGatewayId
        ? { DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: natGatewayId }
        : { DestinationCidrBlock: '0.0.0.0/0', GatewayId: twin.nextId('igw') },
    ],
  });
  if (natGatewayId)
    region.natGateways.push({
      NatGatewayId: natGatewayId,
      VpcId: vpcId,
      SubnetId: natSubnet,
      PublicIp: '203.0.113.10',
    });
  const natAclId = natGatewayId
    ? addNetwork(twin, { VpcId: vpcId, subnets: [natSubnet, subnetId] })
    : undefined;
  const securityGroupIds = Array.from({ length: wanted.securityGroups ?? 1 }, (_, index) => {
    const GroupId = twin.nextId('sg');
    region.groups.push({
      GroupId,
      GroupName: `app-${index}`,
      VpcId: vpcId,
      Description: 'app',
      Tags: {},
      rules: [],
    });
    return GroupId;
  }).sort();
  const roleId = 'AROATWINSTAGEROLE0001';
  if (wanted.role) {
    twin.state.roles[wanted.role] = {
      RoleName: wanted.role,
      Path: '/',
      RoleId: roleId,
      Arn: arn(SCOPE, 'iam', `role/${wanted.role}`, { global: true }),
      MaxSessionDuration: 3600,
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' },
        ],
      }),
      Tags: [],
      inline: {},
      attached: { [arn(SCOPE, 'iam', 'policy/app', { global: true })]: ALLOW_S3 },
      profiles: [wanted.role],
    };
  }
  const eniIds: string[] = [];
  const instanceIds = Array.from({ length: wanted.count ?? 1 }, (_, number) => {
    const InstanceId = twin.nextId('i');
    region.instances.push({
      InstanceId,
      State: 'running',
      VpcId: vpcId,
      SubnetId: subnetId,
      ImageId: 'ami-0fb00000000000001',
      profileArn: wanted.role ? arn(SCOPE, 'iam', `instance-profile/${wanted.role}`, { global: true }) : null,
      Tags: {},
      Volumes: Array.from({ length: wanted.volumes ?? 1 }, (_, index) => ({
        VolumeId: twin.nextId('vol'),
        DeviceName: `/dev/xvd${String.fromCharCode(97 + index)}`,
        DeleteOnTermination: true,
      })),
      DisableApiTermination: false,
      InstanceInitiatedShutdownBehavior: 'terminate',
      spot: false,
    });
    for (let index = 0; index < (wanted.enis ?? 1); index++) {
      const NetworkInterfaceId = twin.nextId('eni');
      if (number === 0) eniIds.push(NetworkInterfaceId);
      region.interfaces.push({
        NetworkInterfaceId,
        InstanceId,
        SubnetId: subnetId,
        VpcId: vpcId,
        PrivateIpAddress: `10.0.${number}.${10 + index}`,
        PublicIp: null,
        Ipv6: [],
        Groups: [...securityGroupIds],
        RequesterManaged: false,
        DeviceIndex: index,
      });
    }
    return InstanceId;
  });
  return {
    vpcId,
    subnetId,
    securityGroupIds,
    instanceIds,
    eniIds,
    ...(natGatewayId ? { natGatewayId } : {}),
    ...(natAclId ? { natAclId } : {}),
    ...(wanted.role ? { roleName: wanted.role, roleId } : {}),
  };
}

const ALLOW_S3 = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
});

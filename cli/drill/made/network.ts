/** EC2: instances, their snapshots, and the network of a drill. */
import {
  DeleteInternetGatewayCommand,
  DeleteRouteTableCommand,
  DeleteSnapshotCommand,
  DeleteSubnetCommand,
  DeleteVpcCommand,
  DescribeInternetGatewaysCommand,
  DescribeSubnetsCommand,
  DetachInternetGatewayCommand,
  DisassociateRouteTableCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { byTag, drillIn, each, found, type Kind, unlessGone } from './kind.ts';

/** Of the volumes of its instances: isolation keeps what was on them. */
export const snapshot: Kind = {
  async find(aws) {
    const { client, api } = await aws.ec2();
    const { Reservations = [] } = await client.send(new api.DescribeInstancesCommand(byTag));
    return each(
      Reservations.flatMap(({ Instances = [] }) => Instances),
      async ({ Tags, BlockDeviceMappings = [] }) => {
        const volumes = BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.VolumeId ?? []);
        if (volumes.length === 0) return [];
        const { Snapshots = [] } = await client.send(
          new api.DescribeSnapshotsCommand({ Filters: [{ Name: 'volume-id', Values: volumes }] }),
        );
        return Snapshots.flatMap(({ SnapshotId }) => found(SnapshotId, drillIn(Tags)));
      },
    );
  },
  async remove(aws, id) {
    const { client } = await aws.ec2();
    await unlessGone(() => client.send(new DeleteSnapshotCommand({ SnapshotId: id })));
  },
};

export const instance: Kind = {
  async find(aws) {
    const { client, api } = await aws.ec2();
    const { Reservations = [] } = await client.send(new api.DescribeInstancesCommand(byTag));
    return Reservations.flatMap(({ Instances = [] }) =>
      Instances.flatMap(({ InstanceId, Tags, State }) =>
        State?.Name === 'terminated' ? [] : found(InstanceId, drillIn(Tags)),
      ),
    );
  },
  async remove(aws, id) {
    const { client, api } = await aws.ec2();
    // Isolation protects an instance from termination, and an undo that failed leaves it so.
    await unlessGone(() =>
      client.send(
        new api.ModifyInstanceAttributeCommand({ InstanceId: id, DisableApiTermination: { Value: false } }),
      ),
    );
    await unlessGone(() => client.send(new TerminateInstancesCommand({ InstanceIds: [id] })));
  },
};

export const gateway: Kind = {
  async find(aws) {
    const { client } = await aws.ec2();
    const { InternetGateways = [] } = await client.send(new DescribeInternetGatewaysCommand(byTag));
    return InternetGateways.flatMap(({ InternetGatewayId, Tags }) => found(InternetGatewayId, drillIn(Tags)));
  },
  async remove(aws, id) {
    const { client } = await aws.ec2();
    await unlessGone(async () => {
      const { InternetGateways: [held] = [] } = await client.send(
        new DescribeInternetGatewaysCommand({ InternetGatewayIds: [id] }),
      );
      for (const { VpcId } of held?.Attachments ?? [])
        await client.send(new DetachInternetGatewayCommand({ InternetGatewayId: id, VpcId }));
      await client.send(new DeleteInternetGatewayCommand({ InternetGatewayId: id }));
    });
  },
};

export const group: Kind = {
  async find(aws) {
    const { client, api } = await aws.ec2();
    const { SecurityGroups = [] } = await client.send(new api.DescribeSecurityGroupsCommand(byTag));
    return SecurityGroups.flatMap(({ GroupId, Tags }) => found(GroupId, drillIn(Tags)));
  },
  async remove(aws, id) {
    const { client, api } = await aws.ec2();
    await unlessGone(() => client.send(new api.DeleteSecurityGroupCommand({ GroupId: id })));
  },
};

export const routeTable: Kind = {
  async find(aws) {
    const { client, api } = await aws.ec2();
    const { RouteTables = [] } = await client.send(new api.DescribeRouteTablesCommand(byTag));
    return RouteTables.flatMap(({ RouteTableId, Tags }) => found(RouteTableId, drillIn(Tags)));
  },
  async remove(aws, id) {
    const { client, api } = await aws.ec2();
    await unlessGone(async () => {
      const { RouteTables: [held] = [] } = await client.send(
        new api.DescribeRouteTablesCommand({ Filters: [{ Name: 'route-table-id', Values: [id] }] }),
      );
      for (const { RouteTableAssociationId: AssociationId } of held?.Associations ?? [])
        await client.send(new DisassociateRouteTableCommand({ AssociationId }));
      await client.send(new DeleteRouteTableCommand({ RouteTableId: id }));
    });
  },
};

export const subnet: Kind = {
  async find(aws) {
    const { client } = await aws.ec2();
    const { Subnets = [] } = await client.send(new DescribeSubnetsCommand(byTag));
    return Subnets.flatMap(({ SubnetId, Tags }) => found(SubnetId, drillIn(Tags)));
  },
  async remove(aws, id) {
    const { client } = await aws.ec2();
    await unlessGone(() => client.send(new DeleteSubnetCommand({ SubnetId: id })));
  },
};

export const vpc: Kind = {
  async find(aws) {
    const { client, api } = await aws.ec2();
    const { Vpcs = [] } = await client.send(new api.DescribeVpcsCommand(byTag));
    return Vpcs.flatMap(({ VpcId, Tags }) => found(VpcId, drillIn(Tags)));
  },
  async remove(aws, id) {
    const { client, api } = await aws.ec2();
    // Firebreak's own quarantine group stays where an undo failed, and keeps the VPC.
    const { SecurityGroups = [] } = await client.send(
      new api.DescribeSecurityGroupsCommand({ Filters: [{ Name: 'vpc-id', Values: [id] }] }),
    );
    for (const { GroupId, GroupName } of SecurityGroups)
      if (GroupId !== undefined && GroupName !== 'default') await group.remove(aws, GroupId);
    await unlessGone(() => client.send(new DeleteVpcCommand({ VpcId: id })));
  },
};

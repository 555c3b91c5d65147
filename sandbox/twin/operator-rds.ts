/** RDS instances and their subnet groups that an operator makes and removes, as far as a drill does. */
import { arn } from '../../core/aws/arn.ts';
import { awsError } from '../aws-error.ts';
import { settleFlows } from './flows.ts';
import type { Answers, TwinCall } from './twin.ts';

type Tag = { readonly Key: string; readonly Value: string };
const text = ({ input }: TwinCall, name: string): string => String(input[name] ?? '');
const tagsOf = ({ input }: TwinCall): Record<string, string> =>
  Object.fromEntries(((input['Tags'] ?? []) as Tag[]).map(({ Key, Value }) => [Key, Value]));

/** Lets what connects to the database see its groups: RDS keeps an interface for it. */
export function moveInterface({ region }: TwinCall, id: string, groups: readonly string[]): void {
  const eni = region.interfaces.find(({ NetworkInterfaceId }) => NetworkInterfaceId === interfaceOf(id));
  if (!eni) return;
  eni.Groups = [...groups];
  settleFlows(region);
}
const interfaceOf = (id: string): string => `eni-rds-${id}`;

export const operatorRds: Answers = {
  CreateDBSubnetGroup: (call) => {
    const { rds, networks } = call.region;
    const name = text(call, 'DBSubnetGroupName');
    const [subnet = ''] = call.input['SubnetIds'] as string[];
    const VpcId = networks.acls.find(({ subnets }) => subnets.includes(subnet))?.VpcId ?? '';
    rds.subnetGroups = { ...rds.subnetGroups, [name]: { VpcId, SubnetId: subnet, Tags: tagsOf(call) } };
    return { DBSubnetGroup: { DBSubnetGroupName: name, VpcId } };
  },
  DescribeDBSubnetGroups: ({ region, scope }) => ({
    DBSubnetGroups: Object.entries(region.rds.subnetGroups ?? {}).map(([DBSubnetGroupName, { VpcId }]) => ({
      ...{ DBSubnetGroupName, VpcId },
      DBSubnetGroupArn: arn(scope, 'rds', `subgrp:${DBSubnetGroupName}`),
    })),
  }),
  ListTagsForResource: (call) => {
    const name = text(call, 'ResourceName').split(':').at(-1) ?? '';
    const { Tags = {} } = call.region.rds.subnetGroups?.[name] ?? {};
    return { TagList: Object.entries(Tags).map(([Key, Value]) => ({ Key, Value })) };
  },
  DeleteDBSubnetGroup: (call) => {
    const { rds } = call.region;
    const name = text(call, 'DBSubnetGroupName');
    const { [name]: gone, ...left } = rds.subnetGroups ?? {};
    if (!gone) throw awsError('DBSubnetGroupNotFoundFault', `DB subnet group ${name} not found.`, 404);
    if (rds.databases.some(({ subnetGroup }) => subnetGroup === name))
      throw awsError('InvalidDBSubnetGroupStateFault', `${name} is in use.`);
    if (Object.keys(left).length > 0) rds.subnetGroups = left;
    else delete rds.subnetGroups;
    return {};
  },
  CreateDBInstance: (call) => {
    const { rds, interfaces } = call.region;
    const id = text(call, 'DBInstanceIdentifier');
    const subnetGroup = text(call, 'DBSubnetGroupName');
    const { VpcId, SubnetId } = rds.subnetGroups?.[subnetGroup] ?? { VpcId: '', SubnetId: '' };
    const groups = [...((call.input['VpcSecurityGroupIds'] ?? []) as string[])];
    const endpoint = `10.255.0.${interfaces.length + 10}`;
    interfaces.push({
      ...{ NetworkInterfaceId: interfaceOf(id), InstanceId: null, SubnetId, VpcId, Groups: [...groups] },
      ...{ PublicIp: null, Ipv6: [], RequesterManaged: true, DeviceIndex: 0, PrivateIpAddress: endpoint },
    });
    rds.databases.push({
      ...{ id, cluster: false, Engine: text(call, 'Engine'), VpcId, groups, clusterId: null, endpoint },
      ...{ PubliclyAccessible: call.input['PubliclyAccessible'] === true, Tags: tagsOf(call), subnetGroup },
    });
    return { DBInstance: { DBInstanceIdentifier: id, DBInstanceStatus: 'creating' } };
  },
  DeleteDBInstance: (call) => {
    const { rds } = call.region;
    const id = text(call, 'DBInstanceIdentifier');
    if (!rds.databases.some((one) => one.id === id && !one.cluster))
      throw awsError('DBInstanceNotFound', `${id} not found.`, 404);
    rds.databases = rds.databases.filter((one) => one.id !== id || one.cluster);
    call.region.interfaces = call.region.interfaces.filter(
      ({ NetworkInterfaceId }) => NetworkInterfaceId !== interfaceOf(id),
    );
    return {};
  },
  DeleteDBSnapshot: (call) => {
    const { rds } = call.region;
    const id = text(call, 'DBSnapshotIdentifier');
    if (!rds.snapshots.some((one) => one.id === id))
      throw awsError('DBSnapshotNotFound', `${id} not found.`, 404);
    rds.snapshots = rds.snapshots.filter((one) => one.id !== id);
    return {};
  },
};

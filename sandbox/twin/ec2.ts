import { createHash } from 'node:crypto';
import { awsError } from '../aws-error.ts';
import { filtered } from './filters.ts';
import { consoleOf, settleFlows } from './flows.ts';
import { madeIamId } from './made-id.ts';
import { ec2Pages, paged } from './pages.ts';
import type { TwinEni, TwinGroup, TwinInstance, TwinRule } from './state.ts';
import type { Answers, TwinCall } from './twin.ts';

const tagList = (tags: Record<string, string>) =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
const tagsIn = (specifications: unknown): Record<string, string> =>
  Object.fromEntries(
    ((specifications ?? []) as { Tags?: { Key: string; Value: string }[] }[])
      .flatMap(({ Tags }) => Tags ?? [])
      .map(({ Key, Value }) => [Key, Value]),
  );

function instanceOf({ region, input }: TwinCall): TwinInstance {
  const id = String(input['InstanceId']);
  const found = region.instances.find(({ InstanceId }) => InstanceId === id);
  if (found) return found;
  throw awsError('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
}

function eniOf({ region, input }: TwinCall): TwinEni {
  const id = String(input['NetworkInterfaceId']);
  const found = region.interfaces.find(({ NetworkInterfaceId }) => NetworkInterfaceId === id);
  if (found) return found;
  throw awsError('InvalidNetworkInterfaceID.NotFound', `The networkInterface ID '${id}' does not exist`);
}

function groupOf({ region, input }: TwinCall): TwinGroup {
  const id = String(input['GroupId']);
  const found = region.groups.find(({ GroupId }) => GroupId === id);
  if (found) return found;
  throw awsError('InvalidGroup.NotFound', `The security group '${id}' does not exist`);
}

const describeEni = (call: TwinCall, eni: TwinEni) => ({
  NetworkInterfaceId: eni.NetworkInterfaceId,
  SubnetId: eni.SubnetId,
  VpcId: eni.VpcId,
  InterfaceType: 'interface',
  RequesterManaged: eni.RequesterManaged,
  SourceDestCheck: eni.SourceDestCheck ?? true,
  PrivateIpAddress: eni.PrivateIpAddress,
  PrivateIpAddresses: [
    {
      PrivateIpAddress: eni.PrivateIpAddress,
      ...(eni.PublicIp ? { Association: { PublicIp: eni.PublicIp } } : {}),
    },
    ...(eni.Secondary ?? []).map((PrivateIpAddress) => ({ PrivateIpAddress })),
  ],
  Ipv6Addresses: eni.Ipv6.map((Ipv6Address) => ({ Ipv6Address })),
  ...(eni.PublicIp ? { Association: { PublicIp: eni.PublicIp } } : {}),
  Groups: eni.Groups.map((GroupId) => ({
    GroupId,
    GroupName: call.region.groups.find((group) => group.GroupId === GroupId)?.GroupName,
  })),
  ...(eni.InstanceId
    ? { Attachment: { InstanceId: eni.InstanceId, DeviceIndex: eni.DeviceIndex, Status: 'attached' } }
    : {}),
});

/** What DescribeInstances says of an interface: neither who manages it, nor again which instance has it. */
function describeEniOfInstance(call: TwinCall, eni: TwinEni): object {
  const { RequesterManaged: _managed, Attachment, ...shown } = describeEni(call, eni);
  const { InstanceId: _instance, ...attachment } = Attachment ?? {};
  return { ...shown, Attachment: attachment };
}

const describe = (call: TwinCall, instance: TwinInstance) => ({
  InstanceId: instance.InstanceId,
  State: { Name: instance.State },
  VpcId: instance.VpcId,
  SubnetId: instance.SubnetId,
  ImageId: instance.ImageId,
  RootDeviceType: instance.rootDeviceType ?? 'ebs',
  ...(instance.operator ? { Operator: { Managed: true, Principal: instance.operator } } : {}),
  ...(instance.spot ? { InstanceLifecycle: 'spot' } : {}),
  ...(instance.profileArn ? { IamInstanceProfile: { Arn: instance.profileArn } } : {}),
  Tags: tagList(instance.Tags),
  NetworkInterfaces: call.region.interfaces
    .filter(({ InstanceId }) => InstanceId === instance.InstanceId)
    .map((eni) => describeEniOfInstance(call, eni)),
  BlockDeviceMappings: instance.Volumes.map(({ DeviceName, VolumeId, DeleteOnTermination }) => ({
    DeviceName,
    Ebs: { VolumeId, DeleteOnTermination, Status: 'attached' },
  })),
});

/** EC2 gives an association a new id with every change; here it follows from instance and profile. */
const association = ({ InstanceId, profileArn }: TwinInstance) =>
  profileArn === null
    ? undefined
    : {
        AssociationId: `iip-assoc-${createHash('sha256').update(`${InstanceId} ${profileArn}`).digest('hex').slice(0, 17)}`,
        InstanceId,
        IamInstanceProfile: { Arn: profileArn, Id: madeIamId('AIPA', profileArn) },
        State: 'associated',
      };

function associated({ region, input }: TwinCall): TwinInstance {
  const id = String(input['AssociationId']);
  const found = region.instances.find((instance) => association(instance)?.AssociationId === id);
  if (found) return found;
  throw awsError('InvalidAssociationID.NotFound', `The association ID '${id}' does not exist`);
}

const profileIn = ({ input }: TwinCall): string =>
  String((input['IamInstanceProfile'] as { Arn?: string } | undefined)?.Arn);

function permissions(call: TwinCall, egress: boolean): TwinRule[] {
  const asked = (call.input['IpPermissions'] ?? []) as {
    IpProtocol: string;
    FromPort?: number;
    ToPort?: number;
    IpRanges?: { CidrIp: string; Description?: string }[];
    Ipv6Ranges?: { CidrIpv6: string; Description?: string }[];
    UserIdGroupPairs?: { GroupId: string; Description?: string }[];
  }[];
  const said = ({ Description }: { Description?: string }) =>
    Description === undefined ? {} : { Description };
  return asked.flatMap(({ IpProtocol, FromPort = -1, ToPort = -1, ...peers }) => {
    const { IpRanges = [], Ipv6Ranges = [], UserIdGroupPairs = [] } = peers;
    const base = { IsEgress: egress, IpProtocol, FromPort, ToPort };
    return [
      ...IpRanges.map((peer) => ({
        SecurityGroupRuleId: call.nextId('sgr'),
        ...base,
        CidrIpv4: peer.CidrIp,
        ...said(peer),
      })),
      ...Ipv6Ranges.map((peer) => ({
        SecurityGroupRuleId: call.nextId('sgr'),
        ...base,
        CidrIpv6: peer.CidrIpv6,
        ...said(peer),
      })),
      ...UserIdGroupPairs.map((peer) => ({
        SecurityGroupRuleId: call.nextId('sgr'),
        ...base,
        ReferencedGroupInfo: { GroupId: peer.GroupId },
        ...said(peer),
      })),
    ];
  });
}

const sameRule = (a: TwinRule, b: TwinRule): boolean =>
  a.IsEgress === b.IsEgress &&
  a.IpProtocol === b.IpProtocol &&
  a.FromPort === b.FromPort &&
  a.ToPort === b.ToPort &&
  a.CidrIpv4 === b.CidrIpv4 &&
  a.CidrIpv6 === b.CidrIpv6 &&
  a.ReferencedGroupInfo?.GroupId === b.ReferencedGroupInfo?.GroupId;

function authorize(call: TwinCall, egress: boolean): object {
  const group = groupOf(call);
  const added = permissions(call, egress);
  for (const rule of added) {
    if (group.rules.some((known) => sameRule(known, rule))) {
      throw awsError('InvalidPermission.Duplicate', 'the specified rule already exists');
    }
    group.rules.push(rule);
  }
  return { Return: true, SecurityGroupRules: added.map((rule) => ({ GroupId: group.GroupId, ...rule })) };
}

function revoke(call: TwinCall, egress: boolean): object {
  const group = groupOf(call);
  const ids = (call.input['SecurityGroupRuleIds'] ?? []) as string[];
  const given = permissions(call, egress);
  const goes = (rule: TwinRule) =>
    ids.includes(rule.SecurityGroupRuleId) || given.some((asked) => sameRule(asked, rule));
  if (!group.rules.some(goes))
    throw awsError('InvalidPermission.NotFound', 'The specified rule does not exist');
  const gone = group.rules.filter(goes);
  group.rules = group.rules.filter((rule) => !goes(rule));
  return {
    Return: true,
    RevokedSecurityGroupRules: gone.map(({ ReferencedGroupInfo, ...rule }) => ({
      GroupId: group.GroupId,
      ...rule,
      ...(ReferencedGroupInfo ? { ReferencedGroupId: ReferencedGroupInfo.GroupId } : {}),
    })),
  };
}

/** What EC2 refuses of an instance because of what it is. */
function refuseByKind({ spot, rootDeviceType, operator }: TwinInstance, changes: object): void {
  if (operator !== undefined)
    throw awsError('OperationNotPermitted', `The instance is managed by ${operator}`);
  if (spot && 'DisableApiTermination' in changes)
    throw awsError('UnsupportedOperation', 'Termination protection is not supported for Spot instances');
  if (!('InstanceInitiatedShutdownBehavior' in changes)) return;
  if (spot) throw awsError('UnsupportedOperation', 'a one-time Spot instance cannot be stopped');
  if (rootDeviceType === 'instance-store')
    throw awsError(
      'InvalidParameterCombination',
      'The attribute instanceInitiatedShutdownBehavior can only be used for elastic images.',
    );
}

export const ec2: Answers = {
  DescribeRegions: ({ state }) => ({
    Regions: Object.keys(state.regions).map((RegionName) => ({
      RegionName,
      OptInStatus: 'opt-in-not-required',
    })),
  }),
  GetConsoleOutput: ({ region, input }) => {
    const InstanceId = String(input['InstanceId']);
    if (!region.instances.some((one) => one.InstanceId === InstanceId))
      throw awsError('InvalidInstanceID.NotFound', `The instance ID '${InstanceId}' does not exist`);
    // Rules may have changed since.
    settleFlows(region);
    const text = `${InstanceId} login:${consoleOf(region, InstanceId)}`;
    return { InstanceId, Output: Buffer.from(text).toString('base64') };
  },
  DescribeIamInstanceProfileAssociations: (call) => {
    const found = filtered(
      call.region.instances.flatMap((instance) => association(instance) ?? []),
      call.input,
      ({ InstanceId, State }) => ({ 'instance-id': InstanceId, state: State }),
    );
    return paged(call, found, { ...ec2Pages, list: 'IamInstanceProfileAssociations', show: (one) => one });
  },
  AssociateIamInstanceProfile: (call) => {
    const instance = instanceOf(call);
    if (instance.profileArn !== null)
      throw awsError(
        'IncorrectState',
        `There is an existing association for instance ${instance.InstanceId}`,
      );
    instance.profileArn = profileIn(call);
    return { IamInstanceProfileAssociation: { ...association(instance), State: 'associating' } };
  },
  ReplaceIamInstanceProfileAssociation: (call) => {
    const instance = associated(call);
    instance.profileArn = profileIn(call);
    return { IamInstanceProfileAssociation: { ...association(instance), State: 'associating' } };
  },
  DisassociateIamInstanceProfile: (call) => {
    const instance = associated(call);
    const ended = { ...association(instance), State: 'disassociating' };
    instance.profileArn = null;
    return { IamInstanceProfileAssociation: ended };
  },
  DescribeInstances: (call) => {
    const ids = call.input['InstanceIds'] as string[] | undefined;
    const unknown = ids?.find((id) => !call.region.instances.some(({ InstanceId }) => InstanceId === id));
    if (unknown) throw awsError('InvalidInstanceID.NotFound', `The instance ID '${unknown}' does not exist`);
    const instances = filtered(
      call.region.instances.filter(({ InstanceId }) => !ids || ids.includes(InstanceId)),
      call.input,
      (instance) => ({
        'instance-id': instance.InstanceId,
        'image-id': instance.ImageId,
        'vpc-id': instance.VpcId,
        'iam-instance-profile.arn': instance.profileArn,
        'instance-state-name': instance.State,
        'private-dns-name': privateDnsName(call, instance),
      }),
      ({ Tags }) => Tags,
    );
    const show = (instance: TwinInstance) => ({ Instances: [describe(call, instance)] });
    // Ids and pages do not go together in DescribeInstances.
    if (ids) return { Reservations: instances.map(show) };
    return paged(call, instances, { ...ec2Pages, list: 'Reservations', show });
  },
  DescribeInstanceAttribute: (call) => {
    const instance = instanceOf(call);
    switch (call.input['Attribute']) {
      case 'disableApiTermination':
        return {
          InstanceId: instance.InstanceId,
          DisableApiTermination: { Value: instance.DisableApiTermination },
        };
      case 'instanceInitiatedShutdownBehavior':
        return {
          InstanceId: instance.InstanceId,
          InstanceInitiatedShutdownBehavior: { Value: instance.InstanceInitiatedShutdownBehavior },
        };
      default:
        throw new Error(`the twin does not know the attribute ${String(call.input['Attribute'])}`);
    }
  },
  ModifyInstanceAttribute: (call) => {
    const instance = instanceOf(call);
    const { InstanceId: _id, ...rest } = call.input;
    refuseByKind(instance, rest);
    if (Object.keys(rest).length !== 1)
      throw awsError('InvalidParameterCombination', 'Only one attribute can be modified at a time');
    const value = (name: string) => (rest[name] as { Value: unknown }).Value;
    if ('DisableApiTermination' in rest)
      instance.DisableApiTermination = value('DisableApiTermination') === true;
    else if ('InstanceInitiatedShutdownBehavior' in rest) {
      instance.InstanceInitiatedShutdownBehavior = String(value('InstanceInitiatedShutdownBehavior'));
    } else if ('BlockDeviceMappings' in rest) {
      for (const mapping of rest['BlockDeviceMappings'] as {
        DeviceName: string;
        Ebs: { DeleteOnTermination: boolean };
      }[]) {
        const volume = instance.Volumes.find(({ DeviceName }) => DeviceName === mapping.DeviceName);
        if (!volume)
          throw awsError(
            'InvalidInstanceAttributeValue',
            `No device is currently mapped at ${mapping.DeviceName}`,
          );
        volume.DeleteOnTermination = mapping.Ebs.DeleteOnTermination;
      }
    } else throw new Error(`the twin does not modify ${Object.keys(rest).join()}`);
    return {};
  },
  DescribeNetworkInterfaces: (call) => {
    const ids = call.input['NetworkInterfaceIds'] as string[] | undefined;
    const found = filtered(
      call.region.interfaces.filter(({ NetworkInterfaceId }) => !ids || ids.includes(NetworkInterfaceId)),
      call.input,
      (eni) => ({
        'attachment.instance-id': eni.InstanceId,
        'addresses.association.public-ip': eni.PublicIp,
        'addresses.private-ip-address': [eni.PrivateIpAddress, ...(eni.Secondary ?? [])],
        'ipv6-addresses.ipv6-address': eni.Ipv6,
        'vpc-id': eni.VpcId,
        'group-id': eni.Groups,
        'subnet-id': eni.SubnetId,
      }),
    );
    if (ids && found.length < ids.length) {
      throw awsError(
        'InvalidNetworkInterfaceID.NotFound',
        `The networkInterface ID '${ids.join(', ')}' does not exist`,
      );
    }
    const show = (eni: TwinEni) => describeEni(call, eni);
    if (ids) return { NetworkInterfaces: found.map(show) };
    return paged(call, found, { ...ec2Pages, list: 'NetworkInterfaces', show });
  },
  ModifyNetworkInterfaceAttribute: (call) => {
    const eni = eniOf(call);
    if (eni.RequesterManaged) {
      throw awsError('AuthFailure', 'You do not have permission to access the specified resource.', 403);
    }
    const groups = (call.input['Groups'] ?? []) as string[];
    for (const id of groups) {
      const group = call.region.groups.find(({ GroupId }) => GroupId === id);
      if (!group) throw awsError('InvalidGroup.NotFound', `The security group '${id}' does not exist`);
      if (group.VpcId !== eni.VpcId)
        throw awsError('InvalidParameterValue', 'the group belongs to another VPC');
    }
    eni.Groups = [...groups];
    settleFlows(call.region);
    return {};
  },
  DescribeSecurityGroups: (call) => {
    const ids = call.input['GroupIds'] as string[] | undefined;
    const found = filtered(
      call.region.groups.filter(({ GroupId }) => !ids || ids.includes(GroupId)),
      call.input,
      (group) => ({
        'vpc-id': group.VpcId,
        'group-name': group.GroupName,
        'group-id': group.GroupId,
        'egress.ip-permission.group-id': group.rules.flatMap(({ IsEgress, ReferencedGroupInfo }) =>
          IsEgress && ReferencedGroupInfo ? [ReferencedGroupInfo.GroupId] : [],
        ),
      }),
      ({ Tags }) => Tags,
    );
    if (ids && found.length < ids.length)
      throw awsError('InvalidGroup.NotFound', `The security group '${ids.join()}' does not exist`);
    return {
      SecurityGroups: found.map(({ rules: _rules, Tags, ...group }) => ({ ...group, Tags: tagList(Tags) })),
    };
  },
  DescribeSecurityGroupRules: (call) => {
    const groups = filtered(call.region.groups, call.input, (group) => ({ 'group-id': group.GroupId }));
    const rules = groups.flatMap(({ GroupId, rules: own }) => own.map((rule) => ({ GroupId, ...rule })));
    return paged(call, rules, { ...ec2Pages, list: 'SecurityGroupRules', show: (rule) => rule });
  },
  CreateSecurityGroup: (call) => {
    const { GroupName, VpcId, Description } = call.input as Record<string, string>;
    if (call.region.groups.some((group) => group.GroupName === GroupName && group.VpcId === VpcId)) {
      throw awsError(
        'InvalidGroup.Duplicate',
        `The security group '${GroupName}' already exists for VPC '${VpcId}'`,
      );
    }
    // Every new group lets everything out: a crash before the revoke leaves an open "quarantine".
    const open = (cidr: Pick<TwinRule, 'CidrIpv4' | 'CidrIpv6'>): TwinRule => ({
      SecurityGroupRuleId: call.nextId('sgr'),
      IsEgress: true,
      IpProtocol: '-1',
      FromPort: -1,
      ToPort: -1,
      ...cidr,
    });
    const group: TwinGroup = {
      GroupId: call.nextId('sg'),
      GroupName: GroupName ?? '',
      VpcId: VpcId ?? '',
      Description: Description ?? '',
      Tags: tagsIn(call.input['TagSpecifications']),
      rules: [
        open({ CidrIpv4: '0.0.0.0/0' }),
        ...(call.region.ipv6Vpcs.includes(VpcId ?? '') ? [open({ CidrIpv6: '::/0' })] : []),
      ],
    };
    call.region.groups.push(group);
    return { GroupId: group.GroupId };
  },
  DeleteSecurityGroup: (call) => {
    const { GroupId } = groupOf(call);
    const { interfaces, rds } = call.region;
    const inUse = [...interfaces.map(({ Groups }) => Groups), ...rds.databases.map(({ groups }) => groups)];
    if (inUse.some((groups) => groups.includes(GroupId))) {
      throw awsError('DependencyViolation', `resource ${GroupId} has a dependent object`);
    }
    call.region.groups = call.region.groups.filter((group) => group.GroupId !== GroupId);
    return { Return: true, GroupId };
  },
  AuthorizeSecurityGroupEgress: (call) => authorize(call, true),
  AuthorizeSecurityGroupIngress: (call) => authorize(call, false),
  RevokeSecurityGroupEgress: (call) => revoke(call, true),
  RevokeSecurityGroupIngress: (call) => revoke(call, false),
  DescribeRouteTables: (call) => ({
    RouteTables: filtered(call.region.routeTables, call.input, (table) => ({
      'vpc-id': table.VpcId,
      'association.subnet-id': table.subnets,
      'association.main': String(table.main),
      'route-table-id': table.RouteTableId,
      'tag-key': Object.keys(table.Tags ?? {}),
    })).map((table) => ({
      RouteTableId: table.RouteTableId,
      ...(table.Tags === undefined ? {} : { Tags: tagList(table.Tags) }),
      VpcId: table.VpcId,
      Associations: [
        ...(table.main ? [{ Main: true }] : []),
        ...table.subnets.map((SubnetId) => ({
          RouteTableAssociationId: `rtbassoc-${SubnetId}`,
          ...{ SubnetId, Main: false },
        })),
      ],
      Routes: table.routes.map((route) => ({ State: 'active', ...route })),
    })),
  }),
  DescribeNatGateways: (call) => ({
    NatGateways: filtered(call.region.natGateways, call.input, (nat) => ({
      'nat-gateway-id': nat.NatGatewayId,
      'vpc-id': nat.VpcId,
    })).map(({ PublicIp, ...nat }) => ({
      ...nat,
      State: 'available',
      ConnectivityType: 'public',
      NatGatewayAddresses: [{ PublicIp }],
    })),
  }),
  DescribeVpcEndpoints: (call) => {
    const found = filtered(call.region.vpcEndpoints, call.input, ({ VpcId, VpcEndpointType }) => ({
      'vpc-id': VpcId,
      'vpc-endpoint-type': VpcEndpointType,
    }));
    return paged(call, found, { ...ec2Pages, list: 'VpcEndpoints', show: (endpoint) => endpoint });
  },
  DescribeSnapshots: (call) => {
    const ids = call.input['SnapshotIds'] as string[] | undefined;
    const unknown = ids?.find((id) => !call.region.snapshots.some(({ SnapshotId }) => SnapshotId === id));
    if (unknown) throw awsError('InvalidSnapshot.NotFound', `The snapshot '${unknown}' does not exist.`);
    const found = filtered(
      call.region.snapshots.filter(({ SnapshotId }) => !ids || ids.includes(SnapshotId)),
      call.input,
      (snapshot) => ({ 'volume-id': snapshot.VolumeId }),
      ({ Tags }) => Tags,
    );
    return paged(call, found, {
      ...ec2Pages,
      list: 'Snapshots',
      show: ({ Tags, sharedWith: _shared, ...snapshot }) => ({
        ...snapshot,
        State: 'pending',
        Tags: tagList(Tags),
      }),
    });
  },
  CreateSnapshots: (call) => {
    const { InstanceId } = call.input['InstanceSpecification'] as { InstanceId: string };
    const instance = instanceOf({ ...call, input: { InstanceId } });
    const made = instance.Volumes.map(({ VolumeId }) => ({
      SnapshotId: call.nextId('snap'),
      VolumeId,
      Tags: tagsIn(call.input['TagSpecifications']),
    }));
    call.region.snapshots.push(...made);
    return {
      Snapshots: made.map(({ SnapshotId, VolumeId }) => ({ SnapshotId, VolumeId, State: 'pending' })),
    };
  },
  DescribeImages: (call) => {
    const { images = [] } = call.region;
    const ids = call.input['ImageIds'] as string[] | undefined;
    const unknown = ids?.find((id) => !images.some(({ ImageId }) => ImageId === id));
    if (unknown) throw awsError('InvalidAMIID.NotFound', `The image id '[${unknown}]' does not exist`);
    const found = filtered(
      images.filter(({ ImageId }) => !ids || ids.includes(ImageId)),
      call.input,
      ({ ImageId, SourceInstanceId }) => ({
        'image-id': ImageId,
        'source-instance-id': SourceInstanceId,
      }),
    );
    return {
      Images: found.map(({ Tags, sharedWith: _shared, ...image }) => ({ ...image, Tags: tagList(Tags) })),
    };
  },
  DeleteTags: (call) => {
    for (const id of call.input['Resources'] as string[]) {
      const tagged =
        call.region.images?.find(({ ImageId }) => ImageId === id) ??
        call.region.snapshots.find(({ SnapshotId }) => SnapshotId === id);
      if (!tagged) throw awsError('InvalidID', `The ID '${id}' is not valid`);
      // A tag given with another value stays.
      for (const { Key, Value } of call.input['Tags'] as { Key: string; Value?: string }[])
        if (Value === undefined || tagged.Tags[Key] === Value) delete tagged.Tags[Key];
    }
    return {};
  },
  CreateTags: (call) => {
    const tags = Object.fromEntries(
      (call.input['Tags'] as { Key: string; Value: string }[]).map(({ Key, Value }) => [Key, Value]),
    );
    for (const id of call.input['Resources'] as string[]) {
      const tagged =
        call.region.instances.find(({ InstanceId }) => InstanceId === id) ??
        call.region.groups.find(({ GroupId }) => GroupId === id) ??
        call.region.snapshots.find(({ SnapshotId }) => SnapshotId === id) ??
        call.region.images?.find(({ ImageId }) => ImageId === id);
      if (!tagged) throw awsError('InvalidID', `The ID '${id}' is not valid`);
      Object.assign(tagged.Tags, tags);
    }
    return {};
  },
};

/** `ip-10-0-9-10.eu-west-1.compute.internal`; in us-east-1 the domain is `ec2.internal`. */
function privateDnsName({ region, scope }: TwinCall, { InstanceId }: TwinInstance): string {
  const address = region.interfaces.find((eni) => eni.InstanceId === InstanceId)?.PrivateIpAddress ?? '';
  const domain = scope.region === 'us-east-1' ? 'ec2.internal' : `${scope.region}.compute.internal`;
  return `ip-${address.replaceAll('.', '-')}.${domain}`;
}

/** Accounts to play in: what is there, and the finding that arrives. Ids are made up. */
import { createHash } from 'node:crypto';
import { arn } from '../core/aws/arn.ts';
import type { JsonObject } from '../core/json.ts';
import { addNetwork } from './networks.ts';
import { inEnvelope } from './simulated/event.ts';
import type { AccountTwin, Session } from './twin/twin.ts';

export const THIEF_IP = '198.51.100.77';
/** Of the stolen session. An identifier, not a secret. */
const THIEF_KEY = 'ASIAFIREBREAKDEMO001';
const NAT_IP = '203.0.113.10';
export const ROLE = 'web-app';
const ROLE_ID = 'AROAFIREBREAKDEMO0001';

export interface CredentialWorld {
  /** The instance whose credentials are stolen, and the healthy ones of the same role. */
  readonly stolen: Session;
  readonly siblings: readonly Session[];
}

/** A role shared by `count` instances in private subnets behind a NAT gateway. */
export function credentialWorld(twin: AccountTwin, count = 3): CredentialWorld {
  const { scope } = twin;
  const region = twin.region();
  const VpcId = twin.nextId('vpc');
  const SubnetId = twin.nextId('subnet');
  const NatGatewayId = twin.nextId('nat');
  twin.state.roles[ROLE] = {
    RoleName: ROLE,
    Path: '/service/',
    RoleId: ROLE_ID,
    Arn: arn(scope, 'iam', `role/service/${ROLE}`, { global: true }),
    MaxSessionDuration: 3600,
    AssumeRolePolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    }),
    Tags: [{ Key: 'team', Value: 'web' }],
    inline: {
      'app-data': JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: ['s3:GetObject', 's3:ListBucket'], Resource: '*' }],
      }),
    },
    attached: {},
    profiles: [ROLE],
  };
  const natSubnet = twin.nextId('subnet');
  region.natGateways.push({ NatGatewayId, VpcId, SubnetId: natSubnet, PublicIp: NAT_IP });
  addNetwork(twin, { VpcId, subnets: [SubnetId] });
  addNetwork(twin, { VpcId, subnets: [natSubnet] });
  region.routeTables.push({
    RouteTableId: twin.nextId('rtb'),
    VpcId,
    main: true,
    subnets: [SubnetId],
    routes: [{ DestinationCidrBlock: '0.0.0.0/0', NatGatewayId }],
  });
  const GroupId = twin.nextId('sg');
  region.groups.push({ GroupId, GroupName: 'web', VpcId, Description: 'web servers', Tags: {}, rules: [] });
  const ids = Array.from({ length: count }, (_, index) =>
    addInstance(twin, { VpcId, SubnetId, groups: [GroupId], profile: ROLE, index }),
  );
  const issuedAt = new Date(Date.now() - 3_600_000);
  const sessions = ids.map((instanceId): Session => ({ roleName: ROLE, instanceId, issuedAt }));
  const [stolen, ...siblings] = sessions;
  if (!stolen) throw new Error('a world needs an instance');
  return { stolen, siblings };
}

/** What the thief tried with the stolen session, newest first, as CloudTrail tells it. */
export function thiefAtWork(twin: AccountTwin): void {
  const awsRegion = twin.scope.region;
  const calls = [
    ['ListUsers', 'iam.amazonaws.com', 'AccessDenied', 4],
    ['ListBuckets', 's3.amazonaws.com', undefined, 6],
    ['GetCallerIdentity', 'sts.amazonaws.com', undefined, 7],
  ].map(([eventName, eventSource, errorCode, minutes]) => ({
    key: THIEF_KEY,
    event: {
      eventTime: new Date(Date.now() - Number(minutes) * 60_000).toISOString(),
      eventName,
      eventSource,
      awsRegion,
      sourceIPAddress: THIEF_IP,
      userAgent: 'aws-cli/2.15.0',
      readOnly: true,
      ...(errorCode === undefined ? {} : { errorCode }),
    },
  }));
  twin.region().cloudtrail.history.push(...calls);
}

function addInstance(
  twin: AccountTwin,
  given: {
    VpcId: string;
    SubnetId: string;
    groups: readonly string[];
    profile?: string;
    index: number;
    publicIp?: string;
  },
): string {
  const region = twin.region();
  const InstanceId = twin.nextId('i');
  region.instances.push({
    InstanceId,
    State: 'running',
    VpcId: given.VpcId,
    SubnetId: given.SubnetId,
    ImageId: 'ami-0fb00000000000001',
    profileArn: given.profile
      ? arn(twin.scope, 'iam', `instance-profile/${given.profile}`, { global: true })
      : null,
    Tags: { Name: `web-${given.index + 1}` },
    Volumes: [{ VolumeId: twin.nextId('vol'), DeviceName: '/dev/xvda', DeleteOnTermination: true }],
    DisableApiTermination: false,
    InstanceInitiatedShutdownBehavior: 'terminate',
    spot: false,
  });
  region.interfaces.push({
    NetworkInterfaceId: twin.nextId('eni'),
    InstanceId,
    SubnetId: given.SubnetId,
    VpcId: given.VpcId,
    PrivateIpAddress: `10.0.1.${given.index + 10}`,
    PublicIp: given.publicIp ?? null,
    Ipv6: [],
    Groups: [...given.groups],
    RequesterManaged: false,
    DeviceIndex: 0,
  });
  return InstanceId;
}

export interface FindingParts {
  /** Anything; the finding id is made from it. */
  readonly seed: string;
  readonly count?: number;
  readonly severity?: number;
  readonly updatedAt?: Date;
  readonly sample?: boolean;
}

/** A GuardDuty finding as EventBridge delivers it, with what every finding carries. */
function guardDutyEvent(
  { scope }: AccountTwin,
  parts: FindingParts,
  given: {
    readonly type: string;
    readonly severity: number;
    readonly title: string;
    readonly description: string;
    readonly resource: JsonObject;
    readonly additionalInfo?: JsonObject;
    readonly action: JsonObject;
  },
): JsonObject {
  const id = createHash('md5').update(parts.seed).digest('hex');
  const at = (parts.updatedAt ?? new Date()).toISOString();
  const { resource, action, additionalInfo = {}, severity, ...rest } = given;
  return inEnvelope(
    scope,
    { id: `event-${id}`, time: at },
    {
      schemaVersion: '2.0',
      accountId: scope.account,
      region: scope.region,
      partition: scope.partition,
      id,
      arn: arn(scope, 'guardduty', `detector/d1/finding/${id}`),
      createdAt: at,
      updatedAt: at,
      severity: parts.severity ?? severity,
      ...rest,
      resource,
      service: {
        serviceName: 'guardduty',
        detectorId: 'd1',
        resourceRole: 'TARGET',
        archived: false,
        count: parts.count ?? 1,
        eventFirstSeen: at,
        eventLastSeen: at,
        additionalInfo,
        action,
      },
    },
  );
}

/** A finding of any type on any resource, with an API call from outside as its action unless stated otherwise. */
export const findingOn = (
  twin: AccountTwin,
  parts: FindingParts & {
    readonly type: string;
    readonly resource: JsonObject;
    readonly action?: JsonObject;
    readonly additionalInfo?: JsonObject;
  },
): JsonObject =>
  guardDutyEvent(twin, parts, {
    type: parts.type,
    severity: 8,
    title: `${parts.sample ? '[SAMPLE] ' : ''}${parts.type}`,
    description: parts.type,
    resource: parts.resource,
    ...(parts.additionalInfo ? { additionalInfo: parts.additionalInfo } : {}),
    action: parts.action ?? {
      actionType: 'AWS_API_CALL',
      awsApiCallAction: {
        api: 'GetObject',
        serviceName: 's3.amazonaws.com',
        callerType: 'Remote IP',
        remoteIpDetails: { ipAddressV4: THIEF_IP, country: { countryName: 'Nowhere' } },
      },
    },
  });

/** The event that GuardDuty sends when an instance's credentials are used outside AWS. */
export const credentialFinding = (
  twin: AccountTwin,
  { instanceId }: Session,
  parts: FindingParts,
): JsonObject =>
  guardDutyEvent(twin, parts, {
    type: 'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS',
    severity: 8,
    title: `${parts.sample ? '[SAMPLE] ' : ''}Credentials for the EC2 instance role ${ROLE} were used from an external IP address.`,
    description: `Credentials created exclusively for instance ${instanceId} were used from ${THIEF_IP}.`,
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: {
        accessKeyId: THIEF_KEY,
        principalId: `${ROLE_ID}:${instanceId}`,
        userType: 'AssumedRole',
        userName: ROLE,
      },
    },
    action: {
      actionType: 'AWS_API_CALL',
      awsApiCallAction: {
        api: 'ListBuckets',
        serviceName: 's3.amazonaws.com',
        callerType: 'Remote IP',
        remoteIpDetails: {
          ipAddressV4: THIEF_IP,
          country: { countryName: 'Nowhere' },
          organization: { asn: '64500', asnOrg: 'Example Hosting' },
        },
      },
    },
  });

export interface AddressWorld {
  readonly instanceId: string;
  readonly neighbourId: string;
}

/** A web server with a public address behind an internet gateway, and a neighbour that has nothing to do with it. */
export function addressWorld(twin: AccountTwin): AddressWorld {
  const region = twin.region();
  const VpcId = twin.nextId('vpc');
  const SubnetId = twin.nextId('subnet');
  region.routeTables.push({
    RouteTableId: twin.nextId('rtb'),
    VpcId,
    main: true,
    subnets: [SubnetId],
    routes: [{ DestinationCidrBlock: '0.0.0.0/0', GatewayId: twin.nextId('igw') }],
  });
  addNetwork(twin, { VpcId, subnets: [SubnetId] });
  const groups = ['web', 'admin'].map((GroupName) => {
    const GroupId = twin.nextId('sg');
    region.groups.push({ GroupId, GroupName, VpcId, Description: GroupName, Tags: {}, rules: [] });
    return GroupId;
  });
  const add = (index: number, publicIp: string) =>
    addInstance(twin, { VpcId, SubnetId, groups, index, publicIp });
  return { instanceId: add(0, '203.0.113.80'), neighbourId: add(1, '203.0.113.81') };
}

export interface FleetWorld {
  readonly instanceId: string;
  readonly group: string;
  readonly targetGroup: string;
}

/** Two web servers of an Auto Scaling group with ELB health checks behind a load balancer: min = desired, as given. */
export function fleetWorld(twin: AccountTwin, size: { desired: number; max: number }): FleetWorld {
  const { instanceId, neighbourId } = addressWorld(twin);
  const region = twin.region();
  const VpcId = region.instances.at(-1)?.VpcId ?? '';
  const targetGroup = arn(twin.scope, 'elasticloadbalancing', 'targetgroup/web/0123456789abcdef');
  region.capacity.targetGroups.push({
    TargetGroupArn: targetGroup,
    TargetGroupName: 'web',
    Protocol: 'HTTP',
    VpcId,
    targets: [instanceId, neighbourId].map((Id) => ({ Id, Port: 80 })),
  });
  region.capacity.autoScalingGroups.push({
    AutoScalingGroupName: 'web',
    AutoScalingGroupARN: arn(twin.scope, 'autoscaling', 'autoScalingGroup:1:autoScalingGroupName/web'),
    MinSize: size.desired,
    DesiredCapacity: size.desired,
    MaxSize: size.max,
    HealthCheckType: 'ELB',
    TargetGroupARNs: [targetGroup],
    instances: [instanceId, neighbourId],
  });
  return { instanceId, group: 'web', targetGroup };
}

/** The security groups of every interface of an instance, by name: what people look at. */
export function groupsOfInstance(twin: AccountTwin, instanceId: string): readonly string[] {
  const { interfaces, groups } = twin.region();
  return interfaces
    .filter(({ InstanceId }) => InstanceId === instanceId)
    .flatMap(({ Groups }) =>
      Groups.map((id) => groups.find(({ GroupId }) => GroupId === id)?.GroupName ?? id),
    );
}

/** What GuardDuty says of the instance's image and interfaces, as the account has them. */
function knownOf(twin: AccountTwin, instanceId: string): JsonObject {
  const { instances, interfaces } = twin.region();
  const imageId = instances.find(({ InstanceId }) => InstanceId === instanceId)?.ImageId;
  return {
    ...(imageId === undefined ? {} : { imageId }),
    networkInterfaces: interfaces
      .filter(({ InstanceId }) => InstanceId === instanceId)
      .map(({ NetworkInterfaceId, VpcId, SubnetId, PrivateIpAddress, PublicIp, Groups }) => ({
        ...{ networkInterfaceId: NetworkInterfaceId, vpcId: VpcId, subnetId: SubnetId },
        ...{ privateIpAddress: PrivateIpAddress, ...(PublicIp === null ? {} : { publicIp: PublicIp }) },
        securityGroups: Groups.map((groupId) => ({ groupId })),
      })),
  };
}

/** The event that GuardDuty sends when an instance talks to an address on a threat list of yours. */
export const addressFinding = (
  twin: AccountTwin,
  instanceId: string,
  {
    type = 'UnauthorizedAccess:EC2/MaliciousIPCaller.Custom',
    ...parts
  }: FindingParts & { readonly type?: string },
): JsonObject =>
  guardDutyEvent(twin, parts, {
    type,
    severity: 5,
    title: `The EC2 instance ${instanceId} is communicating with an IP address on a custom threat list.`,
    description: `${instanceId} is communicating with ${THIEF_IP} on the custom threat list partner-feed.`,
    resource: {
      resourceType: 'Instance',
      instanceDetails: { instanceId, instanceState: 'running', tags: [], ...knownOf(twin, instanceId) },
    },
    additionalInfo: { threatListName: 'partner-feed' },
    action: {
      actionType: 'NETWORK_CONNECTION',
      networkConnectionAction: {
        connectionDirection: 'OUTBOUND',
        protocol: 'TCP',
        blocked: false,
        remoteIpDetails: { ipAddressV4: THIEF_IP, country: { countryName: 'Nowhere' } },
        remotePortDetails: { port: 4444 },
        localPortDetails: { port: 50_122 },
      },
    },
  });

/** The same call of high severity, by an implant: a type that the shipped policy contains without a question. */
export const implantFinding = (twin: AccountTwin, instanceId: string, seed = 'one'): JsonObject =>
  addressFinding(twin, instanceId, { seed, severity: 8, type: 'Backdoor:EC2/C&CActivity.B' });

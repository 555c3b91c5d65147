/** The twin's account as plain JSON: what can be stored between processes and compared field by field. */

import type { JsonObject } from '../../core/json.ts';
import type { TwinGuardrail, TwinModelUse } from './bedrock.ts';
import { emptyCapacity, type TwinCapacity } from './capacity.ts';
import { emptyCloudTrail, type TwinCloudTrail } from './cloudtrail.ts';
import type { TwinConfig } from './config.ts';
import type { TwinKeys, TwinRecycleBin, TwinSecrets } from './deletions.ts';
import type { TwinDocuments } from './documents.ts';
import { emptyEcs, type TwinEcs } from './ecs.ts';
import { emptyEks, type TwinEks } from './eks.ts';
import type { TwinEventStores } from './event-stores.ts';
import type { TwinEventRules } from './eventbridge.ts';
import type { TwinFlowLog } from './flow-logs.ts';
import type { TwinFlow } from './flows.ts';
import { emptyGuardDuty, type TwinGuardDuty } from './guardduty.ts';
import type { TwinPolicies, TwinProviders } from './iam-changes.ts';
import type { TwinUserGroups } from './iam-groups.ts';
import { emptyUsers, type TwinUsers } from './iam-users.ts';
import { emptyIdentityCenter, type TwinIdentityCenter, type TwinProvisioning } from './identity-center.ts';
import { emptyLambda, type TwinLambda } from './lambda.ts';
import type { TwinLaunchTemplates } from './launch-templates.ts';
import type { TwinLogFilters } from './log-filters.ts';
import type { TwinLogGroups, TwinRecorders } from './log-retention.ts';
import { emptyNetworks, type TwinNetworks } from './network-acls.ts';
import type { TwinOrganization } from './organizations.ts';
import type { TwinOwnNames } from './own-names.ts';
import { emptyRds, type TwinRds } from './rds.ts';
import type { TwinResourcePolicies } from './resource-policies.ts';
import { emptyDnsFirewall, type TwinDnsFirewall } from './route53resolver.ts';
import { emptyS3, type TwinS3 } from './s3.ts';
import type { TwinSchedules } from './scheduler.ts';
import type { TwinSecret } from './secrets.ts';
import { emptyWaf, type TwinWaf } from './wafv2.ts';

export interface TwinRole {
  RoleName: string;
  Path: string;
  RoleId: string;
  Arn: string;
  MaxSessionDuration: number;
  AssumeRolePolicyDocument: string;
  Tags: { Key: string; Value: string }[];
  inline: Record<string, string>;
  /** Managed policies by ARN, with their documents. */
  attached: Record<string, string>;
  profiles: string[];
  /** The ARN of its permissions boundary. */
  boundary?: string;
}
export interface TwinEni {
  NetworkInterfaceId: string;
  InstanceId: string | null;
  SubnetId: string;
  VpcId: string;
  PrivateIpAddress: string;
  /** Further private addresses. */
  Secondary?: string[];
  PublicIp: string | null;
  Ipv6: string[];
  Groups: string[];
  RequesterManaged: boolean;
  DeviceIndex: number;
  /** Off for what forwards the traffic of others; on unless set. */
  SourceDestCheck?: boolean;
}
export interface TwinInstance {
  InstanceId: string;
  State: string;
  VpcId: string;
  SubnetId: string;
  ImageId: string;
  profileArn: string | null;
  Tags: Record<string, string>;
  Volumes: { VolumeId: string; DeviceName: string; DeleteOnTermination: boolean }[];
  DisableApiTermination: boolean;
  InstanceInitiatedShutdownBehavior: string;
  spot: boolean;
  /** EBS unless set. */
  rootDeviceType?: 'ebs' | 'instance-store';
  /** The service that manages it for the account, which no one else may change. */
  operator?: string;
}
export interface TwinRule {
  SecurityGroupRuleId: string;
  IsEgress: boolean;
  IpProtocol: string;
  FromPort: number;
  ToPort: number;
  CidrIpv4?: string;
  CidrIpv6?: string;
  ReferencedGroupInfo?: { GroupId: string };
  Description?: string;
}
export interface TwinGroup {
  GroupId: string;
  GroupName: string;
  VpcId: string;
  Description: string;
  Tags: Record<string, string>;
  rules: TwinRule[];
}
export interface TwinRegion {
  instances: TwinInstance[];
  interfaces: TwinEni[];
  groups: TwinGroup[];
  routeTables: {
    RouteTableId: string;
    VpcId: string;
    main: boolean;
    subnets: string[];
    routes: Record<string, string>[];
    /** Left out: none. */
    Tags?: Record<string, string>;
  }[];
  natGateways: { NatGatewayId: string; VpcId: string; SubnetId?: string; PublicIp: string }[];
  snapshots: {
    SnapshotId: string;
    VolumeId: string;
    Tags: Record<string, string>;
    /** Accounts, or `all`. */
    sharedWith?: string[];
  }[];
  /** Images that the account owns. */
  images?: {
    ImageId: string;
    Name?: string;
    SourceInstanceId: string;
    CreationDate: string;
    Tags: Record<string, string>;
    /** Accounts, or `all`. */
    sharedWith?: string[];
  }[];
  /** Volumes that no instance has. */
  volumes?: { VolumeId: string }[];
  /** Left out where no retention rule keeps anything. */
  recycleBin?: TwinRecycleBin;
  kmsKeys?: TwinKeys;
  recorders?: TwinRecorders;
  /** What each recorder records, and the delivery channels, by their names. */
  recorderSettings?: Record<string, object>;
  channels?: Record<string, object>;
  logGroups?: TwinLogGroups;
  logFilters?: TwinLogFilters;
  /** Whether each alarm acts, by its name. */
  alarms?: Record<string, boolean>;
  eventRules?: TwinEventRules;
  documents?: TwinDocuments;
  launchTemplates?: TwinLaunchTemplates;
  schedules?: TwinSchedules;
  secrets?: TwinSecrets;
  capacity: TwinCapacity;
  vpcEndpoints: { VpcEndpointId: string; VpcEndpointType: string; VpcId: string; ServiceName: string }[];
  /** VPCs with an IPv6 range: a new group of theirs lets IPv6 out as well. */
  ipv6Vpcs: string[];
  lambda: TwinLambda;
  ecs: TwinEcs;
  eks: TwinEks;
  cloudtrail: TwinCloudTrail;
  /** Left out: none. */
  eventStores?: TwinEventStores;
  /** Left out where AWS Config is off. */
  config?: TwinConfig;
  guardduty: TwinGuardDuty;
  /** Bedrock's guardrails by id; left out: none. */
  guardrails?: Record<string, TwinGuardrail>;
  /** What CloudWatch counts of Bedrock's models, by the hour; left out: nothing. */
  modelUse?: TwinModelUse[];
  flowLogs: TwinFlowLog[];
  /** Bedrock's log of model invocations; null where it keeps none. */
  modelLogging: Record<string, unknown> | null;
  rds: TwinRds;
  /** Secrets with their labels; left out: none. */
  rotatedSecrets?: TwinSecret[];
  /** Left out where no resource has a policy. */
  policies?: TwinResourcePolicies;
  networks: TwinNetworks;
  waf: TwinWaf;
  dnsFirewall: TwinDnsFirewall;
  /** Absent in what earlier versions saved. */
  ownNames?: TwinOwnNames;
  /** Internet gateways of a drill; left out: none. */
  gateways?: Record<string, { VpcId: string | null; Tags: Record<string, string> }>;
  /** Connections that instances of a drill hold; left out: none. */
  flows?: TwinFlow[];
}
export interface TwinState {
  serial: number;
  roles: Record<string, TwinRole>;
  users: TwinUsers;
  /** What the root user has; absent: nothing. */
  root?: { password?: boolean; keys?: boolean; certificates?: boolean; mfa?: boolean };
  /** Groups of users by name; absent in what earlier versions saved. */
  userGroups?: TwinUserGroups;
  policies?: TwinPolicies;
  /** Instance profiles that may be without a role. */
  instanceProfiles?: string[];
  identityProviders?: TwinProviders;
  /** Null: the account has none. */
  passwordPolicy: Record<string, unknown> | null;
  identityCenter: TwinIdentityCenter;
  /** Left out: the account is not in one. */
  organization?: TwinOrganization;
  /** Requests to provision permission sets. */
  provisioning: TwinProvisioning[];
  s3: TwinS3;
  regions: Record<string, TwinRegion>;
  parameters: Record<string, string>;
  /** What other services were sent: incident events, pages, archived findings. */
  events: { source: string; detailType: string; detail: string }[];
  pages: { subject: string; message: string }[];
  archived: string[];
  /** Findings that GuardDuty made, by id; absent in what earlier versions saved. */
  findings?: Record<string, JsonObject>;
  securityHub: { finding: string; status: string; note: string }[];
  /** Objects in the evidence bucket, by key. */
  evidence: Record<string, string>;
}

export const emptyRegion = (): TwinRegion => ({
  instances: [],
  interfaces: [],
  groups: [],
  routeTables: [],
  natGateways: [],
  snapshots: [],
  capacity: emptyCapacity(),
  vpcEndpoints: [],
  ipv6Vpcs: [],
  lambda: emptyLambda(),
  ecs: emptyEcs(),
  eks: emptyEks(),
  cloudtrail: emptyCloudTrail(),
  guardduty: emptyGuardDuty(),
  flowLogs: [],
  modelLogging: null,
  rds: emptyRds(),
  networks: emptyNetworks(),
  waf: emptyWaf(),
  dnsFirewall: emptyDnsFirewall(),
});
export const emptyState = (): TwinState => ({
  serial: 0,
  roles: {},
  users: emptyUsers(),
  passwordPolicy: null,
  identityCenter: emptyIdentityCenter(),
  provisioning: [],
  s3: emptyS3(),
  regions: {},
  parameters: {},
  events: [],
  pages: [],
  archived: [],
  securityHub: [],
  evidence: {},
});

/** The twin's account as plain JSON: what can be stored between processes and compared field by field. */
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
}
export interface TwinEni {
  NetworkInterfaceId: string;
  InstanceId: string | null;
  SubnetId: string;
  VpcId: string;
  PrivateIpAddress: string;
  PublicIp: string | null;
  Groups: string[];
  RequesterManaged: boolean;
  DeviceIndex: number;
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
}
export interface TwinRule {
  SecurityGroupRuleId: string;
  IsEgress: boolean;
  IpProtocol: string;
  FromPort: number;
  ToPort: number;
  CidrIpv4?: string;
  CidrIpv6?: string;
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
  }[];
  natGateways: { NatGatewayId: string; VpcId: string; PublicIp: string }[];
  snapshots: { SnapshotId: string; VolumeId: string; Tags: Record<string, string> }[];
}
export interface TwinState {
  serial: number;
  roles: Record<string, TwinRole>;
  regions: Record<string, TwinRegion>;
  parameters: Record<string, string>;
  /** What other services were told: incident events, pages, archived findings. */
  events: { source: string; detailType: string; detail: string }[];
  pages: { subject: string; message: string }[];
  archived: string[];
}

export const emptyRegion = (): TwinRegion => ({
  instances: [],
  interfaces: [],
  groups: [],
  routeTables: [],
  natGateways: [],
  snapshots: [],
});
export const emptyState = (): TwinState => ({
  serial: 0,
  roles: {},
  regions: {},
  parameters: {},
  events: [],
  pages: [],
  archived: [],
});

/** A member account in moto: an instance with a role, and what GuardDuty says of it. */
import * as ec2 from '@aws-sdk/client-ec2';
import * as iam from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { Scope } from '../core/aws/arn.ts';
import type { JsonObject } from '../core/json.ts';
import { createTwin } from '../sandbox/twin/twin.ts';
import { credentialFinding, implantFinding, ROLE } from '../sandbox/worlds.ts';
import { detailOf } from './wire.ts';

export const OWN: Scope = { partition: 'aws', account: '123456789012', region: 'us-east-1' };
const MEMBER: Scope = { ...OWN, account: '444455556666' };

export interface Victim {
  /** Its stolen credentials, and an implant on it. */
  readonly findings: Readonly<Record<string, JsonObject>>;
}

/** Makes an instance in a VPC of its own, with a role of its own. Names are made of `serial`. */
export async function makeVictim(endpoint: string, serial: number): Promise<Victim> {
  const base = {
    region: OWN.region,
    endpoint,
    credentials: { accessKeyId: 'moto', secretAccessKey: 'moto' },
  };
  const sts = new STSClient(base);
  const RoleArn = `arn:${OWN.partition}:iam::${MEMBER.account}:role/setup`;
  const { Credentials: given } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'setup' }));
  const credentials = {
    accessKeyId: given?.AccessKeyId ?? '',
    secretAccessKey: given?.SecretAccessKey ?? '',
    sessionToken: given?.SessionToken ?? '',
  };
  const clients = {
    ec2: new ec2.EC2Client({ ...base, credentials }),
    iam: new iam.IAMClient({ ...base, credentials }),
  };
  const role = await makeRole(clients.iam, `${ROLE}-${serial}`);
  const instance = await makeInstance(clients.ec2, role.profile, serial);
  const { InstanceId: instanceId = '' } = instance;
  for (const client of [sts, clients.ec2, clients.iam]) client.destroy();
  const twin = createTwin(MEMBER, { anyAccount: false, members: [] });
  const theft = credentialFinding(
    twin,
    { roleName: ROLE, instanceId, issuedAt: new Date() },
    { seed: `theft ${serial}` },
  );
  return {
    findings: {
      'revoke-instance-session': named(theft, role),
      'isolate-instance': withDetails(implantFinding(twin, instanceId, `implant ${serial}`), instance),
    },
  };
}

/** The finding with what GuardDuty says of the instance's image and interfaces. */
function withDetails(
  event: JsonObject,
  { InstanceId = '', ImageId = '', NetworkInterfaces = [] }: ec2.Instance,
): JsonObject {
  const networkInterfaces = NetworkInterfaces.map((eni) => ({
    ...{ networkInterfaceId: eni.NetworkInterfaceId ?? '', vpcId: eni.VpcId ?? '' },
    ...{ subnetId: eni.SubnetId ?? '', privateIpAddress: eni.PrivateIpAddress ?? '' },
    securityGroups: (eni.Groups ?? []).map(({ GroupId = '' }) => ({ groupId: GroupId })),
  }));
  const instanceDetails = {
    ...{ instanceId: InstanceId, instanceState: 'running', imageId: ImageId, networkInterfaces, tags: [] },
  };
  return {
    ...event,
    detail: { ...detailOf(event), resource: { resourceType: 'Instance', instanceDetails } },
  };
}

/** The finding with the role's own name and id. */
function named(
  finding: JsonObject,
  { name, id }: { readonly name: string; readonly id: string },
): JsonObject {
  const text = JSON.stringify(finding)
    .replaceAll(/AROA[A-Z0-9]+/g, id)
    .replaceAll(`"${ROLE}"`, `"${name}"`);
  return JSON.parse(text) as JsonObject;
}

async function makeRole(client: iam.IAMClient, name: string) {
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'ec2.amazonaws.com' },
    Action: 'sts:AssumeRole',
  };
  const { Role } = await client.send(
    new iam.CreateRoleCommand({
      RoleName: name,
      AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
    }),
  );
  await client.send(
    new iam.PutRolePolicyCommand({
      RoleName: name,
      PolicyName: 'app-data',
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }],
      }),
    }),
  );
  const { InstanceProfile } = await client.send(
    new iam.CreateInstanceProfileCommand({ InstanceProfileName: name }),
  );
  await client.send(new iam.AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }));
  return { name, id: Role?.RoleId ?? '', profile: InstanceProfile?.Arn ?? '' };
}

async function makeInstance(client: ec2.EC2Client, Arn: string, serial: number): Promise<ec2.Instance> {
  const { Vpc } = await client.send(new ec2.CreateVpcCommand({ CidrBlock: '10.20.0.0/16' }));
  const VpcId = Vpc?.VpcId ?? '';
  const { Subnet } = await client.send(new ec2.CreateSubnetCommand({ VpcId, CidrBlock: '10.20.1.0/24' }));
  const { InternetGateway } = await client.send(new ec2.CreateInternetGatewayCommand({}));
  const GatewayId = InternetGateway?.InternetGatewayId ?? '';
  await client.send(new ec2.AttachInternetGatewayCommand({ InternetGatewayId: GatewayId, VpcId }));
  const { RouteTables } = await client.send(
    new ec2.DescribeRouteTablesCommand({ Filters: [{ Name: 'vpc-id', Values: [VpcId] }] }),
  );
  const RouteTableId = RouteTables?.[0]?.RouteTableId ?? '';
  await client.send(
    new ec2.CreateRouteCommand({ RouteTableId, DestinationCidrBlock: '0.0.0.0/0', GatewayId }),
  );
  const { GroupId } = await client.send(
    new ec2.CreateSecurityGroupCommand({ VpcId, GroupName: `web-${serial}`, Description: 'web servers' }),
  );
  const { Images } = await client.send(new ec2.DescribeImagesCommand({ Owners: ['amazon'] }));
  const { Instances } = await client.send(
    new ec2.RunInstancesCommand({
      ...{ ImageId: Images?.[0]?.ImageId ?? '', InstanceType: 'm5.large', MinCount: 1, MaxCount: 1 },
      ...{ SubnetId: Subnet?.SubnetId ?? '', SecurityGroupIds: [GroupId ?? ''], IamInstanceProfile: { Arn } },
    }),
  );
  const [instance] = Instances ?? [];
  if (!instance?.InstanceId) throw new Error('moto started no instance');
  return instance;
}

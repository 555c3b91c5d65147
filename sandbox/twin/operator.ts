/** What an operator makes and removes in an account, as far as a drill does. */
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { arn } from '../../core/aws/arn.ts';
import { own } from '../../core/json.ts';
import { awsError } from '../aws-error.ts';
import { flowsOf } from './flows.ts';
import { madeIamId } from './made-id.ts';
import { defaultEntries } from './network-acls.ts';
import { s3 as content, newBucket } from './s3.ts';
import type { Answers, TwinCall } from './twin.ts';

type Tag = { readonly Key: string; readonly Value: string };
const textIn = ({ input }: TwinCall, name: string): string => String(input[name]);
const tagsIn = ({ input }: TwinCall, of: string): Record<string, string> => {
  const specifications = (input['TagSpecifications'] ?? []) as { ResourceType: string; Tags: Tag[] }[];
  const { Tags = [] } = specifications.find(({ ResourceType }) => ResourceType === of) ?? {};
  return Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]));
};
const tagList = (tags: Readonly<Record<string, string>> = {}): readonly Tag[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
/** The filters that a drill finds its own by. */
const tagged = ({ input }: TwinCall, tags: Readonly<Record<string, string>> = {}): boolean =>
  ((input['Filters'] ?? []) as { Name: string; Values: string[] }[]).every(
    ({ Name, Values }) => Name !== 'tag-key' || Values.some((key) => Object.hasOwn(tags, key)),
  );
const conflict = (what: string) => awsError('DeleteConflictException', `${what} must be deleted first.`, 409);

const userIn = (call: TwinCall) => {
  const user = own(call.state.users, textIn(call, 'UserName'));
  if (!user) throw awsError('NoSuchEntityException', 'The user cannot be found.', 404);
  return user;
};

const iam: Answers = {
  CreateRole: (call) => {
    const { state, scope, input } = call;
    const name = textIn(call, 'RoleName');
    if (/^\/aws-(service-role|reserved)\//.test(String(input['Path'])))
      throw awsError('InvalidInputException', 'The path is reserved.', 400);
    if (Object.keys(state.roles).some((known) => known.toLowerCase() === name.toLowerCase()))
      throw awsError('EntityAlreadyExistsException', `Role with name ${name} already exists.`, 409);
    const Path = String(input['Path'] ?? '/');
    const role = {
      ...{ RoleName: name, Path, RoleId: madeIamId('AROA', call.nextId('role')) },
      Arn: arn(scope, 'iam', `role${Path}${name}`, { global: true }),
      MaxSessionDuration: Number(input['MaxSessionDuration'] ?? 3600),
      AssumeRolePolicyDocument: textIn(call, 'AssumeRolePolicyDocument'),
      Tags: structuredClone((input['Tags'] ?? []) as Tag[]),
    };
    state.roles[name] = { ...role, inline: {}, attached: {}, profiles: [] };
    return { Role: { ...role, CreateDate: new Date(0) } };
  },
  DeleteRole: (call) => {
    const role = own(call.state.roles, textIn(call, 'RoleName'));
    if (!role) throw awsError('NoSuchEntityException', 'The role cannot be found.', 404);
    if (Object.keys({ ...role.inline, ...role.attached }).length > 0) throw conflict('Its policies');
    delete call.state.roles[role.RoleName];
    return {};
  },
  // Of AWS's own policies the twin knows no text: they allow what a drill's role is never asked for.
  AttachRolePolicy: (call) => {
    const role = own(call.state.roles, textIn(call, 'RoleName'));
    if (!role) throw awsError('NoSuchEntityException', 'The role cannot be found.', 404);
    role.attached[textIn(call, 'PolicyArn')] = JSON.stringify({ Version: '2012-10-17', Statement: [] });
    return {};
  },
  DetachRolePolicy: (call) => {
    const role = own(call.state.roles, textIn(call, 'RoleName'));
    if (role) delete role.attached[textIn(call, 'PolicyArn')];
    return {};
  },
  CreateUser: (call) => {
    const { state, scope, input } = call;
    const name = textIn(call, 'UserName');
    const Path = String(input['Path'] ?? '/');
    const user = {
      ...{ UserName: name, Path, UserId: madeIamId('AIDA', call.nextId('user')) },
      Tags: structuredClone((input['Tags'] ?? []) as Tag[]),
    };
    state.users[name] = { ...user, inline: {}, attached: {}, keys: [], groups: [], console: false, mfa: [] };
    const Arn = arn(scope, 'iam', `user${Path}${name}`, { global: true });
    return { User: { ...user, Arn, CreateDate: new Date(0) } };
  },
  DeleteUser: (call) => {
    const user = own(call.state.users, textIn(call, 'UserName'));
    if (!user) throw awsError('NoSuchEntityException', 'The user cannot be found.', 404);
    const { keys, serviceKeys = [], certificates = [], sshKeys = [] } = user;
    const held = [...keys, ...serviceKeys, ...certificates, ...sshKeys];
    if (held.length > 0 || Object.keys({ ...user.inline, ...user.attached }).length > 0)
      throw conflict('Its keys, credentials and policies');
    delete call.state.users[user.UserName];
    return {};
  },
  CreateAccessKey: (call) => {
    const user = own(call.state.users, textIn(call, 'UserName'));
    if (!user) throw awsError('NoSuchEntityException', 'The user cannot be found.', 404);
    const AccessKeyId = madeIamId('AKIA', call.nextId('key')).slice(0, 20);
    user.keys.push({
      AccessKeyId,
      Status: 'Active',
      CreateDate: new Date(0).toISOString(),
      lastService: null,
    });
    const { UserName } = user;
    return { AccessKey: { UserName, AccessKeyId, Status: 'Active', SecretAccessKey: 'SANDBOX' } };
  },
  CreateServiceSpecificCredential: (call) => {
    const user = userIn(call);
    const id = madeIamId('ACCA', call.nextId('credential')).slice(0, 21);
    const service = textIn(call, 'ServiceName');
    const made = { id, service, Status: 'Active', CreateDate: new Date(0).toISOString() };
    user.serviceKeys = [...(user.serviceKeys ?? []), made];
    return {
      ServiceSpecificCredential: {
        ...{ UserName: user.UserName, ServiceName: service, ServiceSpecificCredentialId: id },
        ...{ Status: 'Active', CreateDate: new Date(0), ServiceUserName: `${user.UserName}-at-1` },
        ServicePassword: 'SANDBOX',
      },
    };
  },
  DeleteServiceSpecificCredential: (call) => {
    const user = userIn(call);
    user.serviceKeys =
      user.serviceKeys?.filter(({ id }) => id !== call.input['ServiceSpecificCredentialId']) ?? [];
    return {};
  },
  UploadSigningCertificate: (call) => {
    const user = userIn(call);
    const CertificateBody = textIn(call, 'CertificateBody');
    new X509Certificate(CertificateBody);
    const id = call.nextId('CERTIFICATE').replace('-', '').toUpperCase();
    const UploadDate = new Date(0).toISOString();
    user.certificates = [...(user.certificates ?? []), { id, Status: 'Active', UploadDate }];
    const { UserName } = user;
    return { Certificate: { UserName, CertificateId: id, CertificateBody, Status: 'Active' } };
  },
  DeleteSigningCertificate: (call) => {
    const user = userIn(call);
    user.certificates = user.certificates?.filter(({ id }) => id !== call.input['CertificateId']) ?? [];
    return {};
  },
  UploadSSHPublicKey: (call) => {
    const user = userIn(call);
    const SSHPublicKeyBody = textIn(call, 'SSHPublicKeyBody');
    createPublicKey(SSHPublicKeyBody);
    const id = madeIamId('APKA', call.nextId('ssh')).slice(0, 20);
    const UploadDate = new Date(0).toISOString();
    user.sshKeys = [...(user.sshKeys ?? []), { id, Status: 'Active', UploadDate }];
    const key = { UserName: user.UserName, SSHPublicKeyId: id, SSHPublicKeyBody, Status: 'Active' };
    return { SSHPublicKey: { ...key, Fingerprint: '00:'.repeat(15).concat('00') } };
  },
  DeleteSSHPublicKey: (call) => {
    const user = userIn(call);
    user.sshKeys = user.sshKeys?.filter(({ id }) => id !== call.input['SSHPublicKeyId']) ?? [];
    return {};
  },
  DeleteAccessKey: (call) => {
    const user = own(call.state.users, textIn(call, 'UserName'));
    if (user) user.keys = user.keys.filter(({ AccessKeyId }) => AccessKeyId !== call.input['AccessKeyId']);
    return {};
  },
};

const bucketOf = (call: TwinCall) => {
  const bucket = own(call.state.s3.buckets, textIn(call, 'Bucket'));
  if (!bucket) throw awsError('NoSuchBucket', 'The specified bucket does not exist', 404);
  return bucket;
};

const putObject = (call: TwinCall): object => content['S3']?.['PutObject']?.(call) ?? {};

const s3: Answers = {
  CreateBucket: (call) => {
    const { state, scope } = call;
    const name = textIn(call, 'Bucket');
    if (Object.hasOwn(state.s3.buckets, name))
      throw awsError('BucketAlreadyOwnedByYou', 'You own the bucket already.', 409);
    // As every new bucket since April 2023.
    const block = {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    };
    state.s3.buckets[name] = newBucket(name, { Region: scope.region, block });
    return { Location: `/${name}` };
  },
  DeleteBucket: (call) => {
    const { Name, versions } = bucketOf(call);
    if (versions.length > 0)
      throw awsError('BucketNotEmpty', 'The bucket you tried to delete is not empty', 409);
    delete call.state.s3.buckets[Name];
    return {};
  },
  DeleteObject: (call) => {
    const bucket = bucketOf(call);
    bucket.versions = bucket.versions.filter(({ Key }) => Key !== call.input['Key']);
    delete call.state.s3.objects[`${bucket.Name}/${String(call.input['Key'])}`];
    return {};
  },
  ListBuckets: ({ state }) => ({
    Buckets: Object.values(state.s3.buckets).map(({ Name }) => ({ Name, CreationDate: new Date(0) })),
  }),
  PutObject: (call) => {
    const answer = putObject(call);
    const bucket = own(call.state.s3.buckets, textIn(call, 'Bucket'));
    if (!bucket?.Name.startsWith('firebreak-drill-')) return answer;
    const Key = textIn(call, 'Key');
    const { etag: ETag = '' } = call.state.s3.objects[`${bucket.Name}/${Key}`] ?? {};
    const Tags = Object.fromEntries(new URLSearchParams(String(call.input['Tagging'] ?? '')));
    bucket.versions = bucket.versions.filter((one) => one.Key !== Key);
    bucket.versions.push({ Key, VersionId: 'null', ETag, IsLatest: true, Tags, Size: 1 });
    return answer;
  },
  PutBucketTagging: (call) => {
    const { TagSet } = call.input['Tagging'] as { TagSet: Tag[] };
    bucketOf(call).Tags = Object.fromEntries(TagSet.map(({ Key, Value }) => [Key, Value]));
    return {};
  },
};

const gatewayOf = (call: TwinCall) => {
  const id = textIn(call, 'InternetGatewayId');
  const found = own(call.region.gateways ?? {}, id);
  if (!found)
    throw awsError('InvalidInternetGatewayID.NotFound', `The internetGateway ID '${id}' does not exist`);
  return found;
};

const ec2: Answers = {
  CreateVpc: (call) => {
    const VpcId = call.nextId('vpc');
    const CidrBlock = textIn(call, 'CidrBlock');
    const Tags = tagsIn(call, 'vpc');
    call.region.networks.vpcs.push({ VpcId, CidrBlock, resolvers: ['AmazonProvidedDNS'], Tags });
    return { Vpc: { VpcId, CidrBlock, State: 'available', Tags: tagList(Tags) } };
  },
  DeleteVpc: (call) => {
    const { networks, interfaces, groups, gateways = {} } = call.region;
    const VpcId = textIn(call, 'VpcId');
    const inIt = [...interfaces, ...groups, ...Object.values(gateways), ...call.region.routeTables];
    if (inIt.some((one) => one.VpcId === VpcId))
      throw awsError('DependencyViolation', `The vpc '${VpcId}' has dependencies and cannot be deleted.`);
    networks.vpcs = networks.vpcs.filter((vpc) => vpc.VpcId !== VpcId);
    return {};
  },
  CreateSubnet: (call) => {
    const SubnetId = call.nextId('subnet');
    const [VpcId, CidrBlock] = [textIn(call, 'VpcId'), textIn(call, 'CidrBlock')];
    const { networks } = call.region;
    const Tags = tagsIn(call, 'subnet');
    networks.acls.push({
      ...{ NetworkAclId: call.nextId('acl'), VpcId, IsDefault: true, subnets: [SubnetId] },
      ...{ Tags, entries: defaultEntries() },
    });
    return { Subnet: { SubnetId, VpcId, CidrBlock, Tags: tagList(Tags) } };
  },
  DeleteSubnet: (call) => {
    const { networks, interfaces } = call.region;
    const SubnetId = textIn(call, 'SubnetId');
    if (interfaces.some((eni) => eni.SubnetId === SubnetId))
      throw awsError(
        'DependencyViolation',
        `The subnet '${SubnetId}' has dependencies and cannot be deleted.`,
      );
    networks.acls = networks.acls.filter(({ subnets }) => !subnets.includes(SubnetId));
    for (const table of call.region.routeTables)
      table.subnets = table.subnets.filter((id) => id !== SubnetId);
    return {};
  },
  DescribeSubnets: (call) => ({
    Subnets: call.region.networks.acls
      .filter(({ Tags }) => tagged(call, Tags))
      .flatMap(({ subnets, VpcId, Tags }) =>
        subnets.map((SubnetId) => ({ SubnetId, VpcId, Tags: tagList(Tags) })),
      ),
  }),
  DescribeAvailabilityZones: ({ scope }) => ({
    AvailabilityZones: ['a', 'b'].map((zone) => ({ ZoneName: `${scope.region}${zone}`, State: 'available' })),
  }),
  CreateRouteTable: (call) => {
    const RouteTableId = call.nextId('rtb');
    const [VpcId, Tags] = [textIn(call, 'VpcId'), tagsIn(call, 'route-table')];
    call.region.routeTables.push({ RouteTableId, VpcId, main: false, subnets: [], routes: [], Tags });
    return { RouteTable: { RouteTableId, VpcId, Tags: tagList(Tags) } };
  },
  AssociateRouteTable: (call) => {
    const table = call.region.routeTables.find((one) => one.RouteTableId === call.input['RouteTableId']);
    if (!table) throw awsError('InvalidRouteTableID.NotFound', 'The routeTable ID does not exist');
    table.subnets.push(textIn(call, 'SubnetId'));
    return { AssociationId: `rtbassoc-${textIn(call, 'SubnetId')}` };
  },
  DisassociateRouteTable: (call) => {
    const id = textIn(call, 'AssociationId').replace('rtbassoc-', '');
    for (const table of call.region.routeTables) table.subnets = table.subnets.filter((one) => one !== id);
    return {};
  },
  DeleteRouteTable: (call) => {
    const { region, input } = call;
    const table = region.routeTables.find((one) => one.RouteTableId === input['RouteTableId']);
    if (!table) throw awsError('InvalidRouteTableID.NotFound', 'The routeTable ID does not exist');
    if (table.subnets.length > 0)
      throw awsError('DependencyViolation', 'The routeTable has dependencies and cannot be deleted.');
    region.routeTables = region.routeTables.filter((one) => one !== table);
    return {};
  },
  CreateInternetGateway: (call) => {
    const InternetGatewayId = call.nextId('igw');
    const Tags = tagsIn(call, 'internet-gateway');
    call.region.gateways = { ...call.region.gateways, [InternetGatewayId]: { VpcId: null, Tags } };
    return { InternetGateway: { InternetGatewayId, Attachments: [], Tags: tagList(Tags) } };
  },
  AttachInternetGateway: (call) => {
    gatewayOf(call).VpcId = textIn(call, 'VpcId');
    return {};
  },
  DetachInternetGateway: (call) => {
    const gateway = gatewayOf(call);
    if (gateway.VpcId !== textIn(call, 'VpcId'))
      throw awsError('Gateway.NotAttached', 'resource is not attached to network');
    gateway.VpcId = null;
    return {};
  },
  DescribeInternetGateways: (call) => ({
    InternetGateways: Object.entries(call.region.gateways ?? {})
      .filter(([, { Tags }]) => tagged(call, Tags))
      .map(([InternetGatewayId, { VpcId, Tags }]) => ({
        InternetGatewayId,
        Attachments: VpcId === null ? [] : [{ VpcId, State: 'available' }],
        Tags: tagList(Tags),
      })),
  }),
  DeleteInternetGateway: (call) => {
    const { [textIn(call, 'InternetGatewayId')]: _gone, ...left } = call.region.gateways ?? {};
    if (gatewayOf(call).VpcId !== null)
      throw awsError('DependencyViolation', 'The internetGateway has dependencies and cannot be deleted.');
    if (Object.keys(left).length > 0) call.region.gateways = left;
    else delete call.region.gateways;
    return {};
  },
  RunInstances: (call) => {
    const { region, input } = call;
    const InstanceId = call.nextId('i');
    const SubnetId = textIn(call, 'SubnetId');
    const VpcId = region.networks.acls.find(({ subnets }) => subnets.includes(SubnetId))?.VpcId ?? '';
    const address = `10.255.0.${region.interfaces.length + 10}`;
    region.instances.push({
      ...{ InstanceId, State: 'running', VpcId, SubnetId, ImageId: textIn(call, 'ImageId') },
      ...{ profileArn: null, Tags: tagsIn(call, 'instance'), spot: false, DisableApiTermination: false },
      InstanceInitiatedShutdownBehavior: String(input['InstanceInitiatedShutdownBehavior'] ?? 'stop'),
      Volumes: [{ VolumeId: call.nextId('vol'), DeviceName: '/dev/xvda', DeleteOnTermination: true }],
    });
    region.interfaces.push({
      ...{ NetworkInterfaceId: call.nextId('eni'), InstanceId, SubnetId, VpcId, PrivateIpAddress: address },
      ...{ PublicIp: null, Ipv6: [], RequesterManaged: false, DeviceIndex: 0 },
      Groups: [...((input['SecurityGroupIds'] ?? []) as string[])],
    });
    const script = Buffer.from(String(input['UserData'] ?? ''), 'base64').toString();
    const flows = flowsOf(region, InstanceId, script);
    if (flows.length > 0) region.flows = [...(region.flows ?? []), ...flows];
    return { Instances: [{ InstanceId, PrivateIpAddress: address, State: { Name: 'pending' } }] };
  },
  TerminateInstances: (call) => {
    const { region, input } = call;
    const ids = input['InstanceIds'] as string[];
    const kept = region.instances.find(
      ({ InstanceId, DisableApiTermination }) => ids.includes(InstanceId) && DisableApiTermination,
    );
    if (kept)
      throw awsError('OperationNotPermitted', `The instance '${kept.InstanceId}' may not be terminated.`);
    region.instances = region.instances.filter(({ InstanceId }) => !ids.includes(InstanceId));
    region.interfaces = region.interfaces.filter(({ InstanceId }) => !ids.includes(InstanceId ?? ''));
    const flows = region.flows?.filter(({ holder }) => !ids.includes(holder)) ?? [];
    if (flows.length > 0) region.flows = flows;
    else delete region.flows;
    return { TerminatingInstances: ids.map((InstanceId) => ({ InstanceId })) };
  },
};

const lambda: Answers = {
  CreateFunction: (call) => {
    const { region, scope, input } = call;
    const FunctionName = textIn(call, 'FunctionName');
    region.lambda.functions.push({
      ...{ FunctionName, Role: textIn(call, 'Role'), Timeout: Number(input['Timeout'] ?? 3) },
      CodeSha256: createHash('sha256').update(FunctionName).digest('base64'),
      ...{ reserved: null, provisioned: {}, eventSources: [] },
      Tags: { ...(input['Tags'] as Record<string, string>) },
    });
    return { FunctionName, FunctionArn: arn(scope, 'lambda', `function:${FunctionName}`), State: 'Active' };
  },
  DeleteFunction: (call) => {
    const name = textIn(call, 'FunctionName');
    const { lambda: held } = call.region;
    if (!held.functions.some(({ FunctionName }) => FunctionName === name))
      throw awsError('ResourceNotFoundException', `Function not found: ${name}`, 404);
    held.functions = held.functions.filter(({ FunctionName }) => FunctionName !== name);
    return {};
  },
  ListFunctions: ({ region, scope }) => ({
    Functions: region.lambda.functions.map(({ FunctionName }) => ({
      FunctionName,
      FunctionArn: arn(scope, 'lambda', `function:${FunctionName}`),
    })),
  }),
  Invoke: (call) => {
    const name = textIn(call, 'FunctionName');
    const found = call.region.lambda.functions.find(({ FunctionName }) => FunctionName === name);
    if (!found) throw awsError('ResourceNotFoundException', `Function not found: ${name}`, 404);
    if (found.reserved === 0) throw awsError('TooManyRequestsException', 'Rate Exceeded.', 400);
    return { StatusCode: 200 };
  },
};

const cloudtrail: Answers = {
  ListTags: (call) => {
    const ids = call.input['ResourceIdList'] as string[];
    return {
      ResourceTagList: ids.map((id) => ({
        ResourceId: id,
        TagsList: tagList(call.region.cloudtrail.trails.find(({ TrailARN }) => TrailARN === id)?.tags),
      })),
    };
  },
};

export const operator = { IAM: iam, S3: s3, EC2: ec2, Lambda: lambda, CloudTrail: cloudtrail };

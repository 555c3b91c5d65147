/**
 * Makes the resources that a finding names exist in the twin, so that a finding from anywhere can be played through the
 * whole workflow. What the finding tells (network, role, addresses) is taken from it; the rest is a plain example.
 */
import { arn } from '../core/aws/arn.ts';
import type { Target } from '../core/journal/playbook.ts';
import { isJsonObject, type JsonObject, own } from '../core/json.ts';
import { remember } from './attacker.ts';
import { addLists, addNetwork } from './networks.ts';
import type { TwinCluster } from './twin/eks.ts';
import { addPermissionSet } from './twin/identity-center.ts';
import { newKubernetes, putObject, type TwinKubernetes } from './twin/kubernetes.ts';
import { madeIamId } from './twin/made-id.ts';
import type { TwinBucket } from './twin/s3.ts';
import type { TwinRule } from './twin/state.ts';
import type { AccountTwin } from './twin/twin.ts';

type Maker = (twin: AccountTwin, target: Target) => void;

const MAKERS: Readonly<Record<string, Maker>> = {
  'bucket-access-logs': (twin, target) => bucket(twin, target.id, target.region),
  cloudtrail: trail,
  'ec2-image': image,
  'ec2-instance': instance,
  'ec2-snapshot': snapshot,
  'ecs-host': containerInstance,
  'ecs-task': task,
  'bedrock-guardrail': guardrail,
  'eks-anonymous': eksAnonymous,
  'eks-binding': eksBinding,
  'eks-identity': eksIdentity,
  'eks-node': eksNode,
  'eks-pod': eksWorkload,
  'eks-service-account': eksServiceAccount,
  'eks-workload': eksWorkload,
  'iam-user': iamUser,
  'lambda-function': lambdaFunction,
  launch,
  'rds-cluster': database,
  'rds-instance': database,
  'role-session': roleSession,
  's3-bucket-principal': (twin, { facts, region }) => bucket(twin, textOf(facts, 'bucket') ?? '', region),
  'sso-session': ssoSession,
  's3-bucket': (twin, target) => bucket(twin, target.id, target.region),
  's3-object': object,
};

/** The permission set behind a role of Identity Center, in the Region of the sandbox. */
function ssoSession(twin: AccountTwin, { account, facts }: Target): void {
  const roleName = textOf(facts, 'roleName') ?? '';
  if (Object.hasOwn(twin.state.roles, roleName)) return;
  const { state, scope } = twin;
  addPermissionSet(
    { state, scope: { ...scope, account } },
    {
      name: textOf(facts, 'permissionSet') ?? '',
      inline: '',
      region: scope.region,
      accounts: [account],
      roleName,
      roleId: textOf(facts, 'roleId') ?? '',
    },
  );
}

/** Nothing happens to a resource that is there already. A kind that no maker knows is left to its playbook to miss. */
export function materialise(twin: AccountTwin, target: Target): void {
  own(MAKERS, target.kind)?.(twin, target);
}

function instance(twin: AccountTwin, target: Target): void {
  const region = twin.region(target.region);
  if (region.instances.some(({ InstanceId }) => InstanceId === target.id)) return;
  const { facts } = target;
  const profileArn = textOf(facts, 'instanceProfile') ?? null;
  // The console makes a role and its profile under one name.
  const roleName = profileArn?.split('/').at(-1);
  if (roleName !== undefined) roleSession(twin, { ...target, facts: { roleName, roleId: null } });
  const VpcId = textOf(facts, 'vpcId') ?? twin.nextId('vpc');
  const SubnetId = textOf(facts, 'subnet') ?? twin.nextId('subnet');
  const [publicIp] = textsOf(facts, 'publicIps');
  subnet(twin, target.region, VpcId, SubnetId);
  const GroupId = twin.nextId('sg');
  region.groups.push({
    ...{ GroupId, GroupName: 'as-found', VpcId, Description: 'as found', Tags: {} },
    rules: reachable(twin, facts['openPort']),
  });
  region.instances.push({
    InstanceId: target.id,
    State: 'running',
    VpcId,
    SubnetId,
    ImageId: 'ami-0fb00000000000001',
    profileArn,
    Tags: tagsOf(facts),
    Volumes: [{ VolumeId: twin.nextId('vol'), DeviceName: '/dev/xvda', DeleteOnTermination: true }],
    DisableApiTermination: false,
    InstanceInitiatedShutdownBehavior: 'stop',
    spot: false,
  });
  const interfaces = textsOf(facts, 'interfaces').filter((id) => /^eni-[0-9a-f]{8,17}$/.test(id));
  const ids = interfaces.length > 0 ? interfaces : [twin.nextId('eni')];
  ids.forEach((NetworkInterfaceId, DeviceIndex) => {
    region.interfaces.push({
      NetworkInterfaceId,
      InstanceId: target.id,
      SubnetId,
      VpcId,
      PrivateIpAddress: textsOf(facts, 'privateIps')[DeviceIndex] ?? `10.0.9.${DeviceIndex + 10}`,
      PublicIp: DeviceIndex === 0 ? (publicIp ?? null) : null,
      Ipv6: [],
      Groups: [GroupId],
      RequesterManaged: false,
      DeviceIndex,
    });
  });
}

/** A user of its own launched the instance or made the function, a day before the finding. */
function launch(twin: AccountTwin, target: Target): void {
  const { id, region, facts } = target;
  const { history } = twin.region(region).cloudtrail;
  if (history.some(({ resources }) => resources?.includes(id) === true)) return;
  // A launcher for each: what one launched is not what the other did.
  const tail = id
    .replace(/[^A-Za-z0-9]/g, '')
    .toUpperCase()
    .slice(-16)
    .padStart(16, '0');
  const caller = { userName: `launched-${id}`, principalId: `AIDA${tail}`, accessKeyId: `AKIA${tail}` };
  const { userName, principalId: userId, accessKeyId } = caller;
  iamUser(twin, { ...target, id: userName, facts: { userId, accessKeyId } });
  const at = new Date(Date.parse(textOf(facts, 'at') ?? '') - 86_400_000);
  const call = id.startsWith('i-')
    ? {
        ...{ service: 'EC2', name: 'RunInstances', request: {} },
        response: { instancesSet: { items: [{ instanceId: id }] } },
      }
    : { service: 'Lambda', name: 'CreateFunction20150331', request: { functionName: id } };
  remember(twin, caller, { ...call, region, at });
}

/** A public subnet with its network ACL; instances of one subnet share them. */
function subnet(twin: AccountTwin, region: string, VpcId: string, SubnetId: string): void {
  const { routeTables } = twin.region(region);
  if (routeTables.some(({ subnets }) => subnets.includes(SubnetId))) return;
  routeTables.push({
    RouteTableId: twin.nextId('rtb'),
    VpcId,
    main: false,
    subnets: [SubnetId],
    routes: [{ DestinationCidrBlock: '0.0.0.0/0', GatewayId: twin.nextId('igw') }],
  });
  addNetwork(twin, { region, VpcId, subnets: [SubnetId] });
  addLists(twin, { region, VpcId });
}

/** What reached the instance was let in. */
const reachable = (twin: AccountTwin, port: unknown): TwinRule[] =>
  typeof port === 'number'
    ? [
        {
          SecurityGroupRuleId: twin.nextId('sgr'),
          ...{ IsEgress: false, IpProtocol: 'tcp', FromPort: port, ToPort: port, CidrIpv4: '0.0.0.0/0' },
        },
      ]
    : [];

function iamUser(twin: AccountTwin, { id, facts }: Target): void {
  if (Object.hasOwn(twin.state.users, id)) return;
  const AccessKeyId = textOf(facts, 'accessKeyId');
  twin.state.users[id] = {
    UserName: id,
    Path: '/',
    UserId: textOf(facts, 'userId') ?? textOf(facts, 'uniqueId') ?? 'AIDAFIREBREAKASFOUND',
    Tags: [],
    inline: {
      'as-found': JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
      }),
    },
    attached: {},
    keys: AccessKeyId
      ? [{ AccessKeyId, Status: 'Active', CreateDate: '2020-01-01T00:00:00.000Z', lastService: null }]
      : [],
    groups: [],
    console: false,
    mfa: [],
  };
}

/** Reachable from where the finding says that someone logged in, and by an application's group. */
function database(twin: AccountTwin, { id, region: name, facts, kind }: Target): void {
  const region = twin.region(name);
  const { databases } = region.rds;
  const cluster = kind === 'rds-cluster';
  if (databases.some((known) => known.id === id && known.cluster === cluster)) return;
  const VpcId = twin.nextId('vpc');
  const [app, own] = [twin.nextId('sg'), twin.nextId('sg')];
  const port = { SecurityGroupRuleId: '', IsEgress: false, IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432 };
  const sources = textsOf(facts, 'sources').map((ip) =>
    ip.includes(':') ? { CidrIpv6: `${ip}/128` } : { CidrIpv4: `${ip}/32` },
  );
  const rules = [{ ReferencedGroupInfo: { GroupId: app } }, ...sources].map((peer) => ({
    ...port,
    ...peer,
    SecurityGroupRuleId: twin.nextId('sgr'),
  }));
  const group = { VpcId, Description: 'as found', Tags: {} };
  region.groups.push({ ...group, GroupId: app, GroupName: 'application', rules: [] });
  region.groups.push({ ...group, GroupId: own, GroupName: 'database', rules });
  const parameterGroup = `${id}-parameters`;
  region.rds.parameterGroups = [
    ...(region.rds.parameterGroups ?? []),
    { name: parameterGroup, cluster, set: {} },
  ];
  const common = {
    ...{ VpcId, groups: [own], PubliclyAccessible: true, Tags: {}, parameterGroup },
    takesTokens: true,
  };
  login(twin);
  const instance = cluster ? (textOf(facts, 'instance') ?? `${id}-1`) : id;
  const Engine = cluster ? 'aurora-postgresql' : 'postgres';
  databases.push({ ...common, id: instance, cluster: false, Engine, clusterId: cluster ? id : null });
  if (cluster) databases.push({ ...common, id, cluster: true, Engine, clusterId: null });
}

/** A role that logs in to any database with a token. */
function login({ state, scope }: AccountTwin): void {
  const RoleName = 'database-login';
  const Resource = arn({ ...scope, region: '*', account: '*' }, 'rds-db', 'dbuser:*/*');
  const Statement = [{ Effect: 'Allow', Action: 'rds-db:connect', Resource }];
  state.roles[RoleName] ??= {
    ...{ RoleName, Path: '/', RoleId: madeIamId('AROA', RoleName), MaxSessionDuration: 3600, Tags: [] },
    Arn: arn(scope, 'iam', `role/${RoleName}`, { global: true }),
    ...{ AssumeRolePolicyDocument: '{}', attached: {}, profiles: [] },
    inline: { login: JSON.stringify({ Version: '2012-10-17', Statement }) },
  };
}

function lambdaFunction(twin: AccountTwin, { region, id, ...scope }: Target): void {
  const { functions } = twin.region(region).lambda;
  if (functions.some(({ FunctionName }) => FunctionName === id)) return;
  functions.push({
    FunctionName: id,
    Role: arn({ ...scope, region }, 'iam', `role/${id}`, { global: true }),
    Timeout: 30,
    CodeSha256: 'as-found',
    reserved: null,
    provisioned: {},
    eventSources: [],
    Tags: {},
  });
}

function bucket(twin: AccountTwin, Name: string, Region: string): TwinBucket {
  const { buckets } = twin.state.s3;
  const found = own(buckets, Name) ?? {
    Name,
    Region,
    block: null,
    policy: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: '*' }],
    }),
    website: false,
    Tags: {},
    versions: [],
  };
  buckets[Name] = found;
  return found;
}

function image(twin: AccountTwin, { id, region }: Target): void {
  const there = twin.region(region);
  there.images ??= [];
  if (there.images.some(({ ImageId }) => ImageId === id)) return;
  there.images.push({
    ImageId: id,
    SourceInstanceId: '',
    CreationDate: '2020-01-01T00:00:00.000Z',
    Tags: {},
  });
}

function snapshot(twin: AccountTwin, { id, region }: Target): void {
  const { snapshots } = twin.region(region);
  if (snapshots.some(({ SnapshotId }) => SnapshotId === id)) return;
  snapshots.push({ SnapshotId: id, VolumeId: 'vol-00000000000000000', Tags: {} });
}

function object(twin: AccountTwin, { facts, region }: Target): void {
  const [name, Key] = [textOf(facts, 'bucket'), textOf(facts, 'key')];
  if (name === undefined || Key === undefined) return;
  const VersionId = textOf(facts, 'versionId') ?? 'null';
  const { versions } = bucket(twin, name, region);
  if (versions.some((one) => one.Key === Key && one.VersionId === VersionId)) return;
  versions.push({
    Key,
    VersionId,
    ETag: `"${textOf(facts, 'eTag') ?? 'as-found'}"`,
    IsLatest: true,
    Tags: {},
  });
}

function trail(twin: AccountTwin, target: Target): void {
  const TrailARN = textOf(target.facts, 'trail') ?? arn(target, 'cloudtrail', 'trail/as-found');
  // It is gone: what is left of it is what the finding says.
  if (textOf(target.facts, 'api') === 'DeleteTrail') return;
  const { trails } = twin.region(target.region).cloudtrail;
  if (trails.some((known) => known.TrailARN === TrailARN)) return;
  trails.push({
    TrailARN,
    Name: TrailARN.slice(TrailARN.lastIndexOf('/') + 1),
    HomeRegion: target.region,
    IsOrganizationTrail: false,
    logging: false,
    deliveryError: null,
  });
}

function task(twin: AccountTwin, { region, facts, partition, account }: Target): void {
  const [cluster, taskArn] = [textOf(facts, 'cluster'), textOf(facts, 'taskArn')];
  const { tasks, services, definitions } = twin.region(region).ecs;
  if (cluster === undefined || taskArn === undefined || tasks.some((known) => known.taskArn === taskArn))
    return;
  const taskDefinitionArn = arn({ partition, account, region }, 'ecs', 'task-definition/as-found:1');
  definitions[taskDefinitionArn] = { taskRoleArn: null };
  const serviceName = 'as-found';
  if (!services.some((known) => known.cluster === cluster && known.serviceName === serviceName))
    services.push({ serviceName, cluster, desiredCount: 1, controller: 'ECS', taskDefinitionArn });
  tasks.push({
    taskArn,
    cluster,
    group: `service:${serviceName}`,
    taskDefinitionArn,
    launchType: 'FARGATE',
    lastStatus: 'RUNNING',
    desiredStatus: 'RUNNING',
    startedBy: 'ecs-svc/1',
  });
}

/** The EC2 instance serves a cluster of ECS: a task of a service runs on it. */
function containerInstance(twin: AccountTwin, target: Target): void {
  const cluster = 'as-found';
  const { ecs } = twin.region(target.region);
  ecs.containerInstances ??= [];
  if (ecs.containerInstances.some(({ ec2InstanceId }) => ec2InstanceId === target.id)) return;
  const id = twin.nextId('ci').replace('ci-', '').padStart(32, '0');
  const containerInstanceArn = arn(target, 'ecs', `container-instance/${cluster}/${id}`);
  const taskDefinitionArn = arn(target, 'ecs', 'task-definition/as-found:1');
  ecs.containerInstances.push({ containerInstanceArn, cluster, ec2InstanceId: target.id });
  ecs.definitions[taskDefinitionArn] ??= { taskRoleArn: null };
  ecs.tasks.push({
    taskArn: arn(target, 'ecs', `task/${cluster}/${id}`),
    ...{ cluster, taskDefinitionArn, containerInstanceArn },
    group: 'service:as-found',
    launchType: 'EC2',
    lastStatus: 'RUNNING',
    desiredStatus: 'RUNNING',
    startedBy: 'ecs-svc/1',
  });
}

/** One that only detects, as the finding says. */
function guardrail(twin: AccountTwin, { region, id }: Target): void {
  const here = twin.region(region);
  here.guardrails ??= {};
  here.guardrails[id] ??= {
    name: 'as-found',
    ...{ blockedInputMessaging: 'Blocked.', blockedOutputsMessaging: 'Blocked.' },
    contentPolicy: {
      filters: [
        { type: 'PROMPT_ATTACK', inputStrength: 'HIGH', outputStrength: 'NONE', inputAction: 'NONE' },
      ],
    },
  };
}

/** The cluster with its Kubernetes API, in which Firebreak's manifest is applied. */
function eksCluster(twin: AccountTwin, target: Target): TwinCluster & { kubernetes: TwinKubernetes } {
  const name = textOf(target.facts, 'cluster') ?? 'as-found';
  const { clusters } = twin.region(target.region).eks;
  const found = clusters.find((known) => known.name === name);
  const cluster: TwinCluster = found ?? { name, mode: 'API', entries: [] };
  if (!found) clusters.push(cluster);
  cluster.kubernetes ??= newKubernetes();
  return cluster as TwinCluster & { kubernetes: TwinKubernetes };
}

/** A user that is known by an id alone is a role or user of some name, which an access entry maps to the finding's name. */
function eksIdentity(twin: AccountTwin, target: Target): void {
  const { facts } = target;
  const id = textOf(facts, 'principalId');
  const kind = id?.startsWith('AIDA') ? 'user' : 'role';
  const named = textOf(facts, 'principal');
  const known = id === undefined ? undefined : principalOf(twin, id);
  const principal = known ?? named ?? `${kind}/as-found`;
  if (id !== undefined && known === undefined) principalWith(twin, target, principal, id);
  const cluster = eksCluster(twin, target);
  const principalArn = arn(target, 'iam', principal, { global: true });
  if (cluster.entries.some((entry) => entry.principalArn === principalArn)) return;
  const username = named === undefined ? textOf(facts, 'username') : undefined;
  cluster.entries.push({
    ...{ principalArn, type: 'STANDARD', groups: ['as-found'], policies: {} },
    ...(username === undefined ? {} : { username }),
  });
}

const principalOf = ({ state }: AccountTwin, id: string): string | undefined => {
  const role = Object.values(state.roles).find(({ RoleId }) => RoleId === id);
  const user = Object.values(state.users).find(({ UserId }) => UserId === id);
  return role ? `role/${role.RoleName}` : user && `user/${user.UserName}`;
};

function principalWith(twin: AccountTwin, target: Target, principal: string, id: string): void {
  const [kind, name = ''] = principal.split('/');
  if (kind === 'user') iamUser(twin, { ...target, id: name, facts: { userId: id } });
  else roleSession(twin, { ...target, facts: { roleName: name, roleId: id } });
}

/** Bound on its own, and together with another. */
function eksServiceAccount(twin: AccountTwin, target: Target): void {
  const [namespace, name] = [textOf(target.facts, 'namespace'), textOf(target.facts, 'serviceAccount')];
  if (namespace === undefined || name === undefined) return;
  const { kubernetes } = eksCluster(twin, target);
  const account = { kind: 'ServiceAccount', name, namespace };
  const neighbour = { ...account, name: `${name}-neighbour` };
  bind(kubernetes, `${namespace}-${name}-as-found`, 'cluster-admin', [account]);
  bind(kubernetes, `${namespace}-as-found`, 'view', [neighbour, account], namespace);
}

function eksBinding(twin: AccountTwin, target: Target): void {
  const { name, namespace } = (target.facts['binding'] ?? {}) as { name?: string; namespace?: string | null };
  if (name === undefined) return;
  const { kubernetes } = eksCluster(twin, target);
  bind(kubernetes, name, 'cluster-admin', [{ kind: 'User', name: 'as-found' }], namespace ?? undefined);
}

function eksAnonymous(twin: AccountTwin, target: Target): void {
  const { kubernetes } = eksCluster(twin, target);
  bind(kubernetes, 'anonymous-as-found', 'cluster-admin', [
    { apiGroup: RBAC, kind: 'User', name: 'system:anonymous' },
  ]);
}

/** The node's instance has its name by its address, or is named by its id (EKS Auto Mode). */
function eksNode(twin: AccountTwin, target: Target): void {
  eksCluster(twin, target);
  const node = textOf(target.facts, 'node') ?? '';
  const address = /^ip-(\d+-\d+-\d+-\d+)\./.exec(node)?.[1]?.replaceAll('-', '.');
  const id = /^i-[0-9a-f]{8,17}$/.test(node) ? node : 'i-0fb0000000000000e';
  instance(twin, { ...target, id, facts: address === undefined ? {} : { privateIps: [address] } });
}

const NODE = 'ip-10-0-9-10.eu-west-1.compute.internal';

/** One pod of a Deployment on a node of its own, in a cluster whose VPC CNI enforces network policies. */
function eksWorkload(twin: AccountTwin, target: Target): void {
  const { facts } = target;
  const [namespace = 'default', name = 'as-found', kind] = ['namespace', 'name', 'kind'].map((key) =>
    textOf(facts, key),
  );
  const { kubernetes } = eksCluster(twin, target);
  const found = (wanted: string) =>
    Object.values(kubernetes.objects).some((object) => object['kind'] === wanted && nameOf(object) === name);
  if (found('Pod') || found('Deployment')) return;
  const instanceId = 'i-0fb0000000000000e';
  instance(twin, { ...target, id: instanceId, facts: { privateIps: ['10.0.9.10'] } });
  const labels = { app: name };
  const owned = (owner: string, by: string) => ({
    ownerReferences: [{ apiVersion: 'apps/v1', kind: owner, name: by, uid: `uid-${by}`, controller: true }],
  });
  const ownerOfPod = (by: string | undefined, of: string) => {
    switch (by) {
      case 'jobs':
        return owned('Job', of);
      case 'cronjobs':
        return owned('Job', `${of}-29700000`);
      case 'replicationcontrollers':
        return owned('ReplicationController', of);
      default:
        return owned('ReplicaSet', `${of}-set`);
    }
  };
  const workload = (what: string, more: JsonObject = {}): JsonObject => ({
    apiVersion: 'apps/v1',
    kind: what,
    metadata: { name: what === 'ReplicaSet' ? `${name}-set` : name, namespace, ...more },
    spec: { replicas: 1, selector: { matchLabels: labels } },
  });
  const agent = { name: 'aws-eks-nodeagent', args: ['--enable-network-policy=true'] };
  const objects: JsonObject[] = [
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: NODE },
      spec: { providerID: `aws:///${target.region}a/${instanceId}` },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'aws-node', namespace: 'kube-system' },
      spec: { template: { spec: { containers: [agent] } } },
    },
    workload(KIND_OF[kind ?? ''] ?? 'Deployment'),
    workload('ReplicaSet', owned('Deployment', name)),
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: kind === 'pods' ? name : `${name}-0`,
        namespace,
        labels: kind === 'jobs' ? { ...labels, 'job-name': name } : labels,
        ...ownerOfPod(kind, name),
      },
      spec: {
        nodeName: NODE,
        serviceAccountName: 'default',
        containers: [
          { name: 'app', image: 'as-found', env: [{ name: 'PASSWORD', value: 'not to be kept' }] },
        ],
      },
      status: { phase: 'Running' },
    },
  ];
  for (const object of objects)
    putObject(kubernetes, object, object['kind'] === 'Pod' ? textOf(facts, 'uid') : undefined);
}
/** Owners of pods by the finding's word for them. */
const KIND_OF: Readonly<Record<string, string>> = {
  daemonsets: 'DaemonSet',
  statefulsets: 'StatefulSet',
};

const RBAC = 'rbac.authorization.k8s.io';
function bind(
  kubernetes: TwinKubernetes,
  name: string,
  role: string,
  subjects: readonly JsonObject[],
  namespace?: string,
): void {
  const kind = namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding';
  if (Object.values(kubernetes.objects).some((known) => known['kind'] === kind && nameOf(known) === name))
    return;
  putObject(kubernetes, {
    apiVersion: `${RBAC}/v1`,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: role },
    subjects,
  });
}
const nameOf = (object: JsonObject): unknown => (object['metadata'] as JsonObject)['name'];

/** Stands for a role's id where no finding has named it yet. */
const ROLE_ID = 'AROAFIREBREAKASFOUND0';

function roleSession(twin: AccountTwin, target: Target): void {
  const RoleName = textOf(target.facts, 'roleName') ?? textOf(target.facts, 'name');
  const RoleId = textOf(target.facts, 'roleId') ?? textOf(target.facts, 'uniqueId') ?? ROLE_ID;
  if (RoleName === undefined) return;
  const { roles } = twin.state;
  const known = own(roles, RoleName);
  if (known) {
    if (known.RoleId === ROLE_ID) known.RoleId = RoleId;
    return;
  }
  roles[RoleName] = {
    RoleName,
    Path: '/',
    RoleId,
    Arn: arn(target, 'iam', `role/${RoleName}`, { global: true }),
    MaxSessionDuration: 3600,
    AssumeRolePolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    }),
    Tags: [],
    inline: {
      'as-found': JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
      }),
    },
    attached: {},
    profiles: [RoleName],
  };
}

const textOf = (facts: JsonObject, name: string): string | undefined => {
  const value = facts[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
};
const tagsOf = ({ tags }: JsonObject): Record<string, string> =>
  Object.fromEntries(
    Object.entries(isJsonObject(tags) ? tags : {}).map(([key, value]) => [key, String(value)]),
  );
const textsOf = (facts: JsonObject, name: string): readonly string[] => {
  const value = facts[name];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
};

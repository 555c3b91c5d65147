/** One account and finding for every playbook: what `npm run test:faults` plays. */

import { arn } from '../../core/aws/arn.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { choosePlaybook } from '../../playbooks/index.ts';
import { act, remember } from '../../sandbox/attacker.ts';
import { materialise } from '../../sandbox/materialise.ts';
import { addLists } from '../../sandbox/networks.ts';
import { simulatedEvent } from '../../sandbox/simulated/event.ts';
import { addPermissionSet } from '../../sandbox/twin/identity-center.ts';
import { madeStoreUser } from '../../sandbox/twin/made-id.ts';
import { addOrganization } from '../../sandbox/twin/organizations.ts';
import { policiesIn } from '../../sandbox/twin/resource-policies.ts';
import { newBucket } from '../../sandbox/twin/s3.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import {
  addressFinding,
  addressWorld,
  credentialFinding,
  credentialWorld,
  findingOn,
  ROLE,
  THIEF_IP,
} from '../../sandbox/worlds.ts';
import { blind } from '../playbooks/blinded-world.ts';
import { DENIED_ROOT, DENIED_USERS, QUARANTINE } from '../playbooks/organization-world.ts';
import { aboutTrail, NARROW } from '../playbooks/trail-world.ts';

export interface Scenario {
  /** A playbook that no finding names alone: it follows, automatically, what the finding's own contained. */
  readonly followUp?: string;
  /** What the playbook says is lost (`reversible.lost`): a stopped task, a rotated password. */
  readonly loses?: readonly ('tasks' | 'versions' | 'sessions' | 'signIns' | 'kmsKeys')[];
  /** Lines of `playbooks:` in policy.yml, without which it is not asked about. */
  readonly settings?: string;
  /** Puts the account up and returns the finding. */
  open(twin: AccountTwin): JsonObject;
}

/** The finding in its nth delivery. */
export function delivery(event: JsonObject, updatedAt: Date, count: number, severity: number): JsonObject {
  const detail = partOf(event, 'detail');
  const at = updatedAt.toISOString();
  return {
    ...event,
    time: at,
    detail: {
      ...detail,
      ...{ updatedAt: at, severity },
      service: { ...partOf(detail, 'service'), count, eventLastSeen: at },
    },
  };
}

function partOf(value: JsonObject, name: string): JsonObject {
  const part = value[name];
  if (isJsonObject(part)) return part;
  throw new Error(`the event has no ${name}`);
}

/** A finding of a type as GuardDuty writes it, and what it names. */
const simulated = (type: string, more: (twin: AccountTwin) => void = () => undefined): Scenario => ({
  open(twin) {
    const { scope } = twin;
    const now = new Date();
    const event = simulatedEvent(type, { scope, severity: 'high', now, seed: 'faults', sample: false });
    named(twin, event);
    more(twin);
    return event;
  },
});

/** Puts what a finding names into the account. */
function named(twin: AccountTwin, event: JsonObject): void {
  const choice = choosePlaybook(parseFinding(event));
  if ('none' in choice) throw new Error(choice.none);
  for (const { target } of choice.parts) materialise(twin, target);
}

const USER = { userType: 'IAMUser', userName: 'intern', principalId: 'AIDAINTERN0000000001' };
const USER_KEY = 'AKIAINTERN0000000001';
const bedrockKey = (number: string) => ({
  ...{ id: `ACCAINTERN000000${number}`, service: 'bedrock.amazonaws.com', Status: 'Active' },
  CreateDate: '2026-01-01T00:00:00.000Z',
});
function addUser({ state }: AccountTwin, name = 'intern'): void {
  const key = { AccessKeyId: USER_KEY, Status: 'Active', CreateDate: '2020-01-01T00:00:00.000Z' };
  state.users[name] = {
    ...{ UserName: name, Path: '/', UserId: USER.principalId, Tags: [], inline: {}, attached: {} },
    keys: name === 'intern' ? [{ ...key, lastService: 'ec2' }] : [],
    ...{ groups: [], console: false, mfa: [] },
  };
}

const onBucket = (twin: AccountTwin, type: string, accessKeyDetails: JsonObject): JsonObject =>
  findingOn(twin, {
    ...{ seed: type, type },
    resource: { s3BucketDetails: [{ name: 'customer-data' }], accessKeyDetails },
  });

function addBucket({ state }: AccountTwin): void {
  state.s3.buckets['customer-data'] = newBucket('customer-data', {
    lifecycle: [{ ID: 'attacker', Status: 'Enabled', Filter: {}, Expiration: { Days: 1 } }],
  });
}

const byPrincipal = (twin: AccountTwin, userName: string, principalId: string): JsonObject =>
  findingOn(twin, {
    ...{ seed: userName, type: 'UnauthorizedAccess:IAMUser/TorIPCaller' },
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: { userType: 'AssumedRole', userName, principalId },
    },
  });

const POD: JsonObject = { kubernetesWorkloadDetails: { name: 'cart-1', type: 'pods', namespace: 'web' } };

/** The stolen key made another key, took a role over, opened a port and a bucket, and shared a snapshot. */
const CHANGED: Scenario = {
  followUp: 'reverse-changes',
  // Undo schedules no deletion again.
  loses: ['kmsKeys'],
  open(twin) {
    addUser(twin);
    credentialWorld(twin, 1);
    const at = new Date();
    const trust = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }],
    });
    const ago = new Date(at.getTime() - 30 * 86_400_000);
    const role = twin.state.roles[ROLE];
    const had = { RoleName: ROLE, PolicyDocument: role?.AssumeRolePolicyDocument ?? '' };
    const owner = { principalId: 'AIDAEXAMPLE000000001', accessKeyId: 'AKIAEXAMPLE000000001' };
    const thief = { ...USER, type: 'IAMUser', accessKeyId: USER_KEY } as const;
    act(twin, owner, { service: 'IAM', operation: 'UpdateAssumeRolePolicy', input: had, at: ago });
    const taken = { ...had, PolicyDocument: trust };
    act(twin, thief, { service: 'IAM', operation: 'UpdateAssumeRolePolicy', input: taken, at });
    addUser(twin, 'bob');
    const GroupId = twin.nextId('sg');
    twin.region(twin.scope.region).groups.push({
      ...{ GroupId, GroupName: 'web', VpcId: 'vpc-0000000000000a001', Description: '', Tags: {}, rules: [] },
    });
    const opened = {
      ipProtocol: 'tcp',
      fromPort: 22,
      toPort: 22,
      ipRanges: { items: [{ cidrIp: '0.0.0.0/0' }] },
    };
    act(twin, thief, {
      ...{ service: 'EC2', operation: 'AuthorizeSecurityGroupIngress', at },
      input: {
        GroupId,
        IpPermissions: [{ IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '0.0.0.0/0' }] }],
      },
      record: { request: { groupId: GroupId, ipPermissions: { items: [opened] } }, response: {} },
    });
    const SnapshotId = twin.nextId('snap');
    twin
      .region(twin.scope.region)
      .snapshots.push({ SnapshotId, VolumeId: 'vol-0000000000000a001', Tags: {} });
    act(twin, thief, {
      ...{ service: 'EC2', operation: 'ModifySnapshotAttribute', at },
      input: { SnapshotId, OperationType: 'add', UserIds: ['444455556666'] },
      record: {
        request: {
          snapshotId: SnapshotId,
          createVolumePermission: { add: { items: [{ userId: '444455556666' }] } },
        },
      },
    });
    act(twin, thief, { service: 'IAM', operation: 'CreateAccessKey', input: { UserName: 'bob' }, at });
    twin.state.s3.buckets['exports'] = newBucket('exports', { Region: twin.scope.region });
    const Statement = [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: '*' }];
    const bucketPolicy = { Version: '2012-10-17', Statement };
    act(twin, thief, {
      ...{ service: 'S3', operation: 'PutBucketPolicy', at },
      input: { Bucket: 'exports', Policy: JSON.stringify(bucketPolicy) },
      record: { request: { bucketName: 'exports', bucketPolicy } },
    });
    const { region, account } = twin.scope;
    const TopicArn = `arn:aws:sns:${region}:${account}:orders`;
    // As SNS gives every topic its policy: the owner may use it.
    const own = {
      ...{ Sid: '__default_statement_ID', Effect: 'Allow', Principal: { AWS: '*' }, Action: 'SNS:Publish' },
      ...{ Resource: TopicArn, Condition: { StringEquals: { 'AWS:SourceOwner': account } } },
    };
    policiesIn(twin.region(region)).topics['orders'] = JSON.stringify({
      ...{ Version: '2008-10-17', Statement: [own] },
    });
    const shared = { TopicArn, Label: 'x', AWSAccountId: ['444455556666'], ActionName: ['Subscribe'] };
    const request = {
      ...{ topicArn: TopicArn, label: 'x' },
      ...{ aWSAccountId: shared.AWSAccountId, actionName: shared.ActionName },
    };
    act(twin, thief, {
      ...{ service: 'SNS', operation: 'AddPermission', at, input: shared },
      record: { request },
    });
    twin.region(region).lambda.functions.push({
      ...{ FunctionName: 'export', Role: `arn:aws:iam::${account}:role/app`, Timeout: 3, CodeSha256: 'x' },
      ...{ reserved: null, provisioned: {}, eventSources: [], Tags: {} },
    });
    act(twin, thief, {
      ...{ service: 'Lambda', operation: 'CreateFunctionUrlConfig', at },
      input: { FunctionName: 'export', AuthType: 'NONE' },
    });
    act(twin, thief, {
      ...{ service: 'Lambda', operation: 'CreateEventSourceMapping', at },
      input: { FunctionName: 'export', EventSourceArn: `arn:aws:sqs:${region}:${account}:orders` },
      record: { name: 'CreateEventSourceMapping20150331' },
    });
    const KeyId = '00000000-0000-4000-8000-00000000000a';
    twin.region(twin.scope.region).kmsKeys = { [KeyId]: 'Enabled' };
    act(twin, thief, { service: 'KMS', operation: 'ScheduleKeyDeletion', input: { KeyId }, at });
    remember(twin, thief, {
      ...{ service: 'STS', name: 'AssumeRole', region: twin.scope.region, at },
      request: { roleArn: role?.Arn ?? '', roleSessionName: 'night-shift' },
      response: {
        credentials: { accessKeyId: 'ASIANIGHTSHIFT000001' },
        assumedRoleUser: { assumedRoleId: `${role?.RoleId}:night-shift`, arn: role?.Arn ?? '' },
      },
    });
    twin.region(twin.scope.region).recorders = { default: true };
    twin.region(twin.scope.region).alarms = { 'root-login': true };
    act(twin, thief, {
      ...{ service: 'CloudWatch', operation: 'DisableAlarmActions', at },
      input: { AlarmNames: ['root-login'] },
    });
    act(twin, thief, {
      ...{ service: 'ConfigService', operation: 'StopConfigurationRecorder', at },
      input: { ConfigurationRecorderName: 'default' },
    });
    act(twin, thief, {
      ...{ service: 'GuardDuty', operation: 'CreateFilter', at },
      input: {
        ...{ DetectorId: twin.region(twin.scope.region).guardduty.detector, Name: 'hide' },
        ...{ Action: 'ARCHIVE', Description: '', FindingCriteria: { Criterion: {} } },
      },
    });
    act(twin, thief, {
      ...{ service: 'EventBridge', operation: 'PutRule', at },
      input: { Name: 'refresh', ScheduleExpression: 'rate(5 minutes)' },
    });
    return findingOn(twin, {
      ...{ seed: 'changes', type: 'Persistence:IAMUser/AnomalousBehavior' },
      resource: { resourceType: 'AccessKey', accessKeyDetails: { ...USER, accessKeyId: USER_KEY } },
    });
  },
};

const ALL: Readonly<Record<string, Scenario>> = {
  'isolate-instance': {
    open: (twin) => addressFinding(twin, addressWorld(twin).instanceId, { seed: 'faults' }),
  },
  'revoke-instance-session': {
    open: (twin) => credentialFinding(twin, credentialWorld(twin).stolen, { seed: 'faults' }),
  },
  'stop-task': { ...simulated('Execution:ECS/MaliciousFile'), loses: ['tasks'] },
  'scale-in-service': {
    loses: ['tasks'],
    followUp: 'scale-in-service',
    open(twin) {
      const { ecs } = twin.region();
      const taskArn = `arn:aws:ecs:eu-west-1:${twin.scope.account}:task/shop/${'0'.repeat(30)}a1`;
      const taskDefinitionArn = `arn:aws:ecs:eu-west-1:${twin.scope.account}:task-definition/web:7`;
      ecs.definitions[taskDefinitionArn] = { taskRoleArn: null };
      const service = { serviceName: 'web', cluster: 'shop', desiredCount: 1, controller: 'ECS' };
      ecs.services.push({ ...service, taskDefinitionArn });
      ecs.tasks.push({
        ...{ taskArn, cluster: 'shop', group: 'service:web', taskDefinitionArn, launchType: 'FARGATE' },
        ...{ lastStatus: 'RUNNING', desiredStatus: 'RUNNING', startedBy: 'ecs-svc/1' },
      });
      return findingOn(twin, {
        ...{ seed: 'task', type: 'Execution:Runtime/ReverseShell' },
        resource: { ecsClusterDetails: { name: 'shop', taskDetails: { arn: taskArn } } },
      });
    },
  },
  'contain-kubernetes-identity': simulated('CredentialAccess:Kubernetes/MaliciousIPCaller'),
  // The caller is the granter: a second incident that joins the first one's hold.
  'contain-kubernetes-granter': {
    followUp: 'contain-kubernetes-granter',
    ...simulated('CredentialAccess:Kubernetes/MaliciousIPCaller'),
  },
  'contain-kubernetes-principal': {
    followUp: 'contain-kubernetes-principal',
    open(twin) {
      addUser(twin);
      const event = findingOn(twin, {
        ...{ seed: 'mapped', type: 'CredentialAccess:Kubernetes/MaliciousIPCaller' },
        resource: {
          resourceType: 'EKSCluster',
          eksClusterDetails: { name: 'shop' },
          kubernetesDetails: {
            kubernetesUserDetails: { username: `arn:aws:iam::${twin.scope.account}:user/intern` },
          },
        },
      });
      named(twin, event);
      return event;
    },
  },
  'quarantine-pod': simulated('Execution:Kubernetes/MaliciousFile'),
  'mark-image': simulated('Execution:EC2/MaliciousFile!AMI'),
  'detach-instance-profile': {
    followUp: 'detach-instance-profile',
    open: (twin) => credentialFinding(twin, credentialWorld(twin, 1).stolen, { seed: 'faults' }),
  },
  'block-public-bucket': simulated('Policy:S3/BucketAnonymousAccessGranted'),
  'block-public-account': simulated('Policy:S3/AccountBlockPublicAccessDisabled'),
  'quarantine-object': simulated('Object:S3/MaliciousFile'),
  'throttle-function': simulated('Backdoor:Lambda/C&CActivity.B'),
  'restrict-database': simulated('CredentialAccess:RDS/AnomalousBehavior.SuccessfulLogin'),
  'deny-database-logins': {
    followUp: 'deny-database-logins',
    ...simulated('Exfiltration:RDS/TorIPCaller'),
  },
  'evict-database-user': {
    followUp: 'evict-database-user',
    loses: ['versions', 'sessions'],
    ...simulated('Exfiltration:RDS/TorIPCaller', (twin) => {
      const region = twin.region();
      const secret = arn(twin.scope, 'secretsmanager', 'secret:rds!simulated-a1B2c3');
      region.rotatedSecrets = [
        {
          name: 'rds!simulated',
          arn: secret,
          rotator: null,
          versions: { '00000000-0000-4000-8000-000000000001': ['AWSCURRENT'] },
        },
      ];
      for (const database of region.rds.databases)
        Object.assign(database, { MasterUsername: 'app', secret, sessions: [{ id: 7, user: 'app' }] });
    }),
  },
  'disable-user-keys': simulated('CredentialAccess:IAMUser/AnomalousBehavior', ({ state }) => {
    for (const user of Object.values(state.users))
      user.sshKeys = [
        { id: 'APKAINTERN0000000001', Status: 'Active', UploadDate: '2026-01-01T00:00:00.000Z' },
      ];
  }),
  'deny-root': {
    settings: '  deny-root: { managementAccount: "555566667777" }\n',
    open(twin) {
      const account = '222233334444';
      twin.members.add(account).add('555566667777');
      addOrganization(
        twin,
        { management: '555566667777', account },
        { 'firebreak-denied-root': DENIED_ROOT },
      );
      return findingOn(
        { ...twin, scope: { ...twin.scope, account } },
        {
          ...{ seed: 'root', type: 'Policy:IAMUser/RootCredentialUsage' },
          resource: {
            resourceType: 'AccessKey',
            accessKeyDetails: { userType: 'Root', userName: 'Root', principalId: account },
          },
        },
      );
    },
  },
  'quarantine-account': {
    followUp: 'quarantine-account',
    settings: '  quarantine-account: { managementAccount: "555566667777" }\n',
    open(twin) {
      addUser(twin);
      // Not the account that Firebreak runs in.
      const account = '222233334444';
      twin.members.add(account).add('555566667777');
      const organization = { management: '555566667777', account };
      addOrganization(twin, organization, { 'firebreak-quarantine': QUARANTINE });
      return findingOn(
        { ...twin, scope: { ...twin.scope, account } },
        {
          ...{ seed: 'account', type: 'Impact:IAMUser/AnomalousBehavior' },
          resource: { resourceType: 'AccessKey', accessKeyDetails: { ...USER, accessKeyId: USER_KEY } },
        },
      );
    },
  },
  // The user is denied in every account first, then in the permission set.
  'revoke-sso-sessions': {
    settings: '  revoke-sso-sessions: { managementAccount: "555566667777" }\n',
    open(twin) {
      const management = '555566667777';
      twin.members.add(management);
      const organization = addOrganization(
        twin,
        { management, account: twin.scope.account },
        { 'firebreak-denied-users': DENIED_USERS },
      );
      organization.root = Object.keys(organization.policies).filter(
        (id) => organization.policies[id]?.Name === 'firebreak-denied-users',
      );
      const { roleName, roleId } = addPermissionSet(twin, {
        ...{ name: 'Admin_Access', inline: '', region: twin.scope.region, accounts: [twin.scope.account] },
      });
      twin.state.identityCenter.users['alice@example.com'] = madeStoreUser('alice');
      return byPrincipal(twin, roleName, `${roleId}:alice@example.com`);
    },
  },
  'revoke-role-sessions': {
    open(twin) {
      const RoleName = 'deployer';
      twin.state.roles[RoleName] = {
        ...{ RoleName, Path: '/', RoleId: 'AROADEPLOYER00000001', MaxSessionDuration: 3600, Tags: [] },
        Arn: `arn:aws:iam::${twin.scope.account}:role/${RoleName}`,
        AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [] }),
        inline: {
          app: JSON.stringify({
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
          }),
        },
        ...{ attached: {}, profiles: [] },
      };
      return byPrincipal(twin, RoleName, 'AROADEPLOYER00000001:session');
    },
  },
  'revoke-pod-role': {
    followUp: 'revoke-pod-role',
    open(twin) {
      const event = findingOn(twin, {
        ...{ seed: 'pod', type: 'Execution:Runtime/ReverseShell' },
        resource: {
          ...{ resourceType: 'EKSCluster', eksClusterDetails: { name: 'shop' } },
          kubernetesDetails: POD,
        },
      });
      named(twin, event);
      const roleArn = `arn:aws:iam::${twin.scope.account}:role/cart-pods`;
      twin.state.roles['cart-pods'] = {
        ...{ RoleName: 'cart-pods', Path: '/', RoleId: 'AROACARTPODS00000001', Arn: roleArn },
        ...{ MaxSessionDuration: 3600, Tags: [], attached: {}, profiles: [] },
        AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [] }),
        inline: {
          app: JSON.stringify({
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
          }),
        },
      };
      const [cluster] = twin.region().eks.clusters;
      if (cluster) cluster.podIdentities = [{ namespace: 'web', serviceAccount: 'default', roleArn }];
      return event;
    },
  },
  'restore-logging': simulated('Stealth:IAMUser/CloudTrailLoggingDisabled'),
  'restore-event-selectors': {
    followUp: 'restore-event-selectors',
    open(twin) {
      const TrailARN = `arn:aws:cloudtrail:eu-west-1:${twin.scope.account}:trail/audit`;
      twin.region().cloudtrail.trails.push({
        ...{ TrailARN, Name: 'audit', HomeRegion: 'eu-west-1', IsOrganizationTrail: false },
        ...{ logging: false, deliveryError: null, selectors: NARROW },
      });
      return aboutTrail(twin, { 'AWS::CloudTrail::Trail': TrailARN });
    },
  },
  'restore-detection': {
    followUp: 'restore-detection',
    open(twin) {
      const { scope } = twin;
      const TrailARN = `arn:aws:cloudtrail:eu-west-1:${scope.account}:trail/audit`;
      twin.region().cloudtrail.trails.push({
        ...{ TrailARN, Name: 'audit', HomeRegion: 'eu-west-1', IsOrganizationTrail: false },
        ...{ logging: false, deliveryError: null },
      });
      const event = findingOn(twin, {
        ...{ seed: 'blinded', type: 'Stealth:IAMUser/CloudTrailLoggingDisabled' },
        resource: {
          resourceType: 'AccessKey',
          accessKeyDetails: {
            ...{ userType: 'IAMUser', userName: 'mallory' },
            ...{ accessKeyId: 'AKIAEXAMPLE000000666', principalId: 'AIDAEXAMPLE000000666' },
          },
        },
        action: {
          actionType: 'AWS_API_CALL',
          awsApiCallAction: { api: 'StopLogging', affectedResources: { 'AWS::CloudTrail::Trail': TrailARN } },
        },
      });
      blind(twin, parseFinding(event), ['filter', 'trusted', 'members', 'features']);
      return event;
    },
  },
  'block-indicator': {
    followUp: 'block-indicator',
    open(twin) {
      const { instanceId } = addressWorld(twin);
      addLists(twin, { VpcId: twin.region().instances[0]?.VpcId ?? '' });
      return findingOn(twin, {
        ...{ seed: 'c2', type: 'Backdoor:EC2/C&CActivity.B' },
        resource: { resourceType: 'Instance', instanceDetails: { instanceId, networkInterfaces: [] } },
        action: {
          actionType: 'NETWORK_CONNECTION',
          networkConnectionAction: {
            remoteIpDetails: {
              ipAddressV4: THIEF_IP,
              organization: { asn: '64500', asnOrg: 'Example Hosting' },
            },
          },
        },
      });
    },
  },
  'deny-bucket-principal': {
    open(twin) {
      addBucket(twin);
      return onBucket(twin, 'Exfiltration:S3/AnomalousBehavior', {
        ...{ userType: 'AWSAccount', principalId: 'AROAFOREIGN0000000001:thief' },
      });
    },
  },
  'suspend-expiry': {
    followUp: 'suspend-expiry',
    open(twin) {
      addUser(twin);
      addBucket(twin);
      twin.region().cloudtrail.history.push({
        resource: 'customer-data',
        event: {
          ...{ eventName: 'PutBucketLifecycle', eventTime: '2026-11-24T02:00:00Z' },
          userIdentity: { principalId: USER.principalId },
          requestParameters: { LifecycleConfiguration: { Rule: [{ ID: 'attacker' }] } },
        },
      });
      return onBucket(twin, 'Impact:S3/AnomalousBehavior.Delete', USER);
    },
  },
  'deny-model-invocation': {
    open(twin) {
      credentialWorld(twin, 2);
      return findingOn(twin, {
        ...{ seed: 'models', type: 'Impact:IAMUser/AnomalousModelInvocation' },
        resource: {
          resourceType: 'AccessKey',
          accessKeyDetails: {
            ...{ userType: 'AssumedRole', userName: ROLE },
            principalId: `${twin.state.roles[ROLE]?.RoleId}:chat-service`,
          },
        },
      });
    },
  },
  'disable-bedrock-keys': {
    followUp: 'disable-bedrock-keys',
    open(twin) {
      addUser(twin);
      const user = twin.state.users['intern'];
      if (user) user.serviceKeys = [bedrockKey('0001'), bedrockKey('0002')];
      return findingOn(twin, {
        ...{ seed: 'bedrock key', type: 'Impact:IAMUser/CostHarvesting' },
        resource: { resourceType: 'AccessKey', accessKeyDetails: { ...USER, accessKeyId: USER_KEY } },
      });
    },
  },
  'end-sign-in-sessions': {
    followUp: 'end-sign-in-sessions',
    loses: ['signIns'],
    open(twin) {
      addUser(twin);
      const user = twin.state.users['intern'];
      const times = { issuedAt: 1_795_000_000, expiresAt: 1_795_040_000 };
      if (user) user.signIns = ['one', 'two'].map((id) => ({ id, clientId: 'devtools', ...times }));
      return findingOn(twin, {
        ...{ seed: 'sign-in', type: 'UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom' },
        resource: { resourceType: 'AccessKey', accessKeyDetails: { ...USER, accessKeyId: USER_KEY } },
      });
    },
  },
  'block-prompt-attacks': {
    followUp: 'block-prompt-attacks',
    open(twin) {
      credentialWorld(twin, 2);
      twin.region().guardrails = {
        shop: {
          ...{ name: 'shop', blockedInputMessaging: 'No.', blockedOutputsMessaging: 'No.' },
          contentPolicy: {
            filters: [
              { type: 'PROMPT_ATTACK', inputStrength: 'HIGH', outputStrength: 'NONE', inputAction: 'NONE' },
            ],
          },
        },
      };
      return findingOn(twin, {
        ...{ seed: 'prompt', type: 'Impact:IAMUser/PromptInjection.Direct' },
        resource: {
          resourceType: 'AccessKey',
          accessKeyDetails: {
            ...{ userType: 'AssumedRole', userName: ROLE },
            principalId: `${twin.state.roles[ROLE]?.RoleId}:chat-service`,
          },
          bedrockGuardrailDetails: {
            guardrails: [
              { arn: `arn:aws:bedrock:eu-west-1:${twin.scope.account}:guardrail/shop`, version: '1' },
            ],
          },
        },
      });
    },
  },
  'respond-to-sequence': simulated('AttackSequence:S3/CompromisedData'),
  'respond-to-evasion': {
    open(twin) {
      addUser(twin);
      const TrailARN = `arn:aws:cloudtrail:eu-west-1:${twin.scope.account}:trail/audit`;
      const event = findingOn(twin, {
        ...{ seed: 'evasion', type: 'DefenseEvasion:IAMUser/AnomalousBehavior' },
        resource: { resourceType: 'AccessKey', accessKeyDetails: { ...USER, accessKeyId: USER_KEY } },
        action: {
          actionType: 'AWS_API_CALL',
          awsApiCallAction: {
            api: 'StopLogging',
            affectedResources: { 'AWS::CloudTrail::Trail': TrailARN },
          },
        },
      });
      named(twin, event);
      return event;
    },
  },
  'contain-bucket-principal': simulated('Discovery:S3/MaliciousIPCaller'),
  'reverse-changes': CHANGED,
  'reverse-alerting-changes': CHANGED,
  'reverse-code-changes': CHANGED,
  'reverse-function-changes': CHANGED,
  'reverse-deletion-changes': CHANGED,
  'reverse-detection-changes': CHANGED,
  'reverse-bucket-changes': CHANGED,
  'reverse-exposure-changes': CHANGED,
  'reverse-policy-changes': CHANGED,
  'reverse-iam-changes': CHANGED,
  'reverse-logging-changes': CHANGED,
  'reverse-network-changes': CHANGED,
  'reverse-sharing-changes': CHANGED,
  'stop-miner': simulated('CryptoCurrency:EC2/BitcoinTool.B'),
  'stop-launcher': {
    followUp: 'stop-launcher',
    open(twin) {
      addUser(twin);
      const { instanceId } = addressWorld(twin);
      const userIdentity = { ...USER, type: 'IAMUser', accessKeyId: USER_KEY };
      twin.region().cloudtrail.history.push({
        resource: instanceId,
        event: { eventName: 'RunInstances', userIdentity },
      });
      const event = addressFinding(twin, instanceId, { seed: 'miner' });
      return { ...event, detail: { ...partOf(event, 'detail'), type: 'CryptoCurrency:EC2/BitcoinTool.B' } };
    },
  },
};

export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map(Object.entries(ALL));

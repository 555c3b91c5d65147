/**
 * Logging and detection restored, a service scaled in and a user of Identity Center denied, on moto. CloudTrail's event
 * history and the status of provisioning are answered by the tests: moto has neither.
 */
import * as autoscaling from '@aws-sdk/client-application-auto-scaling';
import * as bedrock from '@aws-sdk/client-bedrock';
import * as cloudtrail from '@aws-sdk/client-cloudtrail';
import * as ec2 from '@aws-sdk/client-ec2';
import * as ecs from '@aws-sdk/client-ecs';
import * as guardduty from '@aws-sdk/client-guardduty';
import * as iam from '@aws-sdk/client-iam';
import * as identitystore from '@aws-sdk/client-identitystore';
import * as s3 from '@aws-sdk/client-s3';
import * as sso from '@aws-sdk/client-sso-admin';
import { beforeEach, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import type { Part, Playbook } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { restoreEventSelectors } from '../../playbooks/restore-event-selectors/playbook.ts';
import { restoreLogging } from '../../playbooks/restore-logging/playbook.ts';
import { scaleInService } from '../../playbooks/scale-in-service/playbook.ts';
import { createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { answering, life, type More } from './life.ts';
import { motoStage } from './moto-stage.ts';
import { onStage } from './on-stage.ts';

let history: object[] = [];
/** Basic selectors were put last: AWS then has no advanced ones any more (CloudTrail API reference, "PutEventSelectors"). */
let basic = false;
const answers = {
  LookupEvents: ({ LookupAttributes }: { LookupAttributes?: unknown }) => ({
    Events: history
      .filter((event) =>
        JSON.stringify(LookupAttributes).includes((event as { eventName: string }).eventName),
      )
      .map((event) => ({ CloudTrailEvent: JSON.stringify(event) })),
  }),
  PutEventSelectors(input: { readonly EventSelectors?: unknown }, ask: () => Promise<object>) {
    basic = input.EventSelectors !== undefined;
    return ask();
  },
  GetEventSelectors: async (_input: object, ask: () => Promise<object>) => ({
    ...(await ask()),
    ...(basic ? { AdvancedEventSelectors: undefined } : {}),
  }),
  ListPermissionSetProvisioningStatus: () => ({ PermissionSetsProvisioningStatus: [] }),
  DescribePermissionSetProvisioningStatus: () => ({
    PermissionSetProvisioningStatus: { Status: 'SUCCEEDED' },
  }),
};
const at = onStage(async () => {
  const moto = await motoStage();
  return { ...moto, aws: () => answering(moto.aws(), answers) };
});
at.lacking
  .add("LookupEvents: moto has no event history, so it is the test's")
  .add(
    'PutEventSelectors: moto keeps advanced selectors that basic ones replace, so the answer leaves them out',
  )
  .add(
    "PermissionSetProvisioningStatus: moto has none, so it is the test's, and the role does not get the policy",
  );
beforeEach(() => {
  history = [];
  basic = false;
});

const wholeLife = (event: JsonObject, ...more: More) => life(at, event, ...more);
const finding = (
  type: string,
  api: string,
  resource: JsonObject = {},
  affected: JsonObject = {},
): JsonObject =>
  findingOn(createTwin(at.stage.scope), {
    seed: type,
    type,
    resource: { accessKeyDetails: ATTACKER, ...resource },
    action: { actionType: 'AWS_API_CALL', awsApiCallAction: { api, affectedResources: affected } },
  });
const ATTACKER = {
  accessKeyId: 'AKIAEXAMPLE000000666',
  principalId: 'AIDAEXAMPLE000000666',
  userType: 'IAMUser',
};
/** A call of the owner, long before. */
const remember = (eventName: string, requestParameters: object, more: object = {}) => {
  history.push({
    eventName,
    eventTime: '2026-01-01T00:00:00Z',
    userIdentity: { principalId: 'AIDAEXAMPLE000000001' },
    requestParameters,
    ...more,
  });
};
const partOf = (playbook: Playbook, event: JsonObject): Part => {
  const choice = restoreLogging.targetOf(parseFinding(event));
  if (!choice.ok) throw new Error(choice.reason);
  return { playbook, target: choice.target };
};

const NARROW: cloudtrail.EventSelector = {
  ReadWriteType: 'ReadOnly',
  IncludeManagementEvents: false,
  DataResources: [{ Type: 'AWS::S3::Object', Values: ['arn:aws:s3'] }],
  ExcludeManagementEventSources: [],
};
async function trail() {
  await new s3.S3Client({}).send(new s3.CreateBucketCommand({ Bucket: 'trail-logs' }));
  const client = new cloudtrail.CloudTrailClient({});
  const { TrailARN = '' } = await client.send(
    new cloudtrail.CreateTrailCommand({ Name: 'audit', S3BucketName: 'trail-logs' }),
  );
  await client.send(
    new cloudtrail.PutEventSelectorsCommand({ TrailName: 'audit', EventSelectors: [NARROW] }),
  );
  const look = async () => ({
    logging: (await client.send(new cloudtrail.GetTrailStatusCommand({ Name: 'audit' }))).IsLogging,
    selectors: (await client.send(new cloudtrail.GetEventSelectorsCommand({ TrailName: 'audit' })))
      .EventSelectors,
  });
  const event = finding(
    'Stealth:IAMUser/CloudTrailLoggingDisabled',
    'StopLogging',
    {},
    {
      'AWS::CloudTrail::Trail': TrailARN,
    },
  );
  return { client, look, event };
}

it('restore-logging: the trail logs and records all of it again, and neither after undo', async () => {
  const { look, event } = await trail();
  await wholeLife(event, look, [], undefined, { eventSelectors: 'management' });
});

it('restore-logging: event selectors that CloudTrail remembers', async () => {
  const { look, event } = await trail();
  remember('PutEventSelectors', {
    trailName: 'audit',
    eventSelectors: [{ readWriteType: 'All', includeManagementEvents: true, dataResources: [] }],
  });
  await wholeLife(event, look);
});

it('restore-event-selectors: all management events next to what the trail records', async () => {
  const { client, look, event } = await trail();
  await client.send(new cloudtrail.StartLoggingCommand({ Name: 'audit' }));
  await wholeLife(event, look, [], partOf(restoreEventSelectors, event));
});

it('restore-logging: server access logging to where it went', async () => {
  const client = new s3.S3Client({});
  await client.send(new s3.CreateBucketCommand({ Bucket: 'customer-data' }));
  await client.send(new s3.CreateBucketCommand({ Bucket: 'log-archive', ObjectOwnership: 'ObjectWriter' }));
  await client.send(
    new s3.PutBucketAclCommand({
      Bucket: 'log-archive',
      GrantWrite: 'uri="http://acs.amazonaws.com/groups/s3/LogDelivery"',
      GrantReadACP: 'uri="http://acs.amazonaws.com/groups/s3/LogDelivery"',
    }),
  );
  remember('PutBucketLogging', {
    bucketName: 'customer-data',
    BucketLoggingStatus: { LoggingEnabled: { TargetBucket: 'log-archive', TargetPrefix: 'data/' } },
  });
  await wholeLife(
    finding('Stealth:S3/ServerAccessLoggingDisabled', 'PutBucketLogging', {
      s3BucketDetails: [{ name: 'customer-data' }],
    }),
    async () =>
      (await client.send(new s3.GetBucketLoggingCommand({ Bucket: 'customer-data' }))).LoggingEnabled ?? null,
  );
});

it('restore-logging: the password policy of policy.yml, and none again', async () => {
  const client = new iam.IAMClient({});
  await wholeLife(
    finding('Stealth:IAMUser/PasswordPolicyChange', 'DeleteAccountPasswordPolicy'),
    async () =>
      client.send(new iam.GetAccountPasswordPolicyCommand({})).then(
        ({ PasswordPolicy }) => PasswordPolicy,
        (error: unknown) => (error instanceof Error ? error.name : String(error)),
      ),
    [],
    undefined,
    { passwordPolicy: '{"MinimumPasswordLength": 16, "RequireSymbols": true, "MaxPasswordAge": 90}' },
  );
});

it("restore-logging: Bedrock's log of model invocations", async () => {
  const client = new bedrock.BedrockClient({});
  remember('PutModelInvocationLoggingConfiguration', {
    loggingConfig: { s3Config: { bucketName: 'log-archive' }, textDataDeliveryEnabled: true },
  });
  await wholeLife(
    finding('DefenseEvasion:IAMUser/BedrockLoggingDisabled', 'DeleteModelInvocationLoggingConfiguration'),
    async () =>
      (await client.send(new bedrock.GetModelInvocationLoggingConfigurationCommand({}))).loggingConfig ??
      null,
  );
});

it('restore-logging: the detector is enabled again', async () => {
  const client = new guardduty.GuardDutyClient({});
  const { DetectorId = '' } = await client.send(new guardduty.CreateDetectorCommand({ Enable: false }));
  const event = finding('DefenseEvasion:IAMUser/AnomalousBehavior', 'UpdateDetector');
  await wholeLife(
    event,
    async () => (await client.send(new guardduty.GetDetectorCommand({ DetectorId }))).Status,
    [],
    partOf(restoreLogging, event),
  );
});

it('restore-logging: a flow log like the one that was deleted', async () => {
  const client = new ec2.EC2Client({});
  await new s3.S3Client({}).send(new s3.CreateBucketCommand({ Bucket: 'log-archive' }));
  const { Vpc } = await client.send(new ec2.CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }));
  remember(
    'CreateFlowLogs',
    {
      CreateFlowLogsRequest: {
        ResourceType: 'VPC',
        ResourceId: { tag: 1, content: Vpc?.VpcId },
        TrafficType: 'ALL',
        LogDestinationType: 's3',
        LogDestination: 'arn:aws:s3:::log-archive',
      },
    },
    { responseElements: { CreateFlowLogsResponse: { flowLogIdSet: { item: 'fl-0123456789abcdef0' } } } },
  );
  remember(
    'DeleteFlowLogs',
    { DeleteFlowLogsRequest: { FlowLogId: { tag: 1, content: 'fl-0123456789abcdef0' } } },
    { eventTime: new Date().toISOString(), userIdentity: ATTACKER },
  );
  const event = finding('DefenseEvasion:IAMUser/AnomalousBehavior', 'DeleteFlowLogs');
  await wholeLife(
    event,
    async () =>
      (await client.send(new ec2.DescribeFlowLogsCommand({}))).FlowLogs?.map(
        ({ ResourceId, LogDestination, TrafficType }) => [ResourceId, LogDestination, TrafficType],
      ),
    [],
    partOf(restoreLogging, event),
  );
});

it('scale-in-service: scaling suspended, no task wanted, and both as they were', async () => {
  const client = new ecs.ECSClient({});
  const scaling = new autoscaling.ApplicationAutoScalingClient({});
  await client.send(new ecs.CreateClusterCommand({ clusterName: 'shop' }));
  const { taskDefinition } = await client.send(
    new ecs.RegisterTaskDefinitionCommand({
      family: 'web',
      containerDefinitions: [{ name: 'web', image: 'example/web:1', memory: 128 }],
    }),
  );
  await client.send(
    new ecs.CreateServiceCommand({
      cluster: 'shop',
      serviceName: 'web',
      desiredCount: 2,
      taskDefinition: taskDefinition?.taskDefinitionArn,
    }),
  );
  const target = {
    ServiceNamespace: 'ecs',
    ResourceId: 'service/shop/web',
    ScalableDimension: 'ecs:service:DesiredCount',
  } as const;
  await scaling.send(
    new autoscaling.RegisterScalableTargetCommand({
      ...target,
      MinCapacity: 1,
      MaxCapacity: 4,
      SuspendedState: {
        DynamicScalingInSuspended: false,
        DynamicScalingOutSuspended: false,
        ScheduledScalingSuspended: false,
      },
    }),
  );
  const look = async () => {
    const [{ services }, { ScalableTargets }] = await Promise.all([
      client.send(new ecs.DescribeServicesCommand({ cluster: 'shop', services: ['web'] })),
      scaling.send(new autoscaling.DescribeScalableTargetsCommand({ ServiceNamespace: 'ecs' })),
    ]);
    const [found] = ScalableTargets ?? [];
    return [services?.[0]?.desiredCount, found?.SuspendedState, found?.MinCapacity, found?.MaxCapacity];
  };
  await wholeLife(finding('Execution:Runtime/ReverseShell', ''), look, ['tasks'], {
    playbook: scaleInService,
    target: {
      ...at.stage.scope,
      kind: 'ecs-service',
      id: 'shop/web',
      display: 'shop/web',
      facts: { cluster: 'shop', service: 'web' },
    },
  });
});

it('revoke-sso-sessions: the statement comes and goes, the policy is letter for letter what it was', async () => {
  const client = new sso.SSOAdminClient({});
  const { Instances } = await client.send(new sso.ListInstancesCommand({}));
  const { InstanceArn = '', IdentityStoreId = '' } = Instances?.[0] ?? {};
  const { PermissionSet } = await client.send(
    new sso.CreatePermissionSetCommand({ InstanceArn, Name: 'Admin', SessionDuration: 'PT4H' }),
  );
  const PermissionSetArn = PermissionSet?.PermissionSetArn ?? '';
  const InlinePolicy =
    '{ "Version": "2012-10-17",\n "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } }';
  await client.send(
    new sso.PutInlinePolicyToPermissionSetCommand({ InstanceArn, PermissionSetArn, InlinePolicy }),
  );
  const provisioning = {
    InstanceArn,
    PermissionSetArn,
    TargetId: at.stage.scope.account,
    TargetType: 'AWS_ACCOUNT',
  } as const;
  await client.send(new sso.ProvisionPermissionSetCommand(provisioning));
  const users = new identitystore.IdentitystoreClient({});
  const { UserId = '' } = await users.send(
    new identitystore.CreateUserCommand({
      IdentityStoreId,
      UserName: 'alice',
      DisplayName: 'Alice',
      Name: { GivenName: 'A', FamilyName: 'L' },
    }),
  );
  await client.send(
    new sso.CreateAccountAssignmentCommand({
      InstanceArn,
      PermissionSetArn,
      TargetId: at.stage.scope.account,
      TargetType: 'AWS_ACCOUNT',
      PrincipalType: 'USER',
      PrincipalId: UserId,
    }),
  );
  const roleName = 'AWSReservedSSO_Admin_0123456789abcdef';
  const { Role } = await new iam.IAMClient({}).send(
    new iam.CreateRoleCommand({
      RoleName: roleName,
      Path: '/aws-reserved/sso.amazonaws.com/',
      AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
    }),
  );
  await wholeLife(
    finding('UnauthorizedAccess:IAMUser/TorIPCaller', 'ListBuckets', {
      accessKeyDetails: {
        userType: 'AssumedRole',
        userName: roleName,
        principalId: `${Role?.RoleId}:alice`,
      },
    }),
    async () =>
      (await client.send(new sso.GetInlinePolicyForPermissionSetCommand({ InstanceArn, PermissionSetArn })))
        .InlinePolicy,
    ['deny:1:role'],
  );
});

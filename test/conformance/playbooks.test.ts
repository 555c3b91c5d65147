/**
 * Every playbook that moto can play, on moto: contain, prove, a second run that changes nothing, undo, and the state read
 * back through AWS calls equal to the first. The same on the twin are the property tests of each playbook. What moto
 * does not model is printed at the end, not passed over.
 */
import * as ec2 from '@aws-sdk/client-ec2';
import * as ecs from '@aws-sdk/client-ecs';
import * as eks from '@aws-sdk/client-eks';
import * as iam from '@aws-sdk/client-iam';
import * as lambda from '@aws-sdk/client-lambda';
import * as rds from '@aws-sdk/client-rds';
import * as s3 from '@aws-sdk/client-s3';
import * as s3control from '@aws-sdk/client-s3-control';
import * as wafv2 from '@aws-sdk/client-wafv2';
import { expect, it } from 'vitest';
import type { StepContext } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { revokePodRole } from '../../playbooks/revoke-pod-role/playbook.ts';
import { suspendExpiry } from '../../playbooks/suspend-expiry/playbook.ts';
import { throttleFunction } from '../../playbooks/throttle-function/playbook.ts';
import { createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { life, type More } from './life.ts';
import { motoStage } from './moto-stage.ts';
import { onStage } from './on-stage.ts';
import { play } from './play.ts';
import { aclEntries } from './reads.ts';
import type { Stage } from './stage.ts';

const at = onStage(motoStage);

const finding = (type: string, resource: JsonObject, action?: JsonObject): JsonObject =>
  findingOn(createTwin(at.stage.scope), { seed: type, type, resource, ...(action ? { action } : {}) });

const wholeLife = (event: JsonObject, ...more: More) => life(at, event, ...more);

const none = async (call: Promise<object>): Promise<object | string> =>
  call.catch((error: unknown) => (error instanceof Error ? error.name : String(error)));
const plain = ({ $metadata: _metadata, ...answer }: { $metadata?: unknown }): object => answer;

it('block-public-bucket: unset before, unset after', async () => {
  const client = new s3.S3Client({});
  const Bucket = 'customer-data';
  await client.send(new s3.CreateBucketCommand({ Bucket }));
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` },
    ],
  });
  await client.send(new s3.PutBucketPolicyCommand({ Bucket, Policy }));
  await wholeLife(finding('Policy:S3/BucketAnonymousAccessGranted', {
    s3BucketDetails: [{ name: Bucket }],
  }), async () => {
    const answer = await none(client.send(new s3.GetPublicAccessBlockCommand({ Bucket })));
    return typeof answer === 'string' ? answer : plain(answer);
  }, ['policy-status']);
});

const foreign = (name: string): JsonObject =>
  finding('Exfiltration:S3/AnomalousBehavior', {
    s3BucketDetails: [{ name }],
    accessKeyDetails: { userType: 'AWSAccount', principalId: 'AROAFOREIGN0000000001:thief' },
  });

it.each([
  ['no policy before, none after', undefined],
  ['a policy with odd spaces comes back as it was', ' { "Statement" : { "Effect":"Allow", "Principal":"*", '],
])('deny-bucket-principal: %s', async (_name, start) => {
  const client = new s3.S3Client({});
  const Bucket = 'customer-data';
  await client.send(new s3.CreateBucketCommand({ Bucket }));
  if (start !== undefined) {
    const Policy = `${start}"Action":"s3:GetObject", "Resource":"arn:aws:s3:::${Bucket}/*" } }`;
    await client.send(new s3.PutBucketPolicyCommand({ Bucket, Policy }));
  }
  await wholeLife(foreign(Bucket), async () => {
    const answer = await none(client.send(new s3.GetBucketPolicyCommand({ Bucket })));
    return typeof answer === 'string' ? answer : plain(answer);
  });
});

it('block-public-account: unset before, unset after', async () => {
  // S3 Control puts the account in front of the host name: `localhost` can carry it, an address cannot; sent to the address.
  const { AWS_ENDPOINT_URL: address = '' } = process.env;
  process.env['AWS_ENDPOINT_URL_S3_CONTROL'] = address.replace('127.0.0.1', 'localhost');
  const toLoopback = <C extends s3control.S3ControlClient>(client: C): C => {
    client.middlewareStack.add(
      (next) => (args) => {
        if (typeof args.request === 'object' && args.request !== null)
          Object.assign(args.request, { hostname: '127.0.0.1' });
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low', name: 'toLoopback', override: true },
    );
    return client;
  };
  const client = toLoopback(new s3control.S3ControlClient({}));
  const AccountId = at.stage.scope.account;
  const aws = at.stage.aws();
  const reachable: Stage = {
    ...at.stage,
    aws: () => ({
      ...aws,
      async s3control() {
        const given = await aws.s3control();
        return { ...given, client: toLoopback(given.client) };
      },
    }),
  };
  try {
    const event = finding('Policy:S3/AccountBlockPublicAccessDisabled', {});
    await life({ ...at, stage: reachable }, event, async () => {
      const answer = await none(client.send(new s3control.GetPublicAccessBlockCommand({ AccountId })));
      return typeof answer === 'string' ? answer : plain(answer);
    });
  } finally {
    delete process.env['AWS_ENDPOINT_URL_S3_CONTROL'];
  }
});

it('mark-image: one tag next to its own, and away again', async () => {
  const client = new ec2.EC2Client({});
  const { instanceIds } = await at.stage.instance({});
  const { ImageId = '' } = await client.send(
    new ec2.CreateImageCommand({ InstanceId: instanceIds[0], Name: 'copy' }),
  );
  await client.send(
    new ec2.CreateTagsCommand({ Resources: [ImageId], Tags: [{ Key: 'team', Value: 'web' }] }),
  );
  const { partition, region } = at.stage.scope;
  await wholeLife(
    finding('Execution:EC2/MaliciousFile!AMI', {
      ec2ImageDetails: { imageArn: `arn:${partition}:ec2:${region}::image/${ImageId}` },
    }),
    async () =>
      (await client.send(new ec2.DescribeImagesCommand({ ImageIds: [ImageId] }))).Images?.[0]?.Tags?.sort(
        (a, b) => ((a.Key ?? '') < (b.Key ?? '') ? -1 : 1),
      ),
  );
});

it('suspend-expiry: the one rule, and the others as they are', async () => {
  at.lacking.add(
    'LookupEvents: moto does not have it, so who launched a miner or wrote lifecycle rules is looked up on the twin alone',
  );
  const client = new s3.S3Client({});
  const Bucket = 'customer-data';
  await client.send(new s3.CreateBucketCommand({ Bucket }));
  await client.send(
    new s3.PutBucketLifecycleConfigurationCommand({
      Bucket,
      LifecycleConfiguration: {
        Rules: [
          { ID: 'attacker', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 1 } },
          {
            ID: 'cold',
            Status: 'Enabled',
            Filter: { Prefix: 'old/' },
            Transitions: [{ Days: 30, StorageClass: 'GLACIER' }],
          },
        ],
      },
    }),
  );
  const target = {
    ...at.stage.scope,
    kind: 's3-lifecycle',
    id: Bucket,
    display: Bucket,
    facts: { bucket: Bucket, ruleIds: ['attacker'], by: 'AIDAEXAMPLE1', at: '2026-11-24T08:00:00Z' },
  };
  await wholeLife(
    foreign(Bucket),
    async () => (await client.send(new s3.GetBucketLifecycleConfigurationCommand({ Bucket }))).Rules,
    [],
    { playbook: suspendExpiry, target },
  );
});

it.each(['', '?'])(
  'quarantine-object: a copy of what was tagged, under any key: a b%s/ü.exe',
  async (odd) => {
    const client = new s3.S3Client({});
    const { account, region } = at.stage.scope;
    const [Bucket, copies] = ['uploads', `firebreak-quarantine-${account}-${region}`];
    const Key = `in/a b${odd}/ü%20+.exe`;
    for (const name of [Bucket, copies]) await client.send(new s3.CreateBucketCommand({ Bucket: name }));
    const versioning = { Bucket, VersioningConfiguration: { Status: 'Enabled' as const } };
    await client.send(new s3.PutBucketVersioningCommand(versioning));
    const put = { Bucket, Key, Body: 'bad', Tagging: 'team=web', Metadata: { owner: 'web' } };
    const { VersionId = '', ETag = '' } = await client.send(new s3.PutObjectCommand(put));
    await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: 'good' }));
    const tags = async () =>
      (await client.send(new s3.GetObjectTaggingCommand({ Bucket, Key, VersionId }))).TagSet;
    await life(
      at,
      finding('Object:S3/MaliciousFile', {
        s3BucketDetails: [
          { name: Bucket, s3ObjectDetails: [{ key: Key, versionId: VersionId, eTag: ETag }] },
        ],
      }),
      tags,
      [],
      undefined,
      { copyTo: 'firebreak-quarantine-{account}-{region}' },
    );
    const { Contents = [] } = await client.send(new s3.ListObjectsV2Command({ Bucket: copies }));
    expect(Contents).toHaveLength(1);
    const [{ Key: name = '' } = {}] = Contents;
    expect(name.startsWith('fb-000000000001/')).toBe(true);
    const copy = await client.send(new s3.GetObjectCommand({ Bucket: copies, Key: name }));
    expect([await copy.Body?.transformToString(), copy.Metadata]).toEqual(['bad', { owner: 'web' }]);
  },
);

it('quarantine-object: the scanned version alone, next to its own tags', async () => {
  const client = new s3.S3Client({});
  const Bucket = 'uploads';
  const Key = 'in/a b+ü.exe';
  await client.send(new s3.CreateBucketCommand({ Bucket }));
  await client.send(
    new s3.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }),
  );
  const first = await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: 'bad', Tagging: 'team=web' }));
  await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: 'good' }));
  const tags = async (VersionId?: string) =>
    (await client.send(new s3.GetObjectTaggingCommand({ Bucket, Key, ...(VersionId ? { VersionId } : {}) })))
      .TagSet;
  await wholeLife(
    finding('Object:S3/MaliciousFile', {
      s3BucketDetails: [
        {
          name: Bucket,
          s3ObjectDetails: [{ key: Key, versionId: first.VersionId ?? '', eTag: first.ETag ?? '' }],
        },
      ],
    }),
    async () => [await tags(first.VersionId), await tags()],
  );
});

it('throttle-function: no number before, no number after', async () => {
  const roles = new iam.IAMClient({});
  const { Role } = await roles.send(
    new iam.CreateRoleCommand({
      RoleName: 'orders',
      AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
    }),
  );
  const client = new lambda.LambdaClient({});
  await client.send(
    new lambda.CreateFunctionCommand({
      FunctionName: 'orders',
      Runtime: 'nodejs20.x',
      Role: Role?.Arn ?? '',
      Handler: 'index.handler',
      Code: { ZipFile: EMPTY_ZIP },
    }),
  );
  at.lacking.add(
    'ListProvisionedConcurrencyConfigs: moto does not have it, so the step is played without the plan',
  );
  const aws = at.stage.aws();
  const context: StepContext = {
    target: { ...at.stage.scope, kind: 'lambda-function', id: 'orders', display: 'orders', facts: {} },
    aws,
    caseId: 'fb-000000000001',
    outputs: {},
    now: () => new Date(),
  };
  const kind = throttleFunction.kinds['concurrency'];
  if (!kind || kind.revert === 'keep') throw new Error('the step is not there');
  const args = { functionName: 'orders' };
  const live = async () => (await kind.read(args, context)).value;
  expect(await live()).toBeNull();
  await kind.apply(args, context, null, 0);
  expect(await live()).toBe(0);
  await kind.revert(args, context, null, 0);
  expect(await live()).toBeNull();
  await kind.revert(args, context, 7, 0);
  expect(await live()).toBe(7);
});
/** End of central directory, and nothing before it: the smallest archive. */
const EMPTY_ZIP = Buffer.from('504b0506000000000000000000000000000000000000', 'hex');

it('disable-user-keys: deny, key and SSH key, all as they were after undo', async () => {
  const client = new iam.IAMClient({});
  const UserName = 'deployer';
  const { User } = await client.send(new iam.CreateUserCommand({ UserName, Path: '/ci/' }));
  const { AccessKey } = await client.send(new iam.CreateAccessKeyCommand({ UserName }));
  await client.send(
    new iam.UploadSSHPublicKeyCommand({ UserName, SSHPublicKeyBody: 'ssh-rsa AAAAB3NzaC1yc2EAAAA' }),
  );
  const look = async () => ({
    policies: (await client.send(new iam.ListUserPoliciesCommand({ UserName }))).PolicyNames,
    sshKeys: (await client.send(new iam.ListSSHPublicKeysCommand({ UserName }))).SSHPublicKeys?.map(
      ({ SSHPublicKeyId, Status }) => `${SSHPublicKeyId} ${Status}`,
    ),
    keys: (await client.send(new iam.ListAccessKeysCommand({ UserName }))).AccessKeyMetadata?.map(
      ({ AccessKeyId, Status }) => `${AccessKeyId} ${Status}`,
    ),
  });
  at.lacking.add(
    'SimulatePrincipalPolicy: moto does not have it, so the effect of the deny is not simulated',
  );
  await wholeLife(
    finding('UnauthorizedAccess:IAMUser/TorIPCaller', {
      accessKeyDetails: {
        accessKeyId: AccessKey?.AccessKeyId ?? '',
        // moto's user ids have no AIDA prefix: the identity check is left to the twin.
        principalId: User?.UserId ?? '',
        userType: 'IAMUser',
        userName: UserName,
      },
    }),
    look,
    ['effect'],
  );
});

it('revoke-role-sessions: our policy alone comes and goes', async () => {
  const client = new iam.IAMClient({});
  const RoleName = 'app';
  const { Role } = await client.send(
    new iam.CreateRoleCommand({
      RoleName,
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }],
      }),
    }),
  );
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action: ['*'], Resource: ['*'] }],
  });
  await client.send(
    new iam.PutRolePolicyCommand({ RoleName, PolicyName: 'AWSRevokeOlderSessions', PolicyDocument }),
  );
  await wholeLife(
    finding('UnauthorizedAccess:IAMUser/TorIPCaller', {
      accessKeyDetails: {
        principalId: `${Role?.RoleId}:build-42`,
        userType: 'AssumedRole',
        userName: RoleName,
      },
    }),
    async () => (await client.send(new iam.ListRolePoliciesCommand({ RoleName }))).PolicyNames,
    ['stolen-session', 'sibling'],
  );
});

it('mark-image: the mark next to the tags of a snapshot, and those alone again', async () => {
  const client = new ec2.EC2Client({});
  const { VolumeId } = await client.send(
    new ec2.CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 1 }),
  );
  const { SnapshotId = '' } = await client.send(
    new ec2.CreateSnapshotCommand({
      VolumeId,
      TagSpecifications: [{ ResourceType: 'snapshot', Tags: [{ Key: 'team', Value: 'web' }] }],
    }),
  );
  await wholeLife(
    finding('Execution:EC2/MaliciousFile!Snapshot', {
      ebsSnapshotDetails: { snapshotArn: `arn:aws:ec2:us-east-1::snapshot/${SnapshotId}` },
    }),
    async () =>
      (
        await client.send(new ec2.DescribeSnapshotsCommand({ SnapshotIds: [SnapshotId] }))
      ).Snapshots?.[0]?.Tags?.map(({ Key, Value }) => `${Key}=${Value}`).sort(),
  );
});

it('stop-task: what moto knows of a task that is not there', async () => {
  const client = new ecs.ECSClient({});
  await client.send(new ecs.CreateClusterCommand({ clusterName: 'shop' }));
  at.lacking.add('RunTask: moto answers 500 for a Fargate task, so no task can be stopped there');
  const arn = `arn:aws:ecs:us-east-1:${at.stage.scope.account}:task/shop/0123456789abcdef0123456789abcdef`;
  await expect(
    play(
      at.stage,
      at.table,
      'fb-000000000001',
      finding('Execution:Runtime/ReverseShell', {
        ecsClusterDetails: { name: 'shop', taskDetails: { arn } },
      }),
    ),
  ).rejects.toMatchObject({ code: 'ResourceNotFound' });
});

it('restrict-database: the copy keeps the application and drops the range, and the list of groups comes back', async () => {
  const network = new ec2.EC2Client({});
  const client = new rds.RDSClient({});
  const { Vpc } = await network.send(new ec2.CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }));
  const VpcId = Vpc?.VpcId ?? '';
  const subnets = await Promise.all(
    ['a', 'b'].map((zone, index) =>
      network.send(
        new ec2.CreateSubnetCommand({
          VpcId,
          CidrBlock: `10.0.${index}.0/24`,
          AvailabilityZone: `us-east-1${zone}`,
        }),
      ),
    ),
  );
  const group = async (GroupName: string) =>
    (await network.send(new ec2.CreateSecurityGroupCommand({ GroupName, Description: GroupName, VpcId })))
      .GroupId ?? '';
  const [app, own] = [await group('app'), await group('db')];
  const port = { IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432 };
  await network.send(
    new ec2.AuthorizeSecurityGroupIngressCommand({
      GroupId: own,
      IpPermissions: [
        { ...port, UserIdGroupPairs: [{ GroupId: app }] },
        { ...port, IpRanges: [{ CidrIp: '0.0.0.0/0' }] },
      ],
    }),
  );
  await client.send(
    new rds.CreateDBSubnetGroupCommand({
      DBSubnetGroupName: 'orders',
      DBSubnetGroupDescription: 'orders',
      SubnetIds: subnets.flatMap(({ Subnet }) => Subnet?.SubnetId ?? []),
    }),
  );
  const DBInstanceIdentifier = 'orders';
  await client.send(
    new rds.CreateDBInstanceCommand({
      DBInstanceIdentifier,
      DBInstanceClass: 'db.t4g.micro',
      Engine: 'postgres',
      MasterUsername: 'root',
      MasterUserPassword: 'not-a-secret-1',
      AllocatedStorage: 20,
      DBSubnetGroupName: 'orders',
      VpcSecurityGroupIds: [own],
    }),
  );
  await wholeLife(
    finding(
      'CredentialAccess:RDS/MaliciousIPCaller.SuccessfulLogin',
      {
        rdsDbInstanceDetails: { dbInstanceIdentifier: DBInstanceIdentifier, engine: 'postgres' },
        rdsDbUserDetails: { user: 'root' },
      },
      {
        actionType: 'RDS_LOGIN_ATTEMPT',
        rdsLoginAttemptAction: { remoteIpDetails: { ipAddressV4: '198.51.100.77' } },
      },
    ),
    async () => {
      const { DBInstances } = await client.send(new rds.DescribeDBInstancesCommand({ DBInstanceIdentifier }));
      const { SecurityGroups } = await network.send(
        new ec2.DescribeSecurityGroupsCommand({ Filters: [{ Name: 'vpc-id', Values: [VpcId] }] }),
      );
      return {
        groups: DBInstances?.[0]?.VpcSecurityGroups?.map(({ VpcSecurityGroupId }) => VpcSecurityGroupId),
        inVpc: SecurityGroups?.map(({ GroupName }) => GroupName).sort(),
      };
    },
  );
});

/** A subnet behind the VPC's default network ACL, tagged, with one more rule of its owner's at number 1. */
async function taggedSubnet(): Promise<{ acl: string; subnet: string }> {
  const client = new ec2.EC2Client({});
  const { Vpc } = await client.send(new ec2.CreateVpcCommand({ CidrBlock: '10.30.0.0/16' }));
  const { Subnet } = await client.send(
    new ec2.CreateSubnetCommand({ VpcId: Vpc?.VpcId ?? '', CidrBlock: '10.30.1.0/24' }),
  );
  const subnet = Subnet?.SubnetId ?? '';
  const { NetworkAcls } = await client.send(
    new ec2.DescribeNetworkAclsCommand({ Filters: [{ Name: 'association.subnet-id', Values: [subnet] }] }),
  );
  const acl = NetworkAcls?.[0]?.NetworkAclId ?? '';
  await client.send(
    new ec2.CreateTagsCommand({ Resources: [acl], Tags: [{ Key: 'firebreak', Value: 'blocks' }] }),
  );
  await client.send(
    new ec2.CreateNetworkAclEntryCommand({
      NetworkAclId: acl,
      Egress: false,
      RuleNumber: 1,
      Protocol: '6',
      RuleAction: 'deny',
      CidrBlock: '192.0.2.0/24',
    }),
  );
  return { acl, subnet };
}
const knocking = (subnetId: string): JsonObject => {
  const event = finding(
    'UnauthorizedAccess:EC2/SSHBruteForce',
    { instanceDetails: { instanceId: 'i-0123456789abcdef0', networkInterfaces: [{ subnetId }] } },
    {
      actionType: 'NETWORK_CONNECTION',
      networkConnectionAction: {
        remoteIpDetails: { ipAddressV4: '198.51.100.77', organization: { asn: '64500', asnOrg: 'Example' } },
      },
    },
  );
  return event;
};

it('block-indicator: deny entries next to rules of the owner, one address next to others in both scopes of WAF', async () => {
  const { acl, subnet } = await taggedSubnet();
  const client = new wafv2.WAFV2Client({});
  const sets = await Promise.all(
    (['REGIONAL', 'CLOUDFRONT'] as const).map(async (Scope) => {
      const Name = `firebreak-${Scope.toLowerCase()}`;
      const { Summary } = await client.send(
        new wafv2.CreateIPSetCommand({
          Name,
          Scope,
          IPAddressVersion: 'IPV4',
          Addresses: ['192.0.2.7/32'],
          Description: 'as found',
        }),
      );
      return { Name, Scope, Id: Summary?.Id ?? '' };
    }),
  );
  const look = async () => ({
    entries: await aclEntries(at.stage, acl),
    sets: await Promise.all(
      sets.map(async (set) => {
        const { IPSet } = await client.send(new wafv2.GetIPSetCommand(set));
        return [IPSet?.Description, IPSet?.Addresses];
      }),
    ),
  });
  at.lacking.add('NetworkAclEntryLimitExceeded: moto has no quota of rules in a network ACL');
  at.lacking.add('ListFirewallDomainLists and the other calls of DNS Firewall: moto does not have them');
  const { plan } = await wholeLife(knocking(subnet), look, [], undefined, {
    wafIpSets: ['firebreak-regional'],
    cloudFrontIpSets: ['firebreak-cloudfront'],
  });
  expect(plan.steps).toHaveLength(4);
});

it('block-indicator: a number that is taken stays as it is; WAF refuses an old lock token by the name the step retries', async () => {
  const { acl, subnet } = await taggedSubnet();
  const played = await play(at.stage, at.table, 'fb-000000000001', knocking(subnet));
  const { steps } = await played.contain();
  expect(steps.map(({ output }) => output)).toEqual([2, 1]);
  expect(await aclEntries(at.stage, acl)).toContain('in 1 deny 192.0.2.0/24');
  const client = new wafv2.WAFV2Client({});
  const { Summary } = await client.send(
    new wafv2.CreateIPSetCommand({ Name: 'x', Scope: 'REGIONAL', IPAddressVersion: 'IPV4', Addresses: [] }),
  );
  await expect(
    client.send(
      new wafv2.UpdateIPSetCommand({
        Name: 'x',
        Scope: 'REGIONAL',
        Id: Summary?.Id ?? '',
        Addresses: [],
        LockToken: '00000000-0000-0000-0000-000000000000',
      }),
    ),
  ).rejects.toMatchObject({ name: 'WAFOptimisticLockException' });
});

it('revoke-pod-role: a deny by session tags comes and goes on the role', async () => {
  const client = new iam.IAMClient({});
  const RoleName = 'cart-pods';
  await client.send(
    new iam.CreateRoleCommand({
      RoleName,
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: 'pods.eks.amazonaws.com' },
            Action: ['sts:AssumeRole', 'sts:TagSession'],
          },
        ],
      }),
    }),
  );
  // The cluster and EKS say which role a pod has; moto has neither, so the target is given.
  const located = {
    playbook: revokePodRole,
    target: {
      ...at.stage.scope,
      kind: 'pod-role',
      id: 'cart-pods/shop/web/cart/u-1',
      display: 'cart-pods',
      facts: {
        roleName: RoleName,
        by: 'Pod Identity',
        cluster: 'shop',
        namespace: 'web',
        serviceAccount: 'cart',
        podUids: ['u-1'],
        findingRegion: at.stage.scope.region,
        others: [],
      },
    },
  };
  await wholeLife(
    finding('Execution:Runtime/ReverseShell', {}),
    async () => {
      const { PolicyNames = [] } = await client.send(new iam.ListRolePoliciesCommand({ RoleName }));
      return Promise.all(
        PolicyNames.map(async (PolicyName) => {
          const { PolicyDocument } = await client.send(
            new iam.GetRolePolicyCommand({ RoleName, PolicyName }),
          );
          return decodeURIComponent(PolicyDocument ?? '');
        }),
      );
    },
    ['stolen-session', 'sibling'],
    located,
  );
});

it('contain-kubernetes-identity and quarantine-pod: as far as moto knows a cluster', async () => {
  const client = new eks.EKSClient({});
  await client.send(
    new eks.CreateClusterCommand({
      name: 'shop',
      roleArn: `arn:aws:iam::${at.stage.scope.account}:role/cluster`,
      resourcesVpcConfig: { subnetIds: [] },
    }),
  );
  at.lacking.add(
    'EKS access entries: moto does not have them, so the access of an IAM identity is played on the twin alone',
  );
  at.lacking.add('EKS Pod Identity associations: moto does not have them');
  at.lacking.add(
    'the Kubernetes API of a cluster: moto has none, so bindings, pods and nodes are played on the twin alone',
  );
  const by = (username: string) =>
    play(
      at.stage,
      at.table,
      'fb-000000000001',
      finding('CredentialAccess:Kubernetes/TorIPCaller', {
        eksClusterDetails: { name: 'shop' },
        kubernetesDetails: { kubernetesUserDetails: { username } },
      }),
    );
  // A cluster whose answer tells no authentication mode is one of before access entries.
  await expect(by(`arn:aws:iam::${at.stage.scope.account}:user/alice`)).rejects.toThrow(
    /refused: .*aws-auth/,
  );
  await client.send(new eks.DeleteClusterCommand({ name: 'shop' }));
  await expect(by('system:serviceaccount:web:cart')).rejects.toMatchObject({ code: 'ResourceNotFound' });
});

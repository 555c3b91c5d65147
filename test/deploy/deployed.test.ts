/**
 * What `serverless deploy` leaves, read back through the AWS SDK from moto: equal to what was generated and packaged. Then
 * the state machine as deployed runs in moto's own interpreter, its tasks answered by the real handlers. What moto cannot
 * show is printed at the end.
 */
import '../../sandbox/quiet.ts';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as cloudformation from '@aws-sdk/client-cloudformation';
import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as events from '@aws-sdk/client-eventbridge';
import * as iam from '@aws-sdk/client-iam';
import * as lambda from '@aws-sdk/client-lambda';
import * as s3 from '@aws-sdk/client-s3';
import * as sfn from '@aws-sdk/client-sfn';
import * as sqs from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Door, doorKey, recordUndo } from '../../core/approval/door.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import { identityOf } from '../../core/incident/incident.ts';
import { FUNCTIONS } from '../../deploy/access.ts';
import { rolePolicies } from '../../deploy/role-policies.ts';
import { stackRoles } from '../../deploy/roles.ts';
import { readEnvironment } from '../../pipeline/environment.ts';
import { RIGHTS } from '../../playbooks/known.ts';
import { ACTIONS } from '../../slack/actions.ts';
import { openPipeline, type Pipeline } from './pipeline.ts';
import { SECRETS } from './slack.ts';
import { DEPLOYMENT, type DeployedStack, deployStack, NAME, runMachines } from './stack.ts';
import { terraformExample } from './terraform.ts';

const config = { region: DEPLOYMENT.region };
const notShown = new Set<string>();
let stack: DeployedStack;
beforeAll(async () => {
  stack = await deployStack(SECRETS, 'test');
}, 900_000);
afterAll(async () => {
  await stack?.stop();
  for (const line of notShown) console.error(`not shown on moto: ${line}`);
});

const arnOf = (service: string, resource: string) =>
  `arn:aws:${service}:${DEPLOYMENT.region}:${DEPLOYMENT.account}:${resource}`;
const packaged = (type: string) =>
  Object.entries(stack.template.Resources).filter(([, { Type }]) => Type === type);

it('deploy/terraform uploads every archive that the template names, and deploys no other bucket', () => {
  const archives = [...JSON.stringify(stack.template).matchAll(/"S3Key":"([^"]+)"/g)].map(
    ([, key = '']) => key,
  );
  const ofFunctions = packaged('AWS::Lambda::Function').map(
    ([, { Properties }]) => z.object({ S3Key: z.string() }).parse(Properties['Code']).S3Key,
  );
  expect(archives.sort()).toEqual(ofFunctions.sort());
  for (const key of archives) expect(existsSync(join(stack.folder, basename(key))), key).toBe(true);
  expect(new Set(archives.map(dirname)).size).toBe(1);

  const { locals, resources } = terraformExample();
  // One object for each function of the template, under its key, of the file of that name.
  expect(locals['keys']).toMatch(
    /^\$\{\{for name , resource in local\.resources : name => resource\.Properties\.Code\.S3Key if resource\.Type == "AWS::Lambda::Function"\}\}$/,
  );
  const source = '${var.package}/${basename(each.value)}';
  expect(resources['aws_s3_object.code']).toMatchObject({
    ...{ for_each: '${local.keys}', bucket: '${var.bucket}', key: '${each.value}', source },
  });
  expect(resources['aws_cloudformation_stack.firebreak']).toMatchObject({
    depends_on: ['${aws_s3_object.code}'],
    capabilities: ['CAPABILITY_NAMED_IAM'],
  });
  // What it leaves out of the template, nothing but the code refers to.
  const left = Object.entries(stack.template.Resources).filter(
    ([name]) => !name.startsWith('ServerlessDeploymentBucket'),
  );
  const referring = left.filter(([, resource]) =>
    JSON.stringify(resource).includes('ServerlessDeploymentBucket'),
  );
  expect(referring.map(([, { Type }]) => Type)).toEqual(archives.map(() => 'AWS::Lambda::Function'));
  expect(JSON.stringify(left).match(/ServerlessDeploymentBucket/g)).toHaveLength(archives.length);
});

it('every resource of the template is there, but for the kinds that moto does not have', async () => {
  const client = new cloudformation.CloudFormationClient(config);
  const made = new Set<string>();
  for await (const { StackResourceSummaries = [] } of cloudformation.paginateListStackResources(
    { client },
    { StackName: NAME },
  )) {
    // moto lists what it does not have without a type.
    for (const { LogicalResourceId, ResourceType } of StackResourceSummaries) {
      if (ResourceType) made.add(LogicalResourceId ?? '');
    }
  }
  const absent = Object.entries(stack.template.Resources).filter(([id]) => !made.has(id));
  const conditional = absent.filter(([, resource]) => resource['Condition'] !== undefined);
  notShown.add(
    `${conditional.map(([id]) => id).join(', ')}: made with a parameter that names what they are about only`,
  );
  const missing = absent.filter((one) => !conditional.includes(one));
  const kinds = [...new Set(missing.map(([, { Type }]) => Type))].sort();
  // A kind is missing as a whole or not at all.
  for (const kind of kinds) expect(packaged(kind).filter(([id]) => made.has(id))).toEqual([]);
  for (const kind of kinds)
    notShown.add(`${kind} (${packaged(kind).length}), checked by cfn-lint in the template only`);
  expect(made.size).toBeGreaterThan(60);
});

describe('the rules', () => {
  it.each([
    [
      'findings',
      { source: ['aws.guardduty'], 'detail-type': ['GuardDuty Finding'] },
      {
        InputTransformer: {
          InputPathsMap: { detail: '$.detail' },
          InputTemplate: '{"channel":"guardduty","detail":<detail>}',
        },
      },
    ],
    [
      'threats',
      {
        source: ['aws.guardduty', 'aws.backup'],
        'detail-type': ['GuardDuty Malware Protection Object Scan Result', 'Scan Job State Change'],
        $or: [
          { detail: { scanResultDetails: { scanResultStatus: ['THREATS_FOUND'] } } },
          { detail: { scanResult: { scanResultStatus: ['THREATS_FOUND'] } } },
        ],
      },
      {
        InputTransformer: {
          InputPathsMap: {
            ...{ source: '$.source', type: '$.detail-type', account: '$.account' },
            ...{ region: '$.region', time: '$.time', detail: '$.detail' },
          },
          InputTemplate:
            '{"channel":"scan","event":{"source":<source>,"detail-type":<type>,"account":<account>,"region":<region>,"time":<time>,"detail":<detail>}}',
        },
      },
    ],
    [
      'canary',
      {
        source: ['firebreak.canary'],
        'detail-type': ['GuardDuty Finding'],
        detail: { service: { additionalInfo: { sample: [true], stage: [DEPLOYMENT.stage] } } },
      },
      { Input: '{"channel":"canary"}' },
    ],
  ])(
    '%s start the workflow at its alias, retried for a day, then kept in the queue',
    async (name, pattern, input) => {
      const client = new events.EventBridgeClient(config);
      const rule = await client.send(new events.DescribeRuleCommand({ Name: `${NAME}-${name}` }));
      expect(rule.State).toBe('ENABLED');
      expect(JSON.parse(rule.EventPattern ?? '')).toEqual(pattern);
      const { Targets } = await client.send(new events.ListTargetsByRuleCommand({ Rule: `${NAME}-${name}` }));
      expect(Targets).toEqual([
        {
          Id: 'respond',
          Arn: arnOf('states', `stateMachine:${NAME}-respond:live`),
          RoleArn: expect.stringContaining(`role/firebreak/${NAME}-${DEPLOYMENT.region}-deliver`),
          RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
          DeadLetterConfig: { Arn: arnOf('sqs', `${NAME}-undelivered`) },
          ...input,
        },
      ]);
    },
  );

  it('hand every result of a malware scan to the queue of the function that counts them', async () => {
    const client = new events.EventBridgeClient(config);
    const rule = await client.send(new events.DescribeRuleCommand({ Name: `${NAME}-scans` }));
    expect(rule.State).toBe('ENABLED');
    expect(JSON.parse(rule.EventPattern ?? '')).toEqual({
      source: ['aws.guardduty', 'aws.backup'],
      $or: [
        { 'detail-type': ['GuardDuty Malware Protection Object Scan Result'] },
        {
          'detail-type': ['Scan Job State Change'],
          detail: { state: [{ 'anything-but': ['CREATED', 'RUNNING'] }] },
        },
      ],
    });
    const { Targets } = await client.send(new events.ListTargetsByRuleCommand({ Rule: `${NAME}-scans` }));
    expect(Targets).toMatchObject([{ Id: 'count', Arn: arnOf('sqs', `${NAME}-scans`) }]);
    const { EventSourceMappings = [] } = await new lambda.LambdaClient(config).send(
      new lambda.ListEventSourceMappingsCommand({ EventSourceArn: arnOf('sqs', `${NAME}-scans`) }),
    );
    expect(EventSourceMappings).toMatchObject([
      { FunctionArn: expect.stringContaining(`function:${NAME}-scans`), BatchSize: 10_000 },
    ]);
  });

  it('sweep every minute, and the canary every half hour', async () => {
    const client = new events.EventBridgeClient(config);
    const { Rules = [] } = await client.send(new events.ListRulesCommand({}));
    const scheduled = new Map<string, string>();
    for (const { Name = '', ScheduleExpression, State } of Rules) {
      if (ScheduleExpression === undefined) continue;
      expect(State).toBe('ENABLED');
      const { Targets = [] } = await client.send(new events.ListTargetsByRuleCommand({ Rule: Name }));
      scheduled.set(Targets[0]?.Arn ?? '', ScheduleExpression);
    }
    expect(scheduled.get(arnOf('lambda', `function:${NAME}-sweep`))).toBe('rate(1 minute)');
    expect(scheduled.get(arnOf('lambda', `function:${NAME}-canary`))).toBe('rate(30 minutes)');
  });
});

/** moto gives an inline policy of a template as Python writes it. */
const pythonJson = (text: string): unknown =>
  JSON.parse(text.startsWith("{'") ? text.replaceAll("'", '"') : text);

it('every role has the policies that were generated, under the boundary, and no other', async () => {
  const client = new iam.IAMClient(config);
  const wanted = rolePolicies(await stackRoles(RIGHTS), DEPLOYMENT);
  const text = async (PolicyArn: string | undefined) => {
    const { Policy } = await client.send(new iam.GetPolicyCommand({ PolicyArn }));
    expect(Policy?.Path).toBe('/firebreak/');
    const { PolicyVersion } = await client.send(
      new iam.GetPolicyVersionCommand({ PolicyArn, VersionId: Policy?.DefaultVersionId }),
    );
    return JSON.parse(decodeURIComponent(PolicyVersion?.Document ?? '')) as unknown;
  };
  const parsed = (documents: Iterable<string>) =>
    [...documents].map((document) => JSON.parse(document) as unknown);
  const { Policies = [] } = await client.send(new iam.ListPoliciesCommand({ Scope: 'Local' }));
  const managed = await Promise.all(Policies.map(({ Arn }) => text(Arn)));
  notShown.add(
    'managed policies attached to roles, which moto does not take from a template: compared there',
  );
  for (const [id, { role, identity, boundary, trust }] of Object.entries(wanted)) {
    const RoleName = role.split('/').at(-1) ?? '';
    const { Role } = await client.send(new iam.GetRoleCommand({ RoleName }));
    expect(Role?.Arn).toBe(`arn:aws:iam::${DEPLOYMENT.account}:${role}`);
    expect(JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? ''))).toEqual(JSON.parse(trust));
    const { PolicyNames = [] } = await client.send(new iam.ListRolePoliciesCommand({ RoleName }));
    expect(PolicyNames).toEqual(['least-privilege']);
    const { PolicyDocument } = await client.send(
      new iam.GetRolePolicyCommand({ RoleName, PolicyName: 'least-privilege' }),
    );
    const inline = identity.get('least-privilege') ?? '';
    expect(pythonJson(decodeURIComponent(PolicyDocument ?? '')), RoleName).toEqual(JSON.parse(inline));
    const shared = [...identity].filter(([name]) => name !== 'least-privilege');
    expect(managed).toEqual(expect.arrayContaining(parsed(shared.map(([, document]) => document))));
    expect(stack.template.Resources[id]?.Properties['ManagedPolicyArns'] ?? []).toEqual(
      shared.map(([name]) => ({ Ref: name })),
    );
    const ceiling = Role?.PermissionsBoundary?.PermissionsBoundaryArn;
    expect(ceiling === undefined ? [] : [await text(ceiling)]).toEqual(parsed(boundary.values()));
  }
  expect(Object.keys(wanted).length).toBe(FUNCTIONS.length + 3);
});

it.each(['respond', 'undo'])(
  'the state machine %s is the file, with its role, log and traces',
  async (name) => {
    const client = new sfn.SFNClient(config);
    const machine = await client.send(
      new sfn.DescribeStateMachineCommand({
        stateMachineArn: arnOf('states', `stateMachine:${NAME}-${name}`),
      }),
    );
    const file = (await readFile(`statemachines/${name}.asl.json`, 'utf8'))
      .replaceAll('#{AWS::Partition}', 'aws')
      .replaceAll('#{AWS::Region}', DEPLOYMENT.region)
      .replaceAll('#{AWS::AccountId}', DEPLOYMENT.account)
      .replaceAll('${self:service}-${sls:stage}', NAME);
    expect(JSON.parse(machine.definition ?? '')).toEqual(JSON.parse(file));
    expect(machine.roleArn).toContain(`role/firebreak/${NAME}-${DEPLOYMENT.region}-${name}-machine`);
    const version = stack.template.Resources[name === 'respond' ? 'RespondVersion' : 'UndoVersion'];
    const logical = name === 'respond' ? 'RespondStateMachine' : 'UndoStateMachine';
    expect(version?.Properties['StateMachineRevisionId']).toEqual({
      'Fn::GetAtt': [logical, 'StateMachineRevisionId'],
    });
    // A new revision makes a new version; the one before stays for what is under way on it.
    expect(version).toMatchObject({ UpdateReplacePolicy: 'Retain' });
    const properties = stack.template.Resources[logical]?.Properties;
    expect(properties).toMatchObject({
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false },
      TracingConfiguration: { Enabled: true },
    });
  },
);

it('the functions have their own role, what they need to know, and the queue is theirs to read', async () => {
  const client = new lambda.LambdaClient(config);
  for (const { name } of FUNCTIONS) {
    const FunctionName = `${NAME}-${name}`;
    const { Configuration: live } = await client.send(new lambda.GetFunctionCommand({ FunctionName }));
    expect(live?.Runtime).toBe('nodejs24.x');
    expect(live?.Role).toBe(
      `arn:aws:iam::${DEPLOYMENT.account}:role/firebreak/${NAME}-${DEPLOYMENT.region}-${name}`,
    );
    const env = readEnvironment({ ...live?.Environment?.Variables, AWS_REGION: DEPLOYMENT.region });
    expect(env).toMatchObject({
      TABLE_NAME: NAME,
      OWN_ACCOUNT: DEPLOYMENT.account,
      SLACK_CHANNEL: 'C0INCIDENTS',
    });
    const access = FUNCTIONS.find((one) => one.name === name)?.playbooks;
    expect(env.RESPONDER_ROLE).toBe(
      access === 'write' || access === 'undo' ? 'firebreak-responder' : 'firebreak-reader',
    );
  }
  const { EventSourceMappings = [] } = await client.send(new lambda.ListEventSourceMappingsCommand({}));
  const reads = EventSourceMappings.map(({ EventSourceArn, FunctionArn }) => [EventSourceArn, FunctionArn]);
  expect(reads.sort()).toEqual([
    [arnOf('sqs', `${NAME}-scans`), expect.stringContaining(`function:${NAME}-scans`)],
    [arnOf('sqs', `${NAME}-undelivered`), expect.stringContaining(`function:${NAME}-redrive`)],
  ]);
});

it('the queues keep what could not be delivered for two weeks, and hand on what fails for a day', async () => {
  const client = new sqs.SQSClient(config);
  const attributes = async (name: string) => {
    const { QueueUrl } = await client.send(new sqs.GetQueueUrlCommand({ QueueName: `${NAME}-${name}` }));
    const { Attributes = {} } = await client.send(
      new sqs.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
    );
    return Attributes;
  };
  const undelivered = await attributes('undelivered');
  expect(undelivered).toMatchObject({ MessageRetentionPeriod: '1209600', VisibilityTimeout: '360' });
  expect(JSON.parse(undelivered['RedrivePolicy'] ?? '')).toMatchObject({
    deadLetterTargetArn: arnOf('sqs', `${NAME}-dead`),
    // A day of tries, every six minutes: what cannot be started is owed, not given up.
    maxReceiveCount: 240,
  });
  expect(await attributes('dead')).toMatchObject({ MessageRetentionPeriod: '1209600' });
});

it('the table has its keys and indexes, can be restored and not be deleted by mistake', async () => {
  const client = new dynamodb.DynamoDBClient(config);
  const { Table } = await client.send(new dynamodb.DescribeTableCommand({ TableName: NAME }));
  expect(Table).toMatchObject({
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
    DeletionProtectionEnabled: true,
  });
  const wanted = stack.template.Resources['Table']?.Properties['GlobalSecondaryIndexes'] as {
    IndexName: string;
  }[];
  expect(Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName).sort()).toEqual(
    wanted.map(({ IndexName }) => IndexName).sort(),
  );
  const { ContinuousBackupsDescription } = await client.send(
    new dynamodb.DescribeContinuousBackupsCommand({ TableName: NAME }),
  );
  const restore = ContinuousBackupsDescription?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus;
  if (restore !== 'ENABLED')
    notShown.add('point-in-time recovery of the table, which moto does not take from a template');
  expect(stack.template.Resources['Table']?.Properties['PointInTimeRecoverySpecification']).toEqual({
    PointInTimeRecoveryEnabled: true,
  });
});

it('every alarm of the template pages, and there is one for each thing that can be lost', () => {
  const alarms = packaged('AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);
  for (const { AlarmName, AlarmActions } of alarms)
    expect(AlarmActions, String(AlarmName)).toEqual([{ Ref: 'PageTopic' }]);
  const names = alarms.map(({ AlarmName }) => String(AlarmName).slice(NAME.length + 1));
  expect(new Set(names).size).toBe(alarms.length);
  // One sweep at a time: what has no room is the next minute's.
  const functions = FUNCTIONS.flatMap(({ name }) => [
    `${name}-errors`,
    ...(name === 'sweep' ? [] : [`${name}-throttles`]),
  ]);
  const own = [
    'canary-silent',
    'sweep-silent',
    'dead',
    'undelivered',
    'delivery-failed',
    'respond-failed',
    'undo-failed',
    'slack-throttled',
  ];
  expect(names).toEqual(expect.arrayContaining([...functions, ...own]));
});

it('the HTTP API has the routes of Slack and no other, throttled', () => {
  const routes = packaged('AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties['RouteKey']);
  expect(routes.sort()).toEqual(['POST /slack/command', 'POST /slack/interactivity']);
  expect(packaged('AWS::ApiGatewayV2::Stage')[0]?.[1].Properties).toMatchObject({
    DefaultRouteSettings: { ThrottlingBurstLimit: 200, ThrottlingRateLimit: 100 },
  });
});

describe('the workflow as deployed, in the interpreter of moto', () => {
  let pipeline: Pipeline;
  const client = new sfn.SFNClient(config);
  beforeAll(async () => {
    notShown.add(
      'the start by EventBridge, which moto does not do for Step Functions: executions are started by name',
    );
    pipeline = await openPipeline();
    stack.lambda.connect(stack.moto.url, pipeline.invoke);
    await runMachines(stack);
  });
  afterAll(async () => {
    await pipeline?.close();
  });

  const start = async (machine: string, input: object, name: string = randomUUID()) => {
    const { executionArn } = await client.send(
      new sfn.StartExecutionCommand({
        stateMachineArn: arnOf('states', `stateMachine:${NAME}-${machine}`),
        // moto gives executions without a name the same one.
        name,
        input: JSON.stringify(input),
      }),
    );
    return executionArn ?? '';
  };
  const ended = async (executionArn: string) => {
    for (let look = 0; look < 300; look++) {
      const execution = await client.send(new sfn.DescribeExecutionCommand({ executionArn }));
      if (execution.status !== 'RUNNING') return execution;
      await sleep(200);
    }
    throw new Error(`${executionArn} does not end`);
  };
  /** As the rule of GuardDuty's events hands a finding on. */
  const handedOn = (detail: object) => ({ channel: 'guardduty', detail });
  const finding = (type: string, severity: number, resource: object, sample = false) => ({
    schemaVersion: '2.0',
    accountId: DEPLOYMENT.account,
    region: DEPLOYMENT.region,
    partition: 'aws',
    id: `deployed-${type.replace(/\W/g, '').toLowerCase()}`,
    type,
    severity,
    title: sample ? `[SAMPLE] ${type}` : type,
    description: type,
    createdAt: '2026-11-24T03:00:00.000Z',
    updatedAt: '2026-11-24T03:00:00.000Z',
    resource,
    service: { serviceName: 'guardduty', count: 1, archived: false, additionalInfo: { sample } },
  });

  it('tells people about a sample and changes nothing', async () => {
    const done = await ended(await start('respond', handedOn(finding('Recon:EC2/Portscan', 2, {}, true))));
    expect(done.status, done.cause).toBe('SUCCEEDED');
    expect(pipeline.invoked).toEqual(['enrich', 'enrich', 'report']);
    expect(JSON.stringify(pipeline.slack.messages)).toContain('SAMPLE');
  });

  it('waits with a task token, contains once approved in Slack, proves, reports, and undoes', async () => {
    const bucket = new s3.S3Client({ ...config, forcePathStyle: true });
    const Bucket = 'customer-data';
    await bucket.send(new s3.CreateBucketCommand({ Bucket }));
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` },
      ],
    });
    await bucket.send(new s3.PutBucketPolicyCommand({ Bucket, Policy }));
    const block = async () =>
      bucket
        .send(new s3.GetPublicAccessBlockCommand({ Bucket }))
        .then(({ PublicAccessBlockConfiguration }) => Object.values(PublicAccessBlockConfiguration ?? {}))
        .catch((error: Error) => error.name);
    const before = await block();
    const event = finding('Policy:S3/BucketAnonymousAccessGranted', 5, {
      s3BucketDetails: [{ name: Bucket }],
    });
    const execution = await start('respond', handedOn(event));
    const identity = identityOf(parseFinding(event));
    const asking = async () => {
      for (let look = 0; look < 300; look++) {
        const incident = await pipeline.runtime.incidents.ofFinding(identity);
        if (incident?.slack && incident.approval) return incident;
        await sleep(200);
      }
      throw new Error('no one is asked');
    };
    const incident = await asking();
    await pipeline.slack.click({
      ts: incident.slack?.ts ?? '',
      actionId: ACTIONS.approve,
      value: incident.approval?.id ?? '',
      userId: 'U0BOB',
    });
    const done = await ended(execution);
    expect(done.status, done.cause).toBe('SUCCEEDED');
    expect(await block()).toEqual([true, true, true, true]);
    const contained = await pipeline.runtime.incidents.get(incident.id);
    expect(contained.approval).toMatchObject({ outcome: 'approved', decidedBy: 'U0BOB' });
    notShown.add(`nothing of the workflow itself; the bucket ended as ${contained.status}`);
    // As the Slack endpoint starts one: who asks is in a record of their own.
    const door: Door = { kind: 'slack', user: 'U0ALICE' };
    const name = `undo-${incident.id}-${randomUUID()}`;
    const request = { incidentId: incident.id };
    await recordUndo(pipeline.runtime.table, door, name, request, new Date());
    const undone = await ended(
      await start('undo', { channel: 'undo', requestedBy: door.user, door: doorKey(door), ...request }, name),
    );
    expect(undone.status, undone.cause).toBe('SUCCEEDED');
    expect(await block()).toEqual(before);
  });
});

/** The templates next to the hub's stack, created in moto's CloudFormation and read back: another Region, a member account. */
import { readFile } from 'node:fs/promises';
import {
  CloudFormationClient,
  CreateStackCommand,
  CreateStackInstancesCommand,
  CreateStackSetCommand,
  DescribeStacksCommand,
  ListStackInstancesCommand,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation';
import {
  CreateEventBusCommand,
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
} from '@aws-sdk/client-iam';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { HttpRequest } from '@smithy/core/protocols';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { type MotoServer, startMoto } from '../../bench/moto-server.ts';

const HUB = 'us-east-1';
const ELSEWHERE = 'eu-west-1';
const ORGANIZATION = 'o-exampleorgid';
const PIPELINE = '210987654321';

let moto: MotoServer;
const notShown = new Set<string>();
const options = (region: string) => ({
  region,
  endpoint: moto.url,
  credentials: { accessKeyId: 'moto', secretAccessKey: 'moto' },
});

beforeAll(async () => {
  moto = await startMoto();
});
beforeEach(() => moto.reset());
afterAll(async () => {
  for (const line of notShown) console.error(`not shown on moto: ${line}`);
  await moto.stop();
});

async function create(region: string, name: string, parameters: Readonly<Record<string, string>>) {
  const client = new CloudFormationClient(options(region));
  const TemplateBody = await readFile(`deploy/generated/${name}.json`, 'utf8');
  await client.send(
    new CreateStackCommand({
      StackName: name,
      TemplateBody,
      Capabilities: ['CAPABILITY_NAMED_IAM'],
      Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
        ParameterKey,
        ParameterValue,
      })),
    }),
  );
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: name }));
  client.destroy();
  expect(Stacks?.[0]?.StackStatus).toBe('CREATE_COMPLETE');
}

const PATTERN = {
  source: ['aws.guardduty', 'aws.backup'],
  'detail-type': [
    'GuardDuty Finding',
    'GuardDuty Malware Protection Object Scan Result',
    'Scan Job State Change',
  ],
};
const statements = z.object({ Statement: z.array(z.looseObject({})) });
const texts = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const granted = z.object({ Statement: z.array(z.object({ Action: texts, Resource: texts })) });

it("another Region hands its findings to the hub's bus, and keeps what does not arrive", async () => {
  const hub = new EventBridgeClient(options(HUB));
  const { EventBusArn } = await hub.send(new CreateEventBusCommand({ Name: 'firebreak-prod' }));
  if (!EventBusArn) throw new Error('no bus');
  await create(ELSEWHERE, 'forward-region', { HubBusArn: EventBusArn });

  const events = new EventBridgeClient(options(ELSEWHERE));
  const { Rules = [] } = await events.send(new ListRulesCommand({}));
  expect(Rules).toHaveLength(1);
  expect(Rules[0]?.State).toBe('ENABLED');
  expect(JSON.parse(Rules[0]?.EventPattern ?? '')).toEqual(PATTERN);
  const { Targets = [] } = await events.send(new ListTargetsByRuleCommand({ Rule: Rules[0]?.Name }));
  const sqs = new SQSClient(options(ELSEWHERE));
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}));
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: QueueUrls[0], AttributeNames: ['All'] }),
  );
  expect(Targets).toEqual([
    {
      Id: 'hub',
      Arn: EventBusArn,
      RoleArn: expect.stringContaining(':role/firebreak/'),
      RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
      DeadLetterConfig: { Arn: Attributes['QueueArn'] },
    },
  ]);
  expect(Attributes['MessageRetentionPeriod']).toBe('1209600');
  if (Attributes['Policy'] === undefined) notShown.add('the policy of a queue made by a template');
  else {
    expect(statements.parse(JSON.parse(Attributes['Policy'])).Statement).toMatchObject([
      { Principal: { Service: 'events.amazonaws.com' }, Resource: Attributes['QueueArn'] },
    ]);
  }
  for (const client of [hub, events, sqs]) client.destroy();
});

it('the Region of the hub gets nothing: its findings arrive already', async () => {
  const arn = `arn:aws:events:${HUB}:${PIPELINE}:event-bus/firebreak-prod`;
  await create(HUB, 'forward-region', { HubBusArn: arn });
  const events = new EventBridgeClient(options(HUB));
  const { Rules = [] } = await events.send(new ListRulesCommand({}));
  expect(Rules).toEqual([]);
  events.destroy();
});

it('a member account has a role to read and one to act, for the pipeline of its organisation alone', async () => {
  await create(HUB, 'member-account', {
    PipelineAccount: PIPELINE,
    ExternalId: 'firebreak-prod',
    OrganizationId: ORGANIZATION,
  });
  const iam = new IAMClient(options(HUB));
  for (const [RoleName, actors, attached] of [
    ['firebreak-reader', ['enrich', 'verify'], 2],
    ['firebreak-responder', ['contain', 'undo'], 4],
  ] as const) {
    const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
    const trust = statements.parse(JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '')));
    expect(trust.Statement).toMatchObject([
      {
        Principal: { AWS: `arn:aws:iam::${PIPELINE}:root` },
        Action: 'sts:AssumeRole',
        Condition: {
          StringEquals: { 'sts:ExternalId': 'firebreak-prod', 'aws:PrincipalOrgID': ORGANIZATION },
          ArnLike: {
            'aws:PrincipalArn': expect.arrayContaining(
              actors.map((name) => `arn:aws:iam::${PIPELINE}:role/firebreak/firebreak-prod-*-${name}`),
            ),
          },
        },
      },
    ]);
    expect(Role?.PermissionsBoundary?.PermissionsBoundaryArn).toMatch(/:policy\/firebreak\//);
    const { AttachedPolicies = [] } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
    if (AttachedPolicies.length === 0) notShown.add('managed policies attached to a role by a template');
    else expect(AttachedPolicies).toHaveLength(attached);
  }
  iam.destroy();
});

it('the management account has a role that reads policies and one that changes those made for it, and nothing else', async () => {
  await create(HUB, 'management-account', {
    ...{ PipelineAccount: PIPELINE, ExternalId: 'firebreak-prod', OrganizationId: ORGANIZATION },
    ...{ QuarantinePolicy: 'p-quarantine00', DenyTargets: '' },
  });
  const iam = new IAMClient(options(HUB));
  const grantsOf = async (RoleName: string) => {
    const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
    const trust = statements.parse(JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '')));
    expect(trust.Statement).toMatchObject([
      {
        Principal: { AWS: `arn:aws:iam::${PIPELINE}:root` },
        Condition: {
          StringEquals: { 'sts:ExternalId': 'firebreak-prod', 'aws:PrincipalOrgID': ORGANIZATION },
        },
      },
    ]);
    const { PolicyDocument = '' } = await iam.send(
      new GetRolePolicyCommand({ RoleName, PolicyName: 'organization' }),
    );
    // moto hands out what CloudFormation wrote as Python writes it.
    const text = decodeURIComponent(PolicyDocument).replaceAll("'", '"');
    return granted.parse(JSON.parse(text)).Statement;
  };
  const reads = await grantsOf('firebreak-organization-reader');
  const changes = await grantsOf('firebreak-organization-responder');
  const actions = (grants: typeof reads) => [...new Set(grants.flatMap(({ Action }) => Action))];
  expect(actions(reads).filter((action) => !/^organizations:(Describe|List)/.test(action))).toEqual([]);
  expect(
    actions(changes)
      .filter((action) => !/^organizations:(Describe|List)/.test(action))
      .sort(),
  ).toEqual(['organizations:AttachPolicy', 'organizations:DetachPolicy', 'organizations:UpdatePolicy']);
  // Of what changes anything, each statement names the policies of these stacks.
  const named = changes.filter(({ Action }) =>
    [Action].flat().some((one) => /Attach|Detach|Update/.test(one)),
  );
  for (const { Resource } of named) expect(Resource.some((one) => one.includes('policy/'))).toBe(true);
  expect(named.flatMap(({ Resource }) => Resource)).toContainEqual(expect.stringContaining('p-quarantine00'));
  notShown.add('the two policies of management-account: kinds of resources that its CloudFormation skips');
  iam.destroy();
});

it("a finding of another Region is seen on the hub's bus, and nothing else is", async () => {
  const hub = new EventBridgeClient(options(HUB));
  const EventBusName = 'firebreak-prod';
  const { EventBusArn } = await hub.send(new CreateEventBusCommand({ Name: EventBusName }));
  if (!EventBusArn) throw new Error('no bus');
  const sqs = new SQSClient(options(HUB));
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'seen' }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  // Everything that arrives: what is left out must have been left out in the other Region.
  const everything = {
    Name: 'seen',
    EventBusName,
    EventPattern: JSON.stringify({ source: [{ prefix: '' }] }),
  };
  await hub.send(new PutRuleCommand(everything));
  const Targets = [{ Id: 'seen', Arn: Attributes?.['QueueArn'] }];
  await hub.send(new PutTargetsCommand({ Rule: 'seen', EventBusName, Targets }));
  await create(ELSEWHERE, 'forward-region', { HubBusArn: EventBusArn });

  const events = new EventBridgeClient(options(ELSEWHERE));
  const event = (Source: string, DetailType: string, id: string) => ({
    Source,
    DetailType,
    Detail: JSON.stringify({ id, type: 'UnauthorizedAccess:EC2/SSHBruteForce' }),
  });
  // AWS refuses a source of aws.* from a caller; moto takes it, and GuardDuty itself is not there.
  const Entries = [
    event('aws.guardduty', 'GuardDuty Runtime Protection Unhealthy', 'coverage'),
    event('example.guardduty', 'GuardDuty Finding', 'forged'),
    event('aws.guardduty', 'GuardDuty Finding', 'finding'),
    event('aws.guardduty', 'GuardDuty Malware Protection Object Scan Result', 'scan'),
  ];
  const { FailedEntryCount } = await events.send(new PutEventsCommand({ Entries }));
  expect(FailedEntryCount).toBe(0);
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  expect(Messages.map(({ Body }) => JSON.parse(Body ?? ''))).toMatchObject([
    { source: 'aws.guardduty', 'detail-type': 'GuardDuty Finding', detail: { id: 'finding' } },
    { 'detail-type': 'GuardDuty Malware Protection Object Scan Result', detail: { id: 'scan' } },
  ]);
  notShown.add('whether the role and the policy of the bus let an event over: moto asks neither');
  for (const client of [hub, events, sqs]) client.destroy();
});

/** Resources of these templates are of kinds that moto's CloudFormation skips: it lists them without a type. */
it.each([
  [
    'member-stack-set',
    'AWS::CloudFormation::StackSet',
    {
      PipelineAccount: PIPELINE,
      OrganizationId: ORGANIZATION,
      OrganizationalUnits: 'ou-exam-pleunit1',
    },
  ],
  [
    'organization-policies',
    'AWS::Organizations::Policy',
    { Deployer: 'deployer', GuardTargets: 'ou-exam-pleunit1' },
  ],
])('%s is accepted with its parameters', async (name, kind, parameters) => {
  await create(HUB, name, parameters);
  const client = new CloudFormationClient(options(HUB));
  const { StackResourceSummaries = [] } = await client.send(
    new ListStackResourcesCommand({ StackName: name }),
  );
  const made = StackResourceSummaries.filter(({ ResourceType }) => ResourceType === kind);
  // When moto learns the kind, this fails: then it can be read back.
  expect(made).toEqual([]);
  notShown.add(`${kind} of ${name}: accepted, not made`);
  client.destroy();
});

const stackSet = z.object({
  Resources: z.object({
    MemberAccounts: z.object({
      Properties: z.object({
        TemplateBody: z.string(),
        Capabilities: z.array(z.literal('CAPABILITY_NAMED_IAM')),
        Parameters: z.array(
          z.object({ ParameterKey: z.string(), ParameterValue: z.object({ Ref: z.string() }) }),
        ),
      }),
    }),
  }),
});

it('the stack set puts the roles of its own template into a member account, with its parameters', async () => {
  const { Properties } = stackSet.parse(
    JSON.parse(await readFile('deploy/generated/member-stack-set.json', 'utf8')),
  ).Resources.MemberAccounts;
  const given: Readonly<Record<string, string>> = {
    PipelineAccount: PIPELINE,
    ExternalId: 'firebreak-drill',
    OrganizationId: ORGANIZATION,
  };
  const MEMBER = '111122223333';
  const client = new CloudFormationClient(options(HUB));
  const StackSetName = 'firebreak-drill-member-accounts';
  await client.send(
    new CreateStackSetCommand({
      StackSetName,
      TemplateBody: Properties.TemplateBody,
      Capabilities: Properties.Capabilities,
      Parameters: Properties.Parameters.map(({ ParameterKey, ParameterValue }) => ({
        ParameterKey,
        ParameterValue: given[ParameterValue.Ref],
      })),
    }),
  );
  // moto knows no organisational units without an organisation: the account is named.
  await client.send(new CreateStackInstancesCommand({ StackSetName, Accounts: [MEMBER], Regions: [HUB] }));
  const { Summaries = [] } = await client.send(new ListStackInstancesCommand({ StackSetName }));
  expect(Summaries).toMatchObject([{ Account: MEMBER, Region: HUB, Status: 'CURRENT' }]);
  notShown.add('new accounts of a unit, which get the stack set from AWS on their own');
  client.destroy();

  // In moto a caller with an access key of no role is of the default account; the header says another.
  const iam = new IAMClient(options(HUB));
  iam.middlewareStack.add(
    (next) => (args) => {
      if (HttpRequest.isInstance(args.request)) args.request.headers['x-moto-account-id'] = MEMBER;
      return next(args);
    },
    { step: 'build' },
  );
  for (const RoleName of ['firebreak-reader', 'firebreak-responder']) {
    const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
    expect(Role?.Arn).toBe(`arn:aws:iam::${MEMBER}:role/${RoleName}`);
    const trust = statements.parse(JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '')));
    expect(trust.Statement).toMatchObject([
      {
        Principal: { AWS: `arn:aws:iam::${PIPELINE}:root` },
        Condition: {
          StringEquals: { 'sts:ExternalId': 'firebreak-drill', 'aws:PrincipalOrgID': ORGANIZATION },
        },
      },
    ]);
  }
  iam.destroy();
});

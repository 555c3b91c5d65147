/** The templates beside the hub's stack, created in moto's CloudFormation and read back: another Region, a member account. */
import { readFile } from 'node:fs/promises';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import {
  CreateEventBusCommand,
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
} from '@aws-sdk/client-eventbridge';
import { GetRoleCommand, IAMClient, ListAttachedRolePoliciesCommand } from '@aws-sdk/client-iam';
import { GetQueueAttributesCommand, ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { type MotoServer, startMoto } from '../conformance/moto-server.ts';

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

const statements = z.object({ Statement: z.array(z.looseObject({})) });

it("another Region hands its findings to the hub's bus, and keeps what does not arrive", async () => {
  const hub = new EventBridgeClient(options(HUB));
  const { EventBusArn } = await hub.send(new CreateEventBusCommand({ Name: 'firebreak-prod' }));
  if (!EventBusArn) throw new Error('no bus');
  await create(ELSEWHERE, 'forward-region', { HubBusArn: EventBusArn });

  const events = new EventBridgeClient(options(ELSEWHERE));
  const { Rules = [] } = await events.send(new ListRulesCommand({}));
  expect(Rules).toHaveLength(1);
  expect(Rules[0]?.State).toBe('ENABLED');
  expect(JSON.parse(Rules[0]?.EventPattern ?? '')).toEqual({
    source: ['aws.guardduty'],
    'detail-type': ['GuardDuty Finding'],
  });
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

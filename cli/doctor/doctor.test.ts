import {
  CloudFormationClient,
  DescribeStackDriftDetectionStatusCommand,
  DescribeStackResourceDriftsCommand,
  DescribeStacksCommand,
  DetectStackDriftCommand,
} from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import {
  DescribeRuleCommand,
  EventBridgeClient,
  ListTargetsByRuleCommand,
} from '@aws-sdk/client-eventbridge';
import {
  GetDetectorCommand,
  GuardDutyClient,
  ListDetectorsCommand,
  ListFiltersCommand,
} from '@aws-sdk/client-guardduty';
import {
  GetAccountSettingsCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListFunctionsCommand,
} from '@aws-sdk/client-lambda';
import { ListSubscriptionsByTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import { incidentStore } from '../../core/incident/store.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { setKillSwitch } from '../../core/table/breaker.ts';
import { startIn, switchToObserve } from '../../core/table/mode.ts';
import { simulatedEvent } from '../../sandbox/simulated/event.ts';
import { SCOPE, sceneDatabase } from '../../test/playbooks/properties.ts';
import type { DoctorCheck, DoctorContext } from './check.ts';
import { CHECKS, examine } from './doctor.ts';
import { drift } from './stack.ts';

const database = sceneDatabase('doctor');
const NOW = new Date('2026-11-25T08:00:00Z');
const region = SCOPE.region;

let restore = () => {};
afterEach(() => restore());

/** A stack in which all is well; a test breaks one thing. */
async function healthy() {
  const mocks = {
    cloudFormation: mockClient(CloudFormationClient),
    cloudWatch: mockClient(CloudWatchClient),
    events: mockClient(EventBridgeClient),
    guardDuty: mockClient(GuardDutyClient),
    lambda: mockClient(LambdaClient),
    sns: mockClient(SNSClient),
    sqs: mockClient(SQSClient),
  };
  restore = () => {
    for (const mock of Object.values(mocks)) mock.restore();
  };
  mocks.guardDuty.on(ListDetectorsCommand).resolves({ DetectorIds: ['d1'] });
  mocks.guardDuty
    .on(GetDetectorCommand)
    .resolves({ Status: 'ENABLED', FindingPublishingFrequency: 'FIFTEEN_MINUTES' });
  mocks.guardDuty.on(ListFiltersCommand).resolves({ FilterNames: ['quiet-scanner'] });
  mocks.events.on(DescribeRuleCommand).resolves({ State: 'ENABLED' });
  const workflow = {
    Id: 'respond',
    Arn: `arn:aws:states:${region}:111122223333:stateMachine:firebreak-prod-respond`,
  };
  mocks.events
    .on(ListTargetsByRuleCommand)
    .resolves({ Targets: [{ ...workflow, DeadLetterConfig: { Arn: 'queue' } }] });
  mocks.sqs.on(GetQueueUrlCommand).resolves({ QueueUrl: 'https://queue.example' });
  mocks.sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { ApproximateNumberOfMessages: '0' } });
  mocks.cloudFormation.on(DescribeStacksCommand).resolves({
    Stacks: [{ StackName: 'firebreak-prod', StackStatus: 'UPDATE_COMPLETE', CreationTime: NOW }],
  });
  mocks.cloudFormation.on(DetectStackDriftCommand).resolves({ StackDriftDetectionId: 'drift' });
  mocks.cloudFormation
    .on(DescribeStackDriftDetectionStatusCommand)
    .resolves({ DetectionStatus: 'DETECTION_COMPLETE', StackDriftStatus: 'IN_SYNC' });
  mocks.lambda
    .on(ListFunctionsCommand)
    .resolves({ Functions: [{ FunctionName: 'firebreak-prod-contain' }, { FunctionName: 'other' }] });
  mocks.lambda
    .on(GetFunctionConfigurationCommand)
    .resolves({ State: 'Active', LastUpdateStatus: 'Successful' });
  mocks.lambda.on(GetFunctionConcurrencyCommand).resolves({ ReservedConcurrentExecutions: 30 });
  mocks.cloudWatch.on(DescribeAlarmsCommand).resolves({
    MetricAlarms: [
      { AlarmName: 'firebreak-prod-dead', ActionsEnabled: true, AlarmActions: ['topic'], StateValue: 'OK' },
    ],
  });
  mocks.sns
    .on(ListSubscriptionsByTopicCommand)
    .resolves({ Subscriptions: [{ SubscriptionArn: 'arn', Protocol: 'https' }] });
  await startIn(database().table, 'enforce', 'U0ALICE and U0BOB', NOW);
  const context: DoctorContext = {
    ...{ scope: SCOPE, stage: 'prod', service: 'firebreak-prod', now: () => NOW },
    ...{ policy: await loadPolicy('policy.yml'), table: database().table },
    cloudFormation: new CloudFormationClient({ region }),
    cloudWatch: new CloudWatchClient({ region }),
    events: new EventBridgeClient({ region }),
    guardDuty: new GuardDutyClient({ region }),
    lambda: new LambdaClient({ region }),
    sns: new SNSClient({ region }),
    sqs: new SQSClient({ region }),
  };
  return { mocks, context };
}

const named = (name: string): readonly DoctorCheck[] => CHECKS.filter((check) => check.name === name);
async function results(context: DoctorContext, checks?: readonly DoctorCheck[]) {
  const all = [];
  for await (const result of examine(context, checks)) all.push(result);
  return all;
}

describe('doctor', () => {
  it('finds nothing where all is well', async () => {
    const { context } = await healthy();
    const all = await results(context);
    expect(all.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(new Set(all.map(({ check }) => check))).toEqual(new Set(CHECKS.map(({ name }) => name)));
  });

  it.each([
    [1000, 'Deploy with --param reserve-concurrency=true.'],
    [50, "Raise Lambda's quota of concurrent executions until 191 are unreserved. Deploy with"],
  ])('says that other functions can keep findings waiting, of %i unreserved', async (free, fix) => {
    const { mocks, context } = await healthy();
    mocks.lambda.on(GetFunctionConcurrencyCommand).resolves({});
    mocks.lambda
      .on(GetAccountSettingsCommand)
      .resolves({ AccountLimit: { UnreservedConcurrentExecutions: free } });
    expect(await results(context, named('concurrency'))).toEqual([
      {
        ...{ check: 'concurrency', status: 'warn', fix: expect.stringContaining(fix) },
        saw: `nothing is reserved: findings wait where other functions of the account use up its ${free} unreserved executions`,
      },
    ]);
  });

  it('says who switched to observe mode, and how to switch back', async () => {
    const { context } = await healthy();
    await switchToObserve(context.table, 'enforce', 'U0ALICE', NOW);
    expect(await results(context, named('mode'))).toMatchObject([
      {
        status: 'warn',
        saw: expect.stringContaining('by U0ALICE'),
        fix: expect.stringContaining('mode enforce'),
      },
    ]);
  });

  it.each<[string, string, string, (mocks: Awaited<ReturnType<typeof healthy>>['mocks']) => unknown]>([
    ['detector', 'wrong', 'not switched on', (m) => m.guardDuty.on(ListDetectorsCommand).resolves({})],
    [
      'detector',
      'wrong',
      'DISABLED',
      (m) => m.guardDuty.on(GetDetectorCommand).resolves({ Status: 'DISABLED' }),
    ],
    [
      'detector',
      'warn',
      'SIX_HOURS',
      (m) =>
        m.guardDuty
          .on(GetDetectorCommand)
          .resolves({ Status: 'ENABLED', FindingPublishingFrequency: 'SIX_HOURS' }),
    ],
    [
      'triage',
      'warn',
      'SIRTriage-1, SIRTriage-2',
      (m) =>
        m.guardDuty
          .on(ListFiltersCommand)
          .resolvesOnce({ FilterNames: ['SIRTriage-2', 'quiet-scanner'], NextToken: 'more' })
          .resolves({ FilterNames: ['SIRTriage-1'] }),
    ],
    ['rule', 'wrong', 'disabled', (m) => m.events.on(DescribeRuleCommand).resolves({ State: 'DISABLED' })],
    ['rule', 'wrong', 'starts no workflow', (m) => m.events.on(ListTargetsByRuleCommand).resolves({})],
    [
      'queues',
      'wrong',
      'holds 3 messages',
      (m) =>
        m.sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { ApproximateNumberOfMessages: '3' } }),
    ],
    [
      'stack',
      'wrong',
      'ROLLBACK',
      (m) =>
        m.cloudFormation.on(DescribeStacksCommand).resolves({
          Stacks: [{ StackName: 'x', StackStatus: 'UPDATE_ROLLBACK_COMPLETE', CreationTime: NOW }],
        }),
    ],
    ['functions', 'wrong', 'no function', (m) => m.lambda.on(ListFunctionsCommand).resolves({})],
    [
      'functions',
      'wrong',
      'Failed',
      (m) =>
        m.lambda.on(GetFunctionConfigurationCommand).resolves({ State: 'Failed', StateReason: 'Failed' }),
    ],
    [
      'alarms',
      'wrong',
      'tell no one',
      (m) => m.cloudWatch.on(DescribeAlarmsCommand).resolves({ MetricAlarms: [{ AlarmName: 'mute' }] }),
    ],
    [
      'alarms',
      'wrong',
      'ring now: firebreak-prod-dead',
      (m) =>
        m.cloudWatch.on(DescribeAlarmsCommand).resolves({
          MetricAlarms: [
            {
              AlarmName: 'firebreak-prod-dead',
              ActionsEnabled: true,
              AlarmActions: ['t'],
              StateValue: 'ALARM',
            },
          ],
        }),
    ],
    [
      'pages',
      'wrong',
      '1 wait for their confirmation',
      (m) =>
        m.sns
          .on(ListSubscriptionsByTopicCommand)
          .resolves({ Subscriptions: [{ SubscriptionArn: 'PendingConfirmation', Protocol: 'email' }] }),
    ],
  ])('%s: %s, %s', async (name, status, saw, spoil) => {
    const { mocks, context } = await healthy();
    spoil(mocks);
    const found = await results(context, named(name));
    expect(found).toContainEqual(
      expect.objectContaining({ check: name, status, saw: expect.stringContaining(saw) }),
    );
    for (const result of found) if (result.status !== 'ok') expect(result.fix).toBeTruthy();
  });

  it('waits for the drift detection and names what was changed', async () => {
    const { mocks, context } = await healthy();
    mocks.cloudFormation
      .on(DescribeStackDriftDetectionStatusCommand)
      .resolvesOnce({ DetectionStatus: 'DETECTION_IN_PROGRESS' })
      .resolves({ DetectionStatus: 'DETECTION_COMPLETE', StackDriftStatus: 'DRIFTED' });
    mocks.cloudFormation.on(DescribeStackResourceDriftsCommand).resolves({
      StackResourceDrifts: [
        {
          LogicalResourceId: 'FindingsRule',
          StackResourceDriftStatus: 'MODIFIED',
          StackId: 's',
          ResourceType: 'AWS::Events::Rule',
          Timestamp: NOW,
        },
      ],
    });
    const waits: number[] = [];
    const [found] = await results(context, [
      drift(async (ms) => {
        waits.push(ms);
      }),
    ]);
    expect(waits).toHaveLength(1);
    expect(found).toMatchObject({ status: 'wrong', saw: expect.stringContaining('FindingsRule MODIFIED') });
  });

  it('tells an incident that stands still, and the kill switch', async () => {
    const { context } = await healthy();
    const event = simulatedEvent('Trojan:EC2/DropPoint', {
      ...{ scope: SCOPE, severity: 'high', seed: 'stuck', sample: false },
      now: new Date(NOW.getTime() - 86_400_000),
    });
    const store = incidentStore(context.table);
    const { incident } = await store.claim(parseFinding(event), 'x', new Date(NOW.getTime() - 86_400_000));
    await setKillSwitch(context.table, true, 'someone', NOW);
    expect(await results(context, named('incidents'))).toMatchObject([
      { status: 'wrong', saw: expect.stringContaining(incident.id) },
    ]);
    expect(await results(context, named('kill switch'))).toMatchObject([{ status: 'warn' }]);
    await setKillSwitch(context.table, false, 'someone', NOW);
  });

  it('tells a finding of a type that is newer than the list', async () => {
    const { context } = await healthy();
    const at = new Date(NOW.getTime() - 86_400_000);
    const store = incidentStore(context.table);
    for (const type of ['Backdoor:EC2/NewThing', 'Trojan:EC2/DropPoint']) {
      const event = simulatedEvent(type, {
        ...{ scope: SCOPE, severity: 'high', seed: 'newer', sample: false, now: at },
      });
      await store.claim(parseFinding(event), 'x', at);
    }
    const [found] = await results(context, named('finding types'));
    expect(found).toMatchObject({ status: 'warn', saw: expect.stringContaining('Backdoor:EC2/NewThing') });
    expect(found?.saw).not.toContain('DropPoint');
  });

  it('goes on after a check that it may not make, or that fails on the way', async () => {
    const { mocks, context } = await healthy();
    const denied = Object.assign(new Error('not authorized'), {
      name: 'AccessDeniedException',
      $fault: 'client',
    });
    mocks.guardDuty.on(ListDetectorsCommand).rejects(denied);
    mocks.sns.on(ListSubscriptionsByTopicCommand).rejects(new Error('connect ECONNREFUSED'));
    const found = await results(context, [...named('pages'), ...named('detector'), ...named('rule')]);
    expect(found).toMatchObject([
      { check: 'pages', status: 'wrong', saw: expect.stringContaining('ECONNREFUSED') },
      { check: 'detector', status: 'wrong', saw: expect.stringContaining('AccessDenied') },
      { check: 'rule', status: 'ok' },
    ]);
  });
});

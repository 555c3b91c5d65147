/** Is what is deployed whole and as it was deployed? */
import { setTimeout as pause } from 'node:timers/promises';
import {
  DescribeStackDriftDetectionStatusCommand,
  DescribeStackResourceDriftsCommand,
  DescribeStacksCommand,
  DetectStackDriftCommand,
} from '@aws-sdk/client-cloudformation';
import {
  GetAccountSettingsCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  paginateListFunctions,
} from '@aws-sdk/client-lambda';
import { RESERVED, UNRESERVED } from '../concurrency.ts';
import { type DoctorCheck, ok, warn, wrong } from './check.ts';

export const stack: DoctorCheck = {
  name: 'stack',
  async run({ cloudFormation, service }) {
    const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: service }));
    const status = Stacks[0]?.StackStatus ?? 'absent';
    if (status === 'CREATE_COMPLETE' || status === 'UPDATE_COMPLETE')
      return [ok(`stack ${service} is ${status}`)];
    if (/IN_PROGRESS$/.test(status))
      return [warn(`stack ${service} is ${status}`, 'Look again once it has ended.')];
    return [
      wrong(
        `stack ${service} is ${status}`,
        'Read its events in CloudFormation, fix the reason, and deploy again.',
      ),
    ];
  },
};

/** Seconds between two looks, and how many: CloudFormation compares about a hundred resources in a minute. */
const LOOK_SECONDS = 3;
const LOOKS = 60;
const SHOWN = 10;

/** `wait` is a parameter so that a test need not sit through it. */
export const drift = (wait: (ms: number) => Promise<unknown> = pause): DoctorCheck => ({
  name: 'drift',
  async run({ cloudFormation, service }) {
    const { StackDriftDetectionId } = await cloudFormation.send(
      new DetectStackDriftCommand({ StackName: service }),
    );
    for (let look = 0; look < LOOKS; look++) {
      const found = await cloudFormation.send(
        new DescribeStackDriftDetectionStatusCommand({ StackDriftDetectionId }),
      );
      if (found.DetectionStatus === 'DETECTION_IN_PROGRESS') {
        await wait(LOOK_SECONDS * 1000);
        continue;
      }
      if (found.DetectionStatus !== 'DETECTION_COMPLETE') {
        return [
          warn(
            `drift could not be detected: ${found.DetectionStatusReason ?? 'no reason given'}`,
            'Try again later.',
          ),
        ];
      }
      if (found.StackDriftStatus !== 'DRIFTED') return [ok('every resource is as it was deployed')];
      return [await drifted(cloudFormation, service)];
    }
    return [
      warn(`drift was not known after ${LOOKS * LOOK_SECONDS} s`, 'Look at the stack in CloudFormation.'),
    ];
  },
});

async function drifted(client: Parameters<DoctorCheck['run']>[0]['cloudFormation'], service: string) {
  const { StackResourceDrifts: drifts = [] } = await client.send(
    new DescribeStackResourceDriftsCommand({
      StackName: service,
      StackResourceDriftStatusFilters: ['MODIFIED', 'DELETED'],
    }),
  );
  const names = drifts.map(
    ({ LogicalResourceId, StackResourceDriftStatus }) => `${LogicalResourceId} ${StackResourceDriftStatus}`,
  );
  return wrong(
    `${names.length} resources were changed since the deployment: ${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ', …' : ''}`,
    'Who changed them? CloudTrail knows. Deploying again restores them.',
  );
}

export const functions: DoctorCheck = {
  name: 'functions',
  async run({ lambda, service }) {
    const names: string[] = [];
    for await (const page of paginateListFunctions({ client: lambda }, {}))
      for (const { FunctionName = '' } of page.Functions ?? [])
        if (FunctionName.startsWith(`${service}-`)) names.push(FunctionName);
    if (names.length === 0) return [wrong(`no function of ${service} is there`, 'Deploy: npm run deploy')];
    const results = [];
    for (const name of names) {
      const { State, LastUpdateStatus, StateReason } = await lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName: name }),
      );
      // A function that no one has called for weeks is Inactive, and starts at the next call.
      const good = (State === 'Active' || State === 'Inactive') && LastUpdateStatus !== 'Failed';
      if (!good)
        results.push(
          wrong(`${name} is ${State}, update ${LastUpdateStatus}: ${StateReason ?? ''}`, 'Deploy again.'),
        );
    }
    return results.length > 0 ? results : [ok(`${names.length} functions are ready`)];
  },
};

/** Whether other functions of the account can take the places that a finding needs. */
export const concurrency: DoctorCheck = {
  name: 'concurrency',
  async run({ lambda, service }) {
    const { ReservedConcurrentExecutions: own } = await lambda.send(
      new GetFunctionConcurrencyCommand({ FunctionName: `${service}-enrich` }),
    );
    if (own !== undefined) return [ok(`${own} executions are reserved for Enrich and Classify`)];
    const { AccountLimit } = await lambda.send(new GetAccountSettingsCommand({}));
    const free = AccountLimit?.UnreservedConcurrentExecutions ?? 0;
    const needed = RESERVED + UNRESERVED;
    return [
      warn(
        `nothing is reserved: findings wait where other functions of the account use up its ${free} unreserved executions`,
        `${free >= needed ? '' : `Raise Lambda's quota of concurrent executions until ${needed} are unreserved. `}Deploy with --param reserve-concurrency=true.`,
      ),
    ];
  },
};

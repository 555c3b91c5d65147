/** What the console reads of an incident: its AWS calls, and what Step Functions tells of its execution. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { credentialFinding, credentialWorld } from '../../sandbox/worlds.ts';
import { idle } from './people.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml'), approvalTimeoutSeconds: () => 1 });
});
afterEach(() => sandbox.close());

const deliver = async () => {
  const world = credentialWorld(sandbox.twin);
  await (await sandbox.deliver(credentialFinding(sandbox.twin, world.stolen, { seed: 'review' }))).ended;
  await idle(sandbox);
  const incident = (await sandbox.incidents()).find(({ followUpOf }) => !followUpOf);
  if (!incident) throw new Error('no incident');
  return incident;
};

describe('an incident that was contained', () => {
  it('has every AWS call with its request id and the task that made it, and no input', async () => {
    const incident = await deliver();
    const calls = await sandbox.runtime.incidents.calls(incident.id);
    const put = calls.find(({ operation }) => operation === 'PutRolePolicy');
    expect(put).toMatchObject({ task: 'contain', service: 'IAM', account: incident.account });
    expect(put?.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(calls.map(({ task }) => task))).toContain('verify');
    expect(calls.map(({ at }) => at)).toEqual(calls.map(({ at }) => at).sort());
    for (const secret of ['SecureString', 'xoxb-', 'taskToken', '"Statement"'])
      expect(JSON.stringify(calls)).not.toContain(secret);
  });

  it('keeps the calls of a task that failed as well', async () => {
    sandbox.twin.failNext('PutRolePolicy', 'AccessDenied', 20);
    const calls = await sandbox.runtime.incidents.calls((await deliver()).id);
    expect(calls.find(({ operation }) => operation === 'PutRolePolicy')).toMatchObject({
      error: 'AccessDenied',
    });
  });

  it('has an execution with its states, tries and errors', async () => {
    sandbox.twin.killAfter(1);
    const incident = await deliver();
    const { client, api } = await sandbox.runtime.own.sfn();
    const { events = [] } = await client.send(
      new api.GetExecutionHistoryCommand({ executionArn: incident.execution, maxResults: 1000 }),
    );
    const entered = events.flatMap(({ stateEnteredEventDetails: state }) => state?.name ?? []);
    expect(entered).toEqual(expect.arrayContaining(['Enrich', 'Classify', 'Contain', 'Verify', 'Report']));
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['ExecutionStarted', 'LambdaFunctionFailed', 'ExecutionSucceeded']),
    );
    const failed = events.find(({ type }) => type === 'LambdaFunctionFailed');
    const from = events.find(({ id }) => id === failed?.previousEventId);
    expect(from?.stateEnteredEventDetails?.name).toBe('ContainTarget');
    const { executions = [] } = await client.send(
      new api.ListExecutionsCommand({ stateMachineArn: sandbox.runtime.env.RESPOND_STATE_MACHINE_ARN }),
    );
    expect(executions.map(({ executionArn }) => executionArn)).toContain(incident.execution);
  });
});

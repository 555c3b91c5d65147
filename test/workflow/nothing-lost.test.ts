/** What did not go through is done again, and reported where it cannot be: events, decisions. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { actingAs } from '../../core/aws/acting.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { handler as redrive } from '../../functions/redrive.ts';
import { awsError } from '../../sandbox/aws-error.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { addressFinding, addressWorld } from '../../sandbox/worlds.ts';
import { bobApproves, idle } from './people.ts';

let sandbox: Sandbox;
let later = 0;
beforeEach(async () => {
  later = 0;
  sandbox = await startSandbox({
    policy: await loadPolicy('policy.yml'),
    now: () => new Date(Date.now() + later),
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await sandbox.close();
});

/** Step Functions is down for calls of one operation until the answer is reverted. */
function down(operation: string) {
  const { answer } = sandbox.machines;
  return vi
    .spyOn(sandbox.machines, 'answer')
    .mockImplementation(async (asked, input) =>
      asked === operation
        ? Promise.reject(awsError('ServiceUnavailable', 'try again', 503))
        : answer(asked, input),
    );
}

it('an event that cannot be started stays in the queue, and a person is paged', async () => {
  const record = {
    messageId: 'm-1',
    body: JSON.stringify(addressFinding(sandbox.twin, 'i-1', { seed: 'q' })),
  };
  const run = () =>
    actingAs({ function: { ...sandbox.twin.scope, name: 'redrive', stage: 'sandbox' } }, () =>
      redrive({ Records: [record] }, {} as never),
    );
  const outage = down('StartExecution');
  expect(await run()).toEqual({ batchItemFailures: [{ itemIdentifier: 'm-1' }] });
  expect(sandbox.twin.state.pages.map(({ message }) => message).join()).toContain('m-1');
  outage.mockRestore();
  // SQS delivers it again; and once more, which changes nothing.
  expect(await run()).toEqual({ batchItemFailures: [] });
  expect(await run()).toEqual({ batchItemFailures: [] });
  await idle(sandbox);
  expect(await sandbox.incidents()).toHaveLength(1);
});

it('a decision that the workflow was not resumed for is sent again by the sweep, once', async () => {
  const { instanceId } = addressWorld(sandbox.twin);
  await sandbox.deliver(addressFinding(sandbox.twin, instanceId, { seed: 'd', severity: 8 }));
  const outage = down('SendTaskSuccess');
  await bobApproves(sandbox, () => true);
  outage.mockRestore();
  expect(sandbox.machines.delivered).toEqual([]);
  expect(await sandbox.sweep()).toMatchObject({ delivered: 0 });
  later = 20_000;
  expect(await sandbox.sweep()).toMatchObject({ delivered: 1 });
  expect(await sandbox.sweep()).toMatchObject({ delivered: 0 });
  await idle(sandbox);
  expect(sandbox.machines.delivered).toEqual(['SendTaskSuccess']);
  const [incident] = await sandbox.incidents();
  expect(incident?.approval).toMatchObject({ outcome: 'approved', decidedBy: 'U0BOB' });
});

/** Findings of any size are decided: Step Functions carries 262,144 bytes, and what does not fit goes by reference. */
import '../../sandbox/quiet.ts';
import { afterEach, expect, it } from 'vitest';
import { acting } from '../../core/aws/acting.ts';
import type { JsonObject } from '../../core/json.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { EXECUTION_INPUT_BYTES } from '../../core/table/intake.ts';
import { awsError } from '../../sandbox/aws-error.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { addressWorld, findingOn, groupsOfInstance, implantFinding } from '../../sandbox/worlds.ts';
import { idle, until } from './people.ts';

let sandbox: Sandbox | undefined;
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

const scan = (own: Sandbox, bytes: number): JsonObject =>
  findingOn(own.twin, {
    ...{ seed: `of ${bytes}`, type: 'Recon:EC2/Portscan', severity: 2 },
    resource: { resourceType: 'Instance', instanceDetails: { instanceId: 'i-0123456789abcdef0' } },
  });

/** What an execution is started with for a finding, padded so that it is of this many bytes. */
function sized(own: Sandbox, bytes: number, event = scan(own, bytes)): JsonObject {
  const { detail } = event as { readonly detail: JsonObject & { readonly service: JsonObject } };
  const padded = (padding: string) => ({
    ...detail,
    service: { ...detail.service, additionalInfo: { padding } },
  });
  const bare = Buffer.byteLength(JSON.stringify({ channel: 'guardduty', detail: padded('') }));
  return { ...event, detail: padded('x'.repeat(Math.max(0, bytes - bare))) };
}

const LIMIT = EXECUTION_INPUT_BYTES;
const SIZES = [
  200,
  10_000,
  200_000,
  LIMIT - 5000,
  LIMIT - 2000,
  LIMIT - 1000,
  LIMIT - 400,
  LIMIT - 200,
].concat([LIMIT - 100, LIMIT - 50, LIMIT - 1, LIMIT, LIMIT + 1, LIMIT + 100, 900_000]);

it('is decided at every size, those that just fit into an execution among them', {
  timeout: 120_000,
}, async () => {
  let later = 0;
  const own = await startSandbox({
    policy: await loadPolicy('policy.yml'),
    now: () => new Date(Date.now() + later),
  });
  sandbox = own;
  for (const bytes of SIZES) await (await own.deliver(sized(own, bytes))).ended;
  await own.idle();
  later += 120_000;
  await own.sweep();
  await idle(own);
  const incidents = await own.incidents();
  expect(incidents.map(({ status, decision }) => [status, decision?.kind])).toEqual(
    SIZES.map(() => ['notified', 'notify']),
  );
});

it.each([100, 1])(
  'a severe one of %i bytes less than an execution carries fails once, and is contained',
  { timeout: 60_000 },
  async (room) => {
    let later = 0;
    const own = await startSandbox({
      policy: await loadPolicy('policy.yml'),
      now: () => new Date(Date.now() + later),
    });
    sandbox = own;
    const { instanceId } = addressWorld(own.twin);
    const event = sized(own, LIMIT - room, implantFinding(own.twin, instanceId));
    const { status } = await (await own.deliver(event)).ended;
    expect(status).toBe('FAILED');
    await own.idle();
    later += 120_000;
    await own.sweep();
    await until(async () =>
      (await own.incidents()).some(
        ({ playbook, status }) => playbook === 'isolate-instance' && status === 'contained',
      )
        ? true
        : undefined,
    );
    expect(groupsOfInstance(own.twin, instanceId)).toEqual(['firebreak-quarantine']);
    // It was owed for a minute, and no one need act.
    expect(own.twin.state.pages.map(({ subject }) => subject).join()).not.toContain('could not be taken in');
  },
);

it('a failure carries references, whatever the size of the finding', { timeout: 60_000 }, async () => {
  const entered: { readonly state: string; readonly bytes: number }[] = [];
  const own = await startSandbox({
    policy: await loadPolicy('policy.yml'),
    longestPauseMs: 1,
    onEnter: (state, input) => {
      entered.push({ state, bytes: Buffer.byteLength(JSON.stringify(input)) });
    },
    seams: {
      invocation: (_name, work) => work(),
      call: (call, answer) =>
        call.service === 'DynamoDB' && acting().task === 'enrich'
          ? Promise.reject(awsError('ServiceUnavailable', 'try again', 503))
          : answer(),
    },
  });
  sandbox = own;
  const { status } = await (await own.deliver(sized(own, LIMIT - 1000))).ended;
  expect(status).toBe('FAILED');
  const after = entered.filter(({ state }) => !/^(Order|Enrich)/.test(state));
  expect(after.map(({ state }) => state)).toContain('FailedAndTold');
  for (const { bytes } of after) expect(bytes).toBeLessThan(40_000);
  expect(own.twin.state.pages.map(({ subject }) => subject).join()).toContain('could not be taken in');
});

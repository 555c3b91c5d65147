/** The table throttles: counters never decide a containment, and no step is failed by what is not AWS's answer about it. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { journalOf } from '../../core/journal/journal.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { metrics } from '../../pipeline/runtime.ts';
import { awsError } from '../../sandbox/aws-error.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { type AddressWorld, addressWorld, groupsOfInstance, implantFinding } from '../../sandbox/worlds.ts';

let sandbox: Sandbox;
let world: AddressWorld;
/** Whether the table throttles a call with this text in it. */
let throttled: (input: string) => boolean = () => false;

beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
  world = addressWorld(sandbox.twin);
  sandbox.database.client.middlewareStack.add(
    <I extends { input: object }, O>(next: (args: I) => Promise<O>) =>
      async (args: I): Promise<O> => {
        if (throttled(JSON.stringify(args.input)))
          throw awsError('ProvisionedThroughputExceededException', 'the partition is hot');
        return next(args);
      },
    { step: 'initialize', priority: 'low', name: 'throttle' },
  );
});
afterEach(async () => {
  throttled = () => false;
  vi.restoreAllMocks();
  await sandbox.close();
});

const implant = () => implantFinding(sandbox.twin, world.instanceId);
const contained = async () => {
  const incident = (await sandbox.incidents()).find(({ followUpOf }) => !followUpOf);
  expect(incident?.status).toBe('contained');
  expect(groupsOfInstance(sandbox.twin, world.instanceId)).toEqual(['firebreak-quarantine']);
  return incident;
};

it('contains while the counters are throttled, and says that they are off', async () => {
  const metric = vi.spyOn(metrics, 'addMetric');
  throttled = (input) => /"pk":"COUNT/.test(input);
  await (await sandbox.deliver(implant())).ended;
  await contained();
  expect(metric.mock.calls.map(([name]) => name)).toContain('CountsFailed');
});

it('contains in the end when records of steps are throttled on the way, and no step is failed', async () => {
  let writes = 0;
  // From the record that a first step is done, longer than one invocation tries.
  throttled = (input) => {
    if (!/"pk":"HOLD#.*"STEP#.*"status":"done"/.test(input)) return false;
    writes += 1;
    return writes <= 12;
  };
  const { ended } = await sandbox.deliver(implant());
  await ended;
  const incident = await contained();
  expect(writes).toBeGreaterThan(12);
  const [target] = incident?.targets ?? [];
  if (!target) throw new Error('no target');
  const steps = await journalOf(sandbox.runtime.table, target.target, target.playbook);
  expect(steps.filter(({ status }) => status === 'failed')).toEqual([]);
}, 60_000);

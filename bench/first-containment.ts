/**
 * What happens before the first containing call: Lambda invocations, state transitions and AWS calls, per playbook. Calls
 * that are under way at the same time are one round: rounds times AWS's answer time is what the attacker is given.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadPolicy } from '../core/policy/policy.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import type { AccountTwin } from '../sandbox/twin/twin.ts';
import { addressFinding, addressWorld, credentialFinding, credentialWorld } from '../sandbox/worlds.ts';

const RUNS: readonly { playbook: string; contains: string; event: (twin: AccountTwin) => unknown }[] = [
  {
    playbook: 'revoke-instance-session',
    contains: 'IAM:PutRolePolicy',
    event: (twin) => credentialFinding(twin, credentialWorld(twin).stolen, { seed: 'bench' }),
  },
  {
    playbook: 'isolate-instance',
    contains: 'EC2:ModifyNetworkInterfaceAttribute',
    // The rule for this type asks; the kind of finding that is contained at once has the same path.
    event: (twin) => {
      const event = addressFinding(twin, addressWorld(twin).instanceId, { seed: 'bench', severity: 8 });
      return { ...event, detail: { ...(event['detail'] as object), type: 'Backdoor:EC2/C&CActivity.B' } };
    },
  },
];

console.log(
  'playbook                  invocations  transitions  AWS calls  rounds  services loaded before it contains',
);
for (const { playbook, contains, event } of RUNS) {
  const sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
  const { twin } = sandbox;
  const given = event(twin);
  let seen: readonly (string | number)[] | undefined;
  const answer = twin.answer.bind(twin);
  let rounds = 0;
  twin.answer = async (call) => {
    const round = rounds + 1;
    if (!seen && `${call.service}:${call.operation}` === contains) {
      const entered = sandbox.machines.history.filter(({ type }) => type === 'StateEntered').length;
      const services = [...new Set(twin.calls.map(({ service }) => service))].sort().join(', ');
      seen = [sandbox.invocations.length, entered, twin.calls.length, rounds, services];
    }
    // Long enough that everything sent together has been sent before the first answer.
    await sleep(20);
    try {
      return await answer(call);
    } finally {
      rounds = Math.max(rounds, round);
    }
  };
  await (await sandbox.deliver(given)).ended;
  if (!seen) throw new Error(`${playbook} never made ${contains}`);
  const [invocations, transitions, calls, needed, services] = seen;
  console.log(
    `${playbook.padEnd(25)} ${String(invocations).padStart(11)} ${String(transitions).padStart(12)} ${String(calls).padStart(10)} ${String(needed).padStart(7)}  ${services}`,
  );
  await sandbox.close();
}

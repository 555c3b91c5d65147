/**
 * Counts what stands between a finding and its containment. Calls that can be under way together are one round, whatever they
 * take: rounds times AWS's answer time is what the attacker is given.
 */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { acting } from '../core/aws/acting.ts';
import type { AwsCall } from '../core/aws/client.ts';
import type { JsonObject } from '../core/json.ts';
import type { Policy } from '../core/policy/policy.ts';
import { startSandbox } from './sandbox.ts';
import type { Seams } from './seams.ts';
import type { AccountTwin } from './twin/twin.ts';
import { addressWorld, credentialFinding, credentialWorld, implantFinding } from './worlds.ts';

/** A containment that is counted: its world, its finding, and the first call that contains. */
export interface Race {
  readonly playbook: string;
  readonly contains: string;
  readonly event: (twin: AccountTwin) => JsonObject;
}

/** The two paths that policy.yml contains automatically. */
export const RACES: readonly Race[] = [
  {
    playbook: 'revoke-instance-session',
    contains: 'IAM:PutRolePolicy',
    event: (twin) => credentialFinding(twin, credentialWorld(twin).stolen, { seed: 'race' }),
  },
  {
    playbook: 'isolate-instance',
    contains: 'EC2:ModifyNetworkInterfaceAttribute',
    event: (twin) => implantFinding(twin, addressWorld(twin).instanceId),
  },
];

/** Of one account of the organisation: the roles there are assumed, as for most findings. */
const MEMBER = '444455556666';

/** Long enough for what follows an answer to be sent. */
const QUIET_MS = 15;

interface Waiting {
  readonly name: string;
  readonly go: () => void;
}

/** Holds every call until all that can be sent next to it has been, then answers them together: one round. */
function openRounds(contains: string): {
  readonly seams: Seams;
  readonly rounds: () => readonly Round[] | undefined;
} {
  const rounds: Round[] = [];
  let waiting: Waiting[] = [];
  let underWay = 0;
  let found = false;
  let watching = false;
  async function settle(): Promise<void> {
    watching = true;
    for (let seen = -1; underWay > 0 || seen !== waiting.length; ) {
      seen = waiting.length;
      await sleep(QUIET_MS);
      for (let turns = 0; turns < 5; turns++) await turn();
    }
    watching = false;
    const together = waiting;
    waiting = [];
    found ||= together.some(({ name }) => name.endsWith(` ${contains}`));
    if (!found) rounds.push(together.map(({ name }) => name));
    for (const { go } of together) go();
  }
  const seams: Seams = {
    invocation: (_name, work) => work(),
    async call({ service, operation }: AwsCall, answer) {
      const { task, function: invoked } = acting();
      const caller = task ?? invoked?.name;
      if (found || caller === undefined) return answer();
      const name = `${caller} ${service}:${operation}`;
      await new Promise<void>((go) => {
        waiting.push({ name, go: () => go() });
        if (!watching) settle().catch(() => undefined);
      });
      underWay += 1;
      try {
        return await answer();
      } finally {
        underWay -= 1;
      }
    },
  };
  return { seams, rounds: () => (found ? rounds : undefined) };
}

/** The calls of one round, each by the task that made it. */
export type Round = readonly string[];

/** Returns the rounds before the first containing call, for a finding of a member account. */
export async function roundsOf(
  { playbook, contains, event }: Race,
  policy: Policy,
): Promise<readonly Round[]> {
  const { seams, rounds } = openRounds(contains);
  const sandbox = await startSandbox({ policy, members: [MEMBER], seams });
  try {
    const { twin } = sandbox;
    const moved = <T>(value: T): T =>
      JSON.parse(JSON.stringify(value).replaceAll(twin.scope.account, MEMBER)) as T;
    const finding = moved(event(twin));
    twin.state.roles = moved(twin.state.roles);
    twin.state.regions = moved(twin.state.regions);
    await (await sandbox.deliver(finding)).ended;
    const counted = rounds();
    if (!counted) throw new Error(`${playbook} never made ${contains}`);
    return counted;
  } finally {
    await sandbox.close();
  }
}

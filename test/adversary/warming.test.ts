/** Someone tries to contain by the alias that warms Contain, to pass a finding off as a ping, or to keep Contain cold. */
import '../../sandbox/quiet.ts';
import { afterEach, expect, it } from 'vitest';
import { actingAs } from '../../core/aws/acting.ts';
import type { AwsCall } from '../../core/aws/client.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { handler as contain } from '../../functions/contain.ts';
import { awsError } from '../../sandbox/aws-error.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { credentialFinding, credentialWorld, THIEF_IP } from '../../sandbox/worlds.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { FUNCTION_NAMES, judgeFunction } from './function-roles.ts';

const policy = parsePolicy(await policyWithoutFollowUps());
const NAME = 'firebreak-sandbox-contain';
let sandbox: Sandbox | undefined;
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

/** What a function does is invoked by name or by alias, as Lambda says it in the context. */
const invoke = (own: Sandbox, event: unknown, invokedFunctionArn: string): Promise<unknown> =>
  actingAs({ function: { ...own.twin.scope, name: 'contain', stage: 'sandbox' } }, async () =>
    contain(event, { functionName: NAME, invokedFunctionArn } as never),
  );

interface Opened {
  readonly own: Sandbox;
  readonly pings: readonly AwsCall[];
  /** Delivers a theft that policy contains automatically, with what someone wrote into it. */
  deliver(seed: string, written?: JsonObject): Promise<string>;
  thief(): string;
}

async function open(
  onContain: (own: Sandbox, input: unknown) => void = () => undefined,
  refuse = false,
): Promise<Opened> {
  const pings: AwsCall[] = [];
  const own: Sandbox = await startSandbox({
    policy,
    onEnter: (state, input) => {
      if (state === 'ContainTarget') onContain(own, input);
    },
    seams: {
      invocation: (_name, work) => work(),
      async call(call, answer) {
        if (call.service === 'Lambda') pings.push(call);
        if (call.service === 'Lambda' && refuse) throw awsError('AccessDeniedException', 'no', 403);
        return answer();
      },
    },
  });
  sandbox = own;
  const { stolen } = credentialWorld(own.twin, 2);
  return {
    own,
    pings,
    async deliver(seed, written = {}) {
      const event = credentialFinding(own.twin, stolen, { seed });
      const { detail } = event;
      if (!isJsonObject(detail)) throw new Error('no detail');
      const { status } = await (
        await own.deliver({ ...event, ...written, detail: { ...detail, ...written } })
      ).ended;
      await own.idle();
      return status;
    },
    thief: () =>
      own.twin.request(stolen, { action: 's3:GetObject', resource: '*', sourceIp: THIEF_IP }).decision,
  };
}

it('by the alias nothing is contained, whatever is sent, also where a containment is due', async () => {
  const tried: Promise<unknown>[] = [];
  const { own, deliver, thief } = await open((where, input) => {
    const given = input as JsonObject;
    for (const event of [given, { ...given, warm: true }, { warm: true, ...given, planned: true }])
      tried.push(invoke(where, event, `${NAME}:warm`));
    for (const attempt of tried) attempt.catch(() => undefined);
  });
  expect(await deliver('theft')).toBe('SUCCEEDED');
  expect(tried.length).toBeGreaterThan(0);
  for (const end of await Promise.allSettled(tried))
    expect(end).toMatchObject({ status: 'rejected', reason: { name: 'InputInvalid' } });
  expect(thief()).toBe('explicitDeny');
  // The control: the same alias takes a ping.
  expect(await invoke(own, { warm: true }, `${NAME}:warm`)).toBeUndefined();
});

it('by its own name Contain takes no ping', async () => {
  const { own } = await open();
  await expect(invoke(own, { warm: true }, NAME)).rejects.toMatchObject({ name: 'InputInvalid' });
});

it('a finding that looks like a ping is a finding, and nothing of it is in the ping', async () => {
  const { own, pings, deliver, thief } = await open();
  expect(await deliver('theft', { warm: true, task: 'classify', Qualifier: '$LATEST' })).toBe('SUCCEEDED');
  expect(thief()).toBe('explicitDeny');
  expect(await own.incidents()).toMatchObject([{ status: 'contained' }]);
  expect(pings.map(({ operation, input }) => [operation, input])).toEqual([
    [
      'Invoke',
      {
        ...{ FunctionName: NAME, Qualifier: 'warm', InvocationType: 'Event' },
        Payload: Buffer.from('{"warm":true}'),
      },
    ],
  ]);
});

it('findings that come together need one ping, and what is only notified needs none', async () => {
  const { own, pings, deliver } = await open();
  const { stolen } = credentialWorld(own.twin, 3);
  await (await own.deliver(credentialFinding(own.twin, stolen, { seed: 'low', severity: 2 }))).ended;
  expect(pings).toEqual([]);
  for (const seed of ['one', 'two', 'three']) await deliver(seed);
  expect(pings).toHaveLength(1);
});

it('a ping that is refused keeps nothing from being contained', async () => {
  const { pings, deliver, thief } = await open(undefined, true);
  expect(await deliver('theft')).toBe('SUCCEEDED');
  expect(pings).not.toEqual([]);
  expect(thief()).toBe('explicitDeny');
});

it('the sweep keeps Contain warm every fifth minute', async () => {
  for (const [minute, wanted] of [
    ['00', 1],
    ['04', 0],
    ['25', 1],
  ] as const) {
    const pings: AwsCall[] = [];
    sandbox = await startSandbox({
      policy,
      now: () => new Date(`2026-11-30T12:${minute}:07.000Z`),
      seams: {
        invocation: (_name, work) => work(),
        call: (call, answer) => {
          if (call.service === 'Lambda') pings.push(call);
          return answer();
        },
      },
    });
    await sandbox.sweep();
    await sandbox.idle();
    expect(pings, minute).toHaveLength(wanted);
    await sandbox.close();
    sandbox = undefined;
  }
});

it('IAM lets Enrich and the sweep invoke the alias and not the function, and no other function either', () => {
  const arn = 'arn:aws:lambda:eu-west-1:111122223333:function:firebreak-prod-contain';
  const may = (resource: string) =>
    FUNCTION_NAMES.filter((name) => judgeFunction(name, 'lambda:InvokeFunction', resource) === 'allowed');
  expect(may(`${arn}:warm`)).toEqual(['enrich', 'sweep']);
  for (const other of [arn, `${arn}:$LATEST`, `${arn}:1`]) expect(may(other), other).toEqual([]);
});

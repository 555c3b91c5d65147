/** No update of a finding is lost: whatever dies or comes between, the newest event is what is decided. */
import '../../sandbox/quiet.ts';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { z } from 'zod';
import { actingAs } from '../../core/aws/acting.ts';
import { arn } from '../../core/aws/arn.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { handler as classify } from '../../functions/classify.ts';
import { handler as contain } from '../../functions/contain.ts';
import { handler as enrich } from '../../functions/enrich.ts';
import { handler as verify } from '../../functions/verify.ts';
import { reprove } from '../../pipeline/reprove.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { holdFinding } from '../../sandbox/twin/guardduty.ts';
import { credentialFinding, credentialWorld, THIEF_IP } from '../../sandbox/worlds.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { unrecorded } from '../unrecorded.ts';
import { atCalls, comeBetween, killAt } from './calls.ts';

const FUNCTIONS = { enrich, classify, contain, verify };
const policy = parsePolicy(await policyWithoutFollowUps());
let sandbox: Sandbox | undefined;
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

/** A finding that is only notified while its severity is low, and contained automatically once it is high. */
async function stage() {
  const own = await startSandbox({ policy });
  sandbox = own;
  const { stolen } = credentialWorld(own.twin, 2);
  const at = new Date(Date.now() - 3_600_000);
  const event = (minutes: number, severity: number) =>
    credentialFinding(own.twin, stolen, {
      ...{ seed: 'one', severity, count: minutes },
      updatedAt: new Date(at.getTime() + minutes * 60_000),
    });
  return {
    own,
    low: async () => (await own.deliver(event(1, 2))).ended,
    high: Object.assign(async () => (await own.deliver(event(2, 8))).ended, {
      /** What Step Functions hands to Enrich for it. */
      input() {
        const { detail } = z.object({ detail: z.record(z.string(), z.json()) }).parse(event(2, 8));
        holdFinding(own.twin.state, detail);
        return {
          event: { channel: 'guardduty', detail },
          execution: arn(own.twin.scope, 'states', 'execution:firebreak-sandbox-respond:slow'),
        };
      },
    }),
    /** How it stands once nothing runs, or waits for a person. */
    async contained() {
      for (;;) {
        const [incident, ...more] = await own.incidents();
        expect(more).toEqual([]);
        const waits = incident?.status === 'awaiting-approval';
        if (own.machines.running().length > 0 && !waits) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          continue;
        }
        const thief = own.twin.request(stolen, { action: 's3:GetObject', resource: '*', sourceIp: THIEF_IP });
        const breaker = await own.runtime.table.query(`BREAKER#${own.twin.scope.account}`, 'account#');
        const slots = breaker.reduce((sum, { count }) => sum + Number(count), 0);
        return { status: incident?.status, severity: incident?.severity, thief: thief.decision, slots };
      }
    },
  };
}
const CONTAINED = { status: 'contained', severity: 8, thief: 'explicitDeny', slots: 1 };

async function callsOf(name: string, deliver: 'low' | 'high'): Promise<readonly number[]> {
  const { own, low, high } = await stage();
  if (deliver === 'high') await low();
  const calls = atCalls(own, name, async () => undefined);
  await (deliver === 'high' ? high() : low());
  await own.close();
  sandbox = undefined;
  return Array.from({ length: calls() }, (_, index) => index + 1);
}

for (const name of ['enrich', 'classify'])
  it(`is contained after ${name} died at any of its calls on the update`, { timeout: 120_000 }, async () => {
    const calls = await callsOf(name, 'high');
    expect(calls.length).toBeGreaterThan(8);
    const outcomes: Record<number, object> = {};
    for (const at of calls) {
      const { own, low, high, contained } = await stage();
      await low();
      const died = killAt(own, name, at);
      await high();
      outcomes[at] = { ...(await contained()), died: died() >= at };
      await own.close();
      sandbox = undefined;
    }
    const wanted = { ...CONTAINED, died: true };
    expect(outcomes).toEqual(Object.fromEntries(calls.map((at) => [at, wanted])));
  });

for (const name of ['enrich', 'classify'])
  it(`is contained when the update comes at any call of ${name} on the first event`, {
    timeout: 120_000,
  }, async () => {
    const calls = await callsOf(name, 'low');
    expect(calls.length).toBeGreaterThan(5);
    const outcomes: Record<number, object> = {};
    for (const at of calls) {
      const { own, low, high, contained } = await stage();
      const came = comeBetween(own, name, at, high);
      await low();
      outcomes[at] = { ...(await contained()), came: came() >= at };
      await own.close();
      sandbox = undefined;
    }
    const wanted = { ...CONTAINED, came: true };
    expect(outcomes).toEqual(Object.fromEntries(calls.map((at) => [at, wanted])));
  });

/** Reads that belong to a past are not written over what was verified since. */
for (const name of ['enrich', 'contain', 'verify'] as const)
  it(`an invocation of ${name} that outlasts its timeout replaces nothing that was verified since`, {
    timeout: 180_000,
  }, async () => {
    const outcomes: Record<number, boolean> = {};
    for (let at = 1, more = true; more; at++) {
      const { own, high } = await stage();
      const { event, execution } = high.input();
      const invoke = (task: keyof typeof FUNCTIONS, input: object) =>
        actingAs({ function: { ...own.twin.scope, name: task, stage: 'sandbox' } }, async () =>
          z.looseObject({ incidentId: z.string().optional() }).parse(
            await FUNCTIONS[task](input, {
              functionName: `firebreak-sandbox-${task}`,
              invokedFunctionArn: arn(own.twin.scope, 'lambda', `function:firebreak-sandbox-${task}`),
            } as never),
          ),
        );
      let incidentId: string | undefined;
      const tasks = {
        async enrich() {
          incidentId = (await invoke('enrich', { event, execution })).incidentId;
        },
        classify: () => invoke('classify', { incidentId, execution }),
        contain: () => invoke('contain', { incidentId, index: 0, planned: true }),
        verify: () => invoke('verify', { incidentId, asksAgain: true }),
      };
      const order = ['enrich', 'classify', 'contain', 'verify'] as const;
      const from = order.indexOf(name);
      for (const task of order.slice(0, from)) await tasks[task]();
      let verified: Incident | undefined;
      /** What Step Functions does once the first invocation has timed out. */
      const calls = comeBetween(own, name, at, async () => {
        for (const task of order.slice(from)) await tasks[task]();
        // A look of the test, not of the invocation it comes between.
        [verified] = await unrecorded(() => own.incidents());
      });
      // Nothing waits for what becomes of it.
      await tasks[name]().catch(() => undefined);
      more = calls() >= at;
      if (more) {
        const [incident] = await own.incidents();
        expect(verified).toMatchObject({ status: 'contained', targets: [{ proof: { proven: true } }] });
        outcomes[at] =
          isDeepStrictEqual(incident?.targets, verified?.targets) && incident?.status === 'contained';
      }
      await own.close();
      sandbox = undefined;
    }
    const calls = Object.keys(outcomes);
    expect(calls.length).toBeGreaterThan(4);
    expect(outcomes).toEqual(Object.fromEntries(calls.map((at) => [at, true])));
  });

it('a proving read that was overtaken does not hide what another one found removed', async () => {
  const { own, high } = await stage();
  await high();
  const [contained] = await own.incidents();
  const id = contained?.id ?? '';
  const removed = { proven: false, checks: [], residual: [], next: 'recontain' } as const;
  const { incidents, now } = own.runtime;
  let found: Incident | undefined;
  await reprove(
    {
      ...own.runtime,
      incidents: {
        ...incidents,
        async change(...given) {
          found ??= await incidents.change(id, now(), ({ targets }) => ({
            targets: targets.map((entry) => ({
              ...entry,
              ...{ proof: removed, driftedAt: now().toISOString() },
            })),
          }));
          return incidents.change(...given);
        },
      },
    },
    await incidents.get(id),
  );
  expect((await incidents.get(id)).targets).toEqual(found?.targets);
});

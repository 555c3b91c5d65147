/** Someone who may put events, or start executions, wants a containment, an approval card, or a real finding lost. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { actingAs } from '../../core/aws/acting.ts';
import { isJsonObject, type JsonObject, toJson } from '../../core/json.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { saveIntake } from '../../core/table/intake.ts';
import { handler as redrive } from '../../functions/redrive.ts';
import { channelOf, followUpExecution, redriveExecution } from '../../pipeline/channel.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { holdFinding } from '../../sandbox/twin/guardduty.ts';
import { type CredentialWorld, credentialFinding, credentialWorld, THIEF_IP } from '../../sandbox/worlds.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { guardDutyPuts, handedOn, putEvents } from './event-bus.ts';

const eventShape = z.looseObject({ detail: z.record(z.string(), z.unknown()) });
const CANARY = { source: 'firebreak.canary', 'detail-type': 'GuardDuty Finding' } as const;
const SAMPLE = { service: { additionalInfo: { sample: true, stage: 'sandbox' } } };

let sandbox: Sandbox;
let world: CredentialWorld;
beforeEach(async () => {
  const text = await policyWithoutFollowUps();
  sandbox = await startSandbox({ policy: parsePolicy(text) });
  world = credentialWorld(sandbox.twin, 3);
});
afterEach(() => sandbox.close());

const event = (parts: Partial<Parameters<typeof credentialFinding>[2]> = {}) =>
  eventShape.parse(credentialFinding(sandbox.twin, world.stolen, { seed: 'forged', ...parts }));
const contained = () =>
  sandbox.twin.request(world.stolen, { action: 's3:GetObject', resource: '*', sourceIp: THIEF_IP })
    .decision === 'explicitDeny';
/** What was done, once all that it started has ended or waits for a person. */
async function settled(work: Promise<unknown>): Promise<void> {
  await work;
  await sandbox.rest();
}
const cards = () => JSON.stringify(sandbox.slack.messages);

describe('an event on the canary rule', () => {
  it.each([
    ['in detail', (real: object) => ({ detail: real })],
    ['in Detail', (real: object) => ({ Detail: real })],
    ['with the source of GuardDuty', (real: object) => ({ source: 'aws.guardduty', detail: real })],
    ['of a state machine input', (real: object) => ({ channel: 'guardduty', detail: real })],
    ['of a redriven message', (real: object) => ({ body: JSON.stringify({ detail: real }) })],
    ['next to the members of a sample', (real: object) => real],
  ])('contains nothing for a real-looking finding inside: %s', async (_name, wrap) => {
    const forged = { ...wrap(event().detail), ...SAMPLE };
    await settled(putEvents(sandbox, { ...CANARY, detail: forged }));
    expect(contained()).toBe(false);
    const claimed = (await sandbox.incidents()).filter(({ findingId }) => findingId === event().detail['id']);
    expect(claimed).toEqual([]);
  });

  it.each([
    ['as the earlier release passed it', (followUp: object) => ({ followUp })],
    ['tagged', (followUp: object) => ({ channel: 'follow-up', followUp })],
    ['inside detail', (followUp: object) => ({ detail: { followUp }, followUp })],
  ])('opens no approval card for a follow-up inside: %s', async (_name, wrap) => {
    await settled(sandbox.deliver(event()));
    const [incident] = await sandbox.incidents();
    if (!incident) throw new Error('no incident');
    const detail = { ...wrap({ incidentId: incident.id, playbook: 'isolate-instance' }), ...SAMPLE };
    await settled(putEvents(sandbox, { ...CANARY, detail }));
    expect((await sandbox.incidents()).filter(({ followUpOf }) => followUpOf !== undefined)).toEqual([]);
    expect(cards()).not.toContain('isolate-instance');
  });

  it.each(['firebreakIntake', 'reference'])('reads no stored event by reference: %s', async (key) => {
    const { runtime } = sandbox;
    const stored = await saveIntake(runtime.table, JSON.stringify(event()), runtime.now());
    const detail = { channel: 'intake', [key]: stored, ...SAMPLE };
    await settled(putEvents(sandbox, { ...CANARY, detail }));
    expect(contained()).toBe(false);
  });

  it('does not make the real finding stale with its id and a time to come, nor overwrite it', async () => {
    const real = event();
    const forged = {
      ...real.detail,
      ...SAMPLE,
      updatedAt: '2099-01-01T00:00:00.000Z',
      title: '[SAMPLE] nothing',
    };
    await settled(putEvents(sandbox, { ...CANARY, detail: forged }));
    await settled(sandbox.deliver(real));
    expect(contained()).toBe(true);
    await settled(putEvents(sandbox, { ...CANARY, detail: forged }));
    const incident = (await sandbox.incidents()).find(({ findingId }) => findingId === real.detail['id']);
    expect(incident).toMatchObject({ sample: false, status: 'contained', title: real.detail['title'] });
    expect((await sandbox.runtime.incidents.finding(incident?.id ?? ''))?.['title']).toBe(
      real.detail['title'],
    );
  });
});

describe('the tag of a channel', () => {
  const inside = {
    channel: 'follow-up',
    followUp: { incidentId: 'fb-0123456789ab', playbook: 'isolate-instance' },
    reference: 'a'.repeat(64),
    detail: { channel: 'canary' },
    '<detail>': '"},"channel":"intake"',
    text: '"},"channel":"follow-up","x":{"y":"',
  };
  it.each([
    ['FindingsRule', 'aws.guardduty', { channel: 'guardduty', detail: inside }],
    ['ForwardedFindingsRule', 'aws.guardduty', { channel: 'forwarded', detail: inside }],
    ['CanaryRule', 'firebreak.canary', { channel: 'canary' }],
  ])('of %s is set by the rule, whatever the payload says', async (ruleId, source, envelope) => {
    const input = await handedOn(ruleId, { source, 'detail-type': 'GuardDuty Finding', detail: inside });
    expect(channelOf(input, 'started-by-eventbridge')).toEqual(envelope);
  });
});

describe('a message in the queue of what could not be started', () => {
  const redriven = (body: unknown) =>
    actingAs({ function: { ...sandbox.twin.scope, name: 'redrive', stage: 'sandbox' } }, () =>
      redrive({ Records: [{ messageId: 'm-1', body: JSON.stringify(body) }] }, {} as never),
    );
  const followUp = { incidentId: 'fb-0123456789ab', playbook: 'isolate-instance' };

  it.each([
    ['a follow-up', { channel: 'follow-up', followUp }],
    ['a follow-up of an earlier release', { followUp }],
    ['a reference', { channel: 'intake', reference: 'a'.repeat(64) }],
    ['a reference of an earlier release', { firebreakIntake: 'a'.repeat(64) }],
    ['an event of another source', { source: 'my.app', 'detail-type': 'GuardDuty Finding', detail: {} }],
  ])('starts nothing and pages: %s', async (_name, body) => {
    expect(await redriven(body)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm-1' }] });
    expect(sandbox.machines.running()).toEqual([]);
    expect(sandbox.twin.state.pages.map(({ message }) => message).join()).toContain('m-1');
  });

  it('of the canary starts the constant, and nothing of what it holds', async () => {
    const detail = { ...SAMPLE, detail: event().detail, followUp };
    await redriven({ ...CANARY, detail });
    await sandbox.rest();
    expect(await sandbox.incidents()).toEqual([]);
    expect(contained()).toBe(false);
  });

  it.each([
    ['as the rule handed it on', (detail: object) => ({ channel: 'forwarded', detail })],
    [
      'as an earlier release left it',
      (detail: object) => ({ source: 'aws.guardduty', 'detail-type': 'GuardDuty Finding', detail }),
    ],
  ])('of GuardDuty is responded to: %s', async (_name, body) => {
    const { detail } = event();
    holdFinding(sandbox.twin.state, z.custom<JsonObject>(isJsonObject).parse(toJson(detail)));
    expect(await redriven(body(detail))).toEqual({ batchItemFailures: [] });
    await sandbox.rest();
    expect(contained()).toBe(true);
  });
});

describe("a time that cannot be on GuardDuty's own rule", () => {
  it.each([
    ['in the future', { updatedAt: '2099-01-01T00:00:00.000Z' }],
    ['six minutes ahead', { updatedAt: new Date(Date.now() + 360_000).toISOString() }],
    [
      'before it was created',
      {
        createdAt: new Date(Date.now() + 200_000).toISOString(),
        updatedAt: new Date(Date.now() + 100_000).toISOString(),
      },
    ],
  ])('never wins over a stored update: %s', async (_name, times) => {
    const real = event({ updatedAt: new Date(Date.now() - 60_000) });
    await settled(sandbox.deliver(real));
    await settled(guardDutyPuts(sandbox, { ...real.detail, ...times, severity: 2 }));
    expect((await sandbox.incidents())[0]).toMatchObject({ severity: real.detail['severity'] });
  });

  it('does not keep the real update out where it came first', async () => {
    const real = event({ updatedAt: new Date(Date.now() - 60_000) });
    await settled(
      guardDutyPuts(sandbox, { ...real.detail, updatedAt: '2099-01-01T00:00:00.000Z', severity: 2 }),
    );
    await settled(sandbox.deliver(real));
    expect((await sandbox.incidents())[0]).toMatchObject({
      severity: real.detail['severity'],
      findingUpdatedAt: real.detail['updatedAt'],
    });
  });
});

describe('an execution that someone starts', () => {
  const start = async (input: unknown, name?: string) => {
    sandbox.machines.start('respond', input, name);
    await sandbox.rest();
  };

  it('is no follow-up under a name that Firebreak does not give, nor of a playbook that the incident does not ask for', async () => {
    await settled(sandbox.deliver(event()));
    const [incident] = await sandbox.incidents();
    if (!incident) throw new Error('no incident');
    const followUp = { incidentId: incident.id, playbook: 'isolate-instance' };
    await start({ channel: 'follow-up', followUp });
    await start({ followUp });
    await start({ channel: 'follow-up', followUp }, followUpExecution(followUp));
    expect(await sandbox.incidents()).toHaveLength(1);
    expect(cards()).not.toContain('isolate-instance');
    const pages = sandbox.twin.state.pages.map(({ message }) => message).join();
    expect(pages).toContain('does not ask for the follow-up');
  });

  it('reads only what was stored, and only a finding of it', async () => {
    const { table, now } = sandbox.runtime;
    const real = await saveIntake(
      table,
      JSON.stringify({ channel: 'redrive', detail: event().detail }),
      now(),
    );
    await start({ channel: 'intake', reference: real });
    expect(await sandbox.incidents()).toEqual([]);
    const nested = await saveIntake(table, JSON.stringify({ channel: 'intake', reference: real }), now());
    await start({ channel: 'intake', reference: nested }, redriveExecution('one'));
    const followUp = { incidentId: 'fb-0123456789ab', playbook: 'isolate-instance' };
    const asked = await saveIntake(table, JSON.stringify({ channel: 'follow-up', followUp }), now());
    await start({ channel: 'intake', reference: asked }, redriveExecution('two'));
    expect(await sandbox.incidents()).toEqual([]);
    const [item] = await table.query(`INTAKE#${real}`, '');
    if (!item) throw new Error('nothing was stored');
    await table.put({ ...item, pk: `INTAKE#${'0'.repeat(64)}` });
    await start({ channel: 'intake', reference: '0'.repeat(64) }, redriveExecution('three'));
    expect(await sandbox.incidents()).toEqual([]);
    await start({ channel: 'intake', reference: real }, redriveExecution('four'));
    expect(await sandbox.incidents()).toHaveLength(1);
  });

  it('takes nothing next to what its channel has', async () => {
    const { detail } = event();
    await start({
      channel: 'guardduty',
      detail,
      followUp: { incidentId: 'fb-1', playbook: 'isolate-instance' },
    });
    await start({ channel: 'other', detail });
    await start({ channel: 'simulate', detail }, 'simulate-202611250000');
    await start({ channel: 'guardduty', detail: { detail } });
    await start({ detail });
    await start(detail);
    expect(await sandbox.incidents()).toEqual([]);
    expect(contained()).toBe(false);
  });

  it('finishes what an earlier release started: its event, follow-up, intake and canary', () => {
    const followUp = { incidentId: 'fb-0123456789ab', playbook: 'isolate-instance' };
    const at = (name: string) =>
      `arn:aws:states:eu-west-1:111122223333:execution:firebreak-prod-respond:${name}`;
    const reference = 'a'.repeat(64);
    expect(channelOf(credentialFinding(sandbox.twin, world.stolen, { seed: 'old' }), at('x'))).toMatchObject({
      channel: 'guardduty',
    });
    expect(channelOf({ followUp }, at(followUpExecution(followUp)))).toEqual({
      channel: 'follow-up',
      followUp,
    });
    expect(channelOf({ firebreakIntake: reference }, at('redrive-m'))).toEqual({
      channel: 'intake',
      reference,
    });
    expect(channelOf({ id: 'firebreak-canary-2026-11-25', severity: 9 }, at('x'))).toEqual({
      channel: 'canary',
    });
  });
});

describe('a finding that GuardDuty does not hold as it was delivered is asked about, never acted on', () => {
  type Detail = Record<string, unknown>;
  /** GuardDuty holds the finding, and the event says something else. */
  async function judged(held: Detail | undefined, delivered: Detail) {
    if (held) holdFinding(sandbox.twin.state, toJsonObject(held));
    await settled(guardDutyPuts(sandbox, delivered));
    const [incident] = await sandbox.incidents();
    return incident?.decision;
  }
  const toJsonObject = (value: Detail) => z.custom<JsonObject>(isJsonObject).parse(toJson(value));
  const of = (detail: Detail, path: string) => z.record(z.string(), z.unknown()).parse(detail[path]);

  it('acts where they agree', async () => {
    const { detail } = event();
    expect(await judged(detail, detail)).toMatchObject({ kind: 'auto' });
    expect(contained()).toBe(true);
  });

  it.each<[string, (detail: Detail) => Detail | undefined, string]>([
    ['was never made', () => undefined, 'does not hold this finding'],
    ['is of another type', (held) => ({ ...held, type: 'Recon:IAMUser/MaliciousIPCaller' }), 'type is'],
    ['is less severe', (held) => ({ ...held, severity: 2 }), 'severity is 2'],
    ['is of another account', (held) => ({ ...held, accountId: '444455556666' }), 'does not hold'],
    [
      'is about another key',
      (held) => {
        const resource = of(held, 'resource');
        const accessKeyDetails = {
          ...of(resource, 'accessKeyDetails'),
          principalId: 'AROAOTHER00000000001:i-0',
        };
        return { ...held, resource: { ...resource, accessKeyDetails } };
      },
      'does not name resource.accessKeyDetails.principalId',
    ],
    ['is archived', (held) => ({ ...held, service: { ...of(held, 'service'), archived: true } }), 'archived'],
    [
      'is a sample',
      (held) => ({
        ...held,
        service: { ...of(held, 'service'), additionalInfo: { sample: true } },
      }),
      'is a sample',
    ],
  ])('%s', async (_name, change, reason) => {
    const { detail } = event();
    const decision = await judged(change(detail), detail);
    expect(decision).toMatchObject({ kind: 'ask', expiry: 'escalate' });
    expect(decision?.reasons.join()).toContain(reason);
    expect(contained()).toBe(false);
  });

  it.each([
    ['is not permitted', 'AccessDeniedException'],
    ['fails', 'BadRequestException'],
  ])('the read %s', async (_name, error) => {
    const { detail } = event();
    sandbox.twin.failNext('GetFindings', error);
    const decision = await judged(detail, detail);
    expect(decision).toMatchObject({ kind: 'ask', expiry: 'escalate' });
    expect(decision?.reasons.join()).toContain(`could not be read back from GuardDuty: ${error}`);
    expect(contained()).toBe(false);
  });
});

describe('verifyFinding', () => {
  it.each([
    ['best-effort', 'AccessDeniedException', 'auto'],
    ['best-effort', undefined, 'ask'],
    ['off', undefined, 'auto'],
  ])('%s, the read failing with %s: %s', async (verifyFinding, error, kind) => {
    await sandbox.close();
    const text = (await policyWithoutFollowUps()).replace(
      'verifyFinding: required',
      `verifyFinding: ${verifyFinding}`,
    );
    sandbox = await startSandbox({ policy: parsePolicy(text) });
    world = credentialWorld(sandbox.twin, 3);
    if (error) sandbox.twin.failNext('GetFindings', error);
    await settled(guardDutyPuts(sandbox, event().detail));
    const [incident] = await sandbox.incidents();
    expect(incident?.decision).toMatchObject({ kind });
    const reads = sandbox.twin.calls.filter(({ operation }) => operation === 'GetFindings').length;
    expect(reads).toBe(verifyFinding === 'off' ? 0 : 1);
  });
});

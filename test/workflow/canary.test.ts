/** The canary flies the whole way, over Slack and out as an event; one that is caught is paged. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { actingAs } from '../../core/aws/acting.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { handler } from '../../functions/canary.ts';
import { CANARY_KEY, CANARY_SOURCE } from '../../pipeline/canary.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { putEvents } from '../adversary/event-bus.ts';

let sandbox: Sandbox;
let later = 0;
beforeEach(async () => {
  later = 0;
  const start = Date.parse('2026-11-25T10:00:00.000Z');
  sandbox = await startSandbox({
    policy: await loadPolicy('policy.yml'),
    now: () => new Date(start + later),
  });
});
afterEach(() => sandbox.close());

const run = (event: object) =>
  actingAs({ function: { ...sandbox.twin.scope, name: 'canary', stage: 'sandbox' } }, () =>
    handler(event, {} as never),
  );
const tick = () => run({ 'detail-type': 'Scheduled Event', source: 'aws.events', detail: {} });
const sent = () =>
  sandbox.twin.state.events
    .filter(({ source }) => source === CANARY_SOURCE)
    .map(({ source, detailType, detail }) => ({
      source,
      'detail-type': detailType,
      detail: JSON.parse(detail) as Record<string, unknown>,
    }));
async function carry(): Promise<void> {
  const event = sent().at(-1);
  if (!event) throw new Error('no canary was sent');
  for (const { ended } of await putEvents(sandbox, event)) await ended;
}
/** What EventBridge does with the last canary (the rule hands on a constant), and with the incident's event at the end. */
async function fly(): Promise<void> {
  await carry();
  const out = sandbox.twin.state.events.findLast(({ detailType }) => detailType === 'Firebreak Incident');
  await run({
    source: 'firebreak',
    'detail-type': 'Firebreak Incident',
    detail: JSON.parse(out?.detail ?? '{}'),
  });
}
const paged = () => sandbox.twin.state.pages.map(({ subject }) => subject);

it('comes out, one incident and one card a day, and nothing is paged or changed', async () => {
  expect(await tick()).toEqual({ before: 'none' });
  await fly();
  later = 1_800_000;
  expect(await tick()).toEqual({ before: 'came out' });
  await fly();
  const [incident, ...rest] = await sandbox.incidents();
  expect(rest).toEqual([]);
  expect(incident).toMatchObject({
    sample: true,
    status: 'notified',
    count: 2,
    findingId: 'firebreak-canary-sandbox-2026-11-25',
  });
  expect(sandbox.slack.messages).toHaveLength(1);
  expect(JSON.stringify(sandbox.slack.messages)).toContain('SAMPLE');
  expect(paged()).toEqual([]);
  expect(sandbox.twin.calls.filter(({ service }) => !/^(SSM|EventBridge)$/.test(service))).toEqual([]);
  later = 86_400_000;
  expect(await tick()).toEqual({ before: 'came out' });
  expect(sent().at(-1)?.detail).toMatchObject({
    id: 'firebreak-canary-sandbox-2026-11-26',
    service: { count: 1 },
  });
});

it('that is lost is paged, and the next one is sent all the same', async () => {
  await tick();
  later = 1_800_000;
  expect(await tick()).toEqual({ before: 'lost' });
  expect(paged()).toEqual(['Firebreak: a sample finding did not come out of the pipeline']);
  await fly();
  later = 3_600_000;
  expect(await tick()).toEqual({ before: 'came out' });
});

it('an older one that comes late proves nothing about the last', async () => {
  await tick();
  await carry();
  const late = { source: 'firebreak', 'detail-type': 'Firebreak Incident' };
  later = 1_800_000;
  await tick();
  await run({ ...late, detail: { findingId: 'firebreak-canary-sandbox-2026-11-25' } });
  later = 3_600_000;
  expect(await tick()).toEqual({ before: 'lost' });
});

it('leaves the canary of another stage in the account alone, and says its stage in the event', async () => {
  await tick();
  const event = sent().at(-1);
  if (!event) throw new Error('no canary was sent');
  const text = JSON.stringify(event.detail).replaceAll('sandbox', 'other');
  expect(await putEvents(sandbox, { ...event, detail: JSON.parse(text) as Record<string, unknown> })).toEqual(
    [],
  );
  await fly();
  const out = sandbox.twin.state.events.findLast(({ detailType }) => detailType === 'Firebreak Incident');
  expect(JSON.parse(out?.detail ?? '{}')).toMatchObject({ stage: 'sandbox' });
});

it('goes on from the canary that an earlier release sent, whose id has no stage', async () => {
  await sandbox.database.table.put({
    ...CANARY_KEY,
    findingId: 'firebreak-canary-2026-11-25',
    number: 3,
    sentAt: '2026-11-25T09:30:00.000Z',
    cameOutAt: '2026-11-25T09:31:00.000Z',
  });
  expect(await tick()).toEqual({ before: 'came out' });
  expect(sent().at(-1)?.detail).toMatchObject({
    id: 'firebreak-canary-sandbox-2026-11-25',
    service: { count: 1 },
  });
});

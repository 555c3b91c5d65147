/** What CloudWatch counts of AI models, on the card of a finding about them. */
import { afterEach, expect, it } from 'vitest';
import { createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { SCOPE } from '../../test/playbooks/properties.ts';
import { callsAsOperator } from '../../test/unrecorded.ts';
import { awsFor, configureAws } from '../aws/client.ts';
import { parseFinding } from '../finding/finding.ts';
import { modelUseOf, modelUseWords } from './model-use.ts';

callsAsOperator();
afterEach(() => configureAws({}));

const NOW = new Date('2026-11-25T08:20:00.000Z');
const OPUS = 'anthropic.claude-opus-4-6';
const hour = (at: string, model = OPUS, tokens = 1000) => ({
  ...{ model, hour: `2026-11-${at}:00:00.000Z`, Invocations: 3 },
  ...{ InputTokenCount: tokens, OutputTokenCount: tokens / 10 },
});

function world(type = 'Impact:IAMUser/CostHarvesting', resource = {}) {
  const twin = createTwin(SCOPE);
  configureAws({ answer: (call) => twin.answer(call) });
  const event = findingOn(twin, {
    ...{ seed: 'models', type, updatedAt: new Date('2026-11-25T07:40:00.000Z') },
    resource: { resourceType: 'AccessKey', ...resource },
  });
  return { twin, use: (now = NOW) => modelUseOf(parseFinding(event), awsFor(SCOPE), now) };
}

it('counts calls and tokens of each model since the hour of the activity, and the day before apart', async () => {
  const { twin, use } = world();
  twin.region().modelUse = [
    hour('23T07'), // more than a day before
    hour('25T03'),
    hour('25T06'),
    hour('25T07', OPUS, 50_000),
    hour('25T08', OPUS, 70_000),
    hour('25T08', 'amazon.nova-pro-v1:0', 500),
    hour('24T08', 'amazon.titan-text', 9000),
  ];
  const found = await use();
  expect(found).toEqual({
    kind: 'read',
    since: '2026-11-25T07:00:00.000Z',
    to: NOW.toISOString(),
    region: SCOPE.region,
    models: [
      { id: OPUS, calls: 6, input: 120_000, output: 12_000, before: 2200 },
      { id: 'amazon.nova-pro-v1:0', calls: 3, input: 500, output: 50, before: 0 },
    ],
    more: false,
  });
  const words = found ? modelUseWords(found) : [];
  expect(words[0]).toBe(
    `${OPUS}: 6 calls, 120,000 tokens in, 12,000 out since 2026-11-25 07:00 UTC; 2,200 tokens in the 24 h before`,
  );
  expect(words.at(-1)).toMatch(/all callers of the account.*the cost is not in it/);
});

it('names the five models with the most tokens, and says that there are more', async () => {
  const { twin, use } = world();
  twin.region().modelUse = Array.from({ length: 7 }, (_, index) =>
    hour('25T07', `m${index}`, index * 100 + 100),
  );
  const found = await use();
  expect(found?.kind === 'read' && found.models.map(({ id }) => id)).toEqual(['m6', 'm5', 'm4', 'm3', 'm2']);
  expect(found && modelUseWords(found)).toContain('and further models');
});

it('says that nothing was counted, which CloudWatch may only be late with', async () => {
  const found = await world().use();
  expect(found && modelUseWords(found).join()).toMatch(/counts no invocation .*some minutes late/);
});

it('says why it does not know where CloudWatch may not be read', async () => {
  const { twin, use } = world();
  twin.failNext('GetMetricData', 'AccessDenied');
  expect(await use()).toMatchObject({ kind: 'not-read', why: expect.stringContaining('AccessDenied') });
});

it('is not asked about a finding that is not about models; one that names a guardrail is', async () => {
  const other = world('UnauthorizedAccess:IAMUser/MaliciousIPCaller');
  expect(await other.use()).toBeUndefined();
  expect(other.twin.calls).toEqual([]);
  const named = world('AttackSequence:IAM/Whatever', { modelDetails: [{ modelId: OPUS }] });
  expect(await named.use()).toMatchObject({ kind: 'read' });
});

it('is not asked about a time to come', async () => {
  expect(await world().use(new Date('2026-11-25T06:00:00.000Z'))).toMatchObject({ kind: 'not-read' });
});

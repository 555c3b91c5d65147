/** A guardrail that only detected blocks, and nothing else of it changes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import { madeUuid } from '../../sandbox/twin/made-id.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { blockPromptAttacks } from './playbook.ts';

const ID = 'abc123def456';
const ARN = `arn:aws:bedrock:eu-west-1:111122223333:guardrail/${ID}`;
const KEY = `arn:aws:kms:eu-west-1:111122223333:key/${madeUuid('guardrail')}`;
const REASONS = 'arn:aws:bedrock:eu-west-1:111122223333:automated-reasoning-policy/abc123def456:1';
const REST = {
  ...{ name: 'shop', description: 'of the shop' },
  ...{ blockedInputMessaging: 'No.', blockedOutputsMessaging: 'No answer.' },
};
const prompt = { type: 'PROMPT_ATTACK', inputStrength: 'HIGH', outputStrength: 'NONE' };
const hate = { type: 'HATE', inputStrength: 'LOW', outputStrength: 'LOW', inputAction: 'NONE' };
const POLICIES = {
  topicPolicy: {
    topics: [{ name: 'law', definition: 'legal advice', type: 'DENY' }],
    tier: { tierName: 'CLASSIC' },
  },
  wordPolicy: { words: [{ text: 'x' }], managedWordLists: [{ type: 'PROFANITY' }] },
  sensitiveInformationPolicy: {
    piiEntities: [{ type: 'EMAIL', action: 'ANONYMIZE' }],
    regexes: [{ name: 'id', pattern: '[0-9]{9}', action: 'BLOCK' }],
  },
  contextualGroundingPolicy: { filters: [{ type: 'GROUNDING', threshold: 0.7 }] },
  crossRegionDetails: {
    guardrailProfileArn: 'arn:aws:bedrock:eu-west-1:111122223333:guardrail-profile/eu.guardrail.v1:0',
  },
};

const finding = (
  twin: AccountTwin,
  guardrails: readonly object[] = [{ arn: ARN, version: '1' }],
  action = 'NONE',
) =>
  findingOn(twin, {
    ...{ seed: 'prompt', type: 'Impact:IAMUser/PromptInjection.Direct' },
    resource: {
      resourceType: 'AccessKey',
      bedrockGuardrailDetails: {
        guardrails,
        contentPolicyFilters: [{ type: 'PROMPT_ATTACK', action }],
      } as never,
    },
  });

interface World {
  readonly filter?: object | null;
  readonly more: readonly (keyof typeof POLICIES)[];
  readonly odd?: object;
}
const accounts: Accounts<World> = {
  worlds: fc.record({ more: fc.subarray(Object.keys(POLICIES) as (keyof typeof POLICIES)[]) }),
  runs: 8,
  open(twin, { more, filter = { ...prompt, inputAction: 'NONE' }, odd = {} }) {
    const filters = [hate, ...(filter === null ? [] : [filter])];
    twin.region().guardrails = {
      [ID]: {
        ...REST,
        contentPolicy: { filters, tier: { tierName: 'STANDARD' } },
        ...Object.fromEntries(more.map((name) => [name, POLICIES[name]])),
        ...odd,
      },
      other000: { ...REST, contentPolicy: { filters: [prompt] } },
    };
    return finding(twin);
  },
};
playbookProperties(blockPromptAttacks, accounts);

const database = sceneDatabase('block-prompt-attacks-test');
const open = (world: Partial<World> = {}) =>
  scene<World>(database(), blockPromptAttacks, accounts, { more: Object.keys(POLICIES) as never, ...world });
const draft = (at: ReturnType<typeof open>) => at.twin.region().guardrails?.[ID];

describe('a guardrail that only detects', () => {
  it('blocks prompt attacks, and every other setting stays; undo sets the action back', async () => {
    const at = open();
    const before = structuredClone(draft(at));
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.askBecause).toHaveLength(1);
    expect(plan.kind === 'plan' && plan.residual.join()).toMatch(/version 1 .*create-guardrail-version/);
    await at.contain();
    expect(draft(at)).toEqual({
      ...before,
      contentPolicy: { filters: [hate, { ...prompt, inputAction: 'BLOCK' }], tier: { tierName: 'STANDARD' } },
    });
    expect(await at.prove()).toMatchObject({ proven: true });
    await at.undo();
    expect(draft(at)).toEqual(before);
  });

  it('keeps what was changed since when it is undone', async () => {
    const at = open({ more: [] });
    await at.contain();
    Object.assign(draft(at) ?? {}, { description: 'changed since' });
    await at.undo();
    expect(draft(at)).toMatchObject({
      description: 'changed since',
      contentPolicy: { filters: [hate, { ...prompt, inputAction: 'NONE' }] },
    });
  });

  it.each<[string, Partial<World>, RegExp]>([
    ['no such filter', { filter: null }, /does not look at prompts/],
    ['one that is off', { filter: { ...prompt, inputAction: 'NONE', inputEnabled: false } }, /does not look/],
    ['a key of its own', { odd: { kmsKeyArn: KEY } }, /kmsKeyArn/],
    [
      'a setting it does not write',
      { odd: { automatedReasoningPolicy: { policies: [REASONS] } } },
      /automatedReas/,
    ],
  ])('with %s: refused without a change', async (_what, world, why) => {
    const at = open(world);
    expect(await at.plan()).toMatchObject({ kind: 'refused', reason: expect.stringMatching(why) });
    expect(at.changes()).toBe(0);
  });

  it.each<[string, readonly object[], string, RegExp]>([
    ['blocked', [{ arn: ARN }], 'BLOCKED', /blocked the prompt/],
    ['of another account', [{ arn: ARN.replace('1111', '9999') }], 'NONE', /of this account/],
    ['of several', [{ arn: ARN }, { arn: `${ARN}x` }], 'NONE', /several guardrails/],
    ['with a path', [{ arn: `${ARN}/../other000` }], 'NONE', /of this account/],
  ])('%s: is no target', (_what, guardrails, action, why) => {
    expect(
      blockPromptAttacks.targetOf(parseFinding(finding(createTwin(SCOPE), guardrails, action))),
    ).toMatchObject({
      ok: false,
      reason: expect.stringMatching(why),
    });
  });
});

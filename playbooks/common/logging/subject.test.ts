import { expect, it } from 'vitest';
import { z } from 'zod';
import type { Plan, StepOf, Target } from '../../../core/journal/playbook.ts';
import type { JsonObject } from '../../../core/json.ts';
import { restoreEventSelectors } from '../../restore-event-selectors/playbook.ts';
import { restoreLogging } from '../../restore-logging/playbook.ts';
import { stepKind } from '../step-kind.ts';
import { defineSubject } from './subject.ts';

const facts = { trail: null, api: 'StopLogging', principalId: null, accessKeyId: null, since: '2026-11-01' };
const at = (kind: string): Target<typeof facts> => ({
  partition: 'aws',
  account: '111122223333',
  region: 'eu-west-1',
  kind,
  id: 'x',
  display: `the ${kind}`,
  facts,
});
const options = { caseId: 'fb-1', now: new Date(0), settings: {}, protectedArns: [], approved: false };

const DAMAGED: readonly (readonly [string, JsonObject])[] = [
  ['cloudtrail', { trails: [{ arn: 'x', logging: 'no' }] }],
  ['cloudtrail', { live: null }],
  ['vpc-flow-logs', { gone: 'none', unread: null }],
  ['bucket-access-logs', { live: null, baseline: { known: 'maybe' } }],
  ['password-policy', {}],
  ['model-invocation-logging', { live: null }],
  ['guardduty-detector', { baseline: { known: false, why: '' } }],
];

it.each(DAMAGED)('refuses a damaged state of %s, with the resource and what to do', (kind, state) => {
  const fault = expect.objectContaining({
    code: 'InputInvalid',
    resource: `the ${kind}`,
    next: expect.any(String),
  });
  expect(() => restoreLogging.plan(state, at(kind), options)).toThrow(fault);
  if (kind === 'cloudtrail') {
    expect(() => restoreEventSelectors.plan(state, at(kind), options)).toThrow(fault);
  }
});

const kind = stepKind(z.object({ lamp: z.string() }), {
  value: z.literal('on').nullable(),
  foreign: () => undefined,
  read: async () => ({ value: null }),
  after: () => 'on',
  apply: async () => undefined,
  revert: 'keep',
});
const KINDS = { light: kind };
const outline = { id: 'x', role: 'contain', describe: '', before: null, after: 'on' } as const;
const plan = (steps: readonly StepOf<typeof KINDS>[]): Plan<StepOf<typeof KINDS>> => ({
  kind: 'plan',
  steps,
  blastRadius: { count: 1, unit: 'lamps', detail: [] },
  ...{ warnings: [], residual: [], askBecause: [], tags: {}, arns: [] },
});

it('hands its parsed state to the plan of a subject, whose steps are of its kinds', () => {
  const lamps = defineSubject({
    kind: 'lamps',
    state: z.object({ out: z.array(z.string()) }),
    kinds: KINDS,
    read: async () => ({ out: [] }),
    plan: ({ out }) => plan(out.map((lamp) => ({ ...outline, kind: 'light', args: { lamp } }))),
    verify: async () => ({ proven: true, checks: [], residual: [], next: 'final' }),
  });
  expect(lamps.plan({ out: ['north'], seen: 1 }, at('lamps'), options)).toMatchObject({
    steps: [{ kind: 'light', args: { lamp: 'north' } }],
  });
  const wrong: readonly StepOf<typeof KINDS>[] = [
    // @ts-expect-error there is no such kind
    { ...outline, kind: 'ligth', args: { lamp: 'north' } },
    // @ts-expect-error an argument has another type
    { ...outline, kind: 'light', args: { lamp: 7 } },
  ];
  expect(wrong).toHaveLength(2);
});

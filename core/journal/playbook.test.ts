import { expect, it } from 'vitest';
import { z } from 'zod';
import { awsFor } from '../aws/client.ts';
import type { JsonObject } from '../json.ts';
import {
  definePlaybook,
  type StepContext,
  type StepKind,
  type StepOf,
  type StepView,
  type StepViewOf,
  type Target,
} from './playbook.ts';

const scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };

const kindWith = <A extends JsonObject>(args: z.ZodType<A>): StepKind<A> => ({
  args,
  read: async () => ({ value: null }),
  after: () => 'ours',
  apply: async () => undefined,
  revert: 'keep',
});
const KINDS = {
  close: kindWith(z.object({ gate: z.string() })),
  count: kindWith(z.object({ gate: z.string(), times: z.number() })),
};
type Step = StepOf<typeof KINDS>;
const outline = { id: 'x', role: 'contain', describe: '', before: null, after: null } as const;

const toy = definePlaybook({
  id: 'toy',
  title: '',
  about: '',
  handles: [],
  reversible: { kind: 'fully' },
  permissions: { read: [], write: [] },
  proofDelaySeconds: 0,
  facts: z.object({ gate: z.string() }),
  state: z.object({ open: z.boolean() }),
  kinds: KINDS,
  targetOf: () => ({ ok: false, reason: 'toy' }),
  read: async ({ facts }) => ({ open: facts.gate.length > 0 }),
  plan: ({ open }, { facts }) => ({
    kind: 'plan',
    steps: open ? [{ ...outline, kind: 'close', args: { gate: facts.gate } }] : [],
    blastRadius: { count: 1, unit: 'gates', detail: [] },
    ...{ warnings: [], residual: [], askBecause: [], tags: {}, arns: [] },
  }),
  verify: async (_context, steps) => ({
    proven: true,
    checks: steps.map((step) => ({ id: step.id, ok: true, saw: seen(step) })),
    residual: [],
    next: 'final',
  }),
});
/** Compiles only while each kind carries its own arguments. */
const seen = (step: StepViewOf<typeof KINDS>): string =>
  step.kind === 'count' ? `${step.args.gate}, ${step.args.times.toFixed()} times` : step.args.gate;
const recorded = (kind: string, args: JsonObject): StepView => ({
  ...{ id: 'x', role: 'contain', status: 'done', doneAt: undefined },
  ...{ kind, args, before: null, after: null, output: undefined },
});
const target = (facts: JsonObject): Target => ({ ...scope, kind: 'gate', id: 'g', display: 'gate g', facts });
const options = { caseId: 'fb-1', now: new Date(0), settings: {}, protectedArns: [], approved: false };

it('hands parsed facts and state to the functions of a playbook', async () => {
  const state = await toy.read(target({ gate: 'north' }), awsFor(scope));
  const plan = toy.plan(state, target({ gate: 'north' }), options);
  expect(plan).toMatchObject({ steps: [{ kind: 'close', args: { gate: 'north' } }] });
});

it('refuses records that do not fit, with the resource and what to do', () => {
  const wrong = () => toy.plan({ open: 'yes' }, target({ gate: 'north' }), options);
  expect(wrong).toThrow(expect.objectContaining({ code: 'InputInvalid', resource: 'gate g' }));
  const facts = () => toy.plan({ open: true }, target({ gate: 7 }), options);
  expect(facts).toThrow(expect.objectContaining({ code: 'InputInvalid', resource: 'gate g' }));
});

const context = (): StepContext => ({
  ...{ target: target({ gate: 'north' }), aws: awsFor(scope), caseId: 'fb-1' },
  ...{ outputs: {}, now: () => new Date(0) },
});

it('hands the steps of the journal to the proving read with the arguments of their kinds', async () => {
  const steps = [recorded('count', { gate: 'north', times: 2 }), recorded('close', { gate: 'south' })];
  const { checks } = await toy.verify(context(), steps);
  expect(checks.map(({ saw }) => saw)).toEqual(['north, 2 times', 'south']);
});

it.each([
  ['arguments that do not fit', recorded('count', { gate: 'north', times: 'two' })],
  ['a kind that there is not', recorded('paint', { gate: 'north' })],
  ['a kind that every object inherits', recorded('constructor', { gate: 'north' })],
])('proves nothing from a recorded step with %s', async (_name, step) => {
  await expect((async () => toy.verify(context(), [step]))()).rejects.toMatchObject({
    code: 'InputInvalid',
    resource: 'gate g',
  });
});

it('lets no step with another kind or other arguments compile', () => {
  const steps: readonly Step[] = [
    { ...outline, kind: 'close', args: { gate: 'north' } },
    // @ts-expect-error there is no such kind
    { ...outline, kind: 'clos', args: { gate: 'north' } },
    // @ts-expect-error an argument is missing
    { ...outline, kind: 'count', args: { gate: 'north' } },
    // @ts-expect-error an argument has another type
    { ...outline, kind: 'count', args: { gate: 'north', times: 'two' } },
    // @ts-expect-error no kind has such an argument
    { ...outline, kind: 'close', args: { gate: 'north', reason: '' } },
  ];
  expect(steps.filter(({ kind, args }) => KINDS[kind]?.args.safeParse(args).success)).toHaveLength(2);
});

/**
 * Someone who can write to the table changes a step of the journal, so that undo or the sweep writes their policy. Every kind of
 * step is held to the same by its playbook's own tests (test/playbooks/planted.ts).
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import type { PlannedStep, StepContext } from '../../core/journal/playbook.ts';
import type { Json } from '../../core/json.ts';
import { denyTagged } from '../../playbooks/common/iam/policy-documents.ts';
import { revokeInstanceSession as playbook } from '../../playbooks/revoke-instance-session/playbook.ts';
import { openWorld, shareRole, targetOf, type World } from '../playbooks/role-world.ts';

const ALLOW = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
const NOW = new Date('2026-11-24T08:00:00.000Z');

let world: World;
beforeEach(() => {
  world = openWorld();
  shareRole(world, 1);
});
afterEach(() => configureAws({}));

async function planned(lever: 'session' | 'pin' | 'role') {
  const target = targetOf();
  const aws = awsFor(target);
  const settings = { lever };
  const plan = playbook.plan(await playbook.read(target, aws, settings), target, {
    caseId: 'fb-0123456789ab',
    now: NOW,
    settings,
    protectedArns: [],
    approved: true,
  });
  const [step] = plan.kind === 'plan' ? plan.steps : [];
  if (!step) throw new Error('no plan');
  const kind = playbook.kinds[step.kind];
  if (!kind) throw new Error(`no kind ${step.kind}`);
  const context: StepContext = { target, aws, caseId: 'fb-0123456789ab', outputs: {}, now: () => NOW };
  return { step, kind, context };
}

/** Every statement of every inline policy that the role carries now. */
const effects = () =>
  [...world.inline.values()].flatMap((text): unknown[] => {
    const { Statement } = JSON.parse(text);
    return [Statement].flat().map((one) => one?.Effect);
  });
const onlyDenies = () => expect(effects().filter((effect) => effect !== 'Deny')).toEqual([]);

const withDocument = (args: PlannedStep['args'], document: Json) => ({ ...args, document });

it.each(['session', 'pin', 'role'] as const)(
  'a document planted in a step of lever: %s is not written',
  async (lever) => {
    const { step, kind, context } = await planned(lever);
    const args = withDocument(step.args, ALLOW);
    await kind.apply(args, context, null, ALLOW);
    expect(effects()).toEqual(['Deny']);
    expect(await kind.after(args, context, null)).not.toEqual(ALLOW);
  },
);

it.each(['session', 'pin', 'role'] as const)(
  'an Allow planted as the prior policy of lever: %s is not restored',
  async (lever) => {
    const { step, kind, context } = await planned(lever);
    if (kind.revert === 'keep') throw new Error('undo has nothing to do');
    await expect(kind.revert(step.args, context, ALLOW, null)).rejects.toMatchObject({ code: 'StepFailed' });
    onlyDenies();
  },
);

it('a step of an earlier release that knows its pods by the document alone still denies those pods', async () => {
  const { step, kind, context } = await planned('session');
  const pods = denyTagged({ 'aws:PrincipalTag/kubernetes-pod-uid': ['one', 'two'] });
  expect(await kind.after(withDocument(step.args, pods), context, null)).toEqual(pods);
});

it('tags that do not name a session are not taken: the deny would be of the whole role', async () => {
  const { step, kind, context } = await planned('session');
  const written = kind.apply({ ...step.args, sessionTags: {} }, context, null, null);
  await expect(written).rejects.toMatchObject({ code: 'InputInvalid' });
});

/** JSON that looks like a policy as often as not. */
const statement = fc.record(
  {
    Effect: fc.constantFrom('Allow', 'Deny', 'deny', ''),
    Action: fc.constantFrom('*', 'iam:*'),
    NotAction: fc.constant('s3:*'),
    Resource: fc.constant('*'),
  },
  { requiredKeys: [] },
);
const document = fc.oneof(
  fc.record({ Statement: fc.oneof(statement, fc.array(statement, { maxLength: 3 })) }),
  fc.jsonValue(),
);

it('whatever is stored with a step, only denies are written', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('session', 'pin', 'role'),
      document,
      document,
      document,
      async (lever, stored, before, after) => {
        world.inline.clear();
        const { step, kind, context } = await planned(lever);
        // fast-check's values are JSON; its types do not say so.
        const json = (value: unknown): Json => JSON.parse(JSON.stringify(value));
        await kind.apply(withDocument(step.args, json(stored)), context, json(before), json(after));
        expect(effects()).toEqual(['Deny']);
        if (kind.revert === 'keep') return;
        await kind
          .revert(step.args, context, json(before), json(after))
          .catch((error: unknown) => expect(error).toMatchObject({ code: 'StepFailed' }));
        onlyDenies();
      },
    ),
    { numRuns: 200 },
  );
});

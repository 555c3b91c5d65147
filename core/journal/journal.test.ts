import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type OwnDatabase, openDatabase } from '../../sandbox/database.ts';
import { undoToEnd } from '../../test/playbooks/undo-to-end.ts';
import { awsFor, configureAws } from '../aws/client.ts';
import { FirebreakError } from '../errors.ts';
import type { Json } from '../json.ts';
import { contain, holdOf, journalOf } from './journal.ts';
import { definePlaybook, inPlace, type PlannedStep, type Playbook, type Target } from './playbook.ts';
import { revertPrepared } from './revert-prepared.ts';
import { driftsOf } from './undo-preview.ts';

const scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
let database: OwnDatabase;
beforeAll(async () => {
  database = await openDatabase(scope, 'journal-test');
});
afterAll(() => database.close());

/** The table's calls until it throttles them all; Infinity where it does not. */
let untilThrottled = Number.POSITIVE_INFINITY;
let tableCalls = 0;
beforeAll(() => {
  configureAws({ retryBaseMs: 1 });
  database.client.middlewareStack.add(
    <I, O>(next: (args: I) => Promise<O>) =>
      async (args: I): Promise<O> => {
        tableCalls += 1;
        if (tableCalls <= untilThrottled) return next(args);
        throw awsError('ProvisionedThroughputExceededException', 400);
      },
    { step: 'initialize', priority: 'low', name: 'throttle' },
  );
});
afterAll(() => configureAws({}));

class Killed extends Error {}
const awsError = (name: string, status: number) =>
  Object.assign(new Error(name), { name, $fault: 'client', $metadata: { httpStatusCode: status } });

/** A resource of several values; every write can be the one at which the handler dies, before or after it took effect. */
class Resource {
  readonly values = new Map<string, Json>();
  writes = 0;
  dieAt: { write: number; when: 'before' | 'after' } | undefined;
  failures = new Map<string, Error>();
  set(key: string, value: Json): void {
    const failure = this.failures.get(key);
    if (failure) throw failure;
    this.writes += 1;
    if (this.dieAt?.write === this.writes && this.dieAt.when === 'before') throw new Killed();
    this.values.set(key, value);
    if (this.dieAt?.write === this.writes && this.dieAt.when === 'after') throw new Killed();
  }
  get state(): Record<string, Json> {
    return Object.fromEntries(this.values);
  }
}

let serial = 0;
/** `expects`: a step is stored as tried with what the plan saw, next to its read. */
function world(initial: Record<string, Json>, expects = false) {
  serial += 1;
  const resource = new Resource();
  for (const [key, value] of Object.entries(initial)) resource.values.set(key, value);
  const playbook: Playbook = definePlaybook({
    id: 'toy',
    title: 'toy',
    about: '',
    handles: [],
    reversible: { kind: 'fully' },
    permissions: { read: [], write: [] },
    proofDelaySeconds: 0,
    state: z.object({}),
    targetOf: () => ({ ok: false, reason: 'toy' }),
    read: async () => ({}),
    plan: () => ({ kind: 'refused', reason: 'toy', alternative: '' }),
    verify: async () => ({ proven: true, checks: [], residual: [], next: 'final' }),
    kinds: {
      // Two writes, through an intermediate value, as an interface goes through the transit group.
      quarantine: {
        args: z.object({ key: z.string() }),
        read: async ({ key }) => ({ value: resource.values.get(String(key)) ?? null }),
        after: () => 'quarantine',
        ...(expects ? { expects: true as const } : {}),
        between: () => ['transit'],
        apply: async ({ key }) => {
          resource.set(String(key), 'transit');
          resource.set(String(key), 'quarantine');
          return undefined;
        },
        revert: async ({ key }, _context, before) => {
          resource.set(String(key), before);
          return 'reverted';
        },
      },
      suspend: {
        args: z.object({ key: z.string() }),
        read: async ({ key }) => ({ value: resource.values.get(String(key)) ?? null }),
        after: () => 'suspended',
        worse: (_args, _context, { live, contained }) =>
          live === 'suspended' && !contained ? 'scaling is suspended' : undefined,
        apply: async ({ key }) => {
          resource.set(String(key), 'suspended');
          return undefined;
        },
        revert: async ({ key }, _context, before) => {
          resource.set(String(key), before);
          return 'reverted';
        },
      },
      evidence: {
        args: z.object({ key: z.string() }),
        read: async ({ key }) => ({ value: resource.values.get(String(key)) ?? null, output: 'made' }),
        after: () => 'kept',
        apply: async ({ key }) => {
          resource.set(String(key), 'kept');
          return 'made';
        },
        revert: 'keep',
      },
    },
  });
  const target: Target = { ...scope, kind: 'toy', id: `r-${serial}`, display: `r-${serial}`, facts: {} };
  const run = (incidentId: string) => ({
    table: database.table,
    aws: awsFor(scope),
    now: () => new Date(),
    playbook,
    target,
    incidentId,
  });
  return { resource, playbook, target, run };
}

const suspend: PlannedStep = {
  ...{ id: 'scaling', kind: 'suspend', role: 'prepare', describe: 'suspend' },
  ...{ args: { key: 'scaling' }, before: null, after: null },
};

const plan = (
  keys: readonly string[],
  needs: readonly string[] = [],
  saw: Readonly<Record<string, Json>> = {},
): PlannedStep[] =>
  keys.map((key) => ({
    id: key,
    kind: key.startsWith('evidence') ? 'evidence' : 'quarantine',
    role: key.startsWith('evidence') ? 'evidence' : 'contain',
    describe: key,
    args: { key },
    before: saw[key] ?? null,
    after: null,
    needs,
  }));

async function untilDone<T>(resource: Resource, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    resource.dieAt = undefined;
    return work();
  }
}

const initialState = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', 'd'),
  fc.oneof(
    fc.string(),
    fc.constant('quarantine'),
    fc.constant(null),
    fc.array(fc.string(), { maxLength: 2 }),
  ),
  { minKeys: 1 },
);

describe('journal', () => {
  it('contains, and undo restores exactly what was', async () => {
    await fc.assert(
      fc.asyncProperty(initialState, fc.boolean(), initialState, async (initial, expects, saw) => {
        const { resource, run } = world(initial, expects);
        const first = resource.state;
        const { steps } = await contain(run('fb-1'), plan(Object.keys(initial), [], { ...initial, ...saw }));
        expect(steps.every(({ status }) => inPlace(status))).toBe(true);
        for (const value of Object.values(resource.state)) expect(value).toBe('quarantine');
        expect((await undoToEnd(run('fb-1'))).kind).toBe('undone');
        expect(resource.state).toEqual(first);
      }),
      { numRuns: 25 },
    );
  });

  it('comes to the same end after a crash at any write, of contain or of undo', async () => {
    await fc.assert(
      fc.asyncProperty(
        initialState,
        fc.integer({ min: 1, max: 10 }),
        fc.constantFrom<'before' | 'after'>('before', 'after'),
        fc.integer({ min: 1, max: 6 }),
        fc.boolean(),
        async (initial, write, when, undoWrite, expects) => {
          const { resource, run } = world(initial, expects);
          const first = resource.state;
          const keys = Object.keys(initial);
          resource.dieAt = { write, when };
          await untilDone(resource, () => contain(run('fb-1'), plan(keys, [], initial)));
          for (const key of keys) expect(resource.values.get(key)).toBe('quarantine');
          resource.dieAt = { write: resource.writes + undoWrite, when };
          await untilDone(resource, () => undoToEnd(run('fb-1')));
          // A killed undo goes on with the next call; one that was not killed leaves nothing to do.
          await undoToEnd(run('fb-1'));
          expect(resource.state).toEqual(first);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('writes nothing the second time', async () => {
    const { resource, run } = world({ a: 'x', b: 'y' });
    await contain(run('fb-1'), plan(['a', 'b']));
    const before = resource.writes;
    const again = await contain(run('fb-1'), plan(['a', 'b']));
    expect(resource.writes).toBe(before);
    expect(again.steps.map(({ status }) => status)).toEqual(['done', 'done']);
  });

  it('lets two incidents hold a resource together in any interleaving; the last undo restores', async () => {
    const moves = fc.shuffledSubarray(['contain 1', 'contain 2', 'undo 1', 'undo 2'], { minLength: 4 });
    await fc.assert(
      fc.asyncProperty(moves, fc.boolean(), async (order, expects) => {
        const { resource, run } = world({ a: 'x', b: null }, expects);
        const first = resource.state;
        for (const move of order) {
          const [what, who] = move.split(' ');
          if (what === 'contain') await contain(run(`fb-${who}`), plan(['a', 'b'], [], { a: 'x' }));
          else await undoToEnd(run(`fb-${who}`));
        }
        // An undo that came before its contain found nothing: undo both once more.
        const held = (await holdOf(database.table, run('fb-1').target, 'toy'))?.incidents ?? [];
        const quarantined = resource.values.get('a') === 'quarantine';
        expect(quarantined).toBe(held.length > 0);
        await undoToEnd(run('fb-1'));
        await undoToEnd(run('fb-2'));
        expect(resource.state).toEqual(first);
      }),
      { numRuns: 24 },
    );
  });

  it('never captures the quarantine as prior state when a second incident joins', async () => {
    const { run, target } = world({ a: 'x' });
    await contain(run('fb-1'), plan(['a']));
    const joined = await contain(run('fb-2'), plan(['a']));
    expect(joined.joined).toBe(true);
    expect(joined.caseId).toBe('fb-1');
    expect((await journalOf(database.table, target, 'toy')).map(({ before }) => before)).toEqual(['x']);
    expect(await undoToEnd(run('fb-1'))).toEqual({ kind: 'held', by: ['fb-2'] });
  });

  it('adds what a later plan found and undoes that as well', async () => {
    const { resource, run } = world({ a: 'x', b: 'new interface' });
    await contain(run('fb-1'), plan(['a']));
    await contain(run('fb-1'), plan(['a', 'b']));
    expect(resource.state).toEqual({ a: 'quarantine', b: 'quarantine' });
    await undoToEnd(run('fb-1'));
    expect(resource.state).toEqual({ a: 'x', b: 'new interface' });
  });

  it('undo overwrites exactly the drift that it was shown, and none before', async () => {
    const { resource, run } = world({ a: 'x', b: 'y', c: 'z' });
    await contain(run('fb-1'), plan(['a', 'b', 'c']));
    expect(await driftsOf(run('fb-1'))).toEqual([]);
    resource.values.set('a', 'edited');
    resource.values.set('b', 'edited');
    // Given too early, by a person who saw another value, and for a step that is not there: nothing is forced.
    await undoToEnd(run('fb-1'), { a: 'other', d: 'edited' });
    expect(resource.state).toEqual({ a: 'edited', b: 'edited', c: 'z' });
    const drifts = await driftsOf(run('fb-1'));
    expect(drifts.map(({ step, live, before }) => [step, live, before])).toEqual([
      ['a', 'edited', 'x'],
      ['b', 'edited', 'y'],
    ]);
    expect(await driftsOf(run('fb-2'))).toEqual([]);
    expect((await undoToEnd(run('fb-1'), { a: 'edited' })).kind).toBe('partial');
    expect(resource.state).toEqual({ a: 'x', b: 'edited', c: 'z' });
    expect((await undoToEnd(run('fb-1'), { b: 'edited' })).kind).toBe('undone');
    expect(resource.state).toEqual({ a: 'x', b: 'y', c: 'z' });
  });

  it('reports drift and overwrites nothing, in contain and in undo', async () => {
    const { resource, run } = world({ a: 'x', b: 'y' });
    await contain(run('fb-1'), plan(['a', 'b']));
    resource.values.set('a', 'an engineer was here');
    const again = await contain(run('fb-1'), plan(['a', 'b']));
    expect(again.steps.map(({ status }) => status)).toEqual(['drift', 'done']);
    const undone = await undoToEnd(run('fb-1'));
    expect(undone.kind).toBe('partial');
    expect(resource.state).toEqual({ a: 'an engineer was here', b: 'y' });
    resource.values.set('a', 'x');
    expect((await undoToEnd(run('fb-1'))).kind).toBe('undone');
  });

  it('puts a quarantined value back in place after an attacker restored the old one', async () => {
    const { resource, run } = world({ a: 'x' });
    await contain(run('fb-1'), plan(['a']));
    resource.values.set('a', 'x');
    await contain(run('fb-1'), plan(['a']));
    expect(resource.values.get('a')).toBe('quarantine');
  });

  it('keeps evidence after undo and finishes an interface left in transit', async () => {
    const { resource, run } = world({ evidence: null, a: 'x' });
    resource.dieAt = { write: 2, when: 'after' };
    await expect(contain(run('fb-1'), plan(['evidence', 'a']))).rejects.toThrow(Killed);
    expect(resource.values.get('a')).toBe('transit');
    resource.dieAt = undefined;
    await contain(run('fb-1'), plan(['evidence', 'a']));
    expect(resource.values.get('a')).toBe('quarantine');
    await undoToEnd(run('fb-1'));
    expect(resource.state).toEqual({ evidence: 'kept', a: 'x' });
  });

  it('goes on after a failed step, skips what needs it, and does not try AccessDenied again', async () => {
    const { resource, run } = world({ a: 'x', b: 'y', c: 'z' });
    resource.failures.set('a', awsError('AccessDenied', 403));
    const steps = [...plan(['a', 'b']), ...plan(['c'], ['a'])];
    const result = await contain(run('fb-1'), steps);
    expect(result.steps.map(({ status }) => status)).toEqual(['failed', 'done', 'skipped']);
    expect(result.steps[0]?.note).toContain('AccessDenied');
    resource.failures.clear();
    expect((await contain(run('fb-1'), steps)).steps[0]?.status).toBe('failed');
    await undoToEnd(run('fb-1'));
    expect(resource.state).toEqual({ a: 'x', b: 'y', c: 'z' });
  });

  it('fails a step whose conflict does not pass, and tries it again on the next pass', async () => {
    const { resource, run } = world({ a: 'x', b: 'y' });
    resource.failures.set('a', awsError('OperationAborted', 409));
    const { steps } = await contain(run('fb-1'), plan(['a', 'b']));
    expect(steps).toMatchObject([{ status: 'failed', retry: true }, { status: 'done' }]);
    resource.failures.clear();
    expect((await contain(run('fb-1'), plan(['a', 'b']))).steps[0]?.status).toBe('done');
  });

  it('tries a throttled step again on the next pass', async () => {
    const { resource, run } = world({ a: 'x' });
    resource.failures.set('a', awsError('RequestLimitExceeded', 503));
    expect((await contain(run('fb-1'), plan(['a']))).steps[0]?.status).toBe('failed');
    resource.failures.clear();
    expect((await contain(run('fb-1'), plan(['a']))).steps[0]?.status).toBe('done');
  });

  it('never takes an error of the table for one of a step: the call fails, and the next one goes on', async () => {
    const callsOf = async <T>(work: () => Promise<T>): Promise<number> => {
      tableCalls = 0;
      await work();
      return tableCalls;
    };
    /** Throttles from the nth call of the table on, then lets the work through. */
    const throttledAt = async <T>(nth: number, work: () => Promise<T>): Promise<T> => {
      [tableCalls, untilThrottled] = [0, nth];
      const error: unknown = await work().then(
        () => 'nothing thrown',
        (thrown: unknown) => thrown,
      );
      untilThrottled = Number.POSITIVE_INFINITY;
      expect(error, `throttled after call ${nth}`).toMatchObject({ name: 'TableUnavailable' });
      return work();
    };
    const measured = world({ a: 'x', b: 'y' });
    const steps = plan(['a', 'b']);
    const containing = await callsOf(() => contain(measured.run('fb-1'), steps));
    const undoing = await callsOf(() => undoToEnd(measured.run('fb-1')));
    expect(Math.min(containing, undoing)).toBeGreaterThan(6);
    for (let nth = 0; nth < containing; nth++) {
      const { resource, run, target } = world({ a: 'x', b: 'y' });
      const { steps: done } = await throttledAt(nth, () => contain(run('fb-1'), steps));
      expect(done.map(({ status }) => status)).toEqual(['done', 'done']);
      if (nth < undoing) await throttledAt(nth, () => undoToEnd(run('fb-1')));
      else await undoToEnd(run('fb-1'));
      expect(resource.state).toEqual({ a: 'x', b: 'y' });
      const statuses = (await journalOf(database.table, target, 'toy')).map(({ status }) => status);
      expect(statuses).toEqual(['undone', 'undone']);
    }
  });

  it('refuses a second writer while one is at work', async () => {
    const { run, playbook } = world({ a: 'x' });
    const kind = playbook.kinds['quarantine'];
    if (!kind) throw new Error('no kind');
    let enter: () => void = () => undefined;
    const inside = new Promise<void>((resolve) => {
      enter = resolve;
    });
    let leave: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const slow: Playbook = {
      ...playbook,
      kinds: {
        quarantine: {
          ...kind,
          apply: async (...args) => {
            enter();
            await gate;
            return kind.apply(...args);
          },
        },
      },
    };
    const first = contain({ ...run('fb-1'), playbook: slow }, plan(['a']));
    await inside;
    await expect(contain(run('fb-2'), plan(['a']))).rejects.toThrow(FirebreakError);
    leave();
    expect((await first).steps[0]?.status).toBe('done');
  });
});

describe('what only prepared a containment', () => {
  const denied = awsError('AccessDenied', 403);
  const worldOf = () => world({ scaling: 'on', a: 'x', evidence: null });
  const steps = [suspend, ...plan(['a', 'evidence'])];
  type Run = ReturnType<ReturnType<typeof world>['run']>;
  const later = (run: Run, minutes: number): Run => ({
    ...run,
    now: () => new Date(Date.now() + minutes * 60_000),
  });

  it('is reverted once where AWS refused the containment, and a later one begins from the start', async () => {
    const { resource, run } = worldOf();
    resource.failures.set('a', denied);
    await contain(run('fb-1'), steps);
    expect(resource.values.get('scaling')).toBe('suspended');
    expect(await revertPrepared(run('fb-1'))).toMatchObject({
      ...{ kind: 'reverted', worse: ['scaling is suspended'] },
      steps: [{ id: 'scaling', status: 'undone' }],
    });
    expect(resource.state).toEqual({ scaling: 'on', a: 'x', evidence: 'kept' });
    expect(await revertPrepared(run('fb-1'))).toEqual({ kind: 'nothing' });
    resource.failures.clear();
    resource.values.set('scaling', 'half');
    await contain(run('fb-1'), steps);
    expect(resource.state).toEqual({ scaling: 'suspended', a: 'quarantine', evidence: 'kept' });
    await undoToEnd(run('fb-1'));
    expect(resource.state).toEqual({ scaling: 'half', a: 'x', evidence: 'kept' });
  });

  it('is tried again where AWS refused the revert', async () => {
    const { resource, run } = worldOf();
    resource.failures.set('a', denied);
    await contain(run('fb-1'), steps);
    resource.failures.set('scaling', denied);
    expect(await revertPrepared(run('fb-1'))).toMatchObject({ steps: [{ status: 'failed' }] });
    resource.failures.clear();
    expect(await revertPrepared(run('fb-1'))).toMatchObject({ steps: [{ status: 'undone' }] });
    expect(resource.values.get('scaling')).toBe('on');
  });

  it.each<[string, Error, Json]>([
    ['the containment is tried again', awsError('RequestLimitExceeded', 503), 'x'],
    ['half of the containment is in place', denied, 'transit'],
    ['the containment is in place after all', denied, 'quarantine'],
  ])('stays where %s', async (_what, error, live) => {
    const { resource, run } = worldOf();
    resource.failures.set('a', error);
    await contain(run('fb-1'), steps);
    resource.values.set('a', live);
    expect(await revertPrepared(run('fb-1'))).toEqual({ kind: 'nothing' });
    expect(resource.values.get('scaling')).toBe('suspended');
  });

  it('stays while a containment that others removed may be shown by an old read, and is reverted after that', async () => {
    const { resource, run } = worldOf();
    await contain(run('fb-1'), steps);
    expect(await revertPrepared(run('fb-1'))).toEqual({ kind: 'nothing' });
    resource.values.set('a', 'x');
    resource.failures.set('a', denied);
    await contain(run('fb-1'), []);
    expect(await revertPrepared(run('fb-1'))).toEqual({ kind: 'nothing' });
    resource.failures.set('scaling', denied);
    expect(await revertPrepared(later(run('fb-1'), 16))).toMatchObject({ steps: [{ status: 'failed' }] });
    resource.failures.delete('scaling');
    expect(await revertPrepared(later(run('fb-1'), 17))).toMatchObject({ steps: [{ status: 'undone' }] });
  });

  it('stays where it is what a person chose alone, and where others hold it', async () => {
    const { resource, run } = worldOf();
    await contain(run('fb-1'), [suspend]);
    expect(await revertPrepared(run('fb-1'))).toEqual({ kind: 'nothing' });
    expect(await revertPrepared(run('fb-2'))).toEqual({ kind: 'nothing' });
    expect(resource.values.get('scaling')).toBe('suspended');
  });
});

describe('a step that is tried on what the plan saw', () => {
  const stored = async (target: Target) => {
    const steps = await journalOf(database.table, target, 'toy');
    return steps.map(({ status, before, after }) => [status, before, after]);
  };

  it('has the live value stored as the one before it, before it changes anything', async () => {
    const { resource, run, target } = world({ a: 'x', b: 'changed since' }, true);
    const seen: unknown[] = [];
    const set = resource.set.bind(resource);
    resource.set = (key, value) => {
      const record = database.items().find(({ id, pk }) => id?.S === key && pk?.S?.includes(`${target.id}#`));
      if (value === 'transit') seen.push([key, record?.['status']?.S, record?.['before']?.S]);
      set(key, value);
    };
    await contain(run('fb-1'), plan(['a', 'b'], [], { a: 'x', b: 'y' }));
    expect(seen).toEqual([
      ['a', 'applying', '"x"'],
      ['b', 'applying', '"changed since"'],
    ]);
    expect((await undoToEnd(run('fb-1'))).kind).toBe('undone');
    expect(resource.state).toEqual({ a: 'x', b: 'changed since' });
  });

  it('is not ours where the value that is wanted was there by then', async () => {
    const { resource, run, target } = world({ a: 'quarantine' }, true);
    await contain(run('fb-1'), plan(['a'], [], { a: 'x' }));
    expect(resource.writes).toBe(0);
    expect(await stored(target)).toEqual([['already', 'quarantine', 'quarantine']]);
    await undoToEnd(run('fb-1'));
    expect(resource.state).toEqual({ a: 'quarantine' });
  });

  it('goes on after any call of the table at which it was lost, and undo restores', async () => {
    for (let nth = 1; nth < 40; nth++) {
      const { resource, run } = world({ a: 'x', b: 'y' }, true);
      const steps = plan(['a', 'b'], [], { a: 'x', b: 'y' });
      [tableCalls, untilThrottled] = [0, nth];
      await contain(run('fb-1'), steps).catch(() => undefined);
      untilThrottled = Number.POSITIVE_INFINITY;
      await contain(run('fb-1'), steps);
      expect(resource.state).toEqual({ a: 'quarantine', b: 'quarantine' });
      expect((await undoToEnd(run('fb-1'))).kind).toBe('undone');
      expect(resource.state).toEqual({ a: 'x', b: 'y' });
    }
  });
});

/**
 * What every playbook owes, over generated account states: undo restores what was, a second run changes nothing, a
 * handler killed after any call resumes to the same end, and two incidents on one target in any order leave the first
 * state once both are undone. A playbook's own tests call this with its arbitrary of accounts.
 */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AwsCall, awsFor, configureAws } from '../../core/aws/client.ts';
import { type Finding, parseFinding } from '../../core/finding/finding.ts';
import { type StepRecord, writeStep } from '../../core/journal/hold.ts';
import { contain, contextFor, holdOf, journalOf } from '../../core/journal/journal.ts';
import type { Playbook, TargetChoice } from '../../core/journal/playbook.ts';
import { sessionPolicy } from '../../core/journal/session-policy.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Item, Key, Table } from '../../core/table/table.ts';
import { type Database, openDatabase } from '../../sandbox/database.ts';
import { accountOf } from '../../sandbox/saved.ts';
import { type AccountTwin, createTwin, Killed } from '../../sandbox/twin/twin.ts';
import { canonical } from '../canonical-account.ts';
import { INHERITED } from '../hostile.ts';
import { plantedProperties } from './planted.ts';
import { readsLag } from './reads-lag.ts';
import { undoToEnd } from './undo-to-end.ts';

export const SCOPE = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
export const NOW = Date.parse('2026-11-24T08:00:00.000Z');

export interface Accounts<W> {
  /** What differs between the generated accounts. */
  readonly worlds: fc.Arbitrary<W>;
  /** Puts the account up and gives the finding (EventBridge event or bare) that names a target in it. */
  readonly open: (twin: AccountTwin, world: W) => unknown;
  readonly settings?: JsonObject;
  /** The target of a playbook that is only asked about as a follow-up, and so finds none in the finding alone. */
  readonly target?: (finding: Finding, world: W) => TargetChoice;
  /** The account without what the playbook says is lost (`reversible.lost`). */
  readonly without?: (account: unknown) => unknown;
  /** Accounts per property; 25 unless stated otherwise. */
  readonly runs?: number;
}

/** Where the pipeline runs. */
const HUB = '999988887777';

let serial = 0;

/** One account with one target, and incidents on it. */
export function scene<W>(database: Database, playbook: Playbook, accounts: Accounts<W>, world: W) {
  serial += 1;
  // A member account: every call is made under the session policy of the playbook and its plan.
  const twin = createTwin(SCOPE, { members: [HUB] });
  const writes: AwsCall[] = [];
  const sent: AwsCall[] = [];
  const lag = readsLag(twin);
  configureAws({
    answer(call) {
      sent.push(call);
      const answer = lag.answer(call);
      if (twin.calls.at(-1)?.change) writes.push(call);
      return answer;
    },
    retryBaseMs: 1,
    ownAccount: HUB,
    responderRole: 'firebreak-responder',
  });
  const finding = parseFinding(accounts.open(twin, structuredClone(world)));
  const choice = accounts.target ? accounts.target(finding, world) : playbook.targetOf(finding);
  if (!choice.ok) throw new Error(choice.reason);
  const { target } = choice;
  const clock = { at: NOW };
  const now = () => new Date(clock.at);
  const settings = accounts.settings ?? {};
  // Every scene has a table of its own within the shared one: ids of targets repeat from account to account.
  const table = within(database.table, `scene-${serial}#`);
  let arns: readonly string[] = [];
  const run = (incidentId: string, part: 'write' | 'undo' = 'write') => ({
    table,
    aws: awsFor(target, {
      name: incidentId,
      policy: (characters) => sessionPolicy(playbook, target, [target.display, ...arns], part, characters),
    }),
    now,
    playbook,
    target,
    incidentId,
    settings,
  });
  const state = () => playbook.read(target, awsFor(target), settings);
  const options = (caseId = 'fb-aaaaaaaaaaaa', approved = true, protectedArns: readonly string[] = []) => ({
    caseId,
    now: now(),
    settings,
    protectedArns,
    approved,
  });
  const plan = async (
    incidentId = 'fb-aaaaaaaaaaaa',
    approved = true,
    protectedArns: readonly string[] = [],
  ) => {
    const hold = await holdOf(table, target, playbook.id);
    const caseId = hold && hold.state !== 'released' ? hold.caseId : incidentId;
    const made = playbook.plan(await state(), target, options(caseId, approved, protectedArns));
    if (made.kind === 'plan') arns = made.arns;
    return made;
  };
  return {
    twin,
    lag,
    finding,
    target,
    clock,
    state,
    options,
    plan,
    /** The account without the evidence that stays. */
    account: () => {
      const account = accountOf(twin.state);
      return accounts.without ? accounts.without(account) : account;
    },
    /** Every call, as it was made. */
    sent,
    /** Every call that changes something, as it was made. */
    writes,
    changes: () => twin.calls.filter(({ change, error }) => change && error === undefined).length,
    async contain(incidentId = 'fb-aaaaaaaaaaaa') {
      const made = await plan(incidentId);
      if (made.kind !== 'plan') throw new Error(`refused: ${made.reason}`);
      return contain(run(incidentId), made.steps);
    },
    async prove(incidentId = 'fb-aaaaaaaaaaaa') {
      const steps = await journalOf(table, target, playbook.id);
      return playbook.verify(contextFor(run(incidentId), incidentId, steps), steps);
    },
    undo: (incidentId = 'fb-aaaaaaaaaaaa') => undoToEnd(run(incidentId, 'undo')),
    journal: () => journalOf(table, target, playbook.id),
    /** A record as someone with write access to the table leaves it. */
    async rewrite(step: StepRecord, change: Partial<StepRecord>) {
      const hold = await holdOf(table, target, playbook.id);
      if (!hold) throw new Error('nothing holds the target');
      await writeStep(table, hold, { ...step, ...change }, step);
    },
    async undoSafety() {
      const state = await playbook.read(target, awsFor(target), settings);
      return playbook.undoSafety?.(await journalOf(table, target, playbook.id), state, now());
    },
  };
}

/** The same table, every partition key behind a prefix. */
function within(table: Table, prefix: string): Table {
  const inner = <K extends Key>(item: K): K => ({ ...item, pk: prefix + item.pk });
  const outer = (item: Item): Item => ({ ...item, pk: item.pk.slice(prefix.length) });
  return {
    ...table,
    async get(key) {
      const item = await table.get(inner(key));
      return item && outer(item);
    },
    put: (item, condition) => table.put(inner(item), condition),
    putAll: (writes) => table.putAll(writes.map(({ item, condition }) => ({ item: inner(item), condition }))),
    update: async (key, change, condition) => outer(await table.update(inner(key), change, condition)),
    query: async (pk, sk) => (await table.query(prefix + pk, sk)).map(outer),
  };
}

/** Adds one of each inherited name to every set of tags and labels in the account. */
function nameTags(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    nameTags(member);
    if (!/^(tags|labels|annotations)$/i.test(key) || typeof member !== 'object' || member === null) continue;
    for (const name of INHERITED) {
      // Kubernetes takes no key that begins so.
      if (name === '__proto__' && !/tags/i.test(key)) continue;
      if (Array.isArray(member)) member.push({ Key: name, Value: 'x' });
      else
        Object.defineProperty(member, name, {
          ...{ value: 'x', enumerable: true, configurable: true, writable: true },
        });
    }
  }
}

/** A database for the scenes of one test file. */
export function sceneDatabase(name: string): () => Database {
  let database: Database | undefined;
  beforeAll(async () => {
    database = await openDatabase(SCOPE, name);
  });
  afterAll(() => database?.close());
  afterEach(() => configureAws({}));
  return () => {
    if (database) return database;
    throw new Error('the database is not up yet');
  };
}

export type Scene = ReturnType<typeof scene<unknown>>;

/** Runs until it is not killed; the clock goes on past the lease of the killed one. */
export async function untilDone<T>(at: { clock: { at: number } }, work: () => Promise<T>): Promise<T> {
  for (let pass = 0; pass < 5; pass++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      at.clock.at += 600_000;
    }
  }
  throw new Error('killed five times');
}

export function playbookProperties<W>(playbook: Playbook, accounts: Accounts<W>): void {
  const database = sceneDatabase(`${playbook.id}-properties`);
  const open = (world: W) => scene(database(), playbook, accounts, world);
  plantedProperties(playbook, accounts, open);
  const check = <T>(property: fc.IAsyncProperty<T>) => fc.assert(property, { numRuns: accounts.runs ?? 25 });
  const { worlds } = accounts;
  /** A run that no one kills: the account before and contained, the calls and changes that it takes there and back. */
  const undisturbed = async (world: W) => {
    const at = open(world);
    const before = at.account();
    const born = at.twin.state.serial;
    const made = async <T>(work: () => Promise<T>) => {
      const start = at.twin.calls.length;
      const result = await work();
      const calls = at.twin.calls.slice(start);
      const changes = calls.filter(({ change, error }) => change && error === undefined);
      return { result, calls: calls.length, changes: changes.map(({ operation }) => operation) };
    };
    const containing = await made(() => at.contain());
    const contained = canonical(at.account(), born);
    const undoing = await made(() => at.undo());
    return {
      ...{ before, born, contained, containing: containing.calls, undoing: undoing.calls },
      ...{ steps: containing.result.steps, changes: containing.changes },
      ...{ kind: undoing.result.kind, undoChanges: undoing.changes },
    };
  };

  describe(`${playbook.id}: what every playbook owes`, () => {
    it('contain then undo gives a state equal to the first', async () => {
      await check(
        fc.asyncProperty(worlds, async (world) => {
          const at = open(world);
          const before = at.account();
          const { steps } = await at.contain();
          expect(steps.filter(({ status }) => status !== 'done' && status !== 'already')).toEqual([]);
          await at.undo();
          expect(at.account()).toEqual(before);
        }),
      );
    }, 120_000);

    it('takes tags and labels with names that every object has for what they are', async () => {
      const [world] = fc.sample(worlds, { numRuns: 1, seed: 1 });
      if (world === undefined) throw new Error('no account');
      const at = open(world);
      nameTags(at.twin.state);
      const before = at.account();
      const { steps } = await at.contain();
      expect(steps.filter(({ status }) => status !== 'done' && status !== 'already')).toEqual([]);
      expect((await at.prove()).checks.length).toBeGreaterThan(0);
      await at.undo();
      expect(at.account()).toEqual(before);
    }, 60_000);

    it('is proven after containing, or a residual risk is named', async () => {
      await check(
        fc.asyncProperty(worlds, async (world) => {
          const at = open(world);
          await at.contain();
          at.clock.at += (playbook.proofDelaySeconds + 1) * 1000;
          let proof = await at.prove();
          // As Verify does: what is on its way is looked at again.
          for (let look = 0; look < 4 && proof.next === 'wait'; look++) proof = await at.prove();
          expect(proof).toMatchObject({ proven: true });
        }),
      );
    }, 120_000);

    it('contain twice equals contain once, by the same incident or another', async () => {
      await check(
        fc.asyncProperty(worlds, fc.boolean(), async (world, other) => {
          const at = open(world);
          await at.contain();
          const once = at.account();
          const changes = at.changes();
          at.clock.at += 60_000;
          await at.contain(other ? 'fb-bbbbbbbbbbbb' : 'fb-aaaaaaaaaaaa');
          expect(at.account()).toEqual(once);
          expect(at.changes()).toBe(changes);
        }),
      );
    }, 120_000);

    it('killed after any call: resumes to the end of an undisturbed run, and so does undo', async () => {
      // Where in the run the handler dies: of as many calls as the undisturbed run makes.
      const moment = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
      await check(
        fc.asyncProperty(worlds, moment, moment, async (world, first, second) => {
          const run = await undisturbed(world);
          const at = open(world);
          at.twin.killAfter(1 + Math.floor(first * run.containing), 'calls');
          await untilDone(at, () => at.contain());
          expect(canonical(at.account(), run.born)).toEqual(run.contained);
          at.twin.killAfter(1 + Math.floor(second * run.undoing), 'calls');
          await untilDone(at, () => at.undo());
          expect(at.account()).toEqual(run.before);
        }),
      );
    }, 180_000);

    it('killed after each single call of one run, of contain and of undo', async () => {
      const [world] = fc.sample(worlds, { numRuns: 1, seed: 1 });
      if (world === undefined) throw new Error('no account');
      const run = await undisturbed(world);
      for (let call = 1; call <= Math.max(run.containing, run.undoing); call++) {
        const at = open(world);
        at.twin.killAfter(call, 'calls');
        await untilDone(at, () => at.contain());
        expect(canonical(at.account(), run.born), `killed after call ${call}`).toEqual(run.contained);
        at.twin.killAfter(call, 'calls');
        await untilDone(at, () => at.undo());
        expect(at.account(), `undo killed after call ${call}`).toEqual(run.before);
      }
    }, 180_000);

    it.each([
      ['the answer to any single change is lost, and the SDK sends it again', 'lost', 1],
      ['any single change meets another operation', 'conflict', 3],
    ] as const)(
      '%s: ends as if not',
      async (_what, fault, times) => {
        const ends = (steps: readonly StepRecord[]) =>
          steps.map(({ id, status, note }) => ({ id, status, note }));
        /** Every call of the first account that has changes, and of the others those of a kind that was not met yet. */
        const tried = new Set<string>();
        for (const world of fc.sample(worlds, { numRuns: 12, seed: 1 })) {
          const calm = await undisturbed(world);
          const all = tried.size === 0;
          for (let change = 0; change < Math.max(calm.changes.length, calm.undoChanges.length); change++) {
            const kinds = [`contain ${calm.changes[change]}`, `undo ${calm.undoChanges[change]}`];
            if (!all && kinds.every((kind) => tried.has(kind) || kind.endsWith('undefined'))) continue;
            for (const kind of kinds) tried.add(kind);
            const which = `${fault}: ${kinds.join(', ')} (${change})`;
            const at = open(world);
            at.twin.disturb(change + 1, fault, times);
            const { steps } = await at.contain();
            expect(ends(steps), which).toEqual(ends(calm.steps));
            expect(canonical(at.account(), calm.born), which).toEqual(calm.contained);
            at.twin.disturb(change + 1, fault, times);
            expect((await at.undo()).kind, which).toBe(calm.kind);
            expect(at.account(), which).toEqual(calm.before);
          }
        }
        expect(tried.size).toBeGreaterThan(1);
      },
      180_000,
    );

    it('undo says undone only of what is back, however long AWS shows what was before', async () => {
      const [world] = fc.sample(worlds, { numRuns: 1, seed: 1 });
      if (world === undefined) throw new Error('no account');
      for (const reads of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 30, 100]) {
        const at = open(world);
        const before = at.account();
        await at.lag.by(reads, () => at.contain());
        let asked = 0;
        for (let end = 'partial'; end !== 'undone'; asked++) {
          end = (await at.undo()).kind;
          if (end === 'undone') expect(at.account(), `${reads} stale reads`).toEqual(before);
          else expect(end).toBe('partial');
          expect(asked).toBeLessThan(reads);
        }
        if (reads <= 10) expect(asked, `${reads} stale reads`).toBe(1);
      }
    }, 180_000);

    it('two incidents in any interleaving leave the first state after both undo', async () => {
      await check(
        fc.asyncProperty(
          worlds,
          fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
          async (world, order) => {
            const at = open(world);
            const before = at.account();
            const left = {
              a: [() => at.contain('fb-aaaaaaaaaaaa'), () => at.undo('fb-aaaaaaaaaaaa')],
              b: [() => at.contain('fb-bbbbbbbbbbbb'), () => at.undo('fb-bbbbbbbbbbbb')],
            };
            for (const toA of order) {
              const [wanted, other] = toA ? [left.a, left.b] : [left.b, left.a];
              await (wanted.shift() ?? other.shift())?.();
            }
            for (const rest of [...left.a, ...left.b]) await rest();
            expect(at.account()).toEqual(before);
          },
        ),
      );
    }, 120_000);
  });
}

import { describe, expect, it } from 'vitest';
import { awsError } from '../../sandbox/aws-error.ts';
import { awsFor } from '../aws/client.ts';
import type { Json } from '../json.ts';
import type { StepRecord } from './hold.ts';
import type { StepKind, StepRole, StepStatus } from './playbook.ts';
import { type Journalled, worseOf } from './worse.ts';

const scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
const target = { ...scope, kind: 'toy', id: 'one', display: 'one', facts: {} };

/** A journal of two steps over one live value: `open` says that it is `ajar`, which was not before. */
function journal(
  live: () => Json,
  first: { status: StepStatus; role?: StepRole; before?: Json },
  second: StepStatus = 'skipped',
): Journalled {
  const open: StepKind = {
    args: { parse: (value: unknown) => value } as never,
    read: async () => ({ value: live() }),
    after: () => 'shut',
    apply: async () => undefined,
    revert: 'keep',
    worse: (_args, _context, seen) =>
      seen.live === 'ajar' && seen.before !== 'ajar' && !(first.role === 'prepare' && seen.contained)
        ? 'it is ajar'
        : undefined,
  };
  const step = (id: string, role: StepRole, status: StepStatus, before?: Json): StepRecord => ({
    ...{ id, number: 0, kind: id, role, describe: id, args: {}, needs: [], status },
    ...{ before, after: undefined, output: undefined, doneAt: undefined },
  });
  return {
    playbook: { kinds: { open } },
    hold: { state: 'active' },
    steps: [
      step('open', first.role ?? 'contain', first.status, 'before' in first ? first.before : 'shut'),
      step('cut', 'contain', second),
    ],
    context: { target, aws: awsFor(scope, 'fb-1'), caseId: 'fb-1', outputs: {}, now: () => new Date() },
  };
}
const ajar = () => 'ajar';

describe('what is worse than before', () => {
  it.each(['applying', 'failed', 'drift', 'undoing'] as const)(
    'is seen live where its step is %s',
    async (status) => {
      expect(await worseOf(journal(ajar, { status }))).toEqual(['it is ajar']);
      expect(await worseOf(journal(() => 'shut', { status }))).toEqual([]);
    },
  );

  it.each(['planned', 'skipped', 'already', 'undone', 'kept', 'done'] as const)(
    'is not asked of a step that is %s',
    async (status) => {
      const read = () => {
        throw new Error('it was read');
      };
      expect(await worseOf(journal(read, { status }))).toEqual([]);
    },
  );

  it('is what it was where it was so before, and nothing is known where nothing was captured', async () => {
    expect(await worseOf(journal(ajar, { status: 'failed', before: 'ajar' }))).toEqual([]);
    expect(await worseOf(journal(ajar, { status: 'failed', before: undefined as never }))).toEqual([]);
  });

  it('is a change that only prepares, while no containing step is in place', async () => {
    const prepared = { status: 'done', role: 'prepare' } as const;
    expect(await worseOf(journal(ajar, prepared, 'failed'))).toEqual(['it is ajar']);
    expect(await worseOf(journal(ajar, prepared, 'done'))).toEqual([]);
  });

  it('is a change that only prepared, once an undo has ended without it and with all that it was for', async () => {
    const left = (status: StepStatus, state: 'undoing' | 'undo-partial', doneAt?: string) => {
      const { steps, ...rest } = journal(ajar, { status: 'failed', role: 'prepare' }, status);
      const cut = steps.map((step) => (step.id === 'cut' ? { ...step, doneAt } : step));
      return worseOf({ ...rest, steps: cut, hold: { state } });
    };
    const before = '2026-11-24T03:00:00.000Z';
    expect(await left('undone', 'undo-partial', before)).toEqual(['it is ajar']);
    expect(await left('skipped', 'undo-partial')).toEqual(['it is ajar']);
    // What it was for is in place still, or the undo has not come to it.
    expect(await left('failed', 'undo-partial', before)).toEqual([]);
    expect(await left('drift', 'undo-partial', before)).toEqual([]);
    expect(await left('undone', 'undoing', before)).toEqual([]);
  });

  it('is not known where it cannot be read, and a lost connection is thrown on', async () => {
    const denied = () => {
      throw awsError('AccessDenied', 'no', 403);
    };
    const [text] = await worseOf(journal(denied, { status: 'failed' }));
    expect(text).toContain('it is not known whether this was left half done: open (AccessDenied');
    const lost = () => {
      throw new Error('the connection is gone');
    };
    await expect(worseOf(journal(lost, { status: 'failed' }))).rejects.toThrow('the connection is gone');
  });
});

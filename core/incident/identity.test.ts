import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { incident, relatives, steps } from '../../test/hostile.ts';
import type { StepStatus } from '../journal/playbook.ts';
import { type IdentityRow, identityCount, identityOf } from './identity.ts';
import type { Incident, IncidentTarget } from './incident.ts';
import type { Relative } from './relatives.ts';

const args = { userName: 'mallory' };
const plan: Extract<IncidentTarget['plan'], { kind: 'plan' }> = {
  kind: 'plan',
  steps: ['deny', 'key:AKIA1'].map((id) => ({
    ...{ id, kind: 'k', role: 'contain', describe: `do ${id}`, before: null, after: true },
    args: { ...args, id },
  })),
  blastRadius: { count: 1, unit: 'users', detail: [] },
  ...{ warnings: [], residual: [], askBecause: [], tags: {}, arns: [] },
  identity: [
    { what: 'access key AKIA1', by: ['deny', 'key:AKIA1'] },
    { what: 'console password', by: ['deny'], left: 'the password itself stays' },
    { what: 'device', by: [], left: 'it stays' },
    { what: 'roles assumed onward', by: [], left: 'they live on', followUp: 'reverse-changes' },
  ],
};

function seen(more: Partial<Incident>, target: Partial<IncidentTarget> = {}): Incident {
  const [given] = fc.sample(incident, { numRuns: 1, seed: 7 });
  if (!given) throw new Error('no incident');
  const { approval: _approval, decision: _decision, ...rest } = given;
  const user = { partition: 'aws', account: '111122223333', region: 'us-east-1', kind: 'iam-user' };
  const entry: IncidentTarget = {
    ...{ key: 'k', playbook: 'disable-user-keys', plan, ...target },
    target: { ...user, id: 'mallory', display: 'arn:aws:iam::111122223333:user/mallory', facts: {} },
  };
  return { ...rest, sample: false, targets: [entry], ...more };
}

const journal = (deny: StepStatus, key: StepStatus) =>
  plan.steps.map((step, number) => ({
    ...{ ...step, number, needs: [], output: undefined, doneAt: undefined },
    ...{ status: number === 0 ? deny : key, note: number === 1 && key === 'failed' ? 'denied' : undefined },
  }));
const states = (rows: ReturnType<typeof identityOf>) => rows.map(({ what, state }) => `${what}: ${state}`);

describe('the list of everything that an identity is', () => {
  it('says contained only of what a live read confirmed', () => {
    fc.assert(
      fc.property(incident, steps, relatives, (given, recorded, others) => {
        const confirmed = given.targets.some(
          ({ status, proof }) =>
            status === 'contained' || status === 'residual' || status === 'held' || proof?.proven === true,
        );
        const rows = identityOf(given, recorded, others).filter((row) => row.incident === undefined);
        if (!confirmed) expect(rows.filter(({ state }) => state === 'contained')).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('counts what is known to exist', () => {
    const states: readonly IdentityRow['state'][] = ['contained', 'asked', 'left', 'none'];
    expect(identityCount(states.map((state) => ({ what: state, state })))).toBe('1 of 3 contained');
    expect(identityCount([])).toBe('0 of 0 contained');
  });

  it('asks before, is in progress meanwhile, and contained once confirmed', () => {
    expect(states(identityOf(seen({ status: 'awaiting-approval' }), [], []))).toEqual([
      'access key AKIA1: asked',
      'console password: asked',
      'device: left',
      'roles assumed onward: left',
    ]);
    expect(states(identityOf(seen({ status: 'verifying' }), journal('done', 'done'), []))[0]).toBe(
      'access key AKIA1: running',
    );
    const contained = seen({ status: 'residual' }, { status: 'residual' });
    expect(identityOf(contained, journal('done', 'done'), []).slice(0, 2)).toEqual([
      { what: 'access key AKIA1', state: 'contained' },
      { what: 'console password', state: 'contained', why: 'the password itself stays' },
    ]);
  });

  it('says of a key under a deny that it could not be set Inactive, and of all of it once the deny failed', () => {
    const partial = seen({ status: 'partial' }, { status: 'partial' });
    expect(identityOf(partial, journal('done', 'failed'), [])[0]).toEqual({
      ...{ what: 'access key AKIA1', state: 'unconfirmed', why: 'do key:AKIA1: failed, denied' },
    });
    const failed = seen({ status: 'failed' }, { status: 'failed' });
    expect(states(identityOf(failed, journal('failed', 'skipped'), []))).not.toContain(
      'console password: contained',
    );
  });

  it('leaves what an approval in part left out, what was undone, and what policy only notifies of', () => {
    const part = seen({ status: 'partial' }, { status: 'partial', declined: ['deny', 'key:AKIA1'] });
    expect(identityOf(part, [], [])[0]).toMatchObject({
      state: 'left',
      why: expect.stringContaining('do deny: left out'),
    });
    const undone = seen({ status: 'undone' }, { status: 'undone' });
    expect(identityOf(undone, journal('undone', 'undone'), [])[0]).toMatchObject({ state: 'left' });
    expect(identityOf(seen({ status: 'notified' }), [], [])[0]).toMatchObject({ state: 'left' });
  });

  it('names an identity that it will not act on, with the reason', () => {
    const refused = { kind: 'refused', reason: 'it is protected', alternative: 'ask its owner' } as const;
    expect(identityOf(seen({ status: 'escalated' }, { plan: refused }), [], [])).toEqual([
      { what: 'user mallory', state: 'left', why: 'it is protected' },
    ]);
  });

  it('puts what a follow-up found in the place of the line about it, linked to where it is decided', () => {
    const followUp: Relative = {
      ...{ id: 'fb-0123456789ab', what: 'follow-up: reverse changes', status: 'awaiting-approval' },
      followUp: 'reverse-changes',
      identity: [{ what: 'session one of role app', state: 'asked' }],
    };
    const contained = seen({ status: 'residual' }, { status: 'residual' });
    const rows = identityOf(contained, journal('done', 'done'), [followUp]);
    expect(rows.at(-1)).toEqual({
      ...{ what: 'session one of role app', state: 'asked', incident: followUp.id },
    });
    expect(states(rows).join()).not.toContain('roles assumed onward');
    const none = identityOf(contained, journal('done', 'done'), [{ ...followUp, identity: [] }]);
    expect(none.at(-1)).toMatchObject({ what: 'roles assumed onward', state: 'none', incident: followUp.id });
    const before = identityOf(seen({ status: 'awaiting-approval' }), [], []);
    expect(before.at(-1)?.why).toBe('they live on; policy does not ask for reverse-changes');
  });
});

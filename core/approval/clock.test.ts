import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ApprovalView } from '../incident/incident.ts';
import { clockOf, done, dueNow, nextLook, snoozed } from './clock.ts';

const START = new Date('2026-11-25T03:00:00Z');
const label = fc.constantFrom('low', 'medium', 'high', 'critical' as const);
const later = (seconds: number) => new Date(START.getTime() + seconds * 1000);

function opened(timeoutSeconds: number, severity: 'low' | 'medium' | 'high' | 'critical'): ApprovalView {
  const clock = clockOf(START, timeoutSeconds, severity);
  return { id: 'a'.repeat(32), purpose: 'contain', needed: 1, approvedBy: [], ...clock };
}

describe('the clock of an approval', () => {
  it('reminds, escalates and ends each once, in time, whatever is snoozed meanwhile', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60, max: 86_400 }),
        label,
        fc.array(
          fc.record({
            at: fc.double({ min: 0, max: 1.2, noNaN: true }),
            minutes: fc.integer({ min: 1, max: 1440 }),
          }),
          {
            maxLength: 5,
          },
        ),
        (timeout, severity, snoozes) => {
          let view = opened(timeout, severity);
          const first = view;
          const saw: string[] = [];
          // A sweep every minute, until well after the end.
          for (let seconds = 0; seconds <= timeout + 400; seconds += 60) {
            const now = later(seconds);
            for (const { at, minutes } of snoozes) {
              if (Math.floor((at * timeout) / 60) * 60 === seconds) {
                view = snoozed(view, minutes, 'U0BOB', now) ?? view;
              }
            }
            const due = dueNow(view, now);
            // What is due is found in the index.
            if (due !== undefined) expect(nextLook(view) <= now.toISOString()).toBe(true);
            if (due === undefined) continue;
            saw.push(due);
            if (due === 'overdue') break;
            view = done(view, due, now);
          }
          expect(saw.at(-1)).toBe('overdue');
          expect(saw.filter((due) => due === 'escalate')).toHaveLength(1);
          // No one can move the end, nor the call to the second tier.
          expect(view).toMatchObject({ expiresAt: first.expiresAt, escalateAt: first.escalateAt });
          expect(view.remindAt < view.expiresAt).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is over once someone decided', () => {
    const view = { ...opened(1800, 'high'), outcome: 'denied' as const };
    expect(dueNow(view, later(10_000))).toBeUndefined();
  });

  it('takes no snooze when too little time is left', () => {
    expect(snoozed(opened(1800, 'low'), 15, 'U0BOB', later(1760))).toBeUndefined();
  });
});

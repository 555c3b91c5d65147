import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  type IncidentStatus,
  isContained,
  isContainment,
  isInformation,
  isInPlace,
  isListed,
  isOver,
  isProven,
  isRunning,
  isUndo,
  LISTED,
  listedStatus,
  mayUndo,
  needsResponder,
  reopens,
  STATUSES,
  statusMark,
  statusTone,
  statusWords,
} from './status.ts';

const where = (is: (status: IncidentStatus) => boolean) => STATUSES.filter(is).join(' ');

it('keeps the keys that records, events and JSON output carry', () => {
  expect(STATUSES.join(' ')).toBe(
    'received awaiting-approval containing verifying contained residual partial failed declined expired escalated recorded notified undoing undone undo-partial',
  );
  expect([...LISTED].sort().join(' ')).toBe(
    'awaiting-approval contained declined escalated expired failed notified open partial recorded residual undo-partial undone',
  );
});

it('has words of its own for every status', () => {
  const words = STATUSES.map(statusWords);
  expect(new Set(words).size).toBe(STATUSES.length);
  for (const each of words) expect(each).toMatch(/^[a-z][a-z ,]+$/);
});

it('speaks by the glossary', () => {
  expect(statusWords('residual')).toBe('contained, residual risk');
  expect(statusWords('awaiting-approval')).toBe('awaiting approval');
  expect(statusWords('notified')).toBe('notified');
  expect(statusWords('verifying')).toBe('verifying containment');
});

it('is green only for what is proven without a risk, or undone', () => {
  expect(where((status) => statusTone(status) === 'good')).toBe('contained undone');
  expect(where((status) => statusMark(status) === '✅')).toBe('contained');
  expect([statusTone('residual'), statusMark('residual')]).toEqual(['warn', '⚠️']);
});

it('knows the facts of every status', () => {
  expect(where(isRunning)).toBe('received awaiting-approval containing verifying undoing');
  expect(where((status) => listedStatus(status) === 'open')).toBe('received containing verifying undoing');
  expect(where(isContained)).toBe('contained residual partial');
  expect(where(isProven)).toBe('contained residual');
  expect(where(isOver)).toBe('contained residual declined recorded notified undone');
  expect(where(needsResponder)).toBe('partial failed expired escalated undo-partial');
  expect(where(isInPlace)).toBe('contained residual partial undo-partial');
  expect(where(mayUndo)).toBe('contained residual partial failed escalated undo-partial');
  expect(where(isInformation)).toBe('recorded notified');
  expect(where(isContainment)).toBe('containing verifying contained residual partial failed escalated');
  expect(where(isUndo)).toBe('undoing undone undo-partial');
  expect(where((status) => reopens(status, false))).toBe('failed recorded notified');
  expect(where((status) => reopens(status, true))).toBe(
    'failed declined expired escalated recorded notified',
  );
  // Each is running, over, or waits for a responder.
  for (const status of STATUSES)
    expect([isRunning, isOver, needsResponder].filter((is) => is(status))).toHaveLength(1);
});

it('lists what is urgent first', () => {
  expect(LISTED.slice(0, 2)).toEqual(['awaiting-approval', 'open']);
  expect(LISTED.indexOf('residual')).toBeLessThan(LISTED.indexOf('contained'));
  expect(isListed('containing')).toBe(false);
  expect(isListed('toString')).toBe(false);
});

/** Three or more statuses in an array, a union, a switch, a chain of comparisons or the keys of a record. */
function listsIn(source: string): readonly string[] {
  const text = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const status = `(?:'(?:${STATUSES.join('|')})')`;
  const glue = String.raw`(?:\s*[,|]\s*|:\s*(?:return [^;]*;\s*)?(?:\/\/.*\s*)*case\s*|\s*(?:\|\||&&)\s*[\w.]+\s*[!=]==\s*|\s*,[^'\]]*\],\s*\[\s*)`;
  const lists = text.match(new RegExp(`${status}(?:${glue}${status}){2,}`, 'g')) ?? [];
  const key = `(?:^\\s*'?(?:${STATUSES.join('|')})'?: (?!\\[?Schema)[^\\n]*,\\n)`;
  const records = text.match(new RegExp(`${key}{3,}`, 'gm')) ?? [];
  return [...lists, ...records].map((found) => found.replace(/\s+/g, ' ').trim());
}

describe('no other list of statuses', () => {
  it.each([
    ["const A = ['contained', 'residual',\n  'partial'];"],
    ["type A = 'contained' | 'residual'\n | 'failed';"],
    ["case 'contained':\n case 'residual':\n return 1;\n case 'failed':"],
    ["case 'contained':\n return 'good';\n case 'residual': // not green\n case 'failed':"],
    ["a.status === 'undone' || a.status === 'contained' || a.status === 'residual'"],
    ["[['notified', 70],\n ['contained', 15],\n ['recorded', 5]]"],
    ["const W = {\n  contained: 'green',\n  'undo-partial': 'red',\n  residual: 'amber',\n};"],
  ])('is found in %s', (source) => {
    expect(listsIn(source)).toHaveLength(1);
  });

  it('in any room', async () => {
    const rooms = 'core,playbooks,slack,pipeline,functions,sandbox,console,cli,deploy';
    const found: Record<string, readonly string[]> = {};
    let files = 0;
    for await (const path of glob(`{${rooms}}/**/*.{ts,js}`)) {
      if (path.endsWith('.test.ts') || path === 'core/incident/status.ts') continue;
      files += 1;
      const lists = listsIn(readFileSync(path, 'utf8'));
      if (lists.length > 0) found[path] = lists;
    }
    expect(files).toBeGreaterThan(250);
    // A sentence for each, which the compiler holds complete; how often each happens in the sandbox's made-up past.
    const allowed = ['core/incident/brief.ts', 'sandbox/past-incidents.ts'];
    expect(Object.keys(found).sort(), JSON.stringify(found)).toEqual(allowed);
  });
});

/** One layout for page and picture: nothing is lost without a mark, and a phone shows it without scrolling. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { text } from '../../test/hostile.ts';
import { INVISIBLE } from '../invisible.ts';
import { layoutAttack } from './attack-layout.ts';
import type { PathGraph, PathNode } from './attack-path.ts';

const graphOf = (names: readonly string[]): PathGraph => ({
  title: 'Attack path',
  nodes: names.map((name, index): PathNode => ({ id: `n${index}`, kind: 'resource', title: name, name })),
  ways: names.slice(1).map((_name, index) => ({
    ...{ from: 'n0', to: `n${index + 1}`, state: 'cut', label: 'cut: isolate instance' },
  })),
});

it('keeps every box and line within the drawing, with visible characters alone', () => {
  fc.assert(
    fc.property(
      fc.array(text, { minLength: 1, maxLength: 5 }),
      fc.constantFrom('LR', 'TB'),
      (names, direction) => {
        const { width, height, boxes, ways } = layoutAttack(graphOf(names), direction);
        expect(boxes).toHaveLength(names.length);
        expect(ways).toHaveLength(names.length - 1);
        for (const box of boxes) {
          expect(Math.min(box.x, box.y)).toBeGreaterThanOrEqual(0);
          expect(box.x + box.width).toBeLessThanOrEqual(width);
          expect(box.y + box.height).toBeLessThanOrEqual(height);
          for (const line of box.lines) expect(line.text).not.toMatch(new RegExp(INVISIBLE.source, 'u'));
        }
      },
    ),
    { numRuns: 40 },
  );
});

it('leaves room for what is written at a way, next to the way', () => {
  const { width, ways } = layoutAttack(graphOf(['web-1', 'db-1']), 'TB');
  const [
    { labelAt, middle, label } = ways[0] ?? { labelAt: { x: 0, y: 0 }, middle: { x: 0, y: 0 }, label: '' },
  ] = ways;
  expect(labelAt.x).toBeGreaterThan(middle.x + 8);
  expect(labelAt.x + label.length * 6).toBeLessThanOrEqual(width);
});

it('fits a phone with two boxes next to each other, and marks what it leaves out', () => {
  const long = 'connections through the NAT gateway may live on, '.repeat(5);
  const { width, boxes } = layoutAttack(graphOf(['web-1', long, 'i-0123456789abcdef0']), 'TB');
  expect(width).toBeLessThanOrEqual(430);
  expect(boxes[1]?.lines.at(-1)?.text).toMatch(/…$/);
  expect(boxes[2]?.lines.map((line) => line.text)).toContain('i-0123456789abcdef0');
});

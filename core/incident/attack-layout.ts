/**
 * Where the attack path's boxes and ways stand, laid out by dagre: from left to right, or from top to bottom for what is as narrow as a
 * phone. The page draws it as SVG, the Slack card as PNG.
 */
import dagre from '@dagrejs/dagre';
import { type Point, stepsAlong } from '../curve.ts';
import { visible } from '../invisible.ts';
import type { PathGraph, PathNode, PathWay } from './attack-path.ts';

/** Baseline to baseline, and from the box's edge to the first baseline. */
const ROW = 16;
const FIRST_ROW = 18;
const MOST_LINES = 5;
/** Downwards a little after the half: where ways part, they are clear of each other there. */
const MIDDLE: Readonly<Record<Direction, number>> = { LR: 0.5, TB: 0.58 };
/** Characters of a line in a box: two boxes next to each other fit a phone. */
const LINE = 23;
/** From top to bottom the first of these that fits the phone, which shows a picture a little smaller than it is. */
const NARROW_LINES = [34, 28, LINE];
const NARROWEST_LINE = 19;
const PHONE = 400;

/** A line of text, with the point in the middle of its baseline. */
export interface DrawnLine extends Point {
  readonly text: string;
  readonly kind: 'title' | 'name';
}
/** `x` and `y` are its upper left corner. */
export interface DrawnBox extends Point {
  readonly kind: PathNode['kind'];
  readonly width: number;
  readonly height: number;
  readonly lines: readonly DrawnLine[];
}
export interface DrawnWay {
  readonly state: PathWay['state'];
  readonly points: readonly Point[];
  /** Where the cut's cross stands, on the way as it is drawn. */
  readonly middle: Point;
  /** Untrusted, and visible. */
  readonly label: string;
  /** Of the label's baseline: its middle, or its start where the way leads down. */
  readonly labelAt: Point;
}
export interface AttackLayout {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly DrawnBox[];
  readonly ways: readonly DrawnWay[];
}
export type Direction = 'LR' | 'TB';

/** Returns the layout of a graph; from top to bottom it is no wider than a phone where its boxes allow that. */
export function layoutAttack(graph: PathGraph, direction: Direction): AttackLayout {
  if (direction === 'LR') return layoutWith(graph, direction, LINE);
  const line = NARROW_LINES.find((one) => layoutWith(graph, direction, one).width <= PHONE);
  return layoutWith(graph, direction, line ?? NARROWEST_LINE);
}

function layoutWith(graph: PathGraph, direction: Direction, line: number): AttackLayout {
  const layout = new dagre.graphlib.Graph({ multigraph: false });
  const across = direction === 'LR';
  layout.setGraph({ rankdir: direction, nodesep: 16, ranksep: across ? 26 : 28, marginx: 6, marginy: 12 });
  const boxes = graph.nodes.map((node) => boxOf(node, line));
  for (const { id, width, height } of boxes) layout.setNode(id, { width, height });
  // The layout keeps room for what is written at a way.
  for (const { from, to, label } of graph.ways) {
    const width = label === '' ? 0 : label.length * 6 + 8;
    layout.setEdge(from, to, { width, height: 14, labelpos: across ? 'c' : 'r', labeloffset: 12 });
  }
  dagre.layout(layout);
  const { width = 0, height = 0 } = layout.graph();
  return {
    ...{ width: Math.ceil(width), height: Math.ceil(height) },
    boxes: boxes.map((box) => placed(box, layout.node(box.id) as Point)),
    ways: graph.ways.map((way) => {
      const { points = [] } = layout.edge(way.from, way.to) as { readonly points?: readonly Point[] };
      const line = stepsAlong(points);
      const middle = line[Math.floor(line.length * MIDDLE[direction])] ?? { x: 0, y: 0 };
      const { x, y } = middle;
      const labelAt = across ? { x, y: y - 9 } : { x: x + 13, y: y + 5 };
      return { state: way.state, points, middle, label: visible(way.label), labelAt };
    }),
  };
}

interface Box extends PathNode {
  readonly titles: readonly string[];
  readonly names: readonly string[];
  readonly width: number;
  readonly height: number;
}
function boxOf(node: PathNode, line: number): Box {
  const [titles, names] = [lined(node.title, line), lined(node.name, line)];
  const longest = (lines: readonly string[]) => Math.max(0, ...lines.map(({ length }) => length));
  return {
    ...node,
    ...{ titles, names },
    width: Math.round(Math.max(longest(titles) * 6.2, longest(names) * 7.6)) + 18,
    height: (titles.length + names.length) * ROW + 14,
  };
}

function placed({ kind, titles, names, width, height }: Box, { x, y }: Point): DrawnBox {
  const top = y - height / 2;
  const lines = [
    ...titles.map((text) => ({ text, kind: 'title' as const })),
    ...names.map((text) => ({ text, kind: 'name' as const })),
  ].map((line, row) => ({ ...line, x, y: top + FIRST_ROW + row * ROW }));
  return { kind, x: x - width / 2, y: top, width, height, lines };
}

/** Wrapped between words; what is longer than a line is divided, between its parts where it has some. */
function lined(text: string, longest: number): readonly string[] {
  const divided = new RegExp(`.{1,${longest - 1}}[:/,-]|.{1,${longest}}`, 'gsu');
  const lines: string[] = [];
  for (const word of visible(text)
    .replaceAll(/\s+/g, ' ')
    .split(/(?<= )/)) {
    for (const piece of word.length <= longest ? [word] : (word.match(divided) ?? [])) {
      const last = lines.at(-1);
      if (last !== undefined && last.length + piece.trimEnd().length <= longest)
        lines[lines.length - 1] = last + piece;
      else lines.push(piece);
    }
  }
  const trimmed = lines.map((line) => line.trim()).filter((line) => line !== '');
  return trimmed.length <= MOST_LINES
    ? trimmed
    : [...trimmed.slice(0, MOST_LINES - 1), `${trimmed[MOST_LINES - 1]}…`];
}

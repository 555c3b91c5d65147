/** The attack path as SVG, laid out by dagre: from left to right, and from top to bottom for narrow screens. */
import dagre from '@dagrejs/dagre';
import { type PathGraph, type PathNode, pathText } from '../core/incident/attack-path.ts';
import { visible } from '../core/invisible.ts';
import { type Markup, markup } from './markup.ts';
import { curve, type Point } from './state-machine.ts';

/** Characters of a line in a box: two boxes next to each other fit a phone. */
const LINE = 23;
const ROW = 16;

/** Wrapped between words and parts of names; what has no such place is divided. */
function lined(text: string): readonly string[] {
  const lines: string[] = [];
  for (const word of visible(text).split(/(?<=[\s:/,-])/)) {
    for (const piece of word.match(new RegExp(`.{1,${LINE}}`, 'gsu')) ?? []) {
      const last = lines.at(-1);
      if (last !== undefined && last.length + piece.trimEnd().length <= LINE)
        lines[lines.length - 1] = last + piece;
      else lines.push(piece);
    }
  }
  return lines.map((line) => line.trim()).slice(0, 5);
}

interface Box {
  readonly title: readonly string[];
  readonly name: readonly string[];
  readonly width: number;
  readonly height: number;
}
function boxOf(node: PathNode): Box {
  const [title, name] = [lined(node.title), lined(node.name)];
  const longest = (lines: readonly string[]) => Math.max(0, ...lines.map(({ length }) => length));
  return {
    ...{ title, name },
    width: Math.round(Math.max(longest(title) * 6.2, longest(name) * 7.6)) + 18,
    height: (title.length + name.length) * ROW + 14,
  };
}

export function drawAttack(graph: PathGraph): Markup {
  const lines = pathText(graph).map((line) => markup`<li>${visible(line)}</li>`);
  return markup`<figure class="attack"><figcaption>${visible(graph.title)}</figcaption>${drawing(graph, 'LR')}${drawing(graph, 'TB')}
<details data-keep="attack-text"><summary>As text</summary><ul class="plain">${lines}</ul></details></figure>`;
}

function drawing(graph: PathGraph, rankdir: 'LR' | 'TB'): Markup {
  const { nodes, ways, title } = graph;
  const layout = new dagre.graphlib.Graph({ multigraph: false });
  layout.setGraph({ rankdir, nodesep: 16, ranksep: rankdir === 'LR' ? 26 : 28, marginx: 6, marginy: 12 });
  const boxes = new Map(nodes.map((node) => [node.id, boxOf(node)]));
  for (const [id, { width, height }] of boxes) layout.setNode(id, { width, height });
  // The layout keeps room for what is written at a way.
  for (const { from, to, label } of ways)
    layout.setEdge(from, to, {
      width: rankdir === 'LR' ? label.length * 6 + 8 : 0,
      height: 14,
      labelpos: 'c',
    });
  dagre.layout(layout);
  const { width = 0, height = 0 } = layout.graph();
  const side = rankdir.toLowerCase();
  const drawn = ways.map(({ from, to, state, label }) => {
    const edge = layout.edge(from, to) as { points?: readonly Point[]; x?: number; y?: number };
    const { points = [] } = edge;
    const { x, y } = points[Math.floor(points.length / 2)] ?? { x: 0, y: 0 };
    const cross =
      state === 'cut'
        ? markup`<path class="cross" d="M${round(x - 6)} ${round(y - 6)}l12 12m0 -12l-12 12"></path>`
        : '';
    const at =
      rankdir === 'LR' ? { x, y: y - 9, anchor: 'middle' } : { x: x + 10, y: y + 4, anchor: 'start' };
    const words =
      label === ''
        ? ''
        : markup`<text class="way-label" x="${round(at.x)}" y="${round(at.y)}" text-anchor="${at.anchor}">${visible(label)}</text>`;
    return markup`<path class="path-way ${state}" d="${curve(points)}" marker-end="url(#tip-${side}-${state})"></path>${cross}${words}`;
  });
  const drawnBoxes = nodes.map(({ id, kind }) => {
    const box = boxes.get(id);
    if (!box) return '';
    const { x, y } = layout.node(id) as Point;
    const top = y - box.height / 2;
    const text = (line: string, row: number) =>
      markup`<text x="${round(x)}" y="${round(top + 18 + row * ROW)}" text-anchor="middle">${line}</text>`;
    const kindOf = (line: string, row: number) =>
      markup`<text class="kind" x="${round(x)}" y="${round(top + 18 + row * ROW)}" text-anchor="middle">${line}</text>`;
    return markup`<g class="path-node ${kind}"><rect x="${round(x - box.width / 2)}" y="${round(top)}" width="${box.width}" height="${box.height}" rx="6"></rect>${box.title.map(kindOf)}${box.name.map((line, row) => text(line, box.title.length + row))}</g>`;
  });
  const tips = (['cut', 'open', 'past'] as const).map(
    (state) =>
      markup`<marker id="tip-${side}-${state}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="path-tip ${state}" d="M0 0 8 4 0 8z"></path></marker>`,
  );
  const described = `${title}: ${pathText(graph).join('; ')}`;
  return markup`<div class="scroll ${side}" role="region" tabindex="0" aria-label="${`${visible(title)}, drawing`}"><svg class="path" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}" width="${Math.ceil(width)}" height="${Math.ceil(height)}" role="img" aria-label="${visible(described)}"><defs>${tips}</defs>${drawn}${drawnBoxes}</svg></div>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

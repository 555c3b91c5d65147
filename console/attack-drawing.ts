/** The attack path as SVG, laid out by dagre: from left to right, and from top to bottom for narrow screens. */
import dagre from '@dagrejs/dagre';
import { type PathGraph, type PathNode, pathText } from '../core/incident/attack-path.ts';
import { visible } from '../core/invisible.ts';
import { type Markup, markup } from './markup.ts';
import { curve, type Point } from './state-machine.ts';

const HEIGHT = 46;
const widthOf = ({ title, name }: PathNode): number =>
  Math.round(Math.max(title.length * 6.3, name.length * 7.4)) + 26;

export function drawAttack(graph: PathGraph): Markup {
  const lines = pathText(graph).map((line) => markup`<li>${visible(line)}</li>`);
  return markup`<figure class="attack"><figcaption>${visible(graph.title)}</figcaption>${drawing(graph, 'LR')}${drawing(graph, 'TB')}
<details data-keep="attack-text"><summary>As text</summary><ul class="plain">${lines}</ul></details></figure>`;
}

function drawing(graph: PathGraph, rankdir: 'LR' | 'TB'): Markup {
  const { nodes, ways, title } = graph;
  const layout = new dagre.graphlib.Graph({ multigraph: false });
  layout.setGraph({ rankdir, nodesep: 18, ranksep: rankdir === 'LR' ? 90 : 44, marginx: 6, marginy: 12 });
  layout.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) layout.setNode(node.id, { width: widthOf(node), height: HEIGHT });
  for (const { from, to } of ways) layout.setEdge(from, to);
  dagre.layout(layout);
  const { width = 0, height = 0 } = layout.graph();
  const side = rankdir.toLowerCase();
  const drawn = ways.map(({ from, to, state, label }) => {
    const { points = [] } = layout.edge(from, to) as { points?: readonly Point[] };
    const { x, y } = points[Math.floor(points.length / 2)] ?? { x: 0, y: 0 };
    const cross =
      state === 'cut'
        ? markup`<path class="cross" d="M${round(x - 6)} ${round(y - 6)}l12 12m0 -12l-12 12"></path>`
        : '';
    const words =
      label === ''
        ? ''
        : markup`<text class="way-label" x="${round(x)}" y="${round(y - 10)}" text-anchor="middle">${visible(label)}</text>`;
    return markup`<path class="path-way ${state}" d="${curve(points)}" marker-end="url(#tip-${side}-${state})"></path>${cross}${words}`;
  });
  const boxes = nodes.map((node) => {
    const { x, y } = layout.node(node.id) as Point;
    const box = widthOf(node);
    return markup`<g class="path-node ${node.kind}"><rect x="${round(x - box / 2)}" y="${round(y - HEIGHT / 2)}" width="${box}" height="${HEIGHT}" rx="6"></rect><text class="kind" x="${round(x)}" y="${round(y - 6)}" text-anchor="middle">${visible(node.title)}</text><text x="${round(x)}" y="${round(y + 13)}" text-anchor="middle">${visible(node.name)}</text></g>`;
  });
  const tips = (['cut', 'open', 'past'] as const).map(
    (state) =>
      markup`<marker id="tip-${side}-${state}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="path-tip ${state}" d="M0 0 8 4 0 8z"></path></marker>`,
  );
  const described = `${title}: ${pathText(graph).join('; ')}`;
  return markup`<div class="scroll ${side}" role="region" tabindex="0" aria-label="${`${visible(title)}, drawing`}"><svg class="path" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}" width="${Math.ceil(width)}" height="${Math.ceil(height)}" role="img" aria-label="${visible(described)}"><defs>${tips}</defs>${drawn}${boxes}</svg></div>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

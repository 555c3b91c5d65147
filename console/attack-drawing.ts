/** The attack path as SVG: from left to right, and from top to bottom for narrow screens. */
import {
  type Direction,
  type DrawnBox,
  type DrawnWay,
  layoutAttack,
} from '../core/incident/attack-layout.ts';
import { type PathGraph, pathText } from '../core/incident/attack-path.ts';
import { visible } from '../core/invisible.ts';
import { type Markup, markup } from './markup.ts';
import { curve } from './state-machine.ts';

export function drawAttack(graph: PathGraph): Markup {
  const lines = pathText(graph).map((line) => markup`<li>${visible(line)}</li>`);
  return markup`<figure class="attack"><figcaption>${visible(graph.title)}</figcaption>${drawing(graph, 'LR')}${drawing(graph, 'TB')}
<details data-keep="attack-text"><summary>As text</summary><ul class="plain">${lines}</ul></details></figure>`;
}

function drawing(graph: PathGraph, direction: Direction): Markup {
  const { width, height, boxes, ways } = layoutAttack(graph, direction);
  const side = direction.toLowerCase();
  const tips = (['cut', 'open', 'past'] as const).map(
    (state) =>
      markup`<marker id="tip-${side}-${state}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="path-tip ${state}" d="M0 0 8 4 0 8z"></path></marker>`,
  );
  const described = `${graph.title}: ${pathText(graph).join('; ')}`;
  return markup`<div class="scroll ${side}" role="region" tabindex="0" aria-label="${`${visible(graph.title)}, drawing`}"><svg class="path" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${visible(described)}"><defs>${tips}</defs>${ways.map((way) => wayOf(way, side))}${boxes.map(boxOf)}</svg></div>`;
}

function wayOf({ state, points, middle, label, labelAt }: DrawnWay, side: string): Markup {
  const cross =
    state === 'cut'
      ? markup`<path class="cross" d="M${round(middle.x - 6)} ${round(middle.y - 6)}l12 12m0 -12l-12 12"></path>`
      : '';
  const words =
    label === ''
      ? ''
      : markup`<text class="way-label" x="${round(labelAt.x)}" y="${round(labelAt.y)}" text-anchor="${side === 'lr' ? 'middle' : 'start'}">${label}</text>`;
  return markup`<path class="path-way ${state}" d="${curve(points)}" marker-end="url(#tip-${side}-${state})"></path>${cross}${words}`;
}

function boxOf({ kind, x, y, width, height, lines }: DrawnBox): Markup {
  const texts = lines.map(
    (line) =>
      markup`<text class="${line.kind === 'title' ? 'kind' : 'name'}" x="${round(line.x)}" y="${round(line.y)}" text-anchor="middle">${line.text}</text>`,
  );
  return markup`<g class="path-node ${kind}"><rect x="${round(x)}" y="${round(y)}" width="${width}" height="${height}" rx="6"></rect>${texts}</g>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

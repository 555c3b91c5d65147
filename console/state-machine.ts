/**
 * The state machine as SVG: drawn from the ASL file, laid out in layers, with the way an execution took. What was not
 * entered is pale; a failed or repeated try is said on its state. Catches are drawn where they were taken only: every
 * task has one, and all of them lead to the same place.
 */
import dagre from '@dagrejs/dagre';
import { z } from 'zod';
import { bendsOf, type Point } from '../core/curve.ts';
import type { ExecutionPath } from './execution.ts';
import { type Markup, markup, type Value } from './markup.ts';

interface AslState {
  readonly Type: string;
  readonly Comment?: string | undefined;
  readonly Next?: string | undefined;
  readonly Default?: string | undefined;
  readonly Choices?: readonly { readonly Next: string }[] | undefined;
  readonly Catch?: readonly { readonly Next: string }[] | undefined;
  readonly ItemProcessor?: Asl | undefined;
}
export interface Asl {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, AslState>>;
}

const next = z.object({ Next: z.string() });
export const aslSchema: z.ZodType<Asl> = z.lazy(() =>
  z.object({
    StartAt: z.string(),
    States: z.record(
      z.string(),
      z.object({
        Type: z.string(),
        Comment: z.string().optional(),
        Next: z.string().optional(),
        Default: z.string().optional(),
        Choices: z.array(next).optional(),
        Catch: z.array(next).optional(),
        ItemProcessor: aslSchema.optional(),
      }),
    ),
  }),
);

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly kind: 'next' | 'catch';
}

interface Node extends AslState {
  readonly name: string;
  /** The Map state it runs in. */
  readonly inside?: string;
}

/** States and ways, the inside of a Map after the Map itself. */
function graphOf({ States }: Asl): { readonly nodes: readonly Node[]; readonly edges: readonly Edge[] } {
  const nodes: Node[] = [];
  const edges: Edge[] = [];
  const add = (from: string, to: string | undefined, kind: Edge['kind'] = 'next') => {
    if (to !== undefined && !edges.some((edge) => edge.from === from && edge.to === to && edge.kind === kind))
      edges.push({ from, to, kind });
  };
  const walk = (
    states: Asl['States'],
    inside?: { readonly name: string; readonly next?: string | undefined },
  ) => {
    for (const [name, state] of Object.entries(states)) {
      nodes.push({ ...state, name, ...(inside ? { inside: inside.name } : {}) });
      for (const { Next } of state.Choices ?? []) add(name, Next);
      for (const { Next } of state.Catch ?? []) add(name, Next, 'catch');
      add(name, state.Default);
      if (state.ItemProcessor) {
        add(name, state.ItemProcessor.StartAt);
        walk(state.ItemProcessor.States, { name, next: state.Next });
      } else add(name, state.Next ?? inside?.next);
    }
  };
  walk(States);
  return { nodes, edges };
}

/** What an execution did in a state, all visits together. */
interface Seen {
  readonly visits: number;
  readonly tries: number;
  readonly errors: readonly { readonly error: string; readonly cause: string }[];
  readonly open: boolean;
}

function seenOf(path: ExecutionPath | undefined): ReadonlyMap<string, Seen> {
  const seen = new Map<string, Seen>();
  for (const visit of path?.visits ?? []) {
    const before = seen.get(visit.state);
    seen.set(visit.state, {
      visits: (before?.visits ?? 0) + 1,
      tries: (before?.tries ?? 0) + visit.tries,
      errors: [...(before?.errors ?? []), ...visit.errors],
      open: visit.exitedAt === undefined,
    });
  }
  return seen;
}

/** Ways taken: from each state to the one entered after it. Inside a Map several go on at the same time. */
function takenOf(edges: readonly Edge[], path: ExecutionPath | undefined): ReadonlySet<Edge> {
  const taken = new Set<Edge>();
  const states = path?.visits.map(({ state }) => state) ?? [];
  states.forEach((to, index) => {
    const before = states.slice(0, index).reverse();
    const from = before.find((state) => edges.some((edge) => edge.from === state && edge.to === to));
    const ways = edges.filter((edge) => edge.from === from && edge.to === to);
    const failed = path?.visits.some(({ state, errors }) => state === from && errors.length > 0);
    const way = ways.find(({ kind }) => (kind === 'catch') === (failed && ways.length > 1)) ?? ways[0];
    if (way) taken.add(way);
  });
  return taken;
}

/** States that only an untaken catch leads to are left out. */
function reachable(start: string, edges: readonly Edge[]): ReadonlySet<string> {
  const found = new Set([start]);
  for (const state of found) for (const { from, to } of edges) if (from === state) found.add(to);
  return found;
}

const HEIGHT = 34;
const widthOf = (name: string): number => Math.round(name.length * 7.6) + 30;

/** `path` is absent for the machine on its own. */
export function drawStateMachine(asl: Asl, path: ExecutionPath | undefined, title: string): Markup {
  const { nodes, edges } = graphOf(asl);
  const seen = seenOf(path);
  const taken = takenOf(edges, path);
  const drawn = edges.filter((edge) => edge.kind === 'next' || taken.has(edge));
  const targets = reachable(asl.StartAt, drawn);
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: 26, ranksep: 30, marginx: 12, marginy: 12 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { name } of nodes) {
    if (targets.has(name)) graph.setNode(name, { width: widthOf(name), height: HEIGHT });
  }
  for (const { from, to } of drawn) if (targets.has(from)) graph.setEdge(from, to);
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  const lines = drawn.flatMap((edge) => {
    if (!targets.has(edge.from)) return [];
    const { points = [] } = graph.edge(edge.from, edge.to) as { points?: readonly Point[] };
    const way = taken.has(edge) ? 'taken' : 'not-taken';
    return markup`<path class="way ${way} ${edge.kind}" d="${curve(points)}" marker-end="url(#${edge.kind === 'catch' ? 'tip-catch' : way === 'taken' ? 'tip-taken' : 'tip'})"></path>`;
  });
  const boxes = nodes
    .filter(({ name }) => targets.has(name))
    .map((node) => box(node, graph.node(node.name) as Point, seen.get(node.name)));
  const tip = (id: string) =>
    markup`<marker id="${id}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="${id}" d="M0 0 8 4 0 8z"></path></marker>`;
  // Wider than the layout where a count stands next to the last box.
  return markup`<div class="scroll machine" role="region" tabindex="0" aria-label="${`State machine: ${title}`}"><svg class="asl" viewBox="0 0 ${Math.ceil(width) + 24} ${Math.ceil(height)}" width="${Math.ceil(width) + 24}" height="${Math.ceil(height)}" role="img" aria-label="${described(title, path)}"><defs>${tip('tip')}${tip('tip-taken')}${tip('tip-catch')}</defs>${lines}${boxes}</svg></div>`;
}

/** Straight pieces with rounded corners. */
export function curve(points: readonly Point[]): string {
  const at = ({ x, y }: Point) => `${Math.round(x)} ${Math.round(y)}`;
  const [first] = points;
  const bends = bendsOf(points);
  if (!first || bends.length === 0) return '';
  return `M${at(first)}${bends.map(({ control, end }) => `Q${at(control)} ${at(end)}`).join('')}`;
}

function box({ name, Type, Comment, inside }: Node, { x, y }: Point, seen: Seen | undefined): Markup {
  const width = widthOf(name);
  const state =
    seen === undefined ? 'not-entered' : seen.errors.length > 0 ? 'failed' : seen.open ? 'now' : 'entered';
  const tried = seen && seen.tries > seen.visits ? `${seen.tries} tries` : '';
  const visited = seen && seen.visits > 1 ? `×${seen.visits}` : '';
  const mark = [visited, tried].filter((text) => text !== '').join(' · ');
  const errors = seen?.errors.map(({ error, cause }) => `${error}: ${cause}`.slice(0, 200)) ?? [];
  const lines = [`${name} (${Type}${inside ? ` in ${inside}` : ''})`, Comment ?? '', mark, ...errors].filter(
    (text) => text !== '',
  );
  const shape =
    Type === 'Choice'
      ? markup`<path d="M${round(x - width / 2)} ${round(y)} l12 -${HEIGHT / 2} h${width - 24} l12 ${HEIGHT / 2} l-12 ${HEIGHT / 2} h-${width - 24}z"></path>`
      : markup`<rect x="${round(x - width / 2)}" y="${round(y - HEIGHT / 2)}" width="${width}" height="${HEIGHT}" rx="${Type === 'Succeed' || Type === 'Fail' ? HEIGHT / 2 : 6}"></rect>`;
  return markup`<g class="state ${state}${inside ? ' inside' : ''}"><title>${lines.join('\n')}</title>${shape}<text x="${round(x)}" y="${round(y + 4.5)}" text-anchor="middle">${name}</text>${mark === '' ? '' : markup`<text class="mark" x="${round(x + width / 2)}" y="${round(y - HEIGHT / 2 - 4)}" text-anchor="end">${mark}</text>`}</g>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

function described(title: string, path: ExecutionPath | undefined): Value & string {
  if (!path) return title;
  const visits = path.visits.map(({ state, errors }) => (errors.length > 0 ? `${state} with errors` : state));
  return `${title}: ${visits.join(', ')}`;
}

/**
 * The attack path as PNG: Slack shows no SVG. Drawn in JavaScript alone, and loaded only where a picture is drawn. Twice as fine as the
 * layout, for the screen of a phone.
 */
import { PNG } from 'pngjs';
import { type Bitmap, type Context, make } from 'pureimage';
import { type Bend, bendsOf, distance, type Point, stepsAlong } from '../core/curve.ts';
import {
  type AttackLayout,
  type DrawnBox,
  type DrawnLine,
  type DrawnWay,
  layoutAttack,
} from '../core/incident/attack-layout.ts';
import type { PathGraph } from '../core/incident/attack-path.ts';
import { pictureFont } from './font.ts';

/** Pixels to a unit of the layout, and the narrowest picture in units: a phone's width, so that Slack enlarges none. */
const FINE = 2;
const NARROWEST = 360;

/** As the console's page in its light theme (console/assets/style.css). */
const COLOURS = {
  ...{ ground: '#ffffff', text: '#1b1f27', note: '#545d6c', soft: '#eef0f4', line: '#aab2bf' },
  ...{ good: '#12682f', bad: '#a41b12', wait: '#7a4b00', badSoft: '#fde6e3', waitSoft: '#fdf0d2' },
} as const;
const WAYS: Readonly<Record<DrawnWay['state'], string>> = {
  ...{ cut: COLOURS.good, open: COLOURS.bad, past: COLOURS.note },
};
interface BoxColours {
  readonly ground: string;
  readonly edge: string;
}
const PLAIN: BoxColours = { ground: COLOURS.soft, edge: COLOURS.line };
const BOXES: Readonly<Record<DrawnBox['kind'], BoxColours>> = {
  attacker: { ground: COLOURS.badSoft, edge: COLOURS.bad },
  risk: { ground: COLOURS.waitSoft, edge: COLOURS.wait },
  ...{ means: PLAIN, resource: PLAIN, touched: PLAIN },
};
const ROUNDING = 6;
const CORNER_STEPS = 6;
const SIZES: Readonly<Record<DrawnLine['kind'] | 'label', number>> = { title: 12, name: 14, label: 13 };
/** Between the letters and the edge of their box. */
const PADDING = 6;

const DASH = 7;
const BETWEEN_DASHES = 5;
/** From the middle of a cut's cross to its ends; the way leaves it free. */
const CROSS = 8;
const TIP = { length: 10, half: 5 } as const;

/** Returns the picture's bytes. */
export function attackPicture(graph: PathGraph): Uint8Array {
  const layout = layoutAttack(graph, 'TB');
  const width = Math.max(layout.width, NARROWEST);
  const bitmap = make(width * FINE, layout.height * FINE);
  const left = (width - layout.width) / 2;
  fill(bitmap, COLOURS.ground, { x: 0, y: 0, width: bitmap.width, height: bitmap.height });
  for (const box of layout.boxes) fillBox(bitmap, { ...box, x: box.x + left });
  const canvas = bitmap.getContext('2d');
  canvas.scale(FINE, FINE);
  canvas.translate(left, 0);
  draw(canvas, layout);
  return encoded(bitmap);
}

function draw(canvas: Context, { boxes, ways }: AttackLayout): void {
  for (const way of ways) drawWay(canvas, way);
  for (const box of boxes) drawBox(canvas, box);
  for (const { label, labelAt, state } of ways)
    if (label !== '')
      write(canvas, label, { ...labelAt, size: SIZES.label, colour: WAYS[state], align: 'start' });
}

/** Half the size in a third of the time of what pngjs does unasked: it is made for photographs, and this is one colour over long stretches. */
const encoded = ({ width, height, data }: Bitmap): Uint8Array =>
  PNG.sync.write(Object.assign(new PNG({ width, height }), { data }), {
    ...{ filterType: 0, deflateStrategy: 0, deflateLevel: 6 },
  });

interface Area extends Point {
  readonly width: number;
  readonly height: number;
}
/** In whole pixels and rows at once: pureimage mixes the colours of every pixel, which took longer than all else. */
function fill({ data, width: line }: Bitmap, colour: string, { x, y, width, height }: Area): void {
  const pixel = Buffer.from(`${colour.slice(1)}ff`, 'hex');
  const row = Buffer.alloc(width * pixel.length, pixel);
  for (let at = y; at < y + height; at++) data.set(row, (at * line + x) * pixel.length);
}

/** Up to the edge that is drawn over it, and not into its corners. */
function fillBox(bitmap: Bitmap, { kind, x, y, width, height }: DrawnBox): void {
  const [edge, corner] = [0.5, ROUNDING / 3];
  for (const [across, down] of [
    [ROUNDING, edge],
    [corner, corner],
    [edge, ROUNDING],
  ] as const) {
    const [from, to] = [x + across, x + width - across].map((at) => Math.round(at * FINE));
    const [top, end] = [y + down, y + height - down].map((at) => Math.round(at * FINE));
    if (from === undefined || to === undefined || top === undefined || end === undefined) return;
    fill(bitmap, BOXES[kind].ground, { x: from, y: top, width: to - from, height: end - top });
  }
}

function drawBox(canvas: Context, box: DrawnBox): void {
  const { kind, width, lines } = box;
  stroke(canvas, outline(box), BOXES[kind].edge, kind === 'attacker' ? 2 : 1);
  for (const line of lines) {
    const colour = line.kind === 'title' ? COLOURS.note : COLOURS.text;
    const fits = { size: SIZES[line.kind], longest: width - 2 * PADDING };
    write(canvas, line.text, { x: line.x, y: line.y, ...fits, colour, align: 'center' });
  }
}

/** Round the box, from the middle of its upper edge; pureimage leaves free what a line crosses twice. */
function outline({ x, y, width, height }: DrawnBox): readonly Point[] {
  const [far, low] = [x + width - ROUNDING, y + height - ROUNDING];
  const corners = [
    { x: far, y: y + ROUNDING },
    { x: far, y: low },
    { x: x + ROUNDING, y: low },
    { x: x + ROUNDING, y: y + ROUNDING },
  ];
  const line = corners.flatMap((corner, index) =>
    Array.from({ length: CORNER_STEPS + 1 }, (_, step): Point => {
      const angle = ((index - 1 + step / CORNER_STEPS) * Math.PI) / 2;
      return { x: corner.x + ROUNDING * Math.cos(angle), y: corner.y + ROUNDING * Math.sin(angle) };
    }),
  );
  const middle = { x: x + width / 2, y };
  return [middle, ...line, middle];
}

interface Writing extends Point {
  readonly size: number;
  readonly colour: string;
  readonly align: 'start' | 'center';
  /** Wider letters than the layout counted with are written smaller. */
  readonly longest?: number;
}
function write(canvas: Context, text: string, { x, y, size, colour, align, longest }: Writing): void {
  const family = pictureFont();
  const sized = (given: number) => {
    canvas.font = `${given} ${family}`;
    return canvas.measureText(text).width;
  };
  for (let fitting = size; sized(fitting) > (longest ?? Number.POSITIVE_INFINITY) && fitting > 1; )
    fitting -= 1;
  canvas.fillStyle = colour;
  canvas.textAlign = align;
  canvas.fillText(text, x, y);
}

function drawWay(canvas: Context, { state, points, middle }: DrawnWay): void {
  const colour = WAYS[state];
  const line = stepsAlong(points);
  const last = line.at(-1);
  const before = bendsOf(points).at(-1);
  if (!last || !before) return;
  const head = tip(before);
  const isFree = (point: Point) =>
    distance(point, last) > TIP.length - 1 && (state !== 'cut' || distance(point, middle) > CROSS + 3);
  for (const piece of state === 'open' ? dashes(line) : [line])
    for (const run of runs(piece, isFree)) stroke(canvas, run, colour, 2);
  canvas.beginPath();
  for (const [index, { x, y }] of head.entries()) index === 0 ? canvas.moveTo(x, y) : canvas.lineTo(x, y);
  canvas.fillStyle = colour;
  canvas.fill();
  if (state !== 'cut') return;
  const { x, y } = middle;
  for (const side of [CROSS, -CROSS])
    stroke(
      canvas,
      [
        { x: x - CROSS, y: y - side },
        { x: x + CROSS, y: y + side },
      ],
      colour,
      4,
    );
}

function stroke(canvas: Context, line: readonly Point[], colour: string, width: number): void {
  canvas.strokeStyle = colour;
  canvas.lineWidth = width * FINE;
  canvas.beginPath();
  for (const [index, { x, y }] of line.entries()) index === 0 ? canvas.moveTo(x, y) : canvas.lineTo(x, y);
  canvas.stroke();
}

/** The arrow's head, its point at the end of the way. */
function tip({ control, end }: Bend): readonly Point[] {
  const long = distance(control, end) || 1;
  const along = { x: (end.x - control.x) / long, y: (end.y - control.y) / long };
  const side = (sign: number): Point => ({
    x: end.x - along.x * TIP.length - sign * along.y * TIP.half,
    y: end.y - along.y * TIP.length + sign * along.x * TIP.half,
  });
  return [end, side(1), side(-1)];
}

/** Divides a line into the pieces that are drawn of it. */
function dashes(line: readonly Point[]): readonly (readonly Point[])[] {
  let walked = 0;
  const isDrawn = line.map((point, index) => {
    walked += distance(line[index - 1] ?? point, point);
    return walked % (DASH + BETWEEN_DASHES) <= DASH;
  });
  return runs(line, (_point, index) => isDrawn[index] === true);
}

/** The pieces of a line whose points fulfil the condition; a single point is no piece. */
function runs(
  line: readonly Point[],
  holds: (point: Point, index: number) => boolean,
): readonly (readonly Point[])[] {
  const found: Point[][] = [[]];
  for (const [index, point] of line.entries()) {
    if (holds(point, index)) found.at(-1)?.push(point);
    else found.push([]);
  }
  return found.filter(({ length }) => length > 1);
}

/** The way of an edge through the points of its layout, as bends that SVG and a canvas draw alike. */
export interface Point {
  readonly x: number;
  readonly y: number;
}
/** A quadratic curve from where the last one ended. */
export interface Bend {
  readonly control: Point;
  readonly end: Point;
}

/** Returns the bends after the first point; none for fewer than two points. */
export function bendsOf(points: readonly Point[]): readonly Bend[] {
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (!first || !last) return [];
  if (rest.length === 1) return [{ control: first, end: last }];
  return rest.slice(0, -1).map((control, index) => {
    const after = rest[index + 1] ?? last;
    const end =
      index === rest.length - 2 ? after : { x: (control.x + after.x) / 2, y: (control.y + after.y) / 2 };
    return { control, end };
  });
}

export const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

/** Returns the drawn way in steps of about a unit. */
export function stepsAlong(points: readonly Point[]): readonly Point[] {
  const line = points.slice(0, 1);
  for (const { control, end } of bendsOf(points)) {
    const start = line.at(-1) ?? end;
    const count = Math.ceil(distance(start, control) + distance(control, end));
    for (let step = 1; step <= count; step++) {
      const t = step / count;
      const mix = (a: number, b: number, c: number) => (1 - t) ** 2 * a + 2 * (1 - t) * t * b + t ** 2 * c;
      line.push({ x: mix(start.x, control.x, end.x), y: mix(start.y, control.y, end.y) });
    }
  }
  return line;
}

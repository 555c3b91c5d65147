/** docs/architecture.svg: the rooms as they stand, an arrow from each room to what it imports. Drawn from the imports. */
import { readdirSync, readFileSync } from 'node:fs';
import { importsOf, LEVELS } from './imports.ts';

/** What each room is for, in a few words: the text of its box. */
const ROOMS: Readonly<Record<string, string>> = {
  core: 'AWS, table, finding, journal, policy',
  playbooks: 'read, plan, steps, verify',
  slack: 'cards, signatures',
  pipeline: 'what handlers share',
  functions: 'Lambda handlers',
  console: 'the review page',
  sandbox: 'AWS and Slack on one machine',
  cli: 'the firebreak command',
  deploy: 'roles, templates, docs',
  bench: 'measurements',
};

const WIDTH = 250;
const HEIGHT = 52;
const GAP = { x: 60, y: 34 };
const TOTAL = 2 * WIDTH + GAP.x + 80;

/** Rooms that a room imports, without those that it reaches through another one anyway. */
function arrows(): ReadonlyMap<string, readonly string[]> {
  const rooms = LEVELS.flat();
  const direct = new Map(rooms.map((room) => [room, usedBy(room)]));
  const reach = (room: string): ReadonlySet<string> =>
    new Set((direct.get(room) ?? []).flatMap((next) => [next, ...reach(next)]));
  return new Map(
    rooms.map((room) => {
      const used = direct.get(room) ?? [];
      return [room, used.filter((one) => !used.some((other) => other !== one && reach(other).has(one)))];
    }),
  );
}

function usedBy(room: string): readonly string[] {
  const files = readdirSync(room, { recursive: true, encoding: 'utf8' })
    .map((name) => `${room}/${name}`)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const used = files.flatMap((file) =>
    importsOf(file, readFileSync(file, 'utf8')).map(([, to]) => to.split('/')[0] ?? ''),
  );
  return [...new Set(used)].filter((other) => other !== room && LEVELS.flat().includes(other)).sort();
}

interface Place {
  readonly x: number;
  readonly y: number;
}

/** The top level stands at the top; rooms of one level stand side by side. */
function places(): ReadonlyMap<string, Place> {
  return new Map(
    LEVELS.flatMap((rooms, level) => {
      const width = rooms.length * WIDTH + (rooms.length - 1) * GAP.x;
      const y = 20 + (LEVELS.length - 1 - level) * (HEIGHT + GAP.y);
      return rooms.map(
        (room, index) => [room, { x: (TOTAL - width) / 2 + index * (WIDTH + GAP.x), y }] as const,
      );
    }),
  );
}

/** Returns the drawing as SVG, readable on a light and a dark page. */
export function architectureDrawing(): string {
  const at = places();
  const height = 40 + LEVELS.length * (HEIGHT + GAP.y) - GAP.y;
  const lines = [...arrows()].flatMap(([from, all]) =>
    all.flatMap((to) => {
      const [a, b] = [at.get(from), at.get(to)];
      if (!a || !b) return [];
      const [x1, y1, x2, y2] = [a.x + WIDTH / 2, a.y + HEIGHT, b.x + WIDTH / 2, b.y - 3];
      return [
        `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#667085" stroke-width="1.5" marker-end="url(#tip)"/>`,
      ];
    }),
  );
  const boxes = [...at].map(
    ([room, { x, y }]) =>
      `<g><rect x="${x}" y="${y}" width="${WIDTH}" height="${HEIGHT}" rx="8" fill="#f5f7fa" stroke="#344054"/>` +
      `<text x="${x + WIDTH / 2}" y="${y + 22}" text-anchor="middle" font-size="15" font-weight="600" fill="#101828">${room}/</text>` +
      `<text x="${x + WIDTH / 2}" y="${y + 40}" text-anchor="middle" font-size="12" fill="#475467">${ROOMS[room] ?? ''}</text></g>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${TOTAL} ${height}" width="${TOTAL}" height="${height}" font-family="system-ui, sans-serif" role="img" aria-label="Rooms of Firebreak; an arrow goes from a room to one that it imports, and always down">`,
    '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 10 5 0 10z" fill="#667085"/></marker></defs>',
    `<rect width="${TOTAL}" height="${height}" fill="#ffffff"/>`,
    ...lines,
    ...boxes,
    '</svg>',
    '',
  ].join('\n');
}

/** The picture as Slack gets it: decoded again, and looked at where a person looks. */
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { type Bitmap, decodePNGFromStream } from 'pureimage';
import { expect, it, vi } from 'vitest';
import { bendsOf, distance, stepsAlong } from '../core/curve.ts';
import { type DrawnWay, layoutAttack } from '../core/incident/attack-layout.ts';
import type { PathGraph, PathNode, PathWay } from '../core/incident/attack-path.ts';
import { text } from '../test/hostile.ts';
import { attackPicture } from './attack-picture.ts';

const node = (id: string, kind: PathNode['kind'], title: string, name: string): PathNode => ({
  ...{ id, kind, title, name },
});
const way = (from: string, to: string, state: PathWay['state'], label = ''): PathWay => ({
  ...{ from, to, state, label },
});
/** A session that was cut off from what it called, with a risk that stays. */
const ATTACK: PathGraph = {
  title: 'Attack path',
  nodes: [
    node('attacker', 'attacker', 'Example Hosting, Amsterdam, Netherlands', '198.51.100.77'),
    node('means', 'means', 'Access key', 'ASIAEXAMPLE0000ABCD'),
    node('target', 'resource', 'EC2 role session', 'web-1 (i-0abc…0009)'),
    node('touched', 'touched', 'Calls in CloudTrail', 'iam:CreateUser, s3:GetObject'),
    node('risk', 'risk', 'Still open', 'Connections through the NAT gateway may live on'),
  ],
  ways: [
    way('attacker', 'means', 'past'),
    way('means', 'target', 'past'),
    way('target', 'touched', 'cut', 'cut: revoke session'),
    way('target', 'risk', 'open', 'still open'),
  ],
};
const WHITE = '#ffffff';
const GOOD = '#12682f';
const BAD = '#a41b12';

async function decoded(graph: PathGraph): Promise<Bitmap> {
  const bytes = attackPicture(graph);
  return decodePNGFromStream(Readable.from([Buffer.from(bytes)]));
}

/** Looks at points of the layout in the picture of it. */
function eyeOf(bitmap: Bitmap, graph: PathGraph) {
  const { width } = layoutAttack(graph, 'TB');
  const left = (bitmap.width / 2 - width) / 2;
  return ({ x, y }: { readonly x: number; readonly y: number }): string => {
    const pixel = bitmap.getPixelRGBA(Math.round((x + left) * 2), Math.round(y * 2)) >>> 8;
    return `#${pixel.toString(16).padStart(6, '0')}`;
  };
}
const wayTo = (state: DrawnWay['state'], graph = ATTACK): DrawnWay => {
  const found = layoutAttack(graph, 'TB').ways.find((one) => one.state === state);
  if (!found) throw new Error(`no way is ${state}`);
  return found;
};

it('is as wide as a phone at least, small enough to upload at once, and not blank', async () => {
  const bytes = attackPicture(ATTACK);
  expect(Buffer.from(bytes).subarray(0, 8).toString('latin1')).toBe('\u0089PNG\r\n\u001a\n');
  expect(bytes.length).toBeLessThan(200_000);
  const { width, height, data } = await decoded(ATTACK);
  expect(width).toBeGreaterThanOrEqual(720);
  expect(width).toBeLessThanOrEqual(800);
  expect(height).toBe(layoutAttack(ATTACK, 'TB').height * 2);
  const dark = data.filter((value, index) => index % 4 === 0 && value < 100).length;
  expect(dark).toBeGreaterThan(5000);
});

it('shows the cut as a green cross in its place, and none where nothing is cut', async () => {
  const eye = eyeOf(await decoded(ATTACK), ATTACK);
  const { middle } = wayTo('cut');
  const around = [-5, 0, 5].flatMap((side) => [
    eye({ x: middle.x + side, y: middle.y + side }),
    eye({ x: middle.x + side, y: middle.y - side }),
  ]);
  expect(new Set(around)).toEqual(new Set([GOOD]));
  const open: PathGraph = {
    ...ATTACK,
    ways: ATTACK.ways.map((one) => (one.state === 'cut' ? { ...one, state: 'open' } : one)),
  };
  const { data } = await decoded(open);
  const green = data.filter(
    (value, index) =>
      index % 4 === 0 && value === 0x12 && data[index + 1] === 0x68 && data[index + 2] === 0x2f,
  );
  expect(green).toHaveLength(0);
});

it('dashes what is still open: red and white in turn, up to the arrow', async () => {
  const eye = eyeOf(await decoded(ATTACK), ATTACK);
  const { points } = wayTo('open');
  const end = bendsOf(points).at(-1)?.end ?? { x: 0, y: 0 };
  const seen = stepsAlong(points)
    .filter((point) => distance(point, end) > 14)
    .map(eye);
  const changes = seen.filter(
    (colour, index) => index > 0 && (colour === WHITE) !== (seen[index - 1] === WHITE),
  );
  expect(seen).toContain(BAD);
  expect(changes.length).toBeGreaterThanOrEqual(4);
});

it('draws whatever names others chose, and says nothing about it', async () => {
  const warned = vi.spyOn(console, 'warn');
  const said = vi.spyOn(console, 'log');
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 8, maxLength: 8 }), async (names) => {
      const [a = '', b = '', c = '', d = '', e = '', f = '', g = '', label = ''] = names;
      const hostile: PathGraph = {
        title: a,
        nodes: [
          ...[node('attacker', 'attacker', b, c), node('target', 'resource', d, e)],
          node('risk', 'risk', f, g),
        ],
        ways: [
          way('attacker', 'target', 'cut', label.slice(0, 60)),
          way('target', 'risk', 'open', 'still open'),
        ],
      };
      const { width } = layoutAttack(hostile, 'TB');
      expect((await decoded(hostile)).width).toBe(Math.max(width, 360) * 2);
    }),
    { numRuns: 8 },
  );
  expect([warned.mock.calls, said.mock.calls]).toEqual([[], []]);
});

/** Small charts as SVG, drawn by the server; each says the same in words, for those who do not see it. */
import type { SeverityLabel } from '../core/finding/finding.ts';
import { bucketMs, type Counts } from '../core/incident/list.ts';
import { duration } from '../core/words.ts';
import { count, SEVERITIES } from './format.ts';
import { type Markup, markup, type Value } from './markup.ts';

const WIDTH = 420;
const HEIGHT = 120;
const FOOT = 18;

/** Bars of incidents for each day or month, by severity; `times` are all of the period, also those without any. */
export function countsChart(counts: readonly Counts[], times: readonly string[]): Markup {
  const byTime = new Map(counts.map((one) => [one.time, one]));
  const totals = times.map((time) => byTime.get(time)?.total ?? 0);
  const most = Math.max(1, ...totals);
  const slot = WIDTH / times.length;
  const bar = Math.max(2, Math.min(28, slot - 3));
  const bars = times.map((time, index) => {
    const one = byTime.get(time);
    let top = HEIGHT;
    const parts = [...SEVERITIES].reverse().flatMap((label) => {
      const number = one?.by.severity[label] ?? 0;
      if (number === 0) return [];
      const height = Math.max(2, (number / most) * (HEIGHT - 14));
      top -= height;
      return [
        markup`<rect class="sev-${label}" x="${round(index * slot + (slot - bar) / 2)}" y="${round(top)}" width="${round(bar)}" height="${round(height)}"></rect>`,
      ];
    });
    return markup`<g>${parts}<title>${time}: ${describe(one)}</title></g>`;
  });
  const every = Math.ceil(times.length / 6);
  const labels = times.map((time, index) =>
    index % every === Math.floor(every / 2)
      ? markup`<text x="${round(index * slot + slot / 2)}" y="${HEIGHT + FOOT - 4}" text-anchor="middle">${timeLabel(time)}</text>`
      : '',
  );
  const total = totals.reduce((sum, one) => sum + one, 0);
  return markup`<figure class="chart"><svg viewBox="0 0 ${WIDTH} ${HEIGHT + FOOT}" role="img" aria-label="${`${count(total, 'incident')}, at most ${most} in one ${times[0]?.length === 7 ? 'month' : 'day'}`}">
<line class="axis" x1="0" x2="${WIDTH}" y1="${HEIGHT}" y2="${HEIGHT}"></line><text class="most" x="2" y="10">${most}</text>${bars}${labels}</svg>
<figcaption>${legend(sums(counts))}</figcaption></figure>`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** `27 Oct`, or `Oct` with its year where a year begins. */
function timeLabel(time: string): string {
  const [year, month, day] = time.split('-');
  const name = MONTHS[Number(month) - 1] ?? '';
  if (day !== undefined) return `${Number(day)} ${name}`;
  return month === '01' ? `${name} ${year}` : name;
}

const round = (value: number): number => Math.round(value * 10) / 10;
const describe = (one: Counts | undefined): string =>
  one === undefined || one.total === 0
    ? 'none'
    : SEVERITIES.flatMap((label) => {
        const number = one.by.severity[label];
        return number ? [`${number} ${label}`] : [];
      }).join(', ');

function sums(counts: readonly Counts[]): Readonly<Record<string, number>> {
  const all: Record<string, number> = {};
  for (const { by } of counts)
    for (const [label, number] of Object.entries(by.severity)) all[label] = (all[label] ?? 0) + number;
  return all;
}

const legend = (all: Readonly<Record<string, number>>): Value =>
  SEVERITIES.map(
    (label: SeverityLabel) =>
      markup`<span class="key"><svg width="10" height="10" aria-hidden="true"><rect class="sev-${label}" width="10" height="10" rx="2"></rect></svg> ${label} ${(all[label] ?? 0).toLocaleString('en-GB')}</span> `,
  );

export interface Took {
  /** How many were contained; the median and the slowest in milliseconds, to 5 %. */
  readonly number: number;
  readonly median: number;
  readonly slowest: number;
}

/** Buckets of durations of all these days together. */
export function tookBuckets(counts: readonly Counts[], how: 'auto' | 'asked'): ReadonlyMap<number, number> {
  const all = new Map<number, number>();
  for (const { took } of counts)
    for (const [bucket, number] of Object.entries(took[how]))
      all.set(Number(bucket), (all.get(Number(bucket)) ?? 0) + number);
  return all;
}

export function tookOf(buckets: ReadonlyMap<number, number>): Took | undefined {
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const number = sorted.reduce((sum, [, one]) => sum + one, 0);
  const last = sorted.at(-1);
  if (!last) return undefined;
  let seen = 0;
  const middle = sorted.find(([, one]) => {
    seen += one;
    return seen * 2 >= number;
  });
  return { number, median: bucketMs(middle?.[0] ?? last[0]), slowest: bucketMs(last[0]) };
}

/** Edges of the bars, in milliseconds, and what stands below them. */
const EDGES: readonly (readonly [number, string])[] = [
  [1000, '1 s'],
  [3000, '3 s'],
  [10_000, '10 s'],
  [30_000, '30 s'],
  [60_000, '1 min'],
  [120_000, '2 min'],
  [300_000, '5 min'],
  [900_000, '15 min'],
  [3_600_000, '1 h'],
  [14_400_000, '4 h'],
  [86_400_000, '1 d'],
];

/** How long from finding to proven containment: bars by time, what was contained automatically below what a person approved. */
export function tookChart(
  auto: ReadonlyMap<number, number>,
  asked: ReadonlyMap<number, number>,
  median: number,
): Markup {
  const place = (ms: number) => EDGES.filter(([edge]) => ms >= edge).length;
  const bars = Array.from({ length: EDGES.length + 1 }, () => ({ auto: 0, asked: 0 }));
  for (const [how, buckets] of [
    ['auto', auto],
    ['asked', asked],
  ] as const) {
    for (const [bucket, number] of buckets) {
      const bar = bars[place(bucketMs(bucket))];
      if (bar) bar[how] += number;
    }
  }
  const most = Math.max(1, ...bars.map((bar) => bar.auto + bar.asked));
  const slot = WIDTH / bars.length;
  const drawn = bars.map((bar, index) => {
    const heights = [bar.auto, bar.asked].map((number) =>
      number === 0 ? 0 : Math.max(2, (number / most) * (HEIGHT - 20)),
    );
    const [first = 0, second = 0] = heights;
    const [low, high] = [EDGES[index - 1]?.[1], EDGES[index]?.[1]];
    const range =
      low === undefined ? `under ${high}` : high === undefined ? `over ${low}` : `${low} to ${high}`;
    return markup`<g><rect class="took-auto" x="${round(index * slot + 2)}" y="${round(HEIGHT - first)}" width="${round(slot - 4)}" height="${round(first)}"></rect><rect class="took-asked" x="${round(index * slot + 2)}" y="${round(HEIGHT - first - second)}" width="${round(slot - 4)}" height="${round(second)}"></rect><title>${range}: ${bar.auto} at once, ${bar.asked} after a person approved</title></g>`;
  });
  const labels = EDGES.map(([, text], index) =>
    index % 3 === 0
      ? markup`<text x="${round((index + 1) * slot)}" y="${HEIGHT + FOOT - 4}" text-anchor="middle">${text}</text>`
      : '',
  );
  const at = (place(median) + 0.5) * slot;
  const total = bars.reduce((sum, bar) => sum + bar.auto + bar.asked, 0);
  return markup`<figure class="chart"><svg viewBox="0 0 ${WIDTH} ${HEIGHT + FOOT}" role="img" aria-label="${`${count(total, 'containment')} by how long they took; half took at most ${duration(median)}`}">
<line class="axis" x1="0" x2="${WIDTH}" y1="${HEIGHT}" y2="${HEIGHT}"></line>${drawn}${labels}<line class="median" x1="${round(at)}" x2="${round(at)}" y1="4" y2="${HEIGHT}"></line></svg>
<figcaption><span class="key"><svg width="10" height="10" aria-hidden="true"><rect class="took-auto" width="10" height="10" rx="2"></rect></svg> at once</span> <span class="key"><svg width="10" height="10" aria-hidden="true"><rect class="took-asked" width="10" height="10" rx="2"></rect></svg> after a person approved</span> <span class="key"><svg width="10" height="10" aria-hidden="true"><line class="median" x1="5" x2="5" y1="0" y2="10"></line></svg> median</span></figcaption></figure>`;
}

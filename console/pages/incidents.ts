/** The list: what is under way first, how many over time, how long containment takes, and every incident by key. */

import type { Incident } from '../../core/incident/incident.ts';
import {
  type Counts,
  FACETS,
  type Facet,
  type IncidentFilter,
  type IncidentPage,
  type IncidentRow,
  tookMs,
} from '../../core/incident/list.ts';
import { isListed, LISTED, listedTone, listedWords } from '../../core/incident/status.ts';
import type { ModeState } from '../../core/table/mode.ts';
import { duration } from '../../core/words.ts';
import { countsChart, tookBuckets, tookChart, tookOf } from '../charts.ts';
import { count, SEVERITIES, severityBadge, shortArn, statusBadge, time } from '../format.ts';
import type { Page } from '../layout.ts';
import { breakable, Markup, type Markup as MarkupType, markup, type Value } from '../markup.ts';
import type { LostExecution, ReviewSource } from '../source.ts';
import { waitingLine } from './answer.ts';

const PAGE = 50;
const DAY_MS = 86_400_000;

/** How far back a page looks. A long time is counted by the month. */
const PERIODS = [
  { id: '7d', label: '7 days', days: 7, unit: 'day' },
  { id: '30d', label: '30 days', days: 30, unit: 'day' },
  { id: '90d', label: '90 days', days: 90, unit: 'day' },
  { id: '12m', label: '12 months', days: 365, unit: 'month' },
] as const;
type Period = (typeof PERIODS)[number];

/** What the address asks for. Whatever is no filter of ours is left out. */
interface Asked {
  readonly period: Period;
  /** Last day of the period, `2026-11-25`; today without it. */
  readonly until: string | undefined;
  readonly filter: IncidentFilter;
  readonly cursor: string | undefined;
}

function askedOf(query: URLSearchParams): Asked {
  const given = (name: string) => {
    const value = query.get(name)?.trim() ?? '';
    return value === '' ? undefined : value.slice(0, 200);
  };
  const until = given('until');
  const filter: { -readonly [K in keyof IncidentFilter]: IncidentFilter[K] } = {};
  for (const facet of FACETS) {
    const value = given(facet);
    if (value !== undefined) filter[facet] = value;
  }
  const text = given('q');
  if (text !== undefined) filter.text = text;
  const cursor = given('before');
  return {
    period: PERIODS.find(({ id }) => id === query.get('period')) ?? PERIODS[1],
    until: until && /^\d{4}-\d\d-\d\d$/.test(until) && !Number.isNaN(Date.parse(until)) ? until : undefined,
    filter,
    cursor: cursor && /^\d{4}-\d\d-\d\dT[\d:.]+Z#fb-[0-9a-f]{12}$/.test(cursor) ? cursor : undefined,
  };
}

/** Reads and writes the page for what the address asks. */
export async function incidentsPage(source: ReviewSource, query: URLSearchParams, now: Date): Promise<Page> {
  const asked = askedOf(query);
  const { period, filter, cursor } = asked;
  const end = asked.until === undefined ? now : new Date(`${asked.until}T23:59:59.999Z`);
  const times = timesOf(period, end);
  const [from, to] = [`${firstDay(times[0] ?? '')}T00:00:00.000Z`, end.toISOString()];
  const counting = source.counts(from, to, period.unit);
  // Which index has the fewest rows can only be chosen where several are asked for.
  const several = Object.keys(filter).length > 1;
  const all = cursor === undefined && Object.keys(filter).length === 0;
  const [mode, counts, page, slowest, failures, waiting] = await Promise.all([
    source.mode(),
    counting,
    (several ? counting : Promise.resolve([])).then((known) =>
      source.incidents({ from, to, limit: PAGE, filter, counts: known, ...(cursor ? { cursor } : {}) }),
    ),
    source.slowest({ from, to, limit: 3 }),
    all ? source.failures() : [],
    all ? source.waiting() : [],
  ]);
  const filtered = Object.keys(filter).length > 0;
  return {
    title: 'Incidents',
    live: true,
    wide: true,
    main: markup`<div class="headline"><h1>Incidents</h1>${periods(asked, times, now)}</div>
${observing(mode)}${lost(failures)}
${waits(waiting)}
${summary(counts, asked)}
<div class="desk"><section aria-labelledby="list"><h2 id="list" class="sr">List</h2>${filters(asked, counts)}
${list(page.items, filtered)}${more(page, asked)}</section>
<aside class="charts" aria-label="Trends"><section class="panel" aria-labelledby="over-time"><h2 id="over-time">Over time</h2>${countsChart(counts, times)}</section>
<section class="panel" aria-labelledby="took"><h2 id="took">From finding to containment</h2>${took(counts, slowest)}</section></aside></div>`,
  };
}

function timesOf({ days, unit }: Period, end: Date): readonly string[] {
  if (unit === 'month') {
    return Array.from({ length: 12 }, (_, index) =>
      new Date(Date.UTC(end.getUTCFullYear(), end.getUTCMonth() - 11 + index, 1)).toISOString().slice(0, 7),
    );
  }
  return Array.from({ length: days }, (_, index) =>
    new Date(end.getTime() - (days - 1 - index) * DAY_MS).toISOString().slice(0, 10),
  );
}
const firstDay = (timeName: string): string => (timeName.length === 7 ? `${timeName}-01` : timeName);

/** The address of this list with some of it changed. */
function addressOf(asked: Asked, change: Readonly<Record<string, string | undefined>>): string {
  const { period, until, filter } = asked;
  const all: Record<string, string | undefined> = {
    ...(period.id === '30d' ? {} : { period: period.id }),
    until,
    ...Object.fromEntries(FACETS.map((facet) => [facet, filter[facet]])),
    q: filter.text,
    ...change,
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(all)) if (value !== undefined) query.set(name, value);
  return query.size > 0 ? `/?${query}` : '/';
}

function periods(asked: Asked, times: readonly string[], now: Date): MarkupType {
  const links = PERIODS.map(
    ({ id, label }) =>
      markup`<li><a href="${addressOf(asked, { period: id === '30d' ? undefined : id })}"${id === asked.period.id ? new Markup(' aria-current="true"') : ''}>${label}</a></li>`,
  );
  const first = Date.parse(firstDay(times[0] ?? ''));
  const earlier = new Date(first - DAY_MS).toISOString().slice(0, 10);
  const end = asked.until === undefined ? now.getTime() : Date.parse(asked.until);
  const later = new Date(end + asked.period.days * DAY_MS);
  return markup`<nav class="periods" aria-label="Period"><ul>${links}</ul><span class="range"><a href="${addressOf(asked, { until: earlier })}" rel="prev" aria-label="Earlier">←</a> ${times[0]} to ${times.at(-1)}${
    asked.until === undefined
      ? ''
      : markup` <a href="${addressOf(asked, { until: later > now ? undefined : later.toISOString().slice(0, 10) })}" rel="next" aria-label="Later">→</a>`
  }</span></nav>`;
}

/** Open approvals, the nearest deadline first: what is asked comes before what happened. */
function waits(waiting: readonly Incident[]): Value {
  if (waiting.length === 0) return '';
  return markup`<section class="panel waiting" aria-labelledby="waiting"><h2 id="waiting">Awaiting approval: ${waiting.length}</h2><ul class="plain">${waiting.map(waitingLine)}</ul></section>`;
}

/** Executions that failed: some of them never got as far as an incident. */
function lost(failures: readonly LostExecution[]): Value {
  if (failures.length === 0) return '';
  const lines = failures.map(
    ({ at, name, error }) => markup`<li>${time(at)} <strong>${error}</strong> <code>${name}</code></li>`,
  );
  return markup`<details class="alert" data-keep="failures"><summary>${count(failures.length, 'execution')} of the response workflow failed lately</summary><ul>${lines}</ul></details>`;
}

const summed = (counts: readonly Counts[], facet: Facet): ReadonlyMap<string, number> => {
  const sums = new Map<string, number>();
  for (const { by } of counts)
    for (const [value, number] of Object.entries(by[facet])) sums.set(value, (sums.get(value) ?? 0) + number);
  return sums;
};

/** What needs someone first; each number is the filter that shows it. */
function summary(counts: readonly Counts[], asked: Asked): MarkupType {
  const byStatus = summed(counts, 'status');
  const total = counts.reduce((sum, { total: number }) => sum + number, 0);
  const tiles = LISTED.flatMap((status) => {
    const number = byStatus.get(status) ?? 0;
    if (number === 0 && !['awaiting-approval', 'contained'].includes(status)) return [];
    const current = asked.filter.status === status;
    return [
      markup`<li><a class="tile ${listedTone(status)}" href="${addressOf(asked, { status: current ? undefined : status })}"${current ? new Markup(' aria-current="true"') : ''}><span class="big">${number.toLocaleString('en-GB')}</span> <span>${listedWords(status)}</span></a></li>`,
    ];
  });
  return markup`<nav aria-label="By status"><ul class="tiles"><li><a class="tile" href="${addressOf(asked, { status: undefined })}"><span class="big">${total.toLocaleString('en-GB')}</span> <span>in all</span></a></li>${tiles}</ul></nav>`;
}

function took(counts: readonly Counts[], slowest: readonly IncidentRow[]): MarkupType {
  const [auto, asked] = [tookBuckets(counts, 'auto'), tookBuckets(counts, 'asked')];
  const both = new Map(auto);
  for (const [bucket, number] of asked) both.set(bucket, (both.get(bucket) ?? 0) + number);
  const all = tookOf(both);
  // Buckets know a duration to 5 %; what is known exactly bounds it.
  const [longest] = slowest;
  const most = (longest ? tookMs(longest) : undefined) ?? Number.POSITIVE_INFINITY;
  const exact = all?.number === 1 ? most : undefined;
  if (!all) return markup`<p class="note">Nothing was contained in this time.</p>`;
  const part = (words: string, buckets: ReadonlyMap<number, number>) => {
    const one = tookOf(buckets);
    return one
      ? markup`<div><dt>${words}</dt><dd>${duration(exact ?? Math.min(one.median, most))} <span class="note">of ${count(one.number, 'containment')}</span></dd></div>`
      : '';
  };
  const slow = slowest.map(
    (row) =>
      markup`<li><a href="/incident/${row.id}">${duration(tookMs(row) ?? 0)}</a> ${breakable(row.type)}${row.asked ? markup` <span class="note">a person was asked</span>` : ''}</li>`,
  );
  return markup`${tookChart(auto, asked, exact ?? Math.min(all.median, most))}<dl class="facts">${part('Median', both)}${asked.size > 0 && auto.size > 0 ? [part('at once', auto), part('when asked', asked)] : ''}</dl>
<h3>Slowest</h3><ol class="plain">${slow}</ol>`;
}

const FACET_LABELS: Readonly<Record<Facet, string>> = {
  status: 'Status',
  severity: 'Severity',
  account: 'Account',
  region: 'Region',
  family: 'Family',
};

function filters(asked: Asked, counts: readonly Counts[]): MarkupType {
  const { filter, period, until } = asked;
  const select = (facet: Facet) => {
    const sums = summed(counts, facet);
    const given = filter[facet];
    const names = [...new Set([...sums.keys(), ...(given === undefined ? [] : [given])])];
    const order: readonly string[] =
      facet === 'status' ? LISTED : facet === 'severity' ? SEVERITIES : [...names].sort();
    const options = order
      .filter((value) => names.includes(value))
      .map(
        (value) =>
          markup`<option value="${value}"${value === given ? new Markup(' selected') : ''}>${facet === 'status' && isListed(value) ? listedWords(value) : value} (${sums.get(value) ?? 0})</option>`,
      );
    return markup`<label>${FACET_LABELS[facet]} <select name="${facet}"><option value="">any</option>${options}</select></label>`;
  };
  const keep = [
    ...(period.id === '30d' ? [] : [['period', period.id] as const]),
    ...(until === undefined ? [] : [['until', until] as const]),
  ].map(([name, value]) => markup`<input type="hidden" name="${name}" value="${value}">`);
  const clear =
    Object.keys(filter).length > 0
      ? markup`<a class="button" href="${addressOf({ ...asked, filter: {} }, {})}">Clear</a>`
      : '';
  return markup`<form class="filters" method="get" action="/" role="search" aria-label="Filter incidents" data-auto>${keep}<label class="grow">Text <input id="search" type="search" name="q" value="${filter.text ?? ''}" placeholder="id, type, resource" maxlength="200" autocomplete="off"></label>${FACETS.map(select)}<button>Filter</button>${clear}</form>`;
}

function list(rows: readonly IncidentRow[], filtered: boolean): MarkupType {
  if (rows.length === 0) {
    return markup`<p class="empty">${filtered ? 'No incident of this time fits the filter.' : 'No incident in this time.'}</p>`;
  }
  const lines = rows.map((row) => {
    const ms = tookMs(row);
    return markup`<tr><td class="sev">${severityBadge(row.label, row.severity)}</td><td class="what"><a class="row" id="row-${row.id}" href="/incident/${row.id}">${breakable(row.type)}</a>${row.sample ? markup` <span class="badge calm">sample</span>` : ''}${row.followUpOf ? markup` <span class="badge calm">follow-up</span>` : ''}<span class="target" title="${row.display ?? ''}">${breakable(shortArn(row.display ?? 'no resource named'))}</span></td><td class="state">${statusBadge(row.status)}${ms === undefined ? '' : markup`<span class="note">after ${duration(ms)}</span>`}</td><td class="where"><span>${row.account}</span><span class="note">${row.region}</span></td><td class="when">${time(row.createdAt)}<span class="note">${row.id}</span></td></tr>`;
  });
  return markup`<table class="list"><thead><tr><th scope="col">Severity</th><th scope="col">Finding and resource</th><th scope="col">Status</th><th scope="col">Account</th><th scope="col">Opened (UTC)</th></tr></thead><tbody>${lines}</tbody></table>`;
}

function more(page: IncidentPage, asked: Asked): Value {
  const { cursor, cut, examined } = page;
  const newest = asked.cursor === undefined ? '' : markup`<a href="${addressOf(asked, {})}">Newest</a>`;
  if (cursor === undefined) return asked.cursor === undefined ? '' : markup`<p class="pager">${newest}</p>`;
  const older = addressOf(asked, { before: cursor });
  return cut
    ? markup`<p class="pager">${newest} Looked through ${examined.toLocaleString('en-GB')} incidents, back to ${time(cursor)}. <a href="${older}" rel="next">Look further back</a></p>`
    : markup`<p class="pager">${newest} <a href="${older}" rel="next">Older</a></p>`;
}

/** A stack that only observes must not be taken for one that contains. */
function observing(state: ModeState | undefined): Value {
  if (state?.mode !== 'observe') return '';
  const last = state.changes.at(-1);
  const since = last ? markup` since ${time(last.at)} by ${last.by}` : markup` (as policy.yml starts it)`;
  return markup`<p class="alert"><strong>Observe mode</strong>${since}: Firebreak decides and notifies, and changes nothing. Two people switch it: <code>firebreak mode enforce</code>.</p>`;
}

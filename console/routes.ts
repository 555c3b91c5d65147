/** What the console answers at which address. */
import type { Incident } from '../core/incident/incident.ts';
import { incidentJson, postMortem } from './export.ts';
import { type Answer, download, plain, redirect, same } from './http.ts';
import { CSRF_FIELD, documentOf, type Page } from './layout.ts';
import { markup } from './markup.ts';
import { answerPage, asksHere, questionMark } from './pages/answer.ts';
import { coveragePage } from './pages/coverage.ts';
import { incidentPage, type Machines } from './pages/incident.ts';
import { incidentsPage } from './pages/incidents.ts';
import { checkPolicy, policyPage, problems } from './pages/policy.ts';
import { undoPage } from './pages/undo.ts';
import type { ReviewSource } from './source.ts';

/** A page that someone else brings along: the Slack twin's channel in the sandbox. Live and protected as the others are. */
export interface ExtraPage {
  /** `/slack`; what is below it is the page's own as well. */
  readonly path: string;
  /** In the navigation. */
  readonly label: string;
  /** `undefined` where there is no such page. `csrf` goes into every form, as the field `CSRF_FIELD`. */
  get(url: URL, csrf: string): Promise<Page | undefined>;
  /** A form of this page, proven to be one; gives the address to go to next, `undefined` for one it does not know. */
  post(path: string, form: URLSearchParams): Promise<string | undefined>;
  /** Returns a style, script or image that it names. */
  file?(path: string): NamedFile | undefined;
}

interface NamedFile {
  readonly type: string;
  readonly body: string | Uint8Array;
}
export type Files = Readonly<Record<string, NamedFile>>;

/** What every answer is made from. */
export interface Site {
  readonly source: ReviewSource;
  readonly extras: readonly ExtraPage[];
  readonly files: Files;
  readonly machines: Machines;
  /** Goes into every form, and must come back with it. */
  readonly csrf: string;
  readonly now: () => Date;
}

const INCIDENT = /^\/incident\/(fb-[0-9a-f]{12})(\/undo|\/answer|\/post-mortem\.md|\/incident\.json)?$/;

function show(site: Site, page: Page, path: string, status = 200): Answer {
  const nav = [
    { path: '/', label: 'Incidents' },
    ...site.extras.map(({ path, label }) => ({ path, label })),
    { path: '/coverage', label: 'Coverage' },
    { path: '/policy', label: 'Policy' },
  ];
  return { status, type: 'text/html', body: documentOf(page, { place: site.source.place, nav, path }) };
}

const extraOf = ({ extras }: Site, path: string) =>
  extras.find((extra) => path === extra.path || path.startsWith(`${extra.path}/`));

/** Answers GET. */
export async function getPage(site: Site, url: URL): Promise<Answer> {
  const { source, files, csrf, now } = site;
  const { pathname, searchParams } = url;
  const file = files[pathname] ?? extraOf(site, pathname)?.file?.(pathname);
  if (file) return { status: 200, ...file };
  switch (pathname) {
    case '/':
      return show(site, await incidentsPage(source, searchParams, now()), pathname);
    case '/coverage':
      return show(site, await coveragePage(source, searchParams), pathname);
    case '/policy':
      return show(site, await policyPage({ source, csrf, now: now(), tried: false }), pathname);
  }
  const page = await extraOf(site, pathname)?.get(url, csrf);
  if (page) return show(site, page, pathname);
  return (await incidentAnswer(site, pathname)) ?? show(site, notFound(), pathname, 404);
}

/** A page or a download of one incident; undefined where there is no such incident or page. */
async function incidentAnswer(site: Site, pathname: string): Promise<Answer | undefined> {
  const { source, machines, csrf } = site;
  const [, id, part] = INCIDENT.exec(pathname) ?? [];
  if (id === undefined) return undefined;
  if (part === '/undo') {
    const incident = await source.find(id);
    if (!incident) return undefined;
    const undo = await source.undoView(incident);
    return show(site, undoPage({ incident, undo, people: source.people, csrf }), pathname);
  }
  if (part === '/answer') {
    const incident = await source.find(id);
    return incident && show(site, await answering(site, incident), pathname);
  }
  const review = await source.review(id);
  if (!review) return undefined;
  if (part === '/post-mortem.md')
    return download('text/markdown', `${id}-post-mortem.md`, postMortem(review));
  if (part === '/incident.json') return download('application/json', `${id}.json`, incidentJson(review));
  const approvers = asksHere(review.incident) ? await source.approvers(review.incident) : undefined;
  return show(site, incidentPage(review, machines, source.command, approvers), pathname);
}

/** Answers a form. One that this console did not hand out is refused. */
export async function postForm(site: Site, path: string, form: URLSearchParams): Promise<Answer> {
  const { source, csrf, now } = site;
  if (!same(form.get(CSRF_FIELD) ?? '', csrf)) return plain(403, 'not from this page');
  // Browsers send lines with CRLF.
  const text = (form.get('text') ?? '').replaceAll('\r\n', '\n');
  if (path === '/policy/check')
    return { status: 200, type: 'text/html', body: markup`${problems(checkPolicy(text))}`.text };
  if (path === '/policy')
    return show(site, await policyPage({ source, csrf, now: now(), draft: text, tried: true }), path);
  const extra = extraOf(site, path);
  if (extra) {
    const next = await extra.post(path, form);
    return next === undefined ? plain(400, 'no button was pressed') : redirect(next);
  }
  return INCIDENT.exec(path)?.[2] === '/answer' ? postAnswer(site, path, form) : postUndo(site, path, form);
}

const answering = async ({ source, csrf }: Site, incident: Incident, notice?: string): Promise<Page> =>
  answerPage({
    ...{ incident, csrf, notice, people: source.people, command: source.command },
    approvers: await source.approvers(incident),
  });

/** Hands an answer over to the caller's own door, where it is judged; an answer to another question than was shown is not. */
async function postAnswer(site: Site, path: string, form: URLSearchParams): Promise<Answer> {
  const { source } = site;
  const incident = await source.find(INCIDENT.exec(path)?.[1] ?? '');
  if (!incident) return plain(404, 'there is no such incident');
  const person = source.people.find((one) => one.id === form.get('as'));
  if (!person) return plain(400, 'choose who acts');
  const outcome = form.get('outcome');
  if (outcome !== 'approved' && outcome !== 'denied') return plain(400, 'no button was pressed');
  const refuse = async (why: string) => show(site, await answering(site, incident, why), path, 409);
  if (!asksHere(incident)) return refuse('No approval is requested for this incident now.');
  if (!same(form.get('question') ?? '', questionMark(incident)))
    return refuse('The question has changed since this page was opened: read it again.');
  if ((await source.approvers(incident)).mapped.kind === 'unmapped')
    return refuse('policy.yml does not map you to an approver.');
  const reason = form.get('reason')?.trim().slice(0, 1000) ?? '';
  if (outcome === 'denied' && reason === '') return refuse('Say why: the next person reads it.');
  const said = await source.answer(incident, person.id, { outcome, ...(reason === '' ? {} : { reason }) });
  const after = (await source.find(incident.id)) ?? incident;
  if (!said.counted) return show(site, await answering(site, after, said.text), path, 409);
  return asksHere(after)
    ? show(site, await answering(site, after, said.text), path)
    : redirect(`/incident/${incident.id}`);
}

async function postUndo(site: Site, path: string, form: URLSearchParams): Promise<Answer> {
  const { source, csrf } = site;
  const [, id, part] = INCIDENT.exec(path) ?? [];
  if (id === undefined || part !== '/undo') return plain(404, 'there is no such page');
  const incident = await source.find(id);
  if (!incident) return plain(404, 'there is no such incident');
  const person = source.people.find((one) => one.id === form.get('as'));
  if (!person) return plain(400, 'choose who acts');
  const start = await source.undo(incident, person.id);
  if (start.kind === 'refused') {
    const undo = await source.undoView(incident);
    const notice = start.why;
    return show(site, undoPage({ incident, undo, people: source.people, csrf, notice }), path, 409);
  }
  return redirect(`/incident/${id}#workflow`);
}

/** The answer where a page cannot be read: AWS's own words name what is missing, a right, a Region, a table. */
export const broken = (site: Site, why: string): Answer => show(site, brokenPage(why), '', 500);

const notFound = (): Page => ({
  title: 'No such page',
  live: false,
  main: markup`<h1>There is no such page</h1><p>The incident may be of another stack or Region. <a href="/">All incidents</a></p>`,
});
const brokenPage = (why: string): Page => ({
  title: 'Not read',
  live: false,
  main: markup`<h1>This could not be read</h1><p class="alert">${why}</p><p><a href="/">All incidents</a></p>`,
});
